package fieldsync

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"portolan/care"
)

// AppendJSON writes the change with its members and fields in a fixed order.
// What it writes is a change's raw bytes for ever; it is written once.
func (c *Change) AppendJSON(b []byte) []byte {
	b = append(b, `{"n":`...)
	b = strconv.AppendUint(b, c.N, 10)
	b = appendMember(b, "c", c.Collection)
	b = appendMember(b, "r", c.Record)
	b = appendMember(b, "case", c.Case)
	b = appendMember(b, "org", c.Org)
	b = appendFields(b, "set", c.Set, appendValue)
	b = appendFields(b, "add", c.Add, appendList[string])
	b = appendFields(b, "rm", c.Remove, appendList[string])
	b = appendFields(b, "base", c.Base, appendList[Dot])
	b = appendMember(b, "t", string(c.Clock))
	b = appendMember(b, "at", c.At)
	b = appendMember(b, "by", c.Author)
	b = appendMember(b, "g", c.Group)
	b = append(b, `,"sv":`...)
	b = strconv.AppendInt(b, int64(c.Schema), 10)
	b = appendMember(b, "salt", c.Salt)
	return append(b, '}')
}

// EncodeChange is AppendJSON into a new slice.
func EncodeChange(c Change) []byte { return c.AppendJSON(nil) }

// appendMember writes `,"name":"value"`, nothing for an empty value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendString(b, value)
}

func appendFields[T any](b []byte, name string, m map[string]T, write func([]byte, T) []byte) []byte {
	if len(m) == 0 {
		return b
	}
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendMap(b, m, write)
}

func appendMap[T any](b []byte, m map[string]T, write func([]byte, T) []byte) []byte {
	b = append(b, '{')
	for i, f := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f), ':')
		b = write(b, m[f])
	}
	return append(b, '}')
}

// appendValue writes a value on one line: the answer is NDJSON.
func appendValue(b []byte, v care.Value) []byte {
	if len(v) == 0 {
		return append(b, "null"...)
	}
	if bytes.IndexByte(v, '\n') < 0 {
		return append(b, v...)
	}
	var line bytes.Buffer
	if json.Compact(&line, v) != nil {
		return append(b, "null"...) // not JSON: no decoder of ours lets such a value in
	}
	return append(b, line.Bytes()...)
}

func appendList[T ~string](b []byte, l []T) []byte {
	b = append(b, '[')
	for i, e := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, string(e))
	}
	return append(b, ']')
}

// appendString writes a JSON string: only what must be escaped is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// AppendJSON writes the register.
func (r Register) AppendJSON(b []byte) []byte {
	b = append(b, `{"h":[`...)
	for i := range r.Heads {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.Heads[i].AppendJSON(b)
	}
	return append(b, ']', '}')
}

// MarshalJSON is AppendJSON for encoding/json.
func (r Register) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// AppendJSON writes the version.
func (v *Version) AppendJSON(b []byte) []byte {
	b = append(b, `{"d":`...)
	b = appendString(b, string(v.Dot))
	b = appendMember(b, "t", string(v.Clock))
	b = appendMember(b, "at", v.At)
	b = appendMember(b, "by", v.Author)
	if v.Seq != 0 {
		b = append(b, `,"q":`...)
		b = strconv.AppendUint(b, v.Seq, 10)
	}
	if v.Stands != 0 {
		b = append(b, `,"o":`...)
		b = strconv.AppendUint(b, v.Stands, 10)
	}
	if len(v.Value) > 0 {
		b = append(b, `,"v":`...)
		b = appendValue(b, v.Value)
	}
	b = appendMember(b, "e", v.Elem)
	if v.Removed {
		b = append(b, `,"x":true`...)
	}
	return append(b, '}')
}

// AppendJSON writes the push with its changes byte for byte.
func (p *Push) AppendJSON(b []byte) []byte {
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(p.Version), 10)
	b = appendMember(b, "replica", p.Replica)
	b = append(b, `,"changes":`...)
	b = appendRaws(b, p.Changes)
	b = appendMember(b, "link", p.Link)
	b = appendMember(b, "sig", p.Signature)
	b = appendMember(b, "cursor", p.Cursor)
	if p.Last != 0 {
		b = append(b, `,"last":`...)
		b = strconv.AppendUint(b, p.Last, 10)
	}
	b = appendMember(b, "lease", p.Lease)
	b = appendMember(b, "hub_key", p.HubKey)
	if p.Seen != 0 {
		b = append(b, `,"seen":`...)
		b = strconv.AppendUint(b, p.Seen, 10)
	}
	if p.Own {
		b = append(b, `,"own":true`...)
	}
	if p.Files != 0 {
		b = append(b, `,"files":`...)
		b = strconv.AppendUint(b, p.Files, 10)
	}
	if p.Drafts != nil {
		b = p.Drafts.appendTo(b)
	}
	return append(p.appendWalk(b), '}')
}

func appendRaws(b []byte, l []json.RawMessage) []byte {
	b = append(b, '[')
	for i, raw := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, raw...)
	}
	return append(b, ']')
}

// AppendJSON writes the line with its line break.
func (l *Line) AppendJSON(b []byte) []byte {
	switch {
	case l.Evict != nil:
		b = appendList(append(b, `{"evict":`...), l.Evict)
	case l.Receipts != nil:
		b = appendRaws(append(b, `{"receipts":`...), l.Receipts)
	case l.Wipe != nil:
		b = append(appendString(append(b, `{"wipe":{"why":`...), l.Wipe.Why), '}')
	case l.Lease != nil:
		b = appendString(append(b, `{"lease":{"key":`...), l.Lease.Key)
		b = append(appendMember(b, "until", l.Lease.Until), '}')
	case l.HubKey != nil:
		b = appendString(append(b, `{"hub_key":{"id":`...), l.HubKey.ID)
		b = append(appendMember(b, "public", l.HubKey.Public), '}')
	case l.Log != nil:
		b = appendString(append(b, `{"log":{"signed":`...), l.Log.Signed)
		if len(l.Log.Proof) > 0 {
			b = appendList(append(b, `,"proof":`...), l.Log.Proof)
		}
		if len(l.Log.Keys) > 0 {
			b = appendList(append(b, `,"keys":`...), l.Log.Keys)
		}
		b = append(b, '}')
	case l.Enter != nil:
		b = appendList(append(b, `{"enter":`...), l.Enter)
	case l.Upgrade != nil:
		b = append(strconv.AppendUint(append(b, `{"upgrade":{"least":`...), l.Upgrade.Least, 10), '}')
	case l.Drafts != nil:
		b = l.Drafts.appendTo(b)
	case l.Draft != nil:
		b = l.Draft.appendTo(b)
	case l.Own != nil:
		b = append(b, `{"own":[`...)
		for i, o := range l.Own {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(append(b, `{"n":`...), o.N, 10)
			b = append(appendFields(b, "o", o.Stands, func(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }), '}')
		}
		b = append(b, ']')
	case l.Row != nil:
		b = l.Row.AppendJSON(append(b, `{"row":`...))
	case l.Mark != "":
		b = appendString(append(b, `{"mark":`...), l.Mark)
	case l.Digests != nil:
		b = appendStrings(append(b, `{"digests":`...), l.Digests)
	case l.Records != nil:
		b = appendString(append(b, `{"records":{"s":`...), string(l.Records.Scope))
		b = append(appendStrings(append(b, `,"d":`...), l.Records.Digests), '}')
	case l.Gone != nil:
		b = appendString(append(b, `{"gone":{"s":`...), string(l.Gone.Scope))
		b = append(appendList(append(b, `,"r":`...), l.Gone.Records), '}')
	case l.End != nil:
		b = append(b, `{"end":{"cursor":`...)
		b = appendString(b, l.End.Cursor)
		b = appendMember(b, "digest", l.End.Digest)
		b = appendMember(b, "now", l.End.Server)
		b = append(b, '}')
	default:
		return append(b, '{', '}', '\n')
	}
	return append(b, '}', '\n')
}

// AppendJSON writes the receipt.
func (r *Receipt) AppendJSON(b []byte) []byte {
	b = append(b, `{"n":`...)
	b = strconv.AppendUint(b, r.N, 10)
	b = append(b, `,"q":`...)
	b = strconv.AppendUint(b, r.Seq, 10)
	b = appendMember(b, "s", r.Status)
	if len(r.Conflicts) > 0 {
		b = appendList(append(b, `,"conflict":`...), r.Conflicts)
	}
	if len(r.Held) > 0 {
		b = append(b, `,"held":[`...)
		for i, h := range r.Held {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '{')
			if h.Field != "" {
				b = append(appendString(append(b, `"f":`...), h.Field), ',')
			}
			b = append(appendString(append(b, `"why":`...), h.Reason), '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
