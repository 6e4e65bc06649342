package hooks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// hidden stands in every file of these tests where people do not look.
const hidden = "1.2921S 36.8219E"

// photograph is a JPEG with a comment and something behind its end.
func photograph(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	comment := append([]byte{0xff, 0xfe, 0, byte(len(hidden) + 2)}, hidden...)
	return append(append(append([]byte{0xff, 0xd8}, comment...), b.Bytes()[2:]...), "<html><script>"+hidden...)
}

// archive is a case with a worker on it and documents without their bytes.
type archive struct {
	*site
	worker, other care.Actor
	desk, foreign string // tokens of somebody on the case, and of somebody who is not
	n             int
}

func newArchive(t *testing.T, cfg ...hooks.Config) *archive {
	t.Helper()
	if len(cfg) > 0 {
		return archiveOf(t, serve(t, cfg[0]))
	}
	return archiveOf(t, serve(t, hooks.Config{}))
}

func archiveOf(t *testing.T, s *site) *archive {
	t.Helper()
	a := &archive{site: s}
	a.worker, a.desk = s.staff(t, care.Outreach, care.LegalWorker)
	a.other, a.foreign = s.staff(t, care.Outreach, care.LegalWorker)
	s.Must(t, a.worker, collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(a.worker.Staff)}})
	for _, c := range []care.Compartment{care.General, care.Evidence} {
		have := false
		for _, g := range s.Reload(t, a.worker.Staff).Grants {
			have = have || g.Compartment == c
		}
		if !have {
			s.Must(t, s.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Org: s.Org, Set: map[string]care.Value{
				"staff": care.OfText(a.worker.Staff), "compartment": care.OfText(string(c)), "status": care.OfText("active"),
				"until": care.OfTime(s.Clock.Now().AddDate(0, 3, 0))}})
		}
	}
	return a
}

// document makes a record without bytes.
func (a *archive) document(t *testing.T, kind string, c care.Compartment, more map[string]care.Value) string {
	t.Helper()
	a.n++
	set := map[string]care.Value{"kind": care.OfText(kind), "status": care.OfText("kept"), "compartment": care.OfText(string(c))}
	for name, v := range more {
		set[name] = v
	}
	id := freshID(uint64(1000 + a.n))
	a.Must(t, a.HubActor(), collections.Draft{Collection: "documents", Record: id, Case: caseID, Org: a.Org, Set: set})
	return id
}

const (
	uploadsPath = "/api/portolan/uploads"
	pieceType   = "application/offset+octet-stream"
)

func filePath(id string) string { return "/api/portolan/documents/" + id + "/file" }

// upload brings a file in one request.
func (a *archive) upload(t *testing.T, id, token, kind string, b []byte, header ...string) answer {
	t.Helper()
	return a.ask(t, "POST", uploadsPath, token, b, append([]string{"Tus-Resumable", "1.0.0", "Content-Type", pieceType,
		"Upload-Length", strconv.Itoa(len(b)), "Upload-Metadata", hubtest.FileSaid(id, kind, b)}, header...)...)
}

// fileFacts is what a record says of its file.
type fileFacts struct {
	SHA256, Type string
	Size         int64
}

func (a *archive) kept(t *testing.T, collection, id string) fileFacts {
	t.Helper()
	row, err := a.Read(t.Context(), a.HubActor(), collection, id)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := row.Get("size").Int()
	return fileFacts{row.Text("sha256"), row.Text("mime"), size}
}

// TestPhotographsTellNothingBesides: attack case 21, over the network and on
// the disk.
func TestPhotographsTellNothingBesides(t *testing.T) {
	a := archiveOf(t, arrange(t))
	id := a.document(t, "photo", care.General, nil)
	a.aside(t)
	up := a.upload(t, id, a.desk, "image/jpeg", photograph(t))
	down := a.ask(t, "GET", filePath(id), a.desk, nil)
	if up.status != http.StatusCreated || down.status != http.StatusOK {
		t.Errorf("%d, %d", up.status, down.status)
	}
	if bytes.Contains(down.body, []byte(hidden)) || bytes.Contains(down.body, []byte("script")) {
		t.Error("the picture still tells where it was taken")
	}
	if _, err := jpeg.Decode(bytes.NewReader(down.body)); err != nil {
		t.Error(err)
	}
	a.leavesTo(t, "a photograph", down, "document.jpg")
	again := a.upload(t, id, a.desk, "image/jpeg", photograph(t))
	if again.status != http.StatusCreated {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	if other := a.upload(t, id, a.desk, "image/png", pngOf(t, 3)); other.status != http.StatusConflict || other.code(t) != "document_written" {
		t.Errorf("another picture: %d %s", other.status, other.body)
	}
	a.nowhere(t, hidden)
	a.Back(t)
	sum := sha256.Sum256(down.body)
	if said := down.header.Get("Repr-Digest"); said != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" || down.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("it is said to be %s, %s", said, down.header.Get("Content-Type"))
	}
}

// leavesTo checks what a browser is told of a file.
func (a *archive) leavesTo(t *testing.T, what string, got answer, name string) {
	t.Helper()
	h := got.header
	if h.Get("Content-Disposition") != "attachment; filename="+name || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s leaves with %v", what, h)
	}
}

// nowhere looks for words in everything that the hub keeps on its disk.
func (a *archive) nowhere(t *testing.T, words string) {
	t.Helper()
	err := filepath.WalkDir(a.Dir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(words)) {
			t.Errorf("%s holds %q", filepath.Base(path), words)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func pngOf(t *testing.T, side int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	m.SetGray(1, 1, color.Gray{Y: 200})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pixelFlood is the beginning of a PNG of 50,000 × 50,000 pixels.
func pixelFlood() []byte {
	head := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 50_000), 50_000)...)
	head = append(head, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// sample is a file with canaries, made by a program of its kind.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "strip", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestR23FilesTellNothingBesides brings a film with a place, a day and a device
// in it: none of that leaves the hub again, nor is it found in what the hub
// keeps. What cannot be stripped with certainty is refused, stays with whoever
// has it, and is kept as evidence, where it stays as it is.
func TestR23FilesTellNothingBesides(t *testing.T) {
	a := archiveOf(t, arrange(t))
	film := sample(t, "film.mov")
	letter, refused, evidence := a.document(t, "letter", care.General, nil), a.document(t, "letter", care.General, nil), a.document(t, "photo", care.Evidence, nil)
	if up := a.upload(t, letter, a.desk, "video/mp4", film); up.status != http.StatusCreated {
		t.Fatalf("a film: %d %s", up.status, up.body)
	}
	down := a.ask(t, "GET", filePath(letter), a.desk, nil)
	if down.status != http.StatusOK || len(down.body) != len(film) || bytes.Contains(down.body, []byte("Canary")) {
		t.Errorf("the film comes back as %d with %d bytes, or says where it was made", down.status, len(down.body))
	}
	if again := a.upload(t, letter, a.desk, "video/mp4", film); again.status != http.StatusCreated {
		t.Errorf("the same film again: %d %s", again.status, again.body)
	}
	macro := bytes.Replace(sample(t, "sheet.xlsx"), []byte("xl/styles.xml"), []byte("xl/stylez.bin"), -1)
	kind := "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	for what, b := range map[string][]byte{"a part that nobody listed": macro, "half a file": macro[:len(macro)/2]} {
		if up := a.upload(t, refused, a.desk, kind, b); up.status != http.StatusUnprocessableEntity || up.code(t) != "document_unclean" {
			t.Errorf("%s: %d %s", what, up.status, up.body)
		}
	}
	if down := a.ask(t, "GET", filePath(refused), a.desk, nil); down.status != http.StatusNotFound {
		t.Errorf("what was refused is there: %d", down.status)
	}
	if up := a.upload(t, evidence, a.desk, kind, macro); up.status != http.StatusCreated {
		t.Errorf("as evidence: %d %s", up.status, up.body)
	}
}

// TestFilesAreWhatTheySayAndNeverShown: attack case 20. What a browser would
// run is refused, what another program might run is saved and not shown.
func TestFilesAreWhatTheySayAndNeverShown(t *testing.T) {
	a := archiveOf(t, arrange(t))
	pdf := sample(t, "packed.pdf")
	var letters []string
	for range 6 {
		letters = append(letters, a.document(t, "letter", care.General, nil))
	}
	a.aside(t)
	for i, c := range []struct {
		kind, name string
		b          []byte
	}{
		{"application/pdf", "document.pdf", pdf},
		{"text/plain", "document.txt", []byte("<script>alert(1)</script>")},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document.docx", sample(t, "doc.docx")},
		{"Text/Plain; charset=utf-8", "document.txt", []byte("κείμενο")},
		{"audio/ogg", "document.ogg", sample(t, "opus.ogg")},
	} {
		id := letters[i]
		if up := a.upload(t, id, a.desk, c.kind, c.b); up.status != http.StatusCreated {
			t.Errorf("%s: %d %s", c.kind, up.status, up.body)
			continue
		}
		down := a.ask(t, "GET", filePath(id), a.desk, nil)
		same := bytes.Equal(down.body, c.b)
		if plain := strings.HasSuffix(c.name, ".txt"); down.status != http.StatusOK || same != plain {
			t.Errorf("%s comes back as %d, %d bytes, the same: %v", c.kind, down.status, len(down.body), same)
		}
		a.leavesTo(t, c.kind, down, c.name)
	}
	id := letters[5]
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for _, c := range []struct {
		what, kind string
		b          []byte
		status     int
		code       string
	}{
		{"SVG", "image/svg+xml", svg, 400, "document_type"},
		{"HTML", "text/html", []byte("<html>"), 400, "document_type"},
		{"XHTML", "application/xhtml+xml", svg, 400, "document_type"},
		{"SVG that says it is a picture", "image/png", svg, 400, "document_type"},
		{"a program that says it is a PDF", "application/pdf", []byte("MZ\x90\x00"), 400, "document_type"},
		{"a PDF that says it is text", "text/plain", append(pdf, 0), 400, "document_type"},
		{"an archive that says it is a picture", "image/jpeg", []byte("PK\x03\x04"), 400, "document_type"},
		{"nothing that it says it is", "", pdf, 400, "document_type"},
		{"anything", "application/octet-stream", pdf, 400, "document_type"},
		{"a form", "multipart/form-data; boundary=x", []byte("--x"), 400, "document_type"},
		{"no bytes", "text/plain", []byte{}, 400, "document_empty"},
		{"a picture cut short", "image/jpeg", photograph(t)[:120], 400, "photo_unreadable"},
		{"a flood of pixels", "image/png", pixelFlood(), 413, "photo_too_large"},
		{"too much", "text/plain", bytes.Repeat([]byte("a"), collections.ContentBytesMax+1), 413, "document_too_large"},
	} {
		if got := a.upload(t, id, a.desk, c.kind, c.b); got.status != c.status || got.code(t) != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.what, got.status, got.body, c.status, c.code)
		}
	}
	for _, enc := range []string{"gzip", "br", "zstd"} {
		if got := a.upload(t, id, a.desk, "text/plain", gzipped(t, []byte("text")), "Content-Encoding", enc); got.code(t) != "body_encoding_unknown" {
			t.Errorf("packed with %s: %d %s", enc, got.status, got.body)
		}
	}
	if got := a.ask(t, "GET", filePath(id), a.desk, nil); got.status != http.StatusNotFound {
		t.Errorf("after refusals there is %d %.100s", got.status, got.body)
	}
}

// TestUploadsStayWithinMemory: attack cases 16 and 21.
func TestUploadsStayWithinMemory(t *testing.T) {
	a := archiveOf(t, arrange(t))
	id := a.document(t, "letter", care.General, nil)
	a.aside(t)
	endless := bytes.Repeat([]byte("a"), 80<<20)
	// Without a length of the body the hub reads until that of the file.
	got := a.send(t, uploadsPath, a.desk, endless, "Content-Type", pieceType, "Tus-Resumable", "1.0.0",
		"Upload-Length", strconv.Itoa(collections.ContentBytesMax), "Upload-Metadata", hubtest.FileSaid(id, "text/plain", endless))
	if got.status != http.StatusUnprocessableEntity || got.code(t) != "upload_hash" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if peak := a.Process().Peak(t); peak > peakMax {
		t.Errorf("80 MB take %d MB", peak>>20)
	}
}

// TestEvidenceIsKeptByteForByte: its hash stands with its custody, only a copy
// of a picture is shown, and what is no picture is not given out.
func TestEvidenceIsKeptByteForByte(t *testing.T) {
	a := newArchive(t)
	original := photograph(t)
	id := a.document(t, "photo", care.Evidence, nil)
	item := freshID(2000)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "evidence_items", Record: item, Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"description": care.OfText("A photograph"), "kind": care.OfText("photo"), "document": care.OfText(id)}})
	a.upload(t, id, a.desk, "image/jpeg", original)
	down := a.ask(t, "GET", filePath(id), a.desk, nil)
	if down.status != http.StatusOK || bytes.Contains(down.body, []byte(hidden)) {
		t.Errorf("what is shown: %d, %d bytes", down.status, len(down.body))
	}
	a.leavesTo(t, "evidence", down, "document.jpg")
	if said := a.kept(t, "evidence_items", item); said.SHA256 != hexSum(original) || said.Type != "image/jpeg" || said.Size != int64(len(original)) {
		t.Errorf("evidence was altered: its item says %v", said)
	}
	chain, err := a.List(t.Context(), a.HubActor(), collections.Query{Collection: "custody_events", Case: caseID})
	if err != nil || len(chain) != 1 || chain[0].Text("sha256") != hexSum(original) || chain[0].Text("purpose") != "stored" || chain[0].Text("actor") != a.worker.Staff || chain[0].Text("item") != item {
		t.Errorf("its custody is %v: %v", chain, err)
	}
	// The same again adds nothing; other bytes are refused.
	a.upload(t, id, a.desk, "image/jpeg", original)
	if chain, _ := a.List(t.Context(), a.HubActor(), collections.Query{Collection: "custody_events", Case: caseID}); len(chain) != 1 {
		t.Errorf("%d events", len(chain))
	}
	if got := a.upload(t, id, a.desk, "image/jpeg", original[:len(original)-1]); got.code(t) != "document_written" {
		t.Errorf("other bytes: %d %s", got.status, got.body)
	}
	// A hash that the tablet took when it was taken must be that of the bytes.
	promised := a.document(t, "photo", care.Evidence, nil)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "evidence_items", Record: freshID(2001), Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"description": care.OfText("Another"), "kind": care.OfText("photo"), "document": care.OfText(promised), "sha256": care.OfText(hexSum(original))}})
	if got := a.upload(t, promised, a.desk, "image/jpeg", original[:len(original)-1]); got.code(t) != "document_written" {
		t.Errorf("other bytes than promised: %d %s", got.status, got.body)
	}
	if got := a.upload(t, promised, a.desk, "image/jpeg", original); got.status != http.StatusCreated {
		t.Errorf("the bytes that were promised: %d %s", got.status, got.body)
	}
	page := a.document(t, "other", care.Evidence, nil)
	if got := a.upload(t, page, a.desk, "text/html", []byte("<script>")); got.status != http.StatusCreated {
		t.Errorf("a web page as evidence: %d %s", got.status, got.body)
	}
	if got := a.ask(t, "GET", filePath(page), a.desk, nil); got.code(t) != "evidence_not_shown" {
		t.Errorf("a web page as evidence is shown: %d %.100s", got.status, got.body)
	}
}

// TestFilesFollowTheirPartOfTheCase: who may not see a document's part of the
// case hears that there is none, in both directions.
func TestFilesFollowTheirPartOfTheCase(t *testing.T) {
	a := archiveOf(t, arrange(t))
	general, secret := a.document(t, "letter", care.General, nil), a.document(t, "letter", care.Evidence, nil)
	for _, id := range []string{general, secret} {
		if got := a.upload(t, id, a.desk, "text/plain", []byte("words")); got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	a.Must(t, a.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"staff": care.OfText(a.other.Staff), "compartment": care.OfText("general"), "status": care.OfText("active"),
		"until": care.OfTime(a.Clock.Now().AddDate(0, 3, 0))}})
	_, stranger := a.staff(t, care.HealthWorker)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "documents", Record: freshID(3000), Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"kind": care.OfText("summary"), "status": care.OfText("prepared")}})
	a.aside(t)
	none := a.ask(t, "GET", filePath(nobodyHasThis), stranger, nil)
	for _, c := range []struct {
		who, token, id string
		may            bool
	}{{"a colleague on the plain part", a.foreign, general, true}, {"a colleague on the plain part", a.foreign, secret, false}, {"a stranger", stranger, general, false}, {"a stranger", stranger, secret, false}} {
		got, put := a.ask(t, "GET", filePath(c.id), c.token, nil), a.upload(t, c.id, c.token, "text/plain", []byte("words"))
		if c.may != (got.status == http.StatusOK) || c.may != (put.status == http.StatusCreated) {
			t.Errorf("%s: reads %d, writes %d %s", c.who, got.status, put.status, put.body)
		}
		if !c.may && (!bytes.Equal(got.body, none.body) || !bytes.Equal(put.body, none.body)) {
			t.Errorf("%s: %s and %s, for an id of nobody %s", c.who, got.body, put.body, none.body)
		}
	}
	for _, id := range []string{"..%2f..%2fdata.db", "../../data.db", "CON", strings.Repeat("x", 4096), "x%00", ".."} { // attack case 19
		if got := a.raw(t, "GET "+filePath(id)+" HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer "+a.desk+"\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404") && !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("%.40s: %.200s", id, got)
		}
	}
	if got := a.upload(t, freshID(3000), a.desk, "application/pdf", []byte("%PDF-")); got.code(t) != "document_of_hub" {
		t.Errorf("a summary by hand: %d %s", got.status, got.body)
	}
}
