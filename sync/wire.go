package fieldsync

import (
	"encoding/json"
	"strconv"

	"portolan/care"
)

// Push is the body of a sync: what the device made since the last receipt, in
// order, and where its pull goes on. Changes are the bytes as their author
// wrote them: encode a push with AppendJSON, since json.Marshal would write
// them anew and break the chain.
type Push struct {
	Version   int                 `json:"v"`
	Replica   string              `json:"replica"`
	Changes   []json.RawMessage   `json:"changes"`
	Link      string              `json:"link"`              // hex, after the last change
	Signature string              `json:"sig"`               // base64url Ed25519 over PushMessage
	Cursor    string              `json:"cursor"`            // opaque, from the last End; "" for a first sync
	Last      uint64              `json:"last,omitempty"`    // number of the replica's last change, so that the hub knows what it is owed
	Lease     string              `json:"lease,omitempty"`   // until when the device holds a lease
	HubKey    string              `json:"hub_key,omitempty"` // id of the key to which the device seals
	Check     []string            `json:"check,omitempty"`   // EveryScope, or scopes whose records\' digests are asked for: the walk after a root that differed
	Again     map[string][]string `json:"again,omitempty"`   // records to be sent anew, by scope
	Seen      uint64              `json:"seen,omitempty"`    // size of the hub's audit log at the last checkpoint that the device verified
	Own       bool                `json:"own,omitempty"`     // the device takes Line.Own
	Files     uint64              `json:"files,omitempty"`   // how many files wait on the device: the hub is owed them
	Drafts    *Drafts             `json:"-"`                 // its half-filled forms; nil where it knows none
}

// Line is one line of the answer (NDJSON); exactly one member is set. They
// come in this order, each kind as often as it takes.
type Line struct {
	Evict    []Scope           `json:"evict,omitempty"`    // scopes to destroy, before anything else
	Receipts []json.RawMessage `json:"receipts,omitempty"` // one Receipt for each change pushed, byte for byte the same each time
	Wipe     *Wipe             `json:"wipe,omitempty"`     // all that the device holds is to be destroyed; nothing else but receipts follows
	Lease    *Lease            `json:"lease,omitempty"`    // what the device needs to open its store, and until when
	HubKey   *HubKey           `json:"hub_key,omitempty"`  // to which the device seals from now on
	Log      *LogHead          `json:"log,omitempty"`      // the hub's audit log, signed, before anything that it discloses
	Enter    []Scope           `json:"enter,omitempty"`    // scopes newly granted: all their rows follow
	Drafts   *DraftsSaid       `json:"drafts,omitempty"`   // what the hub has, and has not, of half-filled forms
	Draft    *KeptDraft        `json:"draft,omitempty"`    // a half-filled form of this person's
	Upgrade  *Upgrade          `json:"upgrade,omitempty"`  // the device's program is too old for what would follow; End does
	Own      []Stood           `json:"own,omitempty"`      // changes of this push that stand as they were written
	Row      *Row              `json:"row,omitempty"`      // fields of one record in one scope
	Mark     string            `json:"mark,omitempty"`     // a cursor: what came before it need not be sent again
	Digests  map[string]string `json:"digests,omitempty"`  // scope → digest, of every scope that the device may see
	Records  *RecordDigests    `json:"records,omitempty"`  // digests of a scope's records
	Gone     *Gone             `json:"gone,omitempty"`     // records of a scope that are not there
	End      *End              `json:"end,omitempty"`      // the last line; an answer without it was cut
}

// LogHead is a checkpoint of the hub's audit log, as it was signed, and the
// proof that the log of the size that the device named is its beginning:
// hashes as base64. What stands in them is checked by package audit.
type LogHead struct {
	Signed string   `json:"signed"`
	Proof  []string `json:"proof,omitempty"`
	Keys   []string `json:"keys,omitempty"` // heads in which a key named the next one
}

// Lease is the hub's part of the key to a device's store, which the device
// destroys when its time is over.
type Lease struct {
	Key   string `json:"key"`   // base64url, 32 bytes
	Until string `json:"until"` // care.TimeFormat
}

// Upgrade says that the hub takes what a device of this age brings, and gives it
// nothing that is new. What it holds stays readable.
type Upgrade struct {
	Least uint64 `json:"least"` // the oldest version of the protocol that is given something
}

// Wipe orders a device to destroy what it holds. What it has not sent it can
// no longer read, and still delivers.
type Wipe struct {
	Why string `json:"why"`
}

// Stood is a change of the device's own push. In each field that it wrote
// stands what it wrote, and nothing else (Change.Alone).
type Stood struct {
	N      uint64            `json:"n"`
	Stands map[string]uint64 `json:"o,omitempty"` // of a field under Ask, since when its line of values has stood
}

// End closes an answer.
type End struct {
	Cursor string `json:"cursor"`
	Digest string `json:"digest"` // RootDigest over every scope that the device sees
	Server string `json:"now"`    // the hub's time, care.TimeFormat
}

// DecodeLine reads one line of an answer. Members that this version does not
// know are passed over: the hub may be newer than the tablet.
func DecodeLine(raw []byte) (Line, error) {
	var l Line
	if len(raw) > LineBytesMax {
		return l, &care.Error{Code: CodeLineTooLarge, Kind: care.TooLarge, Hint: "a line is over " + strconv.Itoa(LineBytesMax) + " bytes"}
	}
	s := scan(raw, -5) // line, row, writes, write and fields stand around each value
	err := s.object(func(name string) (err error) {
		switch name {
		case "evict":
			l.Evict, err = s.scopes()
		case "receipts":
			err = s.array(func() error {
				r, err := s.raw()
				l.Receipts = append(l.Receipts, json.RawMessage(r))
				return err
			})
		case "wipe":
			l.Wipe = &Wipe{}
			err = s.texts(map[string]*string{"why": &l.Wipe.Why})
		case "lease":
			l.Lease = &Lease{}
			err = s.texts(map[string]*string{"key": &l.Lease.Key, "until": &l.Lease.Until})
		case "hub_key":
			l.HubKey = &HubKey{}
			err = s.texts(map[string]*string{"id": &l.HubKey.ID, "public": &l.HubKey.Public})
		case "log":
			l.Log = &LogHead{}
			err = s.logHead(l.Log)
		case "enter":
			l.Enter, err = s.scopes()
		case "upgrade":
			l.Upgrade, err = s.upgrade()
		case "drafts":
			l.Drafts, err = s.draftsSaid()
		case "draft":
			l.Draft, err = s.keptDraft()
		case "own":
			err = s.array(func() error { return s.own(&l) })
		case "row":
			l.Row = &Row{}
			err = s.row(l.Row)
		case "mark":
			l.Mark, err = s.str()
		case "digests":
			l.Digests, err = s.strings()
		case "records":
			l.Records, err = s.recordDigests()
		case "gone":
			l.Gone, err = s.gone()
		case "end":
			l.End = &End{}
			err = s.endLine(l.End)
		default:
			err = s.skip()
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return Line{}, err
	}
	return l, nil
}

func (s *scanner) upgrade() (*Upgrade, error) {
	u := &Upgrade{}
	return u, s.object(func(name string) (err error) {
		if name == "least" {
			u.Least, err = s.uint(NumberMax)
			return err
		}
		return s.skip()
	})
}

func (s *scanner) own(l *Line) error {
	if len(l.Own) == PushChangesMax {
		return tooLarge("a line names more changes than a push has")
	}
	var o Stood
	err := s.object(func(name string) (err error) {
		switch name {
		case "n":
			o.N, err = s.uint(NumberMax)
		case "o":
			o.Stands = map[string]uint64{}
			err = s.object(func(field string) (err error) {
				o.Stands[field], err = s.uint(NumberMax)
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	l.Own = append(l.Own, o)
	return err
}

func (s *scanner) scopes() ([]Scope, error) {
	var out []Scope
	_, err := s.list(1<<20, func(e string) error {
		_, err := ParseScope(e)
		out = append(out, Scope(e))
		return err
	})
	return out, err
}

func (s *scanner) logHead(h *LogHead) error {
	return s.object(func(name string) (err error) {
		switch name {
		case "signed":
			h.Signed, err = s.str()
		case "proof":
			h.Proof, err = s.list(ProofHashesMax, func(string) error { return nil })
		case "keys":
			h.Keys, err = s.list(LogKeysMax, func(string) error { return nil })
		default:
			err = s.skip()
		}
		return err
	})
}

func (s *scanner) truth() (bool, error) {
	switch s.peek() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	}
	return false, s.expected("true or false")
}

func (s *scanner) endLine(e *End) error {
	return s.texts(map[string]*string{"cursor": &e.Cursor, "digest": &e.Digest, "now": &e.Server})
}

// texts reads an object whose members are strings, and passes over others.
func (s *scanner) texts(to map[string]*string) error {
	return s.object(func(name string) (err error) {
		if into := to[name]; into != nil {
			*into, err = s.str()
			return err
		}
		return s.skip()
	})
}

// DecodeRegister reads a register as MarshalJSON writes it: the fast path of
// the door. Empty input is the empty register.
func DecodeRegister(raw []byte) (Register, error) {
	if len(raw) == 0 {
		return Register{}, nil
	}
	s := scan(raw, -1)
	r, err := s.register()
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return Register{}, err
	}
	return r, nil
}

// UnmarshalJSON is DecodeRegister for encoding/json; it keeps a copy, since
// encoding/json uses its buffer again.
func (r *Register) UnmarshalJSON(raw []byte) (err error) {
	*r, err = DecodeRegister(append([]byte(nil), raw...))
	return err
}

func (s *scanner) register() (Register, error) {
	var r Register
	err := s.object(func(name string) error {
		if name != "h" {
			return s.skip()
		}
		return s.array(func() error {
			var v Version
			err := s.version(&v)
			r.Heads = append(r.Heads, v)
			return err
		})
	})
	return r, err
}

func (s *scanner) version(v *Version) error {
	return s.object(func(name string) (err error) {
		var t string
		switch name {
		case "d":
			t, err = s.str()
			v.Dot = Dot(t)
		case "t":
			t, err = s.str()
			v.Clock = HLC(t)
		case "at":
			v.At, err = s.str()
		case "by":
			v.Author, err = s.str()
		case "q":
			v.Seq, err = s.uint(NumberMax)
		case "o":
			v.Stands, err = s.uint(NumberMax)
		case "v":
			v.Value, err = s.value()
		case "e":
			v.Elem, err = s.str()
		case "x":
			v.Removed, err = s.truth()
		default:
			err = s.skip()
		}
		return err
	})
}
