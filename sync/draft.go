package fieldsync

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portolan/care"
)

// A form that somebody has not saved yet goes to their other devices as
// snapshots, one for each part of the case that it says something about. A
// snapshot takes the place of those that its author had seen; nothing of it is
// a change until they save.

// Limits of half-filled forms.
const (
	FormBytesMax   = 64 << 10 // of one part of a form, as it is sealed
	DraftBytesMax  = 96 << 10 // of one snapshot, sealed to the hub
	DraftsPutMax   = 32       // snapshots in one push
	DraftsNamedMax = 1024     // snapshots named in one list
)

// DraftName is what a snapshot is called, for ever.
type DraftName struct {
	Draft   string           // the form
	Part    care.Compartment // of the case
	Replica string           // that made it
	Clock   HLC              // and when
}

func (n DraftName) String() string {
	return n.Draft + "/" + string(n.Part) + "/" + n.Replica + "/" + string(n.Clock)
}

// Earlier is what the names of all snapshots begin with that the same replica
// made of the same part of the form.
func (n DraftName) Earlier() string { return n.Draft + "/" + string(n.Part) + "/" + n.Replica + "/" }

// ParseDraftName reads what String wrote.
func ParseDraftName(s string) (n DraftName, err error) {
	p := strings.Split(s, "/")
	if len(p) != 4 || !IsID(p[0]) || !IsID(p[2]) || !slices.Contains(care.Compartments, care.Compartment(p[1])) {
		return n, bad(CodeName, "a snapshot is called form/part/replica/clock")
	}
	n = DraftName{Draft: p[0], Part: care.Compartment(p[1]), Replica: p[2]}
	n.Clock, err = ParseHLC(p[3])
	return n, err
}

// Snapshot is what is sealed of one part of a form.
type Snapshot struct {
	Draft      string           `json:"draft"`
	Collection string           `json:"c"`
	Record     string           `json:"r"`    // the record that it becomes, or is about
	Case       string           `json:"case"` // of that record, there already or not
	Part       care.Compartment `json:"part"`
	Author     string           `json:"by"`
	Clock      HLC              `json:"t"`
	At         string           `json:"at"`
	Form       json.RawMessage  `json:"form"` // field → whatever stands in it
}

// Name is what a replica's snapshot is called.
func (s *Snapshot) Name(replica string) DraftName {
	return DraftName{s.Draft, s.Part, replica, s.Clock}
}

// Encode writes it as it is sealed.
func (s Snapshot) Encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err == nil {
		_, err = DecodeSnapshot(b)
	}
	if err != nil {
		return nil, fmt.Errorf("writing a form: %w", err)
	}
	return b, nil
}

// DecodeSnapshot reads what Encode wrote, and nothing else.
func DecodeSnapshot(b []byte) (Snapshot, error) {
	var s Snapshot
	if len(b) > FormBytesMax {
		return s, tooLarge("one part of a form is over " + strconv.Itoa(FormBytesMax) + " bytes")
	}
	var part, clock string
	to := map[string]*string{"draft": &s.Draft, "c": &s.Collection, "r": &s.Record, "case": &s.Case, "part": &part, "by": &s.Author, "t": &clock, "at": &s.At}
	in := scan(b, 0)
	err := in.object(func(name string) (err error) {
		if name == "form" {
			s.Form, err = in.form()
			return err
		}
		text := to[name]
		if text == nil {
			return bad(CodeMember, "a member that a form does not have")
		}
		delete(to, name)
		*text, err = in.str()
		return err
	})
	if err == nil {
		err = in.end()
	}
	if err != nil {
		return Snapshot{}, err
	}
	if len(to) > 0 || s.Form == nil {
		return Snapshot{}, bad(CodeMissing, "a form has draft, c, r, case, part, by, t, at and form")
	}
	s.Part = care.Compartment(part)
	if s.Clock, err = ParseHLC(clock); err != nil {
		return Snapshot{}, err
	}
	switch {
	case !isName(s.Collection) || !slices.Contains(care.Compartments, s.Part):
		return Snapshot{}, bad(CodeName, "a form is of one collection, and of one part of a case")
	case !IsID(s.Draft) || !IsID(s.Record) || !IsID(s.Case) || !IsID(s.Author):
		return Snapshot{}, bad(CodeID, "a form names itself, its record, case and author by UUIDv7 in lower case")
	case !isTime(s.At):
		return Snapshot{}, bad(CodeTime, "a time is written "+care.TimeFormat)
	}
	return s, nil
}

func (s *scanner) form() (json.RawMessage, error) {
	s.space()
	at := s.i
	err := s.object(func(name string) error {
		if !isName(name) {
			return bad(CodeName, "the name of a field is snake_case")
		}
		return s.skip()
	})
	return json.RawMessage(s.b[at:s.i]), err
}

// SealedDraft is a snapshot on its way to the hub.
type SealedDraft struct {
	Name DraftName
	Over []DraftName // snapshots that its author had seen
	Key  string      // id of the hub's key
	Box  []byte
}

// Drafts is the part of a push about half-filled forms. A device that sends
// none knows none of them.
type Drafts struct {
	Have []string // snapshots that the device has and the hub gave or took
	Put  []SealedDraft
	Drop []DraftName // that were saved, or thrown away
	Wait uint64      // snapshots that wait for another push
}

// DraftsSaid is what the hub says of snapshots.
type DraftsSaid struct {
	Taken   []string          `json:"taken,omitempty"`   // it has these, or these drops
	Refused map[string]string `json:"refused,omitempty"` // snapshot → code
	Gone    []string          `json:"gone,omitempty"`    // it has these no more
}

// KeptDraft is a snapshot on its way to another device of its author.
type KeptDraft struct {
	Name     string          `json:"name"`
	Until    string          `json:"until"` // then it is destroyed
	Snapshot json.RawMessage `json:"snapshot"`
}

func (d *Drafts) appendTo(b []byte) []byte {
	b = appendList(append(b, `,"drafts":{"have":`...), d.Have)
	if len(d.Put) > 0 {
		b = append(b, `,"put":[`...)
		for i := range d.Put {
			if i > 0 {
				b = append(b, ',')
			}
			p := &d.Put[i]
			b = appendString(append(b, `{"name":`...), p.Name.String())
			if len(p.Over) > 0 {
				b = appendList(append(b, `,"over":`...), draftNames(p.Over))
			}
			b = appendMember(b, "key", p.Key)
			b = append(appendMember(b, "sealed", base64.RawURLEncoding.EncodeToString(p.Box)), '}')
		}
		b = append(b, ']')
	}
	if len(d.Drop) > 0 {
		b = appendList(append(b, `,"drop":`...), draftNames(d.Drop))
	}
	if d.Wait > 0 {
		b = strconv.AppendUint(append(b, `,"wait":`...), d.Wait, 10)
	}
	return append(b, '}')
}

func draftNames(l []DraftName) []string {
	out := make([]string, len(l))
	for i, n := range l {
		out[i] = n.String()
	}
	return out
}

// drafts reads the part of a push about forms.
func (s *scanner) drafts() (*Drafts, error) {
	d := &Drafts{Have: []string{}}
	return d, s.object(func(name string) (err error) {
		switch name {
		case "have":
			_, err = s.draftNames(&d.Have)
		case "put":
			err = s.array(func() error {
				if len(d.Put) == DraftsPutMax {
					return tooLarge("a push has more than " + strconv.Itoa(DraftsPutMax) + " snapshots")
				}
				p, err := s.sealedDraft()
				d.Put = append(d.Put, p)
				return err
			})
		case "drop":
			d.Drop, err = s.draftNames(nil)
		case "wait":
			d.Wait, err = s.uint(NumberMax)
		default:
			err = bad(CodeMember, "a member of the forms is unknown to this version")
		}
		return err
	})
}

func (s *scanner) draftNames(texts *[]string) (names []DraftName, err error) {
	_, err = s.list(DraftsNamedMax, func(e string) error {
		n, err := ParseDraftName(e)
		names = append(names, n)
		if texts != nil {
			*texts = append(*texts, e)
		}
		return err
	})
	return names, err
}

func (s *scanner) sealedDraft() (p SealedDraft, err error) {
	var name, box string
	err = s.object(func(member string) (err error) {
		switch member {
		case "name":
			name, err = s.str()
		case "over":
			p.Over, err = s.draftNames(nil)
		case "key":
			p.Key, err = s.str()
		case "sealed":
			box, err = s.str()
		default:
			err = bad(CodeMember, "a member that a snapshot does not have")
		}
		return err
	})
	if err != nil {
		return p, err
	}
	if p.Name, err = ParseDraftName(name); err != nil {
		return p, err
	}
	switch p.Box, err = base64.RawURLEncoding.Strict().DecodeString(box); {
	case err != nil || len(p.Box) == 0:
		return p, bad(CodeType, "what is sealed is base64url")
	case len(p.Box) > DraftBytesMax:
		return p, tooLarge("a snapshot is over " + strconv.Itoa(DraftBytesMax) + " bytes")
	case p.Key == "" || len(p.Key) > NameBytesMax:
		return p, bad(CodeMissing, "a snapshot names the key to which it is sealed")
	}
	return p, nil
}

// draftsSaid reads what the hub says of snapshots.
func (s *scanner) draftsSaid() (*DraftsSaid, error) {
	said := &DraftsSaid{}
	return said, s.object(func(name string) (err error) {
		switch name {
		case "taken":
			_, err = s.draftNames(&said.Taken)
		case "refused":
			said.Refused, err = s.strings()
		case "gone":
			_, err = s.draftNames(&said.Gone)
		default:
			err = s.skip()
		}
		return err
	})
}

// keptDraft reads a snapshot of another device. What it says is read by
// whoever takes it (DecodeSnapshot).
func (s *scanner) keptDraft() (*KeptDraft, error) {
	k := &KeptDraft{}
	return k, s.object(func(name string) (err error) {
		switch name {
		case "name":
			k.Name, err = s.str()
		case "until":
			k.Until, err = s.str()
		case "snapshot":
			k.Snapshot, err = s.raw()
		default:
			err = s.skip()
		}
		return err
	})
}

func (d *DraftsSaid) appendTo(b []byte) []byte {
	b = append(b, `{"drafts":{`...)
	first := true
	list := func(name string, l []string) {
		if len(l) == 0 {
			return
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendList(append(append(append(b, '"'), name...), `":`...), l)
	}
	list("taken", d.Taken)
	list("gone", d.Gone)
	if len(d.Refused) > 0 {
		if !first {
			b = append(b, ',')
		}
		b = appendStrings(append(b, `"refused":`...), d.Refused)
	}
	return append(b, '}')
}

func (k *KeptDraft) appendTo(b []byte) []byte {
	b = appendString(append(b, `{"draft":{"name":`...), k.Name)
	b = appendMember(b, "until", k.Until)
	b = append(append(b, `,"snapshot":`...), k.Snapshot...)
	return append(b, '}')
}

// FormFields lists the fields that a form says something about.
func FormFields(form json.RawMessage) (names []string, err error) {
	s := scan(form, 0)
	err = s.object(func(name string) error {
		names = append(names, name)
		return s.skip()
	})
	return names, err
}
