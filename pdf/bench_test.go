package pdf

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// BenchmarkThreePairs says how much memory a process holds that has set papers
// in three pairs of languages, one after the other.
func BenchmarkThreePairs(b *testing.B) {
	for b.Loop() {
		for range benchRounds {
			for _, pair := range [][2]string{{"ar", "fr"}, {"my", "th"}, {"ur", "ar"}} {
				if err := Render(io.Discard, example(pair[0], pair[1]), Options{Text: locales.Text}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	status, err := os.ReadFile("/proc/self/status") // proc(5)
	if err != nil {
		b.Fatal(err)
	}
	for name, metric := range map[string]string{"VmHWM:": "MB-peak", "VmRSS:": "MB-resident"} {
		var kb float64
		_, rest, _ := strings.Cut(string(status), name)
		if _, err := fmt.Sscanf(rest, "%f kB", &kb); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(kb/1024, metric)
	}
}

// browserRounds is how many papers the browser makes.
const browserRounds = 3

// BenchmarkBesideChromium makes the same words into pages by a browser that is
// started for each, as a program does that has one beside it.
func BenchmarkBesideChromium(b *testing.B) {
	s, o := example("ar", "fr"), Options{Text: locales.Text}
	var words bytes.Buffer
	if err := Read(&words, s, o); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	page := "<!doctype html><meta charset=utf-8><pre style='white-space:pre-wrap;columns:2' dir=auto>" + html.EscapeString(words.String()) + "</pre>"
	if err := os.WriteFile(filepath.Join(dir, "page.html"), []byte(page), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var ours, browser time.Duration
		for range browserRounds {
			begun := time.Now()
			if err := Render(io.Discard, s, o); err != nil {
				b.Fatal(err)
			}
			ours += time.Since(begun)
			begun = time.Now()
			c := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
				"--print-to-pdf="+filepath.Join(dir, "page.pdf"), "file://"+filepath.Join(dir, "page.html"))
			if out, err := c.CombinedOutput(); err != nil {
				b.Fatalf("chromium, of the Debian package of that name: %v\n%s", err, out)
			}
			browser += time.Since(begun)
		}
		b.ReportMetric(browserRounds/browser.Seconds(), "chromium/s")
		b.ReportMetric(browser.Seconds()/ours.Seconds(), "times-chromium")
	}
}
