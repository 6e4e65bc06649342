package interop

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"portolan/care"
)

// ReadHTCDS reads records of the Human Trafficking Case Data Standard 2.0: a
// table with the standard's names in its first row, or one filled XForm
// submission. name is the file's, without its folder; it goes into no key and
// no message.
func ReadHTCDS(r io.Reader, _ string) (Result, error) {
	b, err := readAll(r)
	if err != nil {
		return Result{}, err
	}
	res := newResult("htcds_table")
	if bytes.TrimSpace(b)[0] == '<' {
		res = newResult("htcds_xform")
		err = readXForm(b, &res)
	} else {
		err = readTable(b, &res)
	}
	if err != nil {
		return Result{}, err
	}
	return res, nil
}

// cell is one answer of a table's row or of a submission.
type cell struct {
	name     string // as the source spells it
	value    string
	instance string // which of the repeated groups it stood in, "" for the first
	spaces   bool   // several codes stand with spaces between them (XForms select)
}

// place is a field that holds an answer of the standard.
type place struct {
	collection string
	field      *care.Field
	part       string // which of several records of the collection
}

// partOf tells the referral that brought the person from the one that takes
// them on: two records, of which the standard makes one block.
func partOf(collection, field string) string {
	switch {
	case collection != "referrals":
		return ""
	case strings.HasPrefix(field, "outgoing_"), strings.HasPrefix(field, "receiving_"):
		return "outgoing"
	}
	return "incoming"
}

// htcdsPlaces finds places by the folded name of the standard.
var htcdsPlaces = func() map[string]place {
	m := map[string]place{}
	for _, e := range care.Schema {
		if e.Topic != care.NoTopic {
			continue // org_: an organisation belongs to no case
		}
		for i := range e.Fields {
			f := &e.Fields[i]
			for name := range strings.FieldsFuncSeq(f.HTCDS, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
				if _, twice := m[foldName(name)]; !twice {
					m[foldName(name)] = place{collection: e.Name, field: f, part: partOf(e.Name, f.Name)}
				}
			}
		}
	}
	return m
}()

// foldName folds what stands behind the prefix, so that vic_Methods_of_Control
// finds vic_MethodsOfControl, and prs_Title stays apart from any other Title.
func foldName(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:] // a form's group, as KoboToolbox writes it
	prefix, rest, ok := strings.Cut(strings.TrimSpace(name), "_")
	if !ok {
		return ""
	}
	return strings.ToLower(prefix) + "_" + fold(rest)
}

// noPermission is the standard's consent: a bare yes. A permission of ours
// names its purpose, its recipient and its end (R3), so none is made of it.
const noPermission = "con_consent"

func isHTCDS(name string) bool {
	n := foldName(name)
	_, placed := htcdsPlaces[n]
	prefix, _, _ := strings.Cut(n, "_")
	return placed || slices.Contains([]string{"prs", "vic", "cas", "cco", "hte", "spl", "con", "per", "org"}, prefix)
}

// htcdsCase makes one case of the answers of one row or submission.
func htcdsCase(key string, cells []cell, res *Result) {
	b := newBuilder(key, res.Notes)
	for _, c := range cells {
		if strings.TrimSpace(c.value) != "" {
			b.answer(c)
		}
	}
	finishHTCDS(b)
	b.finish()
	res.add(b.c)
}

func (b *builder) answer(c cell) {
	n := foldName(c.name)
	if n == noPermission {
		b.aside(c.name, c.value, ReasonNotAllowed)
		return
	}
	p, ok := htcdsPlaces[n]
	if !ok {
		b.aside(c.name, c.value, ReasonFieldUnknown)
		return
	}
	key := b.c.Key
	if p.collection != "cases" {
		key += "/" + p.collection
	}
	for _, part := range []string{p.part, c.instance} {
		if part != "" {
			key += "/" + part
		}
	}
	d := b.draft(p.collection, key)
	switch {
	case p.field.Type == care.Codes:
		b.putElements(d, p.field.Name, c.name, splitCodes(p.field.Codes, c.value, c.spaces))
	case p.field.Type == care.Texts:
		b.putElements(d, p.field.Name, c.name, strings.FieldsFunc(c.value, isListSeparator))
	default:
		b.put(d, p.field.Name, c.name, c.value)
	}
}

func isListSeparator(r rune) bool { return r == ';' || r == '|' || r == '\n' || r == '\r' }

// splitCodes cuts an answer into codes. Words that are no code of the list
// stay together with their neighbours: "Unlisted code kept" is one thing that
// somebody wrote, not three.
func splitCodes(list, value string, spaces bool) []string {
	known := func(s string) bool {
		l, ok := care.FindCodes(list)
		if !ok {
			return false
		}
		other, has := otherName(list, s)
		return slices.ContainsFunc(l.Codes, func(c string) bool { return fold(c) == fold(s) || has && c == other })
	}
	var out []string
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return isListSeparator(r) || r == ',' }) {
		part = strings.TrimSpace(part)
		words := strings.Fields(part)
		if known(part) || !spaces && !slices.ContainsFunc(words, known) {
			out = append(out, part)
			continue
		}
		var run []string
		for _, w := range words {
			if !known(w) {
				run = append(run, w)
				continue
			}
			if run != nil {
				out, run = append(out, strings.Join(run, " ")), nil
			}
			out = append(out, w)
		}
		if run != nil {
			out = append(out, strings.Join(run, " "))
		}
	}
	return out
}

// finishHTCDS writes what the schema requires and the standard leaves to the
// name of a column, or does not say.
func finishHTCDS(b *builder) {
	for i := range b.c.Drafts {
		d := &b.c.Drafts[i]
		switch d.Collection {
		case "referrals":
			// What became of it, the standard does not say: a referral that
			// came was received, one that went is not known to have been sent
			// with a consent of ours, and stays a draft.
			d.Set["direction"], d.Set["status"] = care.OfText("incoming"), care.OfText("received")
			if strings.Contains(d.Key, "/referrals/outgoing") {
				d.Set["direction"], d.Set["status"] = care.OfText("outgoing"), care.OfText("draft")
			}
		case "notes":
			d.Set["kind"] = care.OfText("comment")
		case "plans":
			d.Set["status"] = care.OfText("active")
			if d.Set["actual_end_on"] != nil {
				d.Set["status"] = care.OfText("completed")
			}
		}
	}
	b.ageOf(b.c.Key)
}
