package fieldsync

import (
	"crypto/ed25519"
	"encoding/base64"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The examples of docs/protocol.md are read by the real decoders, and every
// code and reason of this package is on that page.
func TestProtocolPageIsTrue(t *testing.T) {
	b, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	examples := regexp.MustCompile("(?s)```json (\\w+)\n(.*?)\n```").FindAllStringSubmatch(page, -1)
	if len(examples) < 7 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, e := range examples {
		switch kind, raw := e[1], []byte(e[2]); kind {
		case "change":
			_, err = DecodeChange(raw)
		case "push":
			err = checkPushExample(raw)
		case "line":
			_, err = DecodeLine(raw)
		default:
			t.Errorf("an example of unknown kind %s", kind)
		}
		if err != nil {
			t.Errorf("an example is refused: %v\n%s", err, e[2])
		}
	}
	for _, code := range constantsIn(t, "limits.go", "Code", "Held") {
		if !strings.Contains(page, "`"+code+"`") {
			t.Errorf("%s is not on the page", code)
		}
	}
}

type wrongExample string

func (w wrongExample) Error() string { return string(w) }

// checkPushExample takes the push of the page as a hub would.
func checkPushExample(raw []byte) error {
	p, err := DecodePush(raw)
	if err != nil {
		return err
	}
	numbers, err := p.Numbers()
	if err != nil {
		return err
	}
	var link Link
	for _, c := range p.Changes {
		if _, err := DecodeChange(c); err != nil {
			return err
		}
		link = NextLink(link, c)
	}
	key, err := base64.RawURLEncoding.DecodeString("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")
	if err != nil {
		return err
	}
	if link.String() != p.Link || !Verify(ed25519.PublicKey(key), p.Replica, numbers[len(numbers)-1], link, p.Signature) {
		return wrongExample("the chain or the signature does not fit")
	}
	return nil
}

// constantsIn returns the texts of a file's constants whose names begin so.
func constantsIn(t *testing.T, path string, prefixes ...string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, p := range prefixes {
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !strings.HasPrefix(v.Names[0].Name, p) || !ok || lit.Kind != token.STRING {
				continue
			}
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return true
	})
	if len(out) < 10 {
		t.Fatalf("only %d constants found in %s", len(out), path)
	}
	return out
}
