package pdf

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jung-kurt/gofpdf"

	"portolan/locales"
)

// BenchmarkRender makes the same two pages in Arabic and French twice: as
// papers are made, and by gofpdf alone as its documents say, which joins no
// letter and turns numbers around. The ratio is what counts; both are measured
// in one run, turn and turn about.
func BenchmarkRender(b *testing.B) {
	for _, pair := range [][2]string{{"ar", "fr"}, {"es", "en"}, {"my", "th"}, {"ur", "ar"}} {
		b.Run(pair[0]+"-"+pair[1], func(b *testing.B) {
			s, o := example(pair[0], pair[1]), Options{Text: locales.Text}
			b.ReportAllocs()
			for b.Loop() {
				if err := Render(io.Discard, s, o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "papers/s")
		})
	}
}

// benchRounds are long enough for a ratio, whatever -benchtime says.
const benchRounds = 60

func BenchmarkBesidePlainGofpdf(b *testing.B) {
	s, o := example("ar", "fr"), Options{Text: locales.Text}
	fonts := map[string][]byte{}
	for _, name := range []string{"NotoNaskhArabic-Regular", "NotoNaskhArabic-Bold", "NotoSans-Regular", "NotoSans-Bold"} {
		fonts[name] = unpackFont(b, name)
	}
	desk, done := o.Fonts.desk()
	defer done()
	words, err := (&composer{text: o.Text, langs: s.Languages[:], desk: desk}).compose(s)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var ours, plainly time.Duration
		for range benchRounds {
			begun := worked(b)
			if err := Render(io.Discard, s, o); err != nil {
				b.Fatal(err)
			}
			ours += worked(b) - begun
			begun = worked(b)
			if err := gofpdfAlone(words, s.Languages, fonts); err != nil {
				b.Fatal(err)
			}
			plainly += worked(b) - begun
		}
		b.ReportMetric(benchRounds/ours.Seconds(), "papers/s")
		b.ReportMetric(benchRounds/plainly.Seconds(), "gofpdf/s")
		b.ReportMetric(plainly.Seconds()/ours.Seconds(), "times-gofpdf")
	}
}

// worked is the processor time that this process has had: what others do on
// the machine is none of it, and what both leave to the collector is.
func worked(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func unpackFont(b *testing.B, name string) []byte {
	f, err := os.Open("typeset/fonts/" + name + ".ttf.gz")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// gofpdfAlone sets the same words with gofpdf's own text, in two columns. It
// gets them ready to print: what papers do before is not counted.
func gofpdfAlone(d *document, langs [2]string, fonts map[string][]byte) error {
	f := gofpdf.New("P", "mm", "A4", "")
	f.AddUTF8FontFromBytes("ar", "", fonts["NotoNaskhArabic-Regular"])
	f.AddUTF8FontFromBytes("ar", "B", fonts["NotoNaskhArabic-Bold"])
	f.AddUTF8FontFromBytes("fr", "", fonts["NotoSans-Regular"])
	f.AddUTF8FontFromBytes("fr", "B", fonts["NotoSans-Bold"])
	f.AddPage()
	column := func(i int, style, text string) {
		f.SetFont(langs[i], style, 10)
		if i == 0 {
			f.RTL()
		} else {
			f.LTR()
		}
		f.SetX(margin + float64(i)*90)
		f.MultiCell(85, 5, text, "", "", false)
	}
	for _, blocks := range [][]block{d.essential, d.further} {
		for _, b := range blocks {
			for i := range langs {
				column(i, "B", b.heading[i])
			}
			for _, r := range b.rows {
				for i, cell := range r.cells {
					for _, p := range cell {
						column(i, "", joined(p))
					}
				}
			}
		}
	}
	var out bytes.Buffer
	return f.Output(&out)
}
