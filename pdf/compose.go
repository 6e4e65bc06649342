package pdf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"rsc.io/qr"

	"portolan/pdf/typeset"
)

// composer turns a summary into rows of runs, one cell per column, and refuses
// what must not or cannot be printed. Nothing is drawn before all is composed.
type composer struct {
	text     Lookup
	langs    []string // one per column
	desk     *desk
	pictures bool // beside the words
}

// row is one line of the document's table: the cells stand side by side.
type row struct {
	cells    [][]paragraph // per column
	drawings [][]drawing   // per column, none where there are no pictures
}

// paragraph is what begins on a line of its own.
type paragraph []run

// block is a heading with the rows below it.
type block struct {
	heading []string // per column
	more    []string // the heading on a following page
	rows    []row
	figure  typeset.Figure // beside the heading, nil for none
}

// document is everything that is drawn, in order.
type document struct {
	title     string   // metadata
	destroy   []string // per column: the first line on paper
	titles    []string
	days      []string
	unchecked []string // "" where a native reader has checked the words of the column
	partial   []string // that the essentials may be incomplete: said always, so that it tells nothing
	essential []block
	further   []block
	opens     []string // what opens the code
	code      *qr.Code // nil for none
}

func (c *composer) message(lang, key string) (string, error) {
	s, ok := c.text(lang, key)
	if !ok || s == "" {
		return "", fmt.Errorf("the catalogue has no message %s in %s", key, lang)
	}
	return s, nil
}

// each asks for one message in the language of every column.
func (c *composer) each(key string) ([]string, error) {
	var all []string
	for _, lang := range c.langs {
		s, err := c.message(lang, key)
		if err != nil {
			return nil, err
		}
		settled, err := c.settleAll([]run{{text: s, lang: lang, label: true, field: key}})
		if err != nil {
			return nil, err
		}
		all = append(all, settled[0].text)
	}
	return all, nil
}

func (c *composer) compose(s Summary) (*document, error) {
	d := &document{}
	var err error
	if d.titles, err = c.each("pdf.title"); err != nil {
		return nil, err
	}
	d.title = d.titles[0]
	if d.destroy, err = c.each("pdf.destroy"); err != nil {
		return nil, err
	}
	if d.days, err = c.each("pdf.day"); err != nil {
		return nil, err
	}
	if d.partial, err = c.each("pdf.partial"); err != nil {
		return nil, err
	}
	if d.unchecked, err = c.each("pdf.unchecked"); err != nil {
		return nil, err
	}
	for i, lang := range c.langs {
		if slices.Contains(proofread, lang) {
			d.unchecked[i] = ""
		}
	}
	for i := range d.days {
		d.days[i] += "\u00A0" + s.Day
	}
	if d.essential, err = c.blocks(s.Essential); err != nil {
		return nil, err
	}
	further := s.Further
	if s.Agreed.Key != "" {
		further = append(append([]Section{}, further...), s.Agreed)
	}
	if d.further, err = c.blocks(further); err != nil || s.Code == "" {
		return d, err
	}
	if d.code, err = encode(s.Code); err != nil {
		return nil, err
	}
	d.opens, err = c.each("pdf.code")
	return d, err
}

func (c *composer) blocks(sections []Section) ([]block, error) {
	var all []block
	for _, s := range sections {
		b, err := c.block(s)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func (c *composer) block(s Section) (block, error) {
	var b block
	var err error
	key := "pdf.section." + s.Key
	if b.heading, err = c.each(key); err != nil {
		return b, err
	}
	more, err := c.each("pdf.continued")
	if err != nil {
		return b, err
	}
	for i := range more {
		b.more = append(b.more, b.heading[i]+" "+more[i])
	}
	if c.pictures {
		b.figure = ofSections[s.Key]
	}
	for _, e := range s.Entries {
		var r row
		for _, lang := range c.langs {
			cell, err := c.cell(key, e, lang)
			if err != nil {
				return b, err
			}
			r.cells = append(r.cells, cell)
			if !c.pictures {
				continue
			}
			drawings, err := c.drawings(e, lang)
			if err != nil {
				return b, err
			}
			r.drawings = append(r.drawings, drawings)
		}
		b.rows = append(b.rows, r)
	}
	if len(s.Entries) > 0 {
		return b, nil
	}
	nothing, err := c.each("pdf.none_recorded")
	if err != nil {
		return b, err
	}
	var r row
	for _, text := range nothing {
		r.cells = append(r.cells, []paragraph{{{text: text, label: true}}})
	}
	b.rows = []row{r}
	return b, nil
}

// cell says one entry in one language: the head in bold, then its details in
// one flow, each value in bold after its label.
func (c *composer) cell(section string, e Entry, lang string) ([]paragraph, error) {
	var cell []paragraph
	if head, err := c.say(e.Head, section, lang); err != nil {
		return nil, err
	} else if len(head) > 0 {
		cell = append(cell, head)
	}
	labelled, err := c.message(lang, "pdf.labelled")
	if err != nil {
		return nil, err
	}
	var flow paragraph
	for _, d := range e.Details {
		key := "pdf.label." + d.Label
		value, err := c.sayAll(d.Values, key, lang)
		if err != nil {
			return nil, err
		}
		if len(value) == 0 {
			continue
		}
		label, err := c.message(lang, key)
		if err != nil {
			return nil, err
		}
		if len(flow) > 0 {
			flow = append(flow, run{text: "·", lang: lang, label: true, field: key})
		}
		flow = append(flow, run{text: strings.Replace(labelled, "{label}", label, 1), lang: lang, label: true, field: key})
		flow = append(flow, value...)
	}
	if len(flow) > 0 {
		cell = append(cell, flow)
	}
	for i := range cell {
		if cell[i], err = c.settleAll(cell[i]); err != nil {
			return nil, err
		}
	}
	return cell, nil
}

// sayAll prints several values in one language, with its comma between them.
func (c *composer) sayAll(values []Value, field, lang string) ([]run, error) {
	var all []run
	comma, err := c.message(lang, "pdf.comma")
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		said, err := c.say(v, field, lang)
		if err != nil {
			return nil, err
		}
		if len(said) > 0 && len(all) > 0 {
			all[len(all)-1].comma = comma
		}
		all = append(all, said...)
	}
	return all, nil
}

// say prints one value in one language.
func (c *composer) say(v Value, field, lang string) ([]run, error) {
	if v.Exact {
		if v.Text == "" {
			return nil, nil
		}
		runs := []run{{text: v.Text, bold: true, exact: true, field: field}}
		said, err := c.spoken(v.Text, lang)
		if said != "" {
			runs = append(runs, run{text: "(" + said + ")", lang: lang, field: field})
		}
		return runs, err
	}
	if v.List != "" && v.Code != "" {
		if said, in, ok := c.term(lang, v.List, v.Code); ok {
			whole := said
			if v.Number != "" {
				whole = v.Number + " " + said
			}
			runs := []run{{text: whole, lang: in, bold: true, label: v.Number == "", exact: v.Number != "" || in != lang, field: field}}
			return c.beside(runs, said, v, field), nil
		}
		if v.Text == "" {
			return []run{{text: v.Code, bold: true, exact: true, field: field}}, nil
		}
	}
	if v.Text == "" {
		return nil, nil
	}
	if v.Beside == "" && !strings.ContainsFunc(v.Text, unicode.IsLetter) {
		// Hours, a number: no language to mark.
		return []run{{text: v.Text, bold: true, exact: true, field: field}}, nil
	}
	if !checked(v.Lang) {
		return nil, c.uncheckable(field, LanguageName(v.Lang))
	}
	runs := c.beside([]run{{text: v.Text, lang: v.Lang, bold: true, free: true, field: field}}, v.Text, v, field)
	if v.Lang == lang {
		return runs, nil
	}
	mark, err := c.asWritten(v.Lang, lang)
	if err != nil {
		return nil, err
	}
	return append(runs, run{text: mark, lang: lang, label: true, field: field}), nil
}

// day is how a day stands in the records, with or without an hour.
var day = regexp.MustCompile(`^\d{4}-(\d{2})-(\d{2})(?: \d{2}:\d{2})?$`)

// spoken is a day as people say it, with the name of its month, beside the
// digits that are the same for everybody: in the person's own language, where
// the text is one. Names and order are those of CLDR 48.2, in the calendar that
// the digits are of.
func (c *composer) spoken(text, lang string) (string, error) {
	m := day.FindStringSubmatch(text)
	if m == nil || lang != c.langs[0] {
		return "", nil
	}
	number, of := strings.TrimPrefix(m[1], "0"), strings.TrimPrefix(m[2], "0")
	month, known := c.text(lang, "pdf.months."+number)
	if !known {
		return "", nil // there is no such month: the record stands as it is
	}
	pattern, err := c.message(lang, "pdf.day_of_month")
	return strings.NewReplacer("{d}", of, "{month}", month).Replace(pattern), err
}

// international is the list of substances: in a language that has no names of
// its own for them the international nonproprietary name stands, as it does on
// the box.
const international = "substances"

// term is the wording of a code and the language that it is in.
func (c *composer) term(lang, list, code string) (said, in string, ok bool) {
	if said, ok := c.text(lang, "pdf."+list+"."+code); ok {
		return said, lang, true
	}
	if list == international {
		said, ok := c.text("en", "pdf."+list+"."+code)
		return said, "en", ok
	}
	return "", "", false
}

// clinical are the lists of which a doctor must understand every word: where
// neither column is in English, the English term stands beside.
var clinical = []string{"allergens", "allergy_reactions", "condition_codes", "medicine_forms", "medicine_routes", "medicine_frequencies", "vaccines"}

// beside adds in brackets the INN or the code, where it says more than what
// stands before it, and the English term where no column has it.
func (c *composer) beside(runs []run, said string, v Value, field string) []run {
	with := v.Beside
	if fold(said, "") == fold(with, "") {
		with = ""
	}
	if english, ok := c.text("en", "pdf."+v.List+"."+v.Code); ok && slices.Contains(clinical, v.List) && !slices.Contains(c.langs, "en") {
		switch {
		case with == "" && !strings.Contains(fold(said, ""), fold(english, "")):
			with = english
		case strings.Contains(fold(said, ""), fold(english, "")):
		case fold(with, "") != fold(english, ""):
			with = english + ", " + with
		}
	}
	if with == "" {
		return runs
	}
	return append(runs, run{text: "(" + with + ")", lang: "en", bold: true, exact: true, field: field})
}

// asWritten marks text that nobody translated.
func (c *composer) asWritten(of, lang string) (string, error) {
	mark, err := c.message(lang, "pdf.as_written")
	if err != nil {
		return "", err
	}
	comma, err := c.message(lang, "pdf.comma")
	if err != nil {
		return "", err
	}
	if name, ok := c.text(lang, "pdf.languages."+of); ok && of != "" {
		return "[" + mark + comma + " " + name + "]", nil
	}
	return "[" + mark + "]", nil
}
