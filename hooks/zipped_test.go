package hooks

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	fieldsync "portolan/sync"
)

// packedLines packs so many lines, some of them behind a gap.
func packedLines(t *testing.T, rng *rand.Rand, gap int) (p *fieldsync.Packed, parts [][]byte) {
	t.Helper()
	packer := fieldsync.NewPacker(gap)
	var open []byte
	for i := range rng.IntN(400) + 1 {
		line := fmt.Appendf(nil, `{"row":{"s":"one of many scopes","n":%d,"text":"%x"}}`+"\n", i, rng.Uint64())
		if err := packer.Line(line); err != nil {
			t.Fatal(err)
		}
		if open = append(open, line...); rng.IntN(60) == 0 {
			if _, err := packer.EndPart(); err != nil {
				t.Fatal(err)
			}
			parts, open = append(parts, open), nil
		}
	}
	if len(open) > 0 {
		parts = append(parts, open)
	}
	p, err := packer.Packed()
	if err != nil {
		t.Fatal(err)
	}
	return p, parts
}

// atWork is a turn among few answers or many.
type atWork struct {
	crowded bool
	rests   int
}

func (a *atWork) Crowded() bool { return a.crowded }

func (a *atWork) Rest(wait func() error) error {
	a.rests++
	return wait()
}

// TestPackedPartsAreSetIntoAnAnswer: whatever is written between them, few
// answers under way or many, packed for the client or not, it reads the lines.
func TestPackedPartsAreSetIntoAnAnswer(t *testing.T) {
	setIn := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 6))
		req := httptest.NewRequest(http.MethodPost, "/", nil)
		if seed%4 != 0 {
			req.Header.Set("Accept-Encoding", "gzip")
		}
		got := httptest.NewRecorder()
		s := newStream(&core.RequestEvent{Event: router.Event{Response: got, Request: req}}, ndjson)
		at := &atWork{crowded: seed%3 > 0}
		s.turn = at
		var want bytes.Buffer
		line := func(n int) {
			b := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, n)
			if err := s.line(b); err != nil {
				t.Fatal(err)
			}
			want.Write(append(b, '\n'))
		}
		for range rng.IntN(6) + 1 {
			for range rng.IntN(3) {
				line(rng.IntN(2000))
			}
			gap := rng.IntN(200) + 2
			p, parts := packedLines(t, rng, gap)
			for i, plain := range parts {
				if i > 0 {
					line(gap - 1)
					if rng.IntN(9) == 0 {
						line(rng.IntN(30)) // more than the gap takes
					}
					if err := s.handOn(); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.packed(p, i); err != nil {
					t.Fatal(err)
				}
				if s.setIn != nil {
					setIn++
				}
				want.Write(plain)
			}
		}
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		body := io.Reader(got.Body)
		if seed%4 != 0 {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(b, want.Bytes()) {
			t.Fatalf("seed %d: %d bytes came instead of %d (%v)", seed, len(b), want.Len(), err)
		}
		if at.rests == 0 {
			t.Fatalf("seed %d: the turn was kept while the line took its time", seed)
		}
	}
	if setIn < 60 {
		t.Errorf("%d parts were set in: the test proves nothing", setIn)
	}
}
