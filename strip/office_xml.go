package strip

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// rules say what goes of the XML in an office file, by names without prefix.
type rules struct {
	drop    map[pdfName]bool  // elements that go whole
	mute    map[pdfName]bool  // elements that stay and say nothing
	blank   map[pdfName]bool  // attributes that say nothing any more
	names   map[pdfName]bool  // elements of pictures, whose name is often that of a file
	refers  map[pdfName]bool  // elements that name another part, and go with it
	pointer map[pdfName]bool  // elements whose references to other parts go
	spaces  map[string]string // the prefix under which each name space is known here
}

// must are attributes without which an element is none.
var must = listed("author name title")

// rewrite writes XML anew without what goes. there says whether a part is in
// the file that an element names; nil where no element does.
func (r rules) rewrite(b []byte, there func(string) bool) ([]byte, error) {
	in := xml.NewDecoder(bytes.NewReader(b))
	in.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errCodec }
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n")
	deep, gone, muted := 0, 0, 0 // how deep it goes, and from where on nothing is written
	for {
		t, err := in.RawToken()
		if errors.Is(err, io.EOF) && deep == 0 {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, errCut
		}
		switch t := t.(type) {
		case xml.StartElement:
			if deep++; deep > 1<<10 {
				return nil, errCut
			}
			dangles, err := r.dangles(t, there)
			if err != nil {
				return nil, err
			}
			if gone == 0 && (r.drop[pdfName(t.Name.Local)] || dangles) {
				gone = deep
			}
			if gone == 0 {
				r.start(&out, t)
			}
			if muted == 0 && r.mute[pdfName(qualified(t.Name))] {
				muted = deep
			}
		case xml.EndElement:
			if gone == 0 {
				out.WriteString("</" + qualified(t.Name) + ">")
			}
			if gone == deep {
				gone = 0
			}
			if muted == deep {
				muted = 0
			}
			if deep--; deep < 0 {
				return nil, errCut
			}
		case xml.CharData:
			if gone == 0 && muted == 0 && deep > 0 {
				escape(&out, string(t), false)
			}
		case xml.Directive: // a document type, which no office file needs
			return nil, errCodec
		}
	}
}

// dangles says whether an element names a part that is not there. What lies
// elsewhere on a machine may not be named, but the template that a text was
// begun with, which goes.
func (r rules) dangles(t xml.StartElement, there func(string) bool) (bool, error) {
	for _, a := range t.Attr {
		prefix, known := r.spaces[a.Value]
		if known && a.Name.Local != prefix { // it would be looked for in vain
			return false, errCodec
		}
	}
	if there == nil || !r.refers[pdfName(t.Name.Local)] {
		return false, nil
	}
	target, kind, outside := "", "", false
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "Target", "PartName", "full-path":
			target = a.Value
		case "Type":
			kind = a.Value
		case "TargetMode":
			outside = a.Value == "External"
		}
	}
	if !outside {
		return !strings.HasSuffix(target, "/") && !there(target), nil
	}
	if strings.HasSuffix(kind, "/attachedTemplate") {
		return true, nil
	}
	for _, scheme := range []string{"http:", "https:", "mailto:", "tel:"} {
		if strings.HasPrefix(target, scheme) {
			return false, nil
		}
	}
	return false, errOutside
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// start writes the beginning of an element.
func (r rules) start(out *bytes.Buffer, t xml.StartElement) {
	out.WriteString("<" + qualified(t.Name))
	for _, a := range t.Attr {
		local, value := pdfName(a.Name.Local), a.Value
		switch {
		case a.Name.Space == "xmlns" || a.Name.Space == "" && local == "xmlns":
		case r.pointer[pdfName(t.Name.Local)] && local == "id":
			continue
		case r.names[pdfName(t.Name.Local)] && local == "name", r.blank[local]:
			if !must[local] {
				continue
			}
			value = ""
		}
		out.WriteString(" " + qualified(a.Name) + `="`)
		escape(out, value, true)
		out.WriteByte('"')
	}
	out.WriteByte('>')
}

// escape writes text so that it is read back as it was.
func escape(out *bytes.Buffer, s string, attribute bool) {
	for _, c := range s {
		switch {
		case c == '&':
			out.WriteString("&amp;")
		case c == '<':
			out.WriteString("&lt;")
		case c == '>':
			out.WriteString("&gt;")
		case c == '\r':
			out.WriteString("&#13;")
		case attribute && c == '"':
			out.WriteString("&quot;")
		case attribute && c == '\n':
			out.WriteString("&#10;")
		case attribute && c == '\t':
			out.WriteString("&#9;")
		default:
			out.WriteRune(c)
		}
	}
}
