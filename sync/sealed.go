package fieldsync

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
)

// Sealed stands in a push in the place of a change that its tablet cannot read
// any more: what was sealed to the hub as it was saved. Sum is the commitment
// to the change, over which the chain goes on.
type Sealed struct {
	N   uint64            // number in the replica that delivers it
	Of  Dot               // the change as it was sealed: of an earlier replica, where the tablet was enrolled again since
	Key string            // id of the hub's key
	Sum [sha256.Size]byte // SHA-256 of the change's bytes
	Box []byte
}

// HubKey is the key of the hub to which tablets seal what is unsent.
type HubKey struct {
	ID     string `json:"id"`
	Public string `json:"public"` // base64url
}

// AppendJSON writes it as it stands in a push.
func (c *Sealed) AppendJSON(b []byte) []byte {
	b = strconv.AppendUint(append(b, `{"n":`...), c.N, 10)
	b = appendMember(b, "of", string(c.Of))
	b = appendMember(b, "key", c.Key)
	b = appendMember(b, "sum", hex.EncodeToString(c.Sum[:]))
	return append(appendMember(b, "sealed", base64.RawURLEncoding.EncodeToString(c.Box)), '}')
}

// AsSealed reads a member of a push's changes that is sealed; false for a
// change that is not.
func AsSealed(raw []byte) (c Sealed, sealed bool, err error) {
	if !bytes.Contains(raw, []byte(`"sealed"`)) {
		return c, false, nil
	}
	var of, sum, box string
	var other bool
	s := &scanner{b: raw}
	err = s.object(func(name string) (err error) {
		switch name {
		case "n":
			c.N, err = s.uint(NumberMax)
		case "of":
			of, err = s.memberText()
		case "key":
			c.Key, err = s.memberText()
		case "sum":
			sum, err = s.memberText()
		case "sealed":
			sealed = true
			box, err = s.memberText()
		default:
			other = true
			err = s.skip()
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	switch {
	case !sealed: // the word stands somewhere inside a change
		return Sealed{}, false, nil
	case err != nil:
		return Sealed{}, true, err
	case other:
		return Sealed{}, true, bad(CodeMember, "a sealed change has n, of, key, sum and sealed")
	case c.N == 0 || c.Key == "" || box == "" || len(c.Key) > NameBytesMax:
		return Sealed{}, true, bad(CodeMissing, "a sealed change has n, of, key, sum and sealed")
	}
	if c.Of, err = ParseDot(of); err != nil {
		return Sealed{}, true, err
	}
	link, err := ParseLink(sum)
	if err != nil {
		return Sealed{}, true, err
	}
	c.Sum = link
	if c.Box, err = base64.RawURLEncoding.Strict().DecodeString(box); err != nil {
		return Sealed{}, true, bad(CodeType, "what is sealed is base64url")
	}
	return c, true, nil
}

// memberText reads a string, and passes over a value of another type: what
// then is missing is said once, at the end.
func (s *scanner) memberText() (string, error) {
	if s.peek() != '"' {
		return "", s.skip()
	}
	return s.str()
}

// Commitment is what the chain holds of a member of a push's changes: the hash
// of a change's bytes, or the sum of what is sealed. Whoever opens it checks
// that it is right.
func Commitment(raw json.RawMessage) ([sha256.Size]byte, error) {
	c, sealed, err := AsSealed(raw)
	if err != nil || !sealed {
		return sha256.Sum256(raw), err
	}
	return c.Sum, nil
}
