package hooks_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// tus asks as a client of tus does.
func (a *archive) tus(t *testing.T, method, path, token string, body []byte, header ...string) answer {
	t.Helper()
	var in any
	if body != nil {
		in, header = body, append(header, "Content-Type", pieceType)
	}
	return a.ask(t, method, path, token, in, append([]string{"Tus-Resumable", "1.0.0"}, header...)...)
}

// begin makes place for a file, and gives its address.
func (a *archive) begin(t *testing.T, id, token, kind string, b []byte) string {
	t.Helper()
	got := a.tus(t, "POST", uploadsPath, token, nil, "Upload-Length", strconv.Itoa(len(b)), "Upload-Metadata", hubtest.FileSaid(id, kind, b))
	if got.status != http.StatusCreated || got.header.Get("Location") == "" {
		t.Fatalf("beginning: %d %s", got.status, got.body)
	}
	return got.header.Get("Location")
}

func (a *archive) patch(t *testing.T, at, token string, offset int, b []byte, header ...string) answer {
	t.Helper()
	return a.tus(t, "PATCH", at, token, b, append(header, "Upload-Offset", strconv.Itoa(offset))...)
}

func offsetOf(t *testing.T, got answer) int {
	t.Helper()
	n, err := strconv.Atoi(got.header.Get("Upload-Offset"))
	if err != nil {
		t.Fatalf("no offset in a %d: %s", got.status, got.body)
	}
	return n
}

// reached is how far the hub says that a file has come.
func (a *archive) reached(t *testing.T, at, token string) int {
	t.Helper()
	got := a.tus(t, "HEAD", at, token, nil)
	if got.status != http.StatusOK {
		t.Fatalf("asking how far: %d", got.status)
	}
	return offsetOf(t, got)
}

// cut sends the head of a request, sent bytes of its body, and hangs up.
func (a *archive) cut(t *testing.T, at, authorization string, offset int, body []byte, sent int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: hub\r\nAuthorization: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n",
		at, authorization, pieceType, offset, len(body))
	if _, err := conn.Write(body[:sent]); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the hub has let go of it too
}

// invented is a text that repeats nothing.
func invented(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz \n"[r.IntN(28)]
	}
	return b
}

// download takes a whole file, or says why not.
func (a *archive) download(t *testing.T, id, token string) []byte {
	t.Helper()
	got := a.ask(t, "GET", filePath(id), token, nil)
	if got.status != http.StatusOK {
		t.Fatalf("downloading: %d %s", got.status, got.body)
	}
	return got.body
}

// TestNoSequenceOfCutsLosesAByte: cuts, pieces that come again, wrong offsets,
// checksums that fit or do not, files that are ended and begun again, in any
// order. What was acknowledged is there, and what is not whole is nowhere.
func TestNoSequenceOfCutsLosesAByte(t *testing.T) {
	a := newArchive(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	d := a.enrol(t, a.worker.Staff)
	for range 3 {
		content := invented(r, 1+r.IntN(150<<10))
		id := a.document(t, "letter", care.General, nil)
		at, acknowledged := a.begin(t, id, a.desk, "text/plain", content), 0
		for acknowledged < len(content) {
			if got := a.ask(t, "GET", filePath(id), a.desk, nil); got.status != http.StatusNotFound {
				t.Fatalf("a file that is not whole is given out: %d", got.status)
			}
			size := min(1+r.IntN(30<<10), len(content)-acknowledged)
			next := content[acknowledged : acknowledged+size]
			who := []string{a.desk, d.Token, "Bearer"}[r.IntN(3)]
			if who == "Bearer" {
				who = strings.TrimPrefix(authorization(a.url, "POST", "/api/realtime", d.Token, nil), "Bearer ")
			}
			switch r.IntN(6) {
			case 0: // broken off
				sent := r.IntN(size)
				a.cut(t, at, authorization(a.url, "PATCH", at, who, next), acknowledged, next, sent)
				now := a.reached(t, at, a.desk)
				if now < acknowledged || now > acknowledged+sent {
					t.Fatalf("cut at %d+%d, the hub says %d", acknowledged, sent, now)
				}
				if who != d.Token && now != acknowledged+sent { // what is signed counts whole or not at all
					t.Errorf("of %d bytes that came before the cut %d were kept", sent, now-acknowledged)
				}
				acknowledged = now
				continue
			case 1:
				if got := a.patch(t, at, who, acknowledged+1, next[1:]); size > 1 && (got.status != http.StatusConflict || got.code(t) != "upload_offset") {
					t.Errorf("from an offset that was not reached: %d %s", got.status, got.body)
				}
				continue
			case 2:
				sum := sha1.Sum(append(bytes.Clone(next), '!'))
				if got := a.patch(t, at, who, acknowledged, next, "Upload-Checksum", "sha1 "+base64.StdEncoding.EncodeToString(sum[:])); got.status != 460 || got.code(t) != "tus_checksum" {
					t.Errorf("with the checksum of another: %d %s", got.status, got.body)
				}
				continue
			case 3:
				if r.IntN(4) == 0 {
					if got := a.tus(t, "DELETE", at, who, nil); got.status != http.StatusNoContent {
						t.Fatalf("ending it: %d %s", got.status, got.body)
					}
					if got := a.tus(t, "HEAD", at, who, nil); got.status != http.StatusNotFound {
						t.Errorf("what was ended: %d", got.status)
					}
					at, acknowledged = a.begin(t, id, a.desk, "text/plain", content), 0
				} else if again := a.begin(t, id, a.desk, "text/plain", content); again != at {
					t.Error("the same file was begun twice")
				}
				continue
			}
			sum := sha1.Sum(next)
			got := a.patch(t, at, who, acknowledged, next, "Upload-Checksum", "sha1 "+base64.StdEncoding.EncodeToString(sum[:]))
			if got.status != http.StatusNoContent || offsetOf(t, got) != acknowledged+size {
				t.Fatalf("a piece: %d %s", got.status, got.body)
			}
			if again := a.patch(t, at, who, acknowledged, next); again.status != http.StatusConflict {
				t.Errorf("the same piece again: %d %s", again.status, again.body)
			}
			acknowledged += size
		}
		if a.reached(t, at, a.desk) != len(content) || !bytes.Equal(a.download(t, id, a.desk), content) {
			t.Error("what came out is not what went in")
		}
		a.nowhere(t, string(content[:min(40, len(content))]))
	}
	if left := files(t, filepath.Join(a.Dir(), "uploads")); left != 0 {
		t.Errorf("%d files are still under way", left)
	}
}

func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTheSameBytesLieOnceInAPartOfACase, brought by several at a time; in
// another part they lie again, and nobody can tell.
func TestTheSameBytesLieOnceInAPartOfACase(t *testing.T) {
	a := newArchive(t)
	content := []byte(strings.Repeat("the same words ", 5000))
	before := files(t, a.FilesDir())
	var ids []string
	var all sync.WaitGroup
	for range 4 {
		ids = append(ids, a.document(t, "letter", care.General, nil))
	}
	for _, id := range ids {
		for range 2 { // each by two at a time
			all.Go(func() {
				at := a.begin(t, id, a.desk, "text/plain", content)
				for {
					got := a.tus(t, "HEAD", at, a.desk, nil)
					if got.comesAgain() {
						continue
					}
					if n := offsetOf(t, got); n == len(content) {
						return
					} else if got := a.patch(t, at, a.desk, n, content[n:min(len(content), n+20_000)]); got.status != http.StatusNoContent && !got.comesAgain() {
						t.Errorf("%d %s", got.status, got.body)
						return
					}
				}
			})
		}
	}
	all.Wait()
	for _, id := range ids {
		if !bytes.Equal(a.download(t, id, a.desk), content) {
			t.Error("a copy is not whole")
		}
	}
	if n := files(t, a.FilesDir()) - before; n != 1 {
		t.Errorf("the same bytes lie %d times", n)
	}
	apart := a.document(t, "letter", care.Legal, nil)
	a.Must(t, a.HubActor(), collections.Draft{Collection: "grants", Case: caseID, Org: a.Org, Set: map[string]care.Value{
		"staff": care.OfText(a.worker.Staff), "compartment": care.OfText("legal"), "status": care.OfText("active"), "until": care.OfTime(a.Clock.Now().AddDate(0, 3, 0))}})
	if got := a.upload(t, apart, a.desk, "text/plain", content); got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if n := files(t, a.FilesDir()) - before; n != 2 {
		t.Errorf("in two parts of a case the same bytes lie %d times", n)
	}
	one, other := a.ask(t, "GET", filePath(ids[0]), a.desk, nil), a.ask(t, "GET", filePath(apart), a.desk, nil)
	if one.header.Get("Etag") == "" || one.header.Get("Etag") == other.header.Get("Etag") {
		t.Error("by their tags the bytes of two parts are known to be the same")
	}
}

// comesAgain says whether somebody else went on with the file, or has the place.
func (a answer) comesAgain() bool {
	return a.status == http.StatusConflict || a.status == http.StatusServiceUnavailable
}

// TestAFileEndsWithNotice: whose upload nobody finishes is told, once, and
// nothing of it stays; a byte that comes keeps it for another while.
func TestAFileEndsWithNotice(t *testing.T) {
	a := newArchive(t)
	content := []byte(strings.Repeat("half a letter ", 100))
	left, kept := a.document(t, "letter", care.General, nil), a.document(t, "letter", care.General, nil)
	lost, going := a.begin(t, left, a.desk, "text/plain", content), a.begin(t, kept, a.desk, "text/plain", content)
	a.patch(t, lost, a.desk, 0, content[:100])
	a.Clock.Move(collections.UploadTerm - time.Hour)
	token := a.againSigned(t)
	if got := a.patch(t, going, token, 0, content[:100]); got.status != http.StatusNoContent || got.header.Get("Upload-Expires") == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	a.Clock.Move(2 * time.Hour)
	token = a.againSigned(t)
	if err := a.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.tus(t, "HEAD", lost, token, nil); got.status != http.StatusNotFound {
		t.Errorf("after its end: %d", got.status)
	}
	tasks, err := a.List(t.Context(), a.HubActor(), collections.Query{Collection: "tasks", Case: caseID})
	var told []care.Row
	for _, k := range tasks {
		if k.Text("rule") == "file_missing" {
			told = append(told, k)
		}
	}
	if err != nil || len(told) != 1 || told[0].Text("assignee") != a.worker.Staff || told[0].Text("subject") != left || told[0].Text("title_key") != "file_again" {
		t.Errorf("told are %v: %v", told, err)
	}
	if got := a.patch(t, going, token, 100, content[100:]); got.status != http.StatusNoContent {
		t.Errorf("the one that a byte came of: %d %s", got.status, got.body)
	}
	if n := files(t, filepath.Join(a.Dir(), "uploads")); n != 0 {
		t.Errorf("%d files are left of them", n)
	}
}

// againSigned is the worker's token after the clock moved on.
func (a *archive) againSigned(t *testing.T) string {
	t.Helper()
	d := a.enrol(t, a.worker.Staff)
	return strings.TrimPrefix(authorization(a.url, "POST", "/api/realtime", d.Token, nil), "Bearer ")
}

// lies returns when so many bytes of an upload lie on the disk.
func (a *archive) lies(t *testing.T, at string, n int64) {
	t.Helper()
	for {
		info, err := os.Stat(filepath.Join(a.Dir(), "uploads", filepath.Base(at)))
		if err == nil && info.Size() > n {
			return
		}
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// TestATabletThatEndsBringsNothing: revoked while a piece comes in, its
// sender is told nothing, and nothing more is taken.
func TestATabletThatEndsBringsNothing(t *testing.T) {
	a := newArchive(t)
	content := []byte(strings.Repeat("a letter ", 20_000))
	id := a.document(t, "letter", care.General, nil)
	d := a.enrol(t, a.worker.Staff)
	token := strings.TrimPrefix(authorization(a.url, "POST", "/api/realtime", d.Token, nil), "Bearer ")
	at := a.begin(t, id, token, "text/plain", content)
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: 0\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		at, token, pieceType, len(content), content[:len(content)/2])
	a.lies(t, at, 64<<10) // the hub has taken of it
	if err := a.RevokeDevice(t.Context(), a.HubActor(), d.ID); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(content[len(content)/2:])
	if b, _ := io.ReadAll(conn); len(b) > 0 {
		t.Errorf("the revoked tablet hears %s", b)
	}
	if got := a.tus(t, "HEAD", at, token, nil); got.status != http.StatusUnauthorized {
		t.Errorf("and asks on: %d", got.status)
	}
	if got := a.ask(t, "GET", filePath(id), a.desk, nil); got.status != http.StatusNotFound {
		t.Errorf("what it brought is given out: %d", got.status)
	}
	// The person goes on from the desk, from where the hub says.
	n := a.reached(t, at, a.desk)
	if got := a.patch(t, at, a.desk, n, content[n:]); n == len(content) || got.status != http.StatusNoContent {
		t.Errorf("from %d on: %d %s", n, got.status, got.body)
	}
}

// TestUploadsAreOnesOwnAndBounded: an upload of somebody else, or of a part of
// the case that one lost, is not there; nor is a document that one may not see.
func TestUploadsAreOnesOwnAndBounded(t *testing.T) {
	a := newArchive(t)
	content := []byte("a letter")
	id := a.document(t, "letter", care.General, nil)
	at := a.begin(t, id, a.desk, "text/plain", content)
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		got, none := a.tus(t, method, at, a.foreign, []byte("x"), "Upload-Offset", "0"), a.tus(t, method, uploadsPath+"/"+nobodyHasThis, a.foreign, []byte("x"), "Upload-Offset", "0")
		if got.status != http.StatusNotFound || !bytes.Equal(got.body, none.body) {
			t.Errorf("%s of somebody else's: %d %s, of nobody's %s", method, got.status, got.body, none.body)
		}
	}
	hidden := a.upload(t, id, a.foreign, "text/plain", content)
	if none := a.upload(t, nobodyHasThis, a.foreign, "text/plain", content); hidden.status != http.StatusNotFound || !bytes.Equal(hidden.body, none.body) {
		t.Errorf("a document of others: %d %s, of nobody %s", hidden.status, hidden.body, none.body)
	}
	for _, bad := range []string{"", "document x", "filename " + base64.StdEncoding.EncodeToString([]byte("Name Surname.pdf")),
		hubtest.FileSaid(id, "text/plain", content) + ",filename bmFtZQ==", hubtest.FileSaid(id, "text/plain", content) + ",document bmFtZQ=="} {
		if got := a.tus(t, "POST", uploadsPath, a.desk, nil, "Upload-Length", "8", "Upload-Metadata", bad); got.status != http.StatusBadRequest || got.code(t) != "upload_metadata" {
			t.Errorf("with %q: %d %s", bad, got.status, got.body)
		}
	}
	if got := a.ask(t, "HEAD", at, a.desk, nil); got.status != http.StatusPreconditionFailed || got.header.Get("Tus-Version") != "1.0.0" {
		t.Errorf("without a version: %d", got.status)
	}
	if got := a.ask(t, "OPTIONS", uploadsPath, a.desk, nil); got.status != http.StatusNoContent || !strings.Contains(got.header.Get("Tus-Extension"), "creation-with-upload") {
		t.Errorf("what it can do: %d %v", got.status, got.header)
	}
	if got := a.patch(t, at, a.desk, 0, []byte("a letter and more")); got.code(t) != "upload_too_long" {
		t.Errorf("more than was announced: %d %s", got.status, got.body)
	}
	// Where a proxy knows POST alone.
	if got := a.tus(t, "POST", at, a.desk, []byte("another!"), "Upload-Offset", "0", "X-HTTP-Method-Override", "PATCH"); got.status != http.StatusUnprocessableEntity || got.code(t) != "upload_hash" {
		t.Errorf("other bytes than were announced: %d %s", got.status, got.body)
	}
	if got := a.tus(t, "HEAD", at, a.desk, nil); got.status != http.StatusNotFound {
		t.Errorf("what was not what it said: %d", got.status)
	}
	if got := a.ask(t, "GET", filePath(id), a.desk, nil); got.status != http.StatusNotFound {
		t.Errorf("and is given out: %d", got.status)
	}
	refused := 0
	for i := range 40 {
		c := []byte(fmt.Sprintf("letter %d", i))
		got := a.tus(t, "POST", uploadsPath, a.desk, nil, "Upload-Length", strconv.Itoa(len(c)), "Upload-Metadata", hubtest.FileSaid(id, "text/plain", c))
		if got.status != http.StatusCreated && got.code(t) == "uploads_too_many" {
			refused++
		}
	}
	if refused != 8 {
		t.Errorf("of 40 at a time %d were refused", refused)
	}
}

// TestWhoComesBackTakesOver: the line is dead, the hub does not know yet, and
// its client is here again.
func TestWhoComesBackTakesOver(t *testing.T) {
	a := newArchive(t)
	content := []byte(strings.Repeat("a letter ", 20_000))
	id := a.document(t, "letter", care.General, nil)
	at := a.begin(t, id, a.desk, "text/plain", content)
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // never before the end: the hub hears nothing of its death
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n%s",
		at, a.desk, pieceType, len(content), content[:64<<10])
	a.lies(t, at, 64<<10) // it reads, and waits for more
	n := a.reached(t, at, a.desk)
	if n != 64<<10 {
		t.Errorf("of what came before the line died %d bytes are there", n)
	}
	if got := a.patch(t, at, a.desk, n, content[n:]); got.status != http.StatusNoContent || !bytes.Equal(a.download(t, id, a.desk), content) {
		t.Errorf("going on: %d %s", got.status, got.body)
	}
}

// TestDownloadsGoOnWhereTheyBroke: any part of a file, of the bytes that they
// were, and all of it where they are others.
func TestDownloadsGoOnWhereTheyBroke(t *testing.T) {
	a := newArchive(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for _, size := range []int{1, 65_535, 65_536, 65_537, 131_072, 200_000} {
		content := invented(r, size)
		id := a.document(t, "letter", care.General, nil)
		if got := a.upload(t, id, a.desk, "text/plain", content); got.status != http.StatusCreated {
			t.Fatalf("%d %s", got.status, got.body)
		}
		whole := a.ask(t, "GET", filePath(id), a.desk, nil)
		tag := whole.header.Get("Etag")
		if !bytes.Equal(whole.body, content) || whole.header.Get("Accept-Ranges") != "bytes" || strings.Contains(tag, hexSum(content)) {
			t.Errorf("%d bytes: %d, %v", size, whole.status, whole.header)
		}
		for range 8 {
			from := r.IntN(size)
			to := from + r.IntN(size-from)
			part := a.ask(t, "GET", filePath(id), a.desk, nil, "Range", fmt.Sprintf("bytes=%d-%d", from, to), "If-Range", tag)
			if part.status != http.StatusPartialContent || !bytes.Equal(part.body, content[from:to+1]) {
				t.Errorf("%d-%d of %d: %d, %d bytes", from, to, size, part.status, len(part.body))
			}
		}
		if all := a.ask(t, "GET", filePath(id), a.desk, nil, "Range", "bytes=0-0", "If-Range", `"another"`); all.status != http.StatusOK || len(all.body) != size {
			t.Errorf("of other bytes: %d, %d bytes", all.status, len(all.body))
		}
		beyond := a.ask(t, "GET", filePath(id), a.desk, nil, "Range", fmt.Sprintf("bytes=%d-", size))
		if beyond.status != http.StatusRequestedRangeNotSatisfiable || beyond.code(t) != "range_not_there" || beyond.header.Get("Cache-Control") != "no-store" {
			t.Errorf("behind its end: %d %s %v", beyond.status, beyond.body, beyond.header)
		}
		if got := a.ask(t, "GET", filePath(id), a.foreign, nil, "Range", "bytes=0-0"); got.status != http.StatusNotFound {
			t.Errorf("a part of it for somebody else: %d", got.status)
		}
	}
}

// TestALineOfFourKilobytesIsNotTooFast: at the rates that a hub has.
func TestALineOfFourKilobytesIsNotTooFast(t *testing.T) {
	a := newArchive(t, hooks.Config{Rates: hooks.Rates{Device: hooks.Rate{PerMinute: 300, Burst: 200}, Account: hooks.Rate{PerMinute: 600, Burst: 400}, Address: hooks.Rate{PerMinute: 6000, Burst: 6000}}})
	content := invented(rand.New(rand.NewPCG(1, 1)), 1<<20)
	id := a.document(t, "letter", care.General, nil)
	token := a.againSigned(t)
	at := a.begin(t, id, token, "text/plain", content)
	for n := 0; n < len(content); n += 4 << 10 {
		if got := a.patch(t, at, token, n, content[n:n+4<<10]); got.status != http.StatusNoContent {
			t.Fatalf("at %d: %d %s", n, got.status, got.body)
		}
		if n%(64<<10) == 0 {
			a.reached(t, at, token)
		}
	}
	if !bytes.Equal(a.download(t, id, a.desk), content) {
		t.Error("what came out is not what went in")
	}
}
