// Package audit is a log of who did what with whose data that nobody can alter
// unseen: leaves that are salted commitments, a Merkle tree over them, heads
// of the tree signed by the hub and remembered by its tablets. It is pure: it
// holds no database and no clock. The tree is that of Certificate Transparency
// (RFC 6962 §2) as golang.org/x/mod/sumdb/tlog computes it; signed heads are
// notes of golang.org/x/mod/sumdb/note.
package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"portolan/care"
)

// Limits of one event. What is over them is split into several.
const (
	EventBytesMax = 64 << 10
	OnMax         = 256 // things that one event names
	RecordsMax    = 32  // records that one of them names; Count says how many there were
)

// Event is one act: who, when, what, to what, and why it was allowed or not.
// It names ids and codes, never a value of a record.
type Event struct {
	At       string   `json:"at"` // the hub's clock, care.TimeFormat
	Act      string   `json:"act"`
	Staff    string   `json:"staff,omitempty"`
	Org      string   `json:"org,omitempty"` // whose auditor sees it
	Roles    []string `json:"roles,omitempty"`
	Device   string   `json:"device,omitempty"`
	Allowed  bool     `json:"allowed"`
	On       []On     `json:"on,omitempty"`
	Purpose  string   `json:"purpose,omitempty"`
	Approval string   `json:"approval,omitempty"`
	Chain    []Chain  `json:"chain,omitempty"`
}

// On is one thing that an act is about, with the decision on it.
type On struct {
	Org         string   `json:"org,omitempty"`
	Case        string   `json:"case,omitempty"`
	Topic       string   `json:"topic,omitempty"`
	Collection  string   `json:"collection,omitempty"`
	Compartment string   `json:"compartment,omitempty"`
	Records     []string `json:"records,omitempty"`
	Count       int      `json:"count,omitempty"`
	Reason      string   `json:"reason,omitempty"`
	Basis       string   `json:"basis,omitempty"` // grant, consent or override that decided
}

// Chain is how far the hash chain of a replica's changes had come: it pins
// the change log to this one.
type Chain struct {
	Replica string `json:"replica"`
	N       uint64 `json:"n"`
	Link    string `json:"link"`
}

// Errors of reading.
var (
	errEvent  = errors.New("audit: not an event in its one form")
	errLarge  = &care.Error{Code: "audit_event_too_large", Kind: care.TooLarge, Hint: "One event of the audit log names too much."}
	errDetail = errors.New("audit: not the detail of a leaf")
)

// Encode gives an event its one form, which is what leaves commit to: JSON
// with the members in the order of the type, and nothing escaped that need
// not be.
func (e Event) Encode() ([]byte, error) {
	if len(e.On) > OnMax {
		return nil, errLarge
	}
	for _, o := range e.On {
		if len(o.Records) > RecordsMax {
			return nil, errLarge
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	if b.Len()-1 > EventBytesMax {
		return nil, errLarge
	}
	return b.Bytes()[:b.Len()-1], nil
}

// DecodeEvent reads an event and refuses every other form of the same: two
// readers of one commitment must not read two things.
func DecodeEvent(b []byte) (Event, error) {
	var e Event
	if len(b) > EventBytesMax {
		return e, errLarge
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return Event{}, errEvent
	}
	if _, err := dec.Token(); err != io.EOF {
		return Event{}, errEvent
	}
	again, err := e.Encode()
	if err != nil {
		return Event{}, err
	}
	if !bytes.Equal(again, b) {
		return Event{}, errEvent
	}
	return e, nil
}

// Cases lists the cases that an event is about, each once.
func (e Event) Cases() []string {
	var l []string
	seen := map[string]bool{}
	for _, o := range e.On {
		if o.Case != "" && !seen[o.Case] {
			seen[o.Case] = true
			l = append(l, o.Case)
		}
	}
	return l
}
