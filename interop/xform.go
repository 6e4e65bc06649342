package interop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"portolan/care"
)

// readXForm reads one filled submission (ODK XForms: the instance with its
// meta block).
func readXForm(b []byte, res *Result) error {
	w := xformWalk{b: b, d: xml.NewDecoder(bytes.NewReader(b))}
	if err := w.walk(); err != nil {
		return err
	}
	if !slices.ContainsFunc(w.cells, func(c cell) bool { return isHTCDS(c.name) }) {
		return &care.Error{Code: "import_not_htcds", Kind: care.Invalid,
			Hint: "The submission has no name of HTCDS, such as prs_First_Name or cas_Status."}
	}
	key := w.instanceID
	if key == "" {
		var parts []string
		for _, c := range w.cells {
			parts = append(parts, c.name, c.instance, c.value)
		}
		key = "submission:" + digest(parts...)
	}
	htcdsCase(key, w.cells, res)
	if c := &res.Cases[len(res.Cases)-1]; w.provenance != "" {
		c.SetAside = append(c.SetAside, setAsides(w.root, strings.TrimSuffix(w.provenance, "\n"), ReasonNoPlace)...)
	}
	return nil
}

// xformWalk collects the leaves of a submission.
type xformWalk struct {
	b          []byte
	d          *xml.Decoder
	root       string
	open       []xformElement
	elements   int
	cells      []cell
	instanceID string
	provenance string
}

type xformElement struct {
	name     string
	text     []byte
	children map[string]int // how often each name has come so far
	index    int            // how often this one's name has come, from 1
}

func (w *xformWalk) walk() error {
	for {
		t, err := w.d.Token()
		if errors.Is(err, io.EOF) {
			if w.root == "" {
				return malformed("XML", w.b, len(w.b))
			}
			return nil
		}
		if err != nil {
			return malformed("XML", w.b, int(w.d.InputOffset()))
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := w.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			w.end()
		case xml.CharData:
			if len(w.open) > 0 {
				e := &w.open[len(w.open)-1]
				e.text = append(e.text, t...)
			}
		}
	}
}

func (w *xformWalk) start(t xml.StartElement) error {
	if w.elements++; w.elements > RecordsMax {
		return tooMany("elements")
	}
	if len(w.open) >= DepthMax {
		return tooDeep(w.b, int(w.d.InputOffset()))
	}
	e := xformElement{name: t.Name.Local, children: map[string]int{}, index: 1}
	if len(w.open) == 0 {
		if w.root != "" { // a second root: two files in one
			return malformed("XML", w.b, int(w.d.InputOffset()))
		}
		w.root = e.name
	} else {
		parent := &w.open[len(w.open)-1]
		parent.children[e.name]++
		e.index = parent.children[e.name]
	}
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" && a.Value != "" {
			w.provenance += e.name + "@" + a.Name.Local + "=" + a.Value + "\n"
		}
	}
	w.open = append(w.open, e)
	return nil
}

func (w *xformWalk) end() {
	e := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	value := strings.TrimSpace(string(e.text))
	if value == "" {
		return
	}
	switch {
	case e.name == "instanceID" && w.instanceID == "":
		w.instanceID = value
		w.provenance += e.name + "=" + value + "\n"
	case slices.Contains([]string{"start", "end", "today", "deviceid", "__version__"}, e.name) || w.under("meta"):
		w.provenance += e.name + "=" + value + "\n"
	default:
		w.cells = append(w.cells, cell{name: e.name, value: value, instance: w.instance(), spaces: true})
	}
}

func (w *xformWalk) under(name string) bool {
	return slices.ContainsFunc(w.open, func(e xformElement) bool { return e.name == name })
}

// instance names the repeated group that is open: "" in the first of each.
func (w *xformWalk) instance() string {
	var parts []string
	for _, e := range w.open {
		if e.index > 1 {
			parts = append(parts, fmt.Sprintf("%s[%d]", e.name, e.index))
		}
	}
	return strings.Join(parts, "/")
}
