// Package simtest is a seeded world in memory: a model of the hub, replicas of
// it on tablets, a bad network, bad clocks, crashes, grants that come and go,
// and a hub restored from an old backup. It speaks the real wire format and
// merges with the real registers; invariants hold after every step. A seed
// plays a run again.
package simtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// place is one field of one record.
type place struct{ record, field string }

// taken is one change that the hub took, and what it answered.
type taken struct {
	raw     []byte
	change  fieldsync.Change // raw, read once
	receipt json.RawMessage
}

// access is a scope that a replica may see, from and until a sequence number
// (0: still).
type access struct {
	scope       fieldsync.Scope
	from, until uint64
}

// hub is the model of the hub: what the door and the pull do, without a
// database.
type hub struct {
	schema  *schema
	epoch   uint32
	seq     uint64
	taken   map[string][]taken // by replica, in the order of n
	links   map[string]fieldsync.Link
	state   map[place]fieldsync.Register
	changed map[place]uint64 // at which number a field last changed
	held    map[fieldsync.Dot]bool
	digests map[fieldsync.Scope]fieldsync.Digest
	grants  map[string][]access // by replica
}

func newHub(s *schema) *hub {
	return &hub{schema: s, epoch: 1, taken: map[string][]taken{}, links: map[string]fieldsync.Link{}, state: map[place]fieldsync.Register{},
		changed: map[place]uint64{}, held: map[fieldsync.Dot]bool{}, digests: map[fieldsync.Scope]fieldsync.Digest{}, grants: map[string][]access{}}
}

// backup is a copy of everything. Registers are never changed in place.
func (h *hub) backup() *hub {
	c := *h
	c.taken, c.links, c.state, c.changed = map[string][]taken{}, maps.Clone(h.links), maps.Clone(h.state), maps.Clone(h.changed)
	c.held, c.digests, c.grants = maps.Clone(h.held), maps.Clone(h.digests), map[string][]access{}
	for r, l := range h.taken {
		c.taken[r] = slices.Clone(l)
	}
	for r, l := range h.grants {
		c.grants[r] = slices.Clone(l)
	}
	return &c
}

// gapError is the hub's answer when it misses earlier changes.
type gapError struct{ expected uint64 }

func (e *gapError) Error() string { return fmt.Sprintf("sequence_gap, expected %d", e.expected) }

// push takes a push from the wire and returns the receipts.
func (h *hub) push(body []byte, now time.Time) (fieldsync.Push, []json.RawMessage, error) {
	p, err := fieldsync.DecodePush(body)
	if err != nil {
		return p, nil, err
	}
	numbers, err := p.Numbers()
	if err != nil {
		return p, nil, err
	}
	var receipts []json.RawMessage
	for i, n := range numbers {
		known := h.taken[p.Replica]
		switch {
		case n > uint64(len(known))+1:
			return p, nil, &gapError{uint64(len(known)) + 1}
		case n <= uint64(len(known)):
			if !bytes.Equal(known[n-1].raw, p.Changes[i]) {
				return p, nil, fmt.Errorf("another change under %s/%d", p.Replica, n)
			}
			receipts = append(receipts, known[n-1].receipt)
		default:
			c, err := fieldsync.DecodeChange(p.Changes[i])
			if err != nil {
				return p, nil, err
			}
			receipts = append(receipts, h.take(p.Replica, c, p.Changes[i], now))
		}
	}
	if last := len(numbers) - 1; last >= 0 && numbers[last] == uint64(len(h.taken[p.Replica])) && h.links[p.Replica].String() != p.Link {
		return p, nil, fmt.Errorf("the chain of %s is broken", p.Replica)
	}
	return p, receipts, nil
}

func (h *hub) take(replica string, c fieldsync.Change, raw []byte, now time.Time) json.RawMessage {
	h.seq++
	r := fieldsync.Receipt{N: c.N, Seq: h.seq, Status: fieldsync.StatusApplied}
	for _, name := range c.Fields() {
		at := place{c.Record, name}
		f, reg := h.schema.field(name), h.state[at]
		scope := h.schema.scope(c.Record, f)
		before := fieldsync.DigestOf(scope, c.Record, name, reg.Dots())
		conflict := false
		for _, v := range c.Versions(name, replica, fieldsync.Clamp(c.Clock, now), h.seq) {
			var held string
			if conflict, held = reg.Apply(f, v, c.Base[name]); held != "" {
				r.Status, r.Held = fieldsync.StatusHeld, append(r.Held, fieldsync.Held{Field: name, Reason: held})
				h.held[v.Dot] = true
			}
		}
		if conflict {
			r.Conflicts = append(r.Conflicts, name)
		}
		after := fieldsync.DigestOf(scope, c.Record, name, reg.Dots())
		h.digests[scope] = h.digests[scope].Sub(before).Add(after)
		h.state[at], h.changed[at] = reg, h.seq
	}
	if len(r.Conflicts) > 0 && r.Status == fieldsync.StatusApplied {
		r.Status = fieldsync.StatusConflict
	}
	receipt := r.AppendJSON(nil)
	h.taken[replica] = append(h.taken[replica], taken{raw, c, receipt})
	h.links[replica] = fieldsync.NextLink(h.links[replica], raw)
	return receipt
}

func (h *hub) cursor() string {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, h.epoch), h.seq)
	return base64.RawURLEncoding.EncodeToString(b)
}

// since reads a cursor: 0 for none, or for one of another epoch.
func (h *hub) since(cursor string) uint64 {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 12 || binary.BigEndian.Uint32(b) != h.epoch {
		return 0
	}
	return binary.BigEndian.Uint64(b[4:])
}

// answer is one round trip: the lines as they go over the wire.
func (h *hub) answer(body []byte, now time.Time) ([][]byte, error) {
	p, receipts, err := h.push(body, now)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	send := func(l fieldsync.Line) { lines = append(lines, l.AppendJSON(nil)) }
	from := h.since(p.Cursor)
	open, evict, enter := h.scopes(p.Replica, from)
	if len(evict) > 0 {
		send(fieldsync.Line{Evict: evict})
	}
	if len(receipts) > 0 {
		send(fieldsync.Line{Receipts: receipts})
	}
	if len(enter) > 0 {
		send(fieldsync.Line{Enter: enter})
	}
	for _, at := range sortedPlaces(h.state) {
		scope := h.schema.scope(at.record, h.schema.field(at.field))
		if open[scope] && (h.changed[at] > from || slices.Contains(enter, scope)) {
			send(fieldsync.Line{Row: &fieldsync.Row{Scope: scope, Collection: "cases", Record: at.record, Case: at.record,
				Fields: map[string]fieldsync.Register{at.field: h.state[at]}}})
		}
	}
	sums := map[fieldsync.Scope]fieldsync.Digest{}
	for s := range open {
		sums[s] = h.digests[s]
	}
	send(fieldsync.Line{End: &fieldsync.End{Cursor: h.cursor(), Digest: fieldsync.RootDigest(sums), Server: care.FormatTime(now)}})
	return lines, nil
}

// scopes tells what a replica may see now, and how that differs from what it
// could at a number.
func (h *hub) scopes(replica string, from uint64) (open map[fieldsync.Scope]bool, evict, enter []fieldsync.Scope) {
	open = map[fieldsync.Scope]bool{}
	for _, a := range h.grants[replica] {
		switch {
		case a.until == 0:
			open[a.scope] = true
			if a.from > from || from == 0 {
				enter = append(enter, a.scope)
			}
		case a.until > from || from == 0:
			evict = append(evict, a.scope)
		}
	}
	evict = slices.DeleteFunc(evict, func(s fieldsync.Scope) bool { return open[s] && !slices.Contains(enter, s) })
	return open, evict, enter
}

// grant lets a replica see a scope, or ends that.
func (h *hub) grant(replica string, s fieldsync.Scope, may bool) {
	h.seq++
	list := h.grants[replica]
	i := slices.IndexFunc(list, func(a access) bool { return a.scope == s && a.until == 0 })
	switch {
	case may && i < 0:
		h.grants[replica] = append(list, access{scope: s, from: h.seq})
	case !may && i >= 0:
		list[i].until = h.seq
	}
}

func sortedPlaces[T any](m map[place]T) []place {
	return slices.SortedFunc(maps.Keys(m), func(a, b place) int {
		if a.record != b.record {
			if a.record < b.record {
				return -1
			}
			return 1
		}
		if a.field < b.field {
			return -1
		}
		return 1
	})
}
