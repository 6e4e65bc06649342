package care

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestPersonalTextIsNeverPrinted(t *testing.T) {
	const name = "Amara Invented"
	p := Personal(name)
	held := struct {
		Who  Personal
		List []Personal
		At   map[string]Personal
	}{p, []Personal{p}, map[string]Personal{"a": p}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%X", "%d", "%+v", "%#v", "%10s", "%T %v"} {
		if strings.Contains(verb, "%T") {
			fmt.Fprintf(&out, verb, p, p)
		} else {
			fmt.Fprintf(&out, verb, p)
		}
		if verb != "%T %v" {
			fmt.Fprintf(&out, verb, held)
			fmt.Fprintf(&out, verb, &held)
		}
	}
	fmt.Fprint(&out, p, held)
	out.WriteString(fmt.Errorf("signing in %v: %w", p, ErrNotFound).Error())
	row := Row{Collection: "identities", ID: "01930000-0000-7000-8000-000000000001", V: map[string]Value{"given_name": OfText(name)}}
	for _, h := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(h(&b)).Error("something", "who", p, "row", row, "value", OfText(name), slog.Group("g", "who", p))
		out.Write(b.Bytes())
		if !bytes.Contains(b.Bytes(), []byte(Redacted)) || !bytes.Contains(b.Bytes(), []byte(row.ID)) {
			t.Errorf("the log holds %s", b.String())
		}
	}
	for _, no := range []string{name, "Amara", fmt.Sprintf("%x", name), fmt.Sprintf("%X", name)} {
		if strings.Contains(out.String(), no) {
			t.Errorf("%q is printed: %s", no, out.String())
		}
	}
}
