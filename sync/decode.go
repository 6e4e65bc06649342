package fieldsync

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"portolan/care"
)

// DecodeChange reads the raw bytes of one change, strictly: what this version
// of the protocol does not know is refused by its code, so that the door holds
// the change (raw, with its number from NumberOf) and nobody reads it half.
// The values in the result share raw's memory.
func DecodeChange(raw []byte) (Change, error) {
	var c Change
	if len(raw) > ChangeBytesMax {
		return c, tooLarge("a change is over " + strconv.Itoa(ChangeBytesMax) + " bytes")
	}
	s := scan(raw, 0)
	if err := s.object(func(name string) error { return s.changeMember(&c, name) }); err != nil {
		return Change{}, err
	}
	if err := s.end(); err != nil {
		return Change{}, err
	}
	if err := c.check(); err != nil {
		return Change{}, err
	}
	return c, nil
}

func tooLarge(hint string) error {
	return &care.Error{Code: CodeTooLarge, Kind: care.TooLarge, Hint: hint}
}

func (s *scanner) changeMember(c *Change, name string) (err error) {
	switch name {
	case "n":
		c.N, err = s.uint(NumberMax)
	case "c":
		c.Collection, err = s.str()
	case "r":
		c.Record, err = s.str()
	case "case":
		c.Case, err = s.str()
	case "org":
		c.Org, err = s.str()
	case "set":
		c.Set, err = fieldsOf(s, s.value)
	case "add":
		c.Add, err = fieldsOf(s, s.elements)
	case "rm":
		c.Remove, err = fieldsOf(s, s.elements)
	case "base":
		c.Base, err = fieldsOf(s, s.dots)
	case "t":
		var t string
		t, err = s.str()
		c.Clock = HLC(t)
	case "at":
		c.At, err = s.str()
	case "by":
		c.Author, err = s.str()
	case "g":
		c.Group, err = s.str()
	case "sv":
		var n uint64
		n, err = s.uint(SchemaVersionMax)
		c.Schema = int(n)
	case "salt":
		c.Salt, err = s.str()
	default:
		return bad(CodeMember, "a member of the change is unknown to this version")
	}
	return err
}

// fieldsOf reads an object with one member for each field.
func fieldsOf[T any](s *scanner, read func() (T, error)) (map[string]T, error) {
	m := make(map[string]T)
	err := s.object(func(name string) error {
		if !isName(name) {
			return bad(CodeName, "the name of a field is snake_case")
		}
		if len(m) == ChangeFieldsMax {
			return tooLarge("a change has more than " + strconv.Itoa(ChangeFieldsMax) + " fields")
		}
		v, err := read()
		m[name] = v
		return err
	})
	return m, err
}

func (s *scanner) elements() ([]string, error) {
	l, err := s.list(ElementsMax, func(e string) error {
		switch {
		case e == "":
			return bad(CodeType, "an element of a set is not empty")
		case len(e) > ElementBytesMax:
			return tooLarge("an element is over " + strconv.Itoa(ElementBytesMax) + " bytes")
		}
		return nil
	})
	if err == nil && hasTwice(l) {
		return nil, bad(CodeTwice, "an element is named twice")
	}
	return l, err
}

func (s *scanner) dots() ([]Dot, error) {
	var out []Dot
	_, err := s.list(BaseDotsMax, func(e string) error {
		d, err := ParseDot(e)
		out = append(out, d)
		return err
	})
	return out, err
}

func hasTwice(l []string) bool {
	seen := make(map[string]bool, len(l))
	for _, e := range l {
		if seen[e] {
			return true
		}
		seen[e] = true
	}
	return false
}

// isName says whether s is a name as collections and fields have them.
func isName(s string) bool {
	if s == "" || len(s) > NameBytesMax || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// check holds the members against each other and against their alphabets.
func (c *Change) check() error {
	switch {
	case c.N == 0:
		return bad(CodeMissing, "a change has a number from 1")
	case c.Collection == "" || c.Record == "" || c.Author == "" || c.Clock == "" || c.At == "" || c.Salt == "":
		return bad(CodeMissing, "a change names c, r, by, t, at and salt")
	case !isName(c.Collection):
		return bad(CodeName, "the name of a collection is snake_case")
	case !IsID(c.Record) || !IsID(c.Author) || c.Case != "" && !IsID(c.Case) || c.Org != "" && !IsID(c.Org):
		return bad(CodeID, "an id is a UUIDv7 in lower case")
	}
	if _, err := ParseHLC(string(c.Clock)); err != nil {
		return err
	}
	if !isTime(c.At) {
		return bad(CodeTime, "a time is written "+care.TimeFormat)
	}
	if b, err := base64.RawURLEncoding.Strict().DecodeString(c.Salt); err != nil || len(b) != SaltBytes {
		return bad(CodeSalt, "a salt is 16 bytes as base64url without padding")
	}
	if !isGroup(c.Group) {
		return bad(CodeName, "the name of a group is letters, digits, - and _")
	}
	return c.checkFields()
}

func isTime(s string) bool {
	t, err := time.Parse(care.TimeFormat, s)
	return err == nil && care.FormatTime(t) == s
}

func isGroup(s string) bool {
	if len(s) > GroupBytesMax {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// checkFields refuses a change that says two things about one field, or names
// a base for a field that it does not write.
func (c *Change) checkFields() error {
	for f := range c.Set {
		if len(c.Add[f]) > 0 || len(c.Remove[f]) > 0 {
			return bad(CodeTwice, "a field is both set and changed by elements")
		}
	}
	for f, add := range c.Add {
		for _, e := range c.Remove[f] {
			if slices.Contains(add, e) {
				return bad(CodeTwice, "an element is both added and removed")
			}
		}
	}
	for f := range c.Base {
		if _, ok := c.Set[f]; !ok && len(c.Add[f]) == 0 && len(c.Remove[f]) == 0 {
			return bad(CodeMember, "a base for a field that the change does not write")
		}
	}
	return nil
}

// NumberOf reads only the number of a change, from anything that is a JSON
// object with a member n, so that a change which this version cannot read is
// still held under its number.
func NumberOf(raw []byte) (uint64, error) {
	s := &scanner{b: raw}
	var n uint64
	err := s.object(func(name string) (err error) {
		if name == "n" {
			n, err = s.uint(NumberMax)
			return err
		}
		return s.skip()
	})
	if err == nil {
		err = s.end()
	}
	if err == nil && n == 0 {
		err = bad(CodeMissing, "a change has a number from 1")
	}
	return n, err
}

// AuthorOf reads whom the raw bytes of a change name as their author, also of
// one that DecodeChange refuses: "" where they name nobody.
func AuthorOf(raw []byte) (author string) {
	s := &scanner{b: raw}
	// What is wrong behind it does not unsay it.
	_ = s.object(func(name string) (err error) {
		if name == "by" {
			author, err = s.str()
			return err
		}
		return s.skip()
	})
	return author
}

// HomeOf reads which record and case the raw bytes of a change name, of one
// that DecodeChange refuses: "" for each that is not there or no id.
func HomeOf(raw []byte) (record, caseID string) {
	s := &scanner{b: raw}
	// What is wrong behind them does not unsay them.
	_ = s.object(func(name string) (err error) {
		switch name {
		case "r":
			record, err = s.str()
		case "case":
			caseID, err = s.str()
		default:
			err = s.skip()
		}
		return err
	})
	if !IsID(record) {
		record = ""
	}
	if !IsID(caseID) {
		caseID = ""
	}
	return record, caseID
}

// DecodePush reads the body of a push, of any version: members around the
// changes that this one does not know are passed over. The changes stay raw, and
// share body's memory; Numbers checks how they are numbered.
func DecodePush(body []byte) (Push, error) {
	var p Push
	if len(body) > PushBytesMax {
		return p, &care.Error{Code: CodePushTooLarge, Kind: care.TooLarge, Hint: "a push is over " + strconv.Itoa(PushBytesMax) + " bytes"}
	}
	s := &scanner{b: body, depth: -2} // the push and its list of changes stand around each change
	if err := s.object(func(name string) error { return s.pushMember(&p, name) }); err != nil {
		return Push{}, err
	}
	if err := s.end(); err != nil {
		return Push{}, err
	}
	if err := p.check(); err != nil {
		return Push{}, err
	}
	return p, nil
}

func (s *scanner) pushMember(p *Push, name string) (err error) {
	switch name {
	case "v":
		var n uint64
		n, err = s.uint(NumberMax)
		p.Version = int(n)
	case "replica":
		p.Replica, err = s.str()
	case "changes":
		err = s.array(func() error { return s.pushChange(p) })
	case "link":
		p.Link, err = s.str()
	case "sig":
		p.Signature, err = s.str()
	case "cursor":
		p.Cursor, err = s.str()
	case "last":
		p.Last, err = s.uint(NumberMax)
	case "lease":
		p.Lease, err = s.str()
	case "hub_key":
		p.HubKey, err = s.str()
	case "seen":
		p.Seen, err = s.uint(NumberMax)
	case "own":
		p.Own, err = s.truth()
	case "files":
		p.Files, err = s.uint(NumberMax)
	case "drafts":
		p.Drafts, err = s.drafts()
	case "check":
		p.Check, err = s.check()
	case "again":
		p.Again, err = s.again()
	default:
		// Of a newer tablet: what it asks for with it is not done, and what it
		// brings is taken.
		err = s.skip()
	}
	return err
}

func (s *scanner) pushChange(p *Push) error {
	if len(p.Changes) == PushChangesMax {
		return &care.Error{Code: CodePushTooLarge, Kind: care.TooLarge, Hint: "a push has more than " + strconv.Itoa(PushChangesMax) + " changes"}
	}
	if s.peek() != '{' {
		return s.expected("a change")
	}
	raw, err := s.raw()
	if err != nil {
		return err
	}
	if len(raw) > ChangeBytesMax {
		_, sealed, err := AsSealed(raw)
		if err != nil || !sealed || len(raw) > SealedBytesMax {
			return tooLarge("a change is over " + strconv.Itoa(ChangeBytesMax) + " bytes")
		}
	}
	p.Changes = append(p.Changes, json.RawMessage(raw))
	return nil
}

func (p *Push) check() error {
	switch {
	case p.Version < 1:
		return bad(CodeVersion, "a push says its version, from 1")
	case !IsID(p.Replica):
		return bad(CodeID, "a replica is named by a UUIDv7 in lower case")
	case len(p.Cursor) > CursorBytesMax:
		return tooLarge("a cursor is over " + strconv.Itoa(CursorBytesMax) + " bytes")
	case len(p.Changes) > 0 && (p.Link == "" || p.Signature == ""):
		return bad(CodeMissing, "a push with changes has a link and a signature")
	}
	if p.Link == "" {
		return nil
	}
	_, err := ParseLink(p.Link)
	return err
}

// Numbers returns the number of each change and refuses a push whose changes
// do not follow one another without a gap.
func (p *Push) Numbers() ([]uint64, error) {
	out := make([]uint64, len(p.Changes))
	for i, raw := range p.Changes {
		n, err := NumberOf(raw)
		if err != nil {
			return nil, err
		}
		if i > 0 && n != out[i-1]+1 {
			return nil, bad(CodeGap, "the changes of a push are numbered one after the other")
		}
		out[i] = n
	}
	return out, nil
}
