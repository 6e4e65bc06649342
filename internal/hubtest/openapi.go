package hubtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// apiPage is what a hub answers, for machines (OpenAPI 3.1).
const apiPage = "docs/openapi.json"

// apiDocument is the page, and its schemas as they were asked for.
type apiDocument struct {
	paths    map[string]map[string]json.RawMessage // path → method
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by pointer
}

var api = sync.OnceValues(func() (*apiDocument, error) {
	_, here, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", filepath.FromSlash(apiPage)))
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	d := &apiDocument{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := d.compiler.AddResource(apiPage, whole); err != nil {
		return nil, err
	}
	return d, json.Unmarshal(b, &struct {
		Paths *map[string]map[string]json.RawMessage `json:"paths"`
	}{&d.paths})
})

// Exchange is a request and what a hub answered.
type Exchange struct {
	Method, Path string
	Request      []byte // its body
	Status       int
	Header       http.Header
	Body         []byte
}

// Conform checks an exchange against docs/openapi.json: the answer, and, where
// the hub took it, the request.
func Conform(t testing.TB, x Exchange) {
	t.Helper()
	d, err := api()
	if err != nil {
		t.Fatalf("%s: %v", apiPage, err)
	}
	path, _, _ := strings.Cut(x.Path, "?")
	pattern, method := d.pathOf(path), strings.ToLower(x.Method)
	raw, documented := d.paths[pattern][method]
	if !documented {
		if x.Status != http.StatusNotFound && x.Status != http.StatusTooManyRequests { // who asks too fast hears no more than that
			t.Errorf("%s %s is answered with %d and is not in %s", x.Method, path, x.Status, apiPage)
		}
		return
	}
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatalf("%s: %s %s: %v", apiPage, method, pattern, err)
	}
	at := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(pattern) + "/" + method
	if x.Method != http.MethodHead && x.Status != http.StatusNotModified {
		d.answer(t, o, at, x)
	}
	if x.Status < http.StatusMultipleChoices && x.Header.Get("Content-Type") != "" && o.Body.Content["application/json"].Schema != nil && len(x.Request) > 0 && json.Valid(x.Request) {
		d.check(t, at+"/requestBody/content/application~1json/schema", x.Request, "what "+x.Method+" "+path+" took")
	}
}

type content struct {
	Schema json.RawMessage `json:"schema"`
}

type operation struct {
	Responses map[string]struct {
		Ref     string             `json:"$ref"`
		Content map[string]content `json:"content"`
	} `json:"responses"`
	Body struct {
		Content map[string]content `json:"content"`
	} `json:"requestBody"`
}

func (d *apiDocument) answer(t testing.TB, o operation, at string, x Exchange) {
	t.Helper()
	if x.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(bytes.NewReader(x.Body))
		if err == nil {
			x.Body, err = io.ReadAll(unpacked)
		}
		if err != nil {
			t.Errorf("%s %s: unpacking the answer: %v", x.Method, x.Path, err)
			return
		}
	}
	what := "the answer of " + x.Method + " " + x.Path + ", " + strconv.Itoa(x.Status)
	status := strconv.Itoa(x.Status)
	r, named := o.Responses[status]
	switch {
	case !named && x.Status >= http.StatusBadRequest, r.Ref != "":
		d.check(t, "/components/schemas/Error", x.Body, what)
		return
	case !named:
		t.Errorf("%s: %s does not name this status", what, apiPage)
		return
	}
	kind, _, _ := strings.Cut(x.Header.Get("Content-Type"), ";")
	for name := range r.Content {
		if plain, _, _ := strings.Cut(name, ";"); plain != kind {
			continue
		}
		pointer := at + "/responses/" + status + "/content/" + strings.ReplaceAll(name, "/", "~1") + "/schema"
		switch kind {
		case "application/json":
			d.check(t, pointer, x.Body, what)
		case "application/x-ndjson":
			for line := range bytes.Lines(x.Body) {
				d.check(t, pointer, line, what)
			}
		}
		return
	}
	if _, any := r.Content["*/*"]; len(x.Body) > 0 && !any {
		t.Errorf("%s: its type %q is not in %s", what, kind, apiPage)
	}
}

func (d *apiDocument) pathOf(path string) string {
	if _, is := d.paths[path]; is {
		return path
	}
	segments := strings.Split(path, "/")
	for pattern := range d.paths {
		p := strings.Split(pattern, "/")
		if len(p) == len(segments) && fits(p, segments) {
			return pattern
		}
	}
	return path
}

func fits(pattern, segments []string) bool {
	for i, s := range pattern {
		if !strings.HasPrefix(s, "{") && s != segments[i] {
			return false
		}
	}
	return true
}

func (d *apiDocument) check(t testing.TB, pointer string, body []byte, what string) {
	t.Helper()
	d.mu.Lock()
	schema := d.schemas[pointer]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(apiPage + "#" + pointer); err != nil {
			d.mu.Unlock()
			t.Fatalf("%s%s: %v", apiPage, pointer, err)
		}
		d.schemas[pointer] = schema
	}
	d.mu.Unlock()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("%s is not as %s says: %v\n%.500s", what, apiPage, err, body)
	}
}
