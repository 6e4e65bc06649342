package hooks_test

import (
	"bytes"
	"crypto/ed25519"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portolan/capsule"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// TestAPaperIsVerified: valid, changed, unknown, and withdrawn once its person
// took back what they had agreed to; by anybody, and nothing else is said.
func TestAPaperIsVerified(t *testing.T) {
	p := newTraveller(t)
	s := serveOn(t, p.Hub, hooks.Config{})
	out, err := hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Case: p.caseID, Edition: "both", Country: "ES"})
	if err != nil {
		t.Fatal(err)
	}
	paper, phone := out.Files[0].Data, out.Files[1].Data
	scan := lastPage(t, paper)
	changed := bytes.Clone(paper)
	changed[len(changed)/2] ^= 1
	send := func(file []byte, words string) string {
		t.Helper()
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		part, err := form.CreateFormFile("file", "any name")
		if err == nil {
			_, err = part.Write(file)
		}
		if err != nil || form.WriteField("words", words) != nil || form.Close() != nil {
			t.Fatal(err)
		}
		r, err := http.Post(s.url+"/verify", form.FormDataContentType(), &b)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var page bytes.Buffer
		if _, err := page.ReadFrom(r.Body); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", r.StatusCode, page.String())
		}
		_, rest, _ := strings.Cut(page.String(), `role="status">`)
		said, _, _ := strings.Cut(rest, "<")
		return said
	}
	for name, c := range map[string]struct {
		file  []byte
		words string
		want  string
	}{
		"the file":             {paper, "", "Valid"},
		"that for a telephone": {phone, "", "Valid"},
		"a scan":               {scan, out.Words, "Valid"},
		"a scan, other words":  {scan, "bado kiru mesa tilo vuna", "Unknown"},
		"a byte changed":       {changed, "", "Changed"},
		"something else":       {[]byte("%PDF-1.7 nothing"), "", "Unknown"},
		"of nobody we trust":   {[]byte(carriedFrom(t, elsewhere)), carriedWords, "Unknown"},
		"what the hub keeps":   {keptFile(t, p, out.Documents[0]), "", "Unknown"},
	} {
		if said := send(c.file, c.words); !strings.HasPrefix(said, c.want) {
			t.Errorf("%s: %q, want %s", name, said, c.want)
		}
	}
	p.withdraw(t)
	p.look(t)
	if said := send(paper, ""); !strings.HasPrefix(said, "Withdrawn") {
		t.Errorf("after a withdrawal: %q", said)
	}
	if said := send(scan, out.Words); !strings.HasPrefix(said, "Withdrawn") {
		t.Errorf("a scan after a withdrawal: %q", said)
	}
}

// keptFile is the file that the hub has of a paper.
func keptFile(t *testing.T, p *traveller, id string) []byte {
	t.Helper()
	_, b, err := p.DocumentFile(t.Context(), p.Reload(t, p.owner.Staff), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTheIssuingHubIsAskedWhereItAnswers: and where it does not, the signature
// alone counts. Of a number that there is none of it says what it says of one
// that stands.
func TestTheIssuingHubIsAskedWhereItAnswers(t *testing.T) {
	h := hubtest.New(t)
	s := serveOn(t, h, hooks.Config{})
	boss := h.HubActor()
	answers := `{"withdrawn":true}`
	var asked string
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body) // a test reads what it gets
		asked = r.URL.Path + " " + b.String()
		_, _ = w.Write([]byte(answers))
	}))
	defer other.Close()
	old := http.DefaultTransport
	http.DefaultTransport = other.Client().Transport
	defer func() { http.DefaultTransport = old }()
	public := elsewhere.Public().(ed25519.PublicKey)
	if err := h.Trust(t.Context(), boss, collections.TrustedHub{Name: "The others", Key: capsule.FormatKey(public), Address: other.URL}); err != nil {
		t.Fatal(err)
	}
	verdict := func() capsule.Verdict {
		t.Helper()
		v, err := hooks.Verify(t.Context(), h.Hub, []byte(carriedFrom(t, elsewhere)), carriedWords)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := verdict(); v != capsule.Withdrawn || asked != `/api/portolan/papers/standing {"paper":"0102030000000000"}` {
		t.Errorf("taken back: %s, asked %s", v, asked)
	}
	answers = `{"withdrawn":false}`
	if v := verdict(); v != capsule.Valid {
		t.Errorf("it stands: %s", v)
	}
	other.Close()
	if v := verdict(); v != capsule.Valid {
		t.Errorf("nobody answers: %s", v)
	}
	a := s.ask(t, "POST", "/api/portolan/papers/standing", "", order{"paper": "00000000000000ff"})
	if a.status != http.StatusOK || !strings.Contains(string(a.body), `"withdrawn":false`) {
		t.Errorf("no such paper: %d %s", a.status, a.body)
	}
}
