package hooks

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
)

// Bounds of what is verified for anybody.
const (
	verifyBytesMax = 12 << 20
	wordsBytesMax  = 200
	standingPath   = "/api/portolan/papers/standing"
	standingWait   = 5 * time.Second
	standingMax    = 1 << 10
)

var errVerifyForm = &care.Error{Code: "verify_form", Kind: care.Invalid, Hint: "Send one file of at most 12 MB and, for a picture, the words."}

// Verify says whether a file, or the code in a picture, is as a trusted hub
// signed it, and nothing else. A picture needs the words of its holder. Whether
// it was taken back since is asked of the hub that made it, where that is this
// one or can be reached.
func Verify(ctx context.Context, hub *collections.Hub, b []byte, words string) (capsule.Verdict, error) {
	hubs, keys, err := believed(ctx, hub)
	if err != nil {
		return "", err
	}
	verdict, by, paper := judged(b, words, keys)
	if verdict != capsule.Valid {
		return verdict, nil
	}
	for i, key := range keys {
		if !key.Equal(by) {
			continue
		}
		withdrawn := false
		if i == 0 { // this hub's own
			withdrawn, err = hub.PaperWithdrawn(ctx, paper)
		} else if hubs[i].Address != "" {
			withdrawn = askStanding(ctx, hubs[i].Address, paper)
		}
		if withdrawn {
			verdict = capsule.Withdrawn
		}
	}
	return verdict, err
}

// judged is the verdict without asking anybody. What cannot be read, or does
// not open, is unknown.
func judged(b []byte, words string, keys []ed25519.PublicKey) (capsule.Verdict, ed25519.PublicKey, capsule.Paper) {
	if capsule.IsFile(b) {
		return capsule.JudgeFile(b, keys)
	}
	text := string(b)
	if !capsule.Is(text) {
		found, err := capsule.ReadPicture(bytes.NewReader(b))
		if err != nil {
			return capsule.Unknown, nil, capsule.Paper{}
		}
		text = found
	}
	opened, err := capsule.Open(text, words)
	if err != nil {
		return capsule.Unknown, nil, capsule.Paper{}
	}
	verdict, by := opened.Judge(keys)
	return verdict, by, opened.Record.Paper
}

// askStanding asks another hub whether it took a paper back. A hub that does not
// answer leaves it at what the signature says.
func askStanding(ctx context.Context, address string, paper capsule.Paper) bool {
	ctx, cancel := context.WithTimeout(ctx, standingWait)
	defer cancel()
	body := `{"paper":"` + hex.EncodeToString(paper[:]) + `"}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(address, "/")+standingPath, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var said struct {
		Withdrawn bool `json:"withdrawn"`
	}
	return answer.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(answer.Body, standingMax)).Decode(&said) == nil && said.Withdrawn
}

// standing tells whoever has the number of a paper, which stands in its code and
// its file alone, whether it was taken back. Of a number that there is none of
// it says the same as of one that stands.
func (f *Front) standing(e *core.RequestEvent, _ care.Actor) error {
	var in struct {
		Paper string `json:"paper"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	var paper capsule.Paper
	if n, err := hex.Decode(paper[:], []byte(in.Paper)); err != nil || n != len(paper) || len(in.Paper) != 2*len(paper) {
		return errVerifyForm
	}
	if err := f.meter.take("verify:"+addressKey(e.RemoteIP()), f.cfg.Rates.Verify); err != nil {
		return err
	}
	withdrawn, err := f.hub.PaperWithdrawn(e.Request.Context(), paper)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Withdrawn bool `json:"withdrawn"`
	}{withdrawn})
}

//go:embed verify.html
var verifyHTML string

var verifyPage = template.Must(template.New("verify").Parse(verifyHTML))

// verifyPolicy lets the page send its form here and have its own style.
var verifyPolicy = func() string {
	_, rest, _ := strings.Cut(verifyHTML, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return strings.Replace(contentPolicy, "form-action 'none'", "form-action 'self'", 1) + "; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// verdictWords is all that the page says.
var verdictWords = map[capsule.Verdict]string{
	capsule.Valid:     "Valid: it is as it was made.",
	capsule.Changed:   "Changed: it is not as it was made.",
	capsule.Unknown:   "Unknown.",
	capsule.Withdrawn: "Withdrawn: it is as it was made, and was taken back since.",
}

// verify shows the page that checks a paper, for anybody: it asks for nothing
// but what is checked, keeps nothing, and answers with one of four words.
func (f *Front) verify(e *core.RequestEvent, _ care.Actor) error {
	said := ""
	if e.Request.Method == http.MethodPost {
		verdict, err := f.verdictOf(e)
		if err != nil {
			return err
		}
		said = verdictWords[verdict]
	}
	var b bytes.Buffer
	if err := verifyPage.Execute(&b, said); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	e.Response.Header().Set("Content-Security-Policy", verifyPolicy)
	e.Response.Header().Set("Content-Type", "text/html; charset=utf-8")
	e.Response.WriteHeader(http.StatusOK)
	if e.Request.Method == http.MethodHead {
		return nil
	}
	_, err := e.Response.Write(b.Bytes())
	return err
}

func (f *Front) verdictOf(e *core.RequestEvent) (capsule.Verdict, error) {
	if err := f.meter.take("verify:"+addressKey(e.RemoteIP()), f.cfg.Rates.Verify); err != nil {
		return "", err
	}
	file, words, err := verifyForm(e)
	if err != nil {
		return "", err
	}
	// One at a time: reading a picture takes memory, and anybody may ask.
	f.verifying.Lock()
	defer f.verifying.Unlock()
	return Verify(e.Request.Context(), f.hub, file, words)
}

// verifyForm reads the form in memory: nothing of it lies on a disk.
func verifyForm(e *core.RequestEvent) (file []byte, words string, err error) {
	if e.Request.ContentLength > verifyBytesMax {
		return nil, "", errVerifyForm
	}
	e.Request.Body = io.NopCloser(newPatient(e.Response, e.Request, rawBody(e), verifyBytesMax))
	parts, err := e.Request.MultipartReader()
	if err != nil {
		return nil, "", errVerifyForm
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", errVerifyForm
		}
		b, err := io.ReadAll(io.LimitReader(part, verifyBytesMax+1))
		if err != nil || len(b) > verifyBytesMax {
			return nil, "", errVerifyForm
		}
		switch name := part.FormName(); {
		case name == "file" && file == nil:
			file = b
		case name == "words" && len(b) <= wordsBytesMax:
			words = string(b)
		default:
			return nil, "", errVerifyForm
		}
	}
	if len(file) == 0 {
		return nil, "", errVerifyForm
	}
	return file, words, nil
}
