package hooks

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"portolan/care"
	"portolan/collections"
)

// pieceMax is the most that is handed to a connection at one time: what is
// under way when access ends (reference/security.md §3, point 9).
const pieceMax = 64 << 10

// outgoing is the answers that are under way to somebody, so that they can be
// cut when that person's or tablet's access ends.
type outgoing struct {
	mu  sync.Mutex
	all map[*cuttable]bool
}

func newOutgoing() *outgoing { return &outgoing{all: map[*cuttable]bool{}} }

// guard stands between an answer and its connection until it is done. An
// answer that says what somebody did is theirs also where that took something
// from themselves.
func (o *outgoing) guard(w http.ResponseWriter, a care.Actor, acts bool) (g *cuttable, done func()) {
	g = &cuttable{ResponseWriter: w, rc: http.NewResponseController(w), staff: a.Staff, device: a.Device}
	if acts {
		g.staff = ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all[g] = true
	return g, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.all, g)
	}
}

// cut ends the answers to tablets that were revoked and to people who lost
// something. When it returns no further byte is handed to them.
func (o *outgoing) cut(devices, staff []string) {
	var over []*cuttable
	o.mu.Lock()
	for g := range o.all {
		revoked := g.device != "" && slices.Contains(devices, g.device)
		if revoked || slices.Contains(staff, g.staff) {
			g.end(revoked)
			over = append(over, g)
		}
	}
	o.mu.Unlock()
	for _, g := range over {
		g.settled()
	}
}

// cuttable is an answer that can be cut.
type cuttable struct {
	http.ResponseWriter
	rc            *http.ResponseController
	staff, device string

	handing sync.Mutex // held while a piece is handed to the connection
	state   sync.Mutex
	over    bool   // no further piece
	revoked bool   // and never again
	coming  func() // ends what comes in, where something does
}

// stops has what comes in end with the answer, where the tablet is revoked.
func (g *cuttable) stops(coming func()) {
	g.state.Lock()
	g.coming = coming
	revoked := g.revoked
	g.state.Unlock()
	if revoked {
		coming()
	}
}

func (g *cuttable) dismissed() bool {
	g.state.Lock()
	defer g.state.Unlock()
	return g.revoked
}

// end lets no further piece through, and stops the one that is under way.
func (g *cuttable) end(revoked bool) {
	g.state.Lock()
	g.over, g.revoked = true, g.revoked || revoked
	coming := g.coming
	g.state.Unlock()
	if revoked && coming != nil {
		coming()
	}
	// A connection without deadlines is none of ours; settled waits for it.
	_ = g.rc.SetWriteDeadline(time.Unix(1, 0))
}

// settled returns when what was under way is over.
func (g *cuttable) settled() {
	g.handing.Lock()
	defer g.handing.Unlock()
}

// renew lets an answer begin that was not planned yet when its reader lost
// something: what is read from now on knows of that.
func (g *cuttable) renew() {
	g.state.Lock()
	defer g.state.Unlock()
	g.over = g.revoked
}

func (g *cuttable) ended() bool {
	g.state.Lock()
	defer g.state.Unlock()
	return g.over
}

// Write hands bytes on in pieces and asks before each whether it still may.
func (g *cuttable) Write(b []byte) (int, error) {
	n := 0
	for {
		k, err := g.hand(b[n:min(len(b), n+pieceMax)])
		if n += k; err != nil || n == len(b) {
			return n, err
		}
	}
}

func (g *cuttable) hand(piece []byte) (int, error) {
	g.handing.Lock()
	defer g.handing.Unlock()
	if g.ended() {
		return 0, collections.ErrAccessEnded
	}
	return g.ResponseWriter.Write(piece)
}

// FlushError hands on what the server has gathered.
func (g *cuttable) FlushError() error {
	g.handing.Lock()
	defer g.handing.Unlock()
	if g.ended() {
		return collections.ErrAccessEnded
	}
	if err := g.rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// Unwrap leads to the server's own writer, for deadlines.
func (g *cuttable) Unwrap() http.ResponseWriter { return g.ResponseWriter }
