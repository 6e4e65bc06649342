package tablet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"portolan/care"
)

// absentPrefix begins a typed reason why there is no value: absent:unknown.
const absentPrefix = "absent:"

var (
	errTyped  = &care.Error{Code: "value_typed_wrong", Kind: care.Invalid, Hint: "Write FIELD=VALUE; for a set also FIELD+=VALUE or FIELD-=VALUE."}
	errNumber = &care.Error{Code: "value_typed_wrong", Kind: care.Invalid, Hint: "No value has this number: conflicts shows those that are kept."}
)

// codesOffered bounds how many codes an error names: more are no help.
const codesOffered = 40

// ParseEdit reads assignments as they are typed on a command line.
func ParseEdit(e *care.Entity, typed []string) (Edit, error) {
	edit := Edit{Set: map[string]care.Value{}, Add: map[string][]string{}, Remove: map[string][]string{}}
	for _, a := range typed {
		name, text, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return edit, errTyped
		}
		var to map[string][]string
		switch name[len(name)-1] {
		case '+':
			name, to = name[:len(name)-1], edit.Add
		case '-':
			name, to = name[:len(name)-1], edit.Remove
		}
		f, ok := e.Field(name)
		if !ok {
			return edit, fieldError(name, ErrField)
		}
		if to != nil {
			to[name] = append(to[name], splitList(text)...)
			continue
		}
		if _, twice := edit.Set[name]; twice {
			return edit, fieldError(name, errTyped)
		}
		v, err := ParseValue(f, text)
		if err != nil {
			return edit, fieldError(name, err)
		}
		edit.Set[name] = v
	}
	return edit, nil
}

// ParseValue reads a value as it is typed for a field, and writes it in its
// canonical form.
func ParseValue(f *care.Field, text string) (care.Value, error) {
	if a, ok := strings.CutPrefix(text, absentPrefix); ok {
		return care.Canonical(f, care.OfAbsent(care.Absent(onlyWord(a))))
	}
	var v care.Value
	switch f.Type {
	case care.Codes, care.Texts, care.Refs:
		v = care.OfList(splitList(text)...)
	case care.Int:
		v = care.Value(strings.TrimSpace(text))
	case care.Bool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "yes":
			v = care.OfBool(true)
		case "false", "no":
			v = care.OfBool(false)
		default:
			v = care.OfText(text) // refused below as what it is: no truth value
		}
	case care.Object:
		v = care.Value(text)
		if !json.Valid(v) {
			return nil, errTyped
		}
	default:
		v = care.OfText(text)
	}
	v, err := care.Canonical(f, v)
	return v, withCodes(f, err)
}

// withCodes adds to a refused code those that may be typed.
func withCodes(f *care.Field, err error) error {
	var known *care.Error
	if !errors.As(err, &known) || known.Code != "value_not_in_list" {
		return err
	}
	e := *known
	e.Hint = "The codes of this field are in docs/collections.md, under " + f.Codes + "."
	if l, ok := care.FindCodes(f.Codes); ok && len(l.Codes) <= codesOffered {
		e.Hint = "Type one of " + strings.Join(l.Codes, ", ") + "."
	}
	return &e
}

// onlyWord keeps a typed reason from writing JSON of its own.
func onlyWord(s string) string {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') {
			return ""
		}
	}
	return s
}

// splitList splits at commas; a comma inside an element is written \,.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	var out []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == ',':
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(text[i])
		}
	}
	return append(out, strings.TrimSpace(b.String()))
}

// FormatValue writes a value for a person to read. What somebody entered may
// hold characters that steer a terminal: they are shown, not sent.
func FormatValue(v care.Value) string {
	switch a := v.Absent(); {
	case !v.IsSet():
		return "-"
	case a != "":
		return "(" + strings.ReplaceAll(string(a), "_", " ") + ")"
	case v[0] == '"':
		return printable(v.Text())
	case v[0] == '[':
		return printable(strings.Join(v.List(), ", "))
	}
	return printable(string(v))
}

// printable replaces control characters, and those that turn the direction of
// a line, by their code.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		turns := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsControl(r) || turns:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
