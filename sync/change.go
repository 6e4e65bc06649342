// Package fieldsync is the sync of Portolan, pure: clocks, changes, the merge
// of fields, scopes and the wire format. docs/protocol.md specifies it.
package fieldsync

import (
	"portolan/care"
)

// Dot names one change for ever: the replica that made it and its dense number
// there, written "<replica>/<n>". A replica is one person's store on one
// device; n counts from 1 without gaps.
type Dot string

// Change is one act of one person on one record. Its raw bytes, as its author
// wrote them, are what is hashed, stored and kept for ever.
type Change struct {
	N          uint64                `json:"n"`              // dense number in the replica, from 1
	Collection string                `json:"c"`              // care entity name
	Record     string                `json:"r"`              // UUIDv7
	Case       string                `json:"case,omitempty"` // on the first change of a record that belongs to a case
	Org        string                `json:"org,omitempty"`  // on the first change of a record that belongs to none
	Set        map[string]care.Value `json:"set,omitempty"`  // fields that are not Union
	Add        map[string][]string   `json:"add,omitempty"`  // elements added to Union fields
	Remove     map[string][]string   `json:"rm,omitempty"`   // elements removed from Union fields
	Base       map[string][]Dot      `json:"base,omitempty"` // per field, every version its author saw
	Clock      HLC                   `json:"t"`              // hybrid logical clock of the device
	At         string                `json:"at"`             // device time, care.TimeFormat
	Author     string                `json:"by"`             // staff id
	Group      string                `json:"g,omitempty"`    // changes of one group stand or fall together
	Schema     int                   `json:"sv"`             // schema version the author's app knew
	Salt       string                `json:"salt"`           // 16 random bytes, base64url: salts the commitment
}

// Version is one value that one change wrote to one field.
type Version struct {
	Dot     Dot        `json:"d"`
	Clock   HLC        `json:"t"`           // clamped by the hub
	At      string     `json:"at"`          // device time
	Author  string     `json:"by"`          // staff id
	Seq     uint64     `json:"q,omitempty"` // the hub's sequence number; 0 while only the tablet knows it
	Stands  uint64     `json:"o,omitempty"` // for Ask: since which number this line of values has stood, where that is not Seq
	Value   care.Value `json:"v,omitempty"` // for Union: absent
	Elem    string     `json:"e,omitempty"` // for Union: the element
	Removed bool       `json:"x,omitempty"` // for Union: the element was removed
}

// Register is one field: every version that no later version has superseded.
// More than one distinct value among the heads is a conflict (for Union, none).
type Register struct {
	Heads []Version `json:"h"`
}

// Held is why a change, or one field of it, was kept aside instead of applied.
type Held struct {
	Field  string `json:"f,omitempty"` // "" for the whole change
	Reason string `json:"why"`         // stable code, docs/errors.md
}

// Receipt is the hub's answer to one change; a repeated push gets it again,
// byte for byte.
type Receipt struct {
	N         uint64   `json:"n"`
	Seq       uint64   `json:"q"`                  // the hub's sequence number of the change
	Status    string   `json:"s"`                  // StatusApplied, StatusConflict or StatusHeld
	Conflicts []string `json:"conflict,omitempty"` // fields where another value is kept beside
	Held      []Held   `json:"held,omitempty"`
}

// The statuses of a receipt. None of them means that anything was dropped.
const (
	StatusApplied  = "applied"  // every field is in force or kept
	StatusConflict = "conflict" // applied; at least one field now has more than one value
	StatusHeld     = "held"     // at least one field was kept aside, see Held
)
