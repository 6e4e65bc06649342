package typeset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Element is a part of a document as its reader meets it (ISO 32000-1, 14.7):
// a heading, a table, a paragraph in one language.
type Element struct {
	Kind string // a standard type: H1, P, Table, TR, TH, TD
	Lang string // of what is in it, as BCP 47 tag; "" where that of its parent holds
	// Text is what a voice reads in place of what is drawn. Text that runs from
	// right to left needs it, because its codes stand in the order of the eye.
	Text string
	// Alt is what a voice says of a figure.
	Alt        string
	Attributes string // entries of an attribute object, as "/O/Table/Scope/Column"

	parts   []*Element
	content []mark
	object  int
}

// mark is a stretch of the content of a page.
type mark struct{ page, id int }

// Add appends a part and returns it.
func (e *Element) Add(kind, lang string) *Element {
	part := &Element{Kind: kind, Lang: lang}
	e.parts = append(e.parts, part)
	return part
}

// Tree is the structure of one document, with which every stretch of content
// is marked that is not decoration.
type Tree struct {
	Root  *Element
	pages [][]*Element // by page, then by the number of the mark
}

// NewTree returns the structure of a document in a language.
func NewTree(lang string) *Tree { return &Tree{Root: &Element{Kind: "Document", Lang: lang}} }

// Mark says of which element a stretch of content is, on a page counted from 1.
func (t *Tree) Mark(page int, of *Element, content string) string {
	for len(t.pages) < page {
		t.pages = append(t.pages, nil)
	}
	id := len(t.pages[page-1])
	t.pages[page-1] = append(t.pages[page-1], of)
	of.content = append(of.content, mark{page, id})
	return fmt.Sprintf("/%s<</MCID %d>>BDC\n%s\nEMC", of.Kind, id, content)
}

// Artifact says that a stretch of content is decoration: a line, a page number.
func Artifact(content string) string { return "/Artifact BMC\n" + content + "\nEMC" }

// Tag writes the structure into a file whose pages were marked with it.
func (f *File) Tag(t *Tree) error {
	pages, err := f.pages()
	if err != nil {
		return err
	}
	for n, page := range pages {
		f.objects[page] = slices.Concat([]byte(fmt.Sprintf("<</StructParents %d/Tabs/S", n)), f.objects[page][len("<<"):])
	}
	root := f.Add("")
	f.number(t.Root)
	f.element(t.Root, root, pages)
	var parents strings.Builder
	for n := range pages {
		fmt.Fprintf(&parents, "%d[", n)
		if n < len(t.pages) {
			for _, e := range t.pages[n] {
				fmt.Fprintf(&parents, "%d 0 R ", e.object)
			}
		}
		parents.WriteString("]")
	}
	tree := f.Add("<</Nums[" + parents.String() + "]>>")
	f.objects[root] = fmt.Appendf(nil, "<</Type/StructTreeRoot/K %d 0 R/ParentTree %d 0 R/ParentTreeNextKey %d>>", t.Root.object, tree, len(pages))
	f.catalog += fmt.Sprintf("/MarkInfo<</Marked true>>/StructTreeRoot %d 0 R", root)
	return nil
}

func (f *File) number(e *Element) {
	e.object = f.Add("")
	for _, p := range e.parts {
		f.number(p)
	}
}

// element writes one element and its parts.
func (f *File) element(e *Element, parent int, pages []int) {
	var b strings.Builder
	fmt.Fprintf(&b, "<</S/%s/P %d 0 R", e.Kind, parent)
	if e.Lang != "" {
		fmt.Fprintf(&b, "/Lang(%s)", e.Lang)
	}
	if e.Text != "" {
		b.WriteString("/ActualText" + textString(e.Text))
	}
	if e.Alt != "" {
		b.WriteString("/Alt" + textString(e.Alt))
	}
	if e.Attributes != "" {
		fmt.Fprintf(&b, "/A<<%s>>", e.Attributes)
	}
	if len(e.content) > 0 {
		fmt.Fprintf(&b, "/Pg %d 0 R", pages[e.content[0].page-1])
	}
	b.WriteString("/K[")
	for _, p := range e.parts {
		fmt.Fprintf(&b, "%d 0 R ", p.object)
	}
	for _, m := range e.content {
		if m.page == e.content[0].page {
			b.WriteString(strconv.Itoa(m.id) + " ")
		} else {
			fmt.Fprintf(&b, "<</Type/MCR/Pg %d 0 R/MCID %d>>", pages[m.page-1], m.id)
		}
	}
	b.WriteString("]>>")
	f.objects[e.object] = []byte(b.String())
	for _, p := range e.parts {
		f.element(p, e.object, pages)
	}
}

// textString writes text as UTF-16 (ISO 32000-1, 7.9.2.2) in a literal string.
func textString(text string) string {
	b := []byte("(\xFE\xFF")
	for _, unit := range utf16.Encode([]rune(text)) {
		for _, c := range [2]byte{byte(unit >> 8), byte(unit)} {
			switch c {
			case '(', ')', '\\':
				b = append(b, '\\', c)
			case '\r': // a reader would take it for the end of a line
				b = append(b, `\r`...)
			default:
				b = append(b, c)
			}
		}
	}
	return string(append(b, ')'))
}
