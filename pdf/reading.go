package pdf

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Read writes the words of a summary as plain text, one language after the
// other, for a screen, a voice or somebody who reads them out. It refuses what
// Render refuses. In text that runs from right to left each value is set apart
// (U+2066, U+2069), so that no screen turns it around.
func Read(w io.Writer, s Summary, o Options) error {
	if _, err := time.Parse(time.DateOnly, s.Day); err != nil {
		return fmt.Errorf("reading the day of the summary: %w", err)
	}
	langs := slices.Compact([]string{s.Languages[0], s.Languages[1]})
	for _, lang := range langs {
		if err := CheckLanguage(lang); err != nil {
			return err
		}
	}
	d, done := o.Fonts.desk()
	defer done()
	doc, err := (&composer{text: o.Text, langs: langs, desk: d}).compose(s)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, lang := range langs {
		if i > 0 {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "%s\n\n%s\n%s\n", doc.destroy[i], doc.titles[i], doc.days[i])
		for _, block := range doc.essential {
			block.read(&b, i, lang)
		}
		fmt.Fprintf(&b, "\n%s\n", doc.partial[i])
		if doc.unchecked[i] != "" {
			b.WriteString(doc.unchecked[i] + "\n")
		}
		for _, block := range doc.further {
			block.read(&b, i, lang)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the words of the summary: %w", err)
	}
	return nil
}

// read writes one section in the language of a column.
func (b block) read(w *strings.Builder, column int, lang string) {
	w.WriteString("\n" + b.heading[column] + "\n")
	for _, r := range b.rows {
		for n, p := range r.cells[column] {
			mark := "  "
			if n == 0 {
				mark = "- "
			}
			w.WriteString(mark)
			for k, run := range p {
				if k > 0 {
					w.WriteByte(' ')
				}
				text := run.text
				if rightToLeft(lang) && (run.exact || run.free) {
					text = "\u2066" + text + "\u2069"
					if run.free {
						text = "\u2068" + run.text + "\u2069"
					}
				}
				w.WriteString(text + run.comma)
			}
			w.WriteByte('\n')
		}
	}
}
