package hooks

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

//go:embed page.html
var pageHTML string

// page is the first page: what this is, and whether the hub is well.
type page struct {
	html   *template.Template
	policy string
}

func newPage() (page, error) {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return page{}, fmt.Errorf("reading the first page: %w", err)
	}
	_, rest, found := strings.Cut(pageHTML, "<style>")
	style, _, closed := strings.Cut(rest, "</style>")
	if !found || !closed {
		return page{}, errors.New("reading the first page: it has no style")
	}
	sum := sha256.Sum256([]byte(style))
	return page{t, contentPolicy + "; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}, nil
}

func (f *Front) firstPage(e *core.RequestEvent, _ care.Actor) error {
	h := f.healthNow(e.Request.Context()).Health
	var b bytes.Buffer
	if err := f.page.html.Execute(&b, h); err != nil {
		return fmt.Errorf("writing the first page: %w", err)
	}
	e.Response.Header().Set("Content-Security-Policy", f.page.policy)
	e.Response.Header().Set("Content-Type", "text/html; charset=utf-8")
	e.Response.WriteHeader(healthStatus(h))
	if e.Request.Method == http.MethodHead {
		return nil
	}
	_, err := e.Response.Write(b.Bytes())
	return err
}
