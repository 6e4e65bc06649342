// Command specimen writes one page with a line or two in every language of the
// care summary, so that people can look at what the typesetter makes:
//
//	go run ./internal/specimen LANGUAGES.tsv OUT.pdf
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/jung-kurt/gofpdf"

	"portolan/pdf/typeset"
)

// Measures in points.
const (
	pageWidth  = 620.0
	pageHeight = 1540.0
	margin     = 24.0
	labels     = 34.0
	size       = 12.0
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: specimen LANGUAGES.tsv OUT.pdf")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "specimen:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("reading the texts: %w", err)
	}
	page := gofpdf.NewCustom(&gofpdf.InitType{UnitStr: "pt", Size: gofpdf.SizeType{Wd: pageWidth, Ht: pageHeight}})
	page.SetAutoPageBreak(false, 0)
	page.AddPage()
	setter, pen := typeset.NewSetter(typeset.BuiltIn()), typeset.NewPen()
	y := margin
	draw := func(p typeset.Paragraph, x float64) (float64, error) {
		lines, err := setter.Set(p)
		if err != nil {
			return 0, err
		}
		at := y
		for _, l := range lines {
			at += l.Ascent
			left := x
			if p.RightToLeft {
				left += p.Width - l.Width
			}
			page.RawWriteStr(pen.Draw(l, left, pageHeight-at, ""))
			at += l.Descent
		}
		return at, nil
	}
	for line := range strings.Lines(string(raw)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if len(field) != 4 {
			return fmt.Errorf("reading the texts: %q has not four fields", line)
		}
		lang, rtl := field[0], field[1] == "rtl"
		label := typeset.Paragraph{Width: labels, Runs: []typeset.Run{{Text: lang, Lang: "en", Style: typeset.Style{Size: size, Bold: true}}}}
		if _, err := draw(label, margin); err != nil {
			return err
		}
		below, err := draw(specimen(lang, field[3], rtl), margin+labels)
		if err != nil {
			return fmt.Errorf("setting %s: %w", lang, err)
		}
		if y = below + 4; y > pageHeight-margin/2 {
			return fmt.Errorf("the page is too short for %s", lang)
		}
	}
	return write(page, pen, to)
}

// specimen is a text with what most goes wrong in it: doses, a date, a phone
// number and a name in other letters.
func specimen(lang, text string, rtl bool) typeset.Paragraph {
	plain, bold := typeset.Style{Size: size}, typeset.Style{Size: size, Bold: true}
	return typeset.Paragraph{RightToLeft: rtl, Width: pageWidth - 2*margin - labels, Runs: []typeset.Run{
		{Text: text + " ", Lang: lang, Style: plain},
		{Text: "5-10 mg", Lang: lang, Style: bold, Isolate: true, Whole: true},
		{Text: " ", Lang: lang, Style: plain},
		{Text: "2026-12-03", Lang: lang, Style: plain, Isolate: true, Whole: true},
		{Text: " (", Lang: lang, Style: plain},
		{Text: "+961 1 234-567", Lang: lang, Style: plain, Isolate: true, Whole: true},
		{Text: ") ", Lang: lang, Style: plain},
		{Text: text, Lang: lang, Style: bold},
		{Text: " ", Lang: lang, Style: plain},
		{Text: "Олена ليلى", Style: plain, Isolate: true},
	}}
}

func write(page *gofpdf.Fpdf, pen *typeset.Pen, to string) error {
	var raw bytes.Buffer
	if err := page.Output(&raw); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	file, err := typeset.ReadFile(raw.Bytes())
	if err != nil {
		return err
	}
	if err := pen.Embed(file); err != nil {
		return err
	}
	whole, err := file.Bytes()
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, whole, 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
