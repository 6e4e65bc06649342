// Command papers sets one invented person's paper in pairs of languages, for
// judges from outside (veraPDF, qpdf, poppler) and for eyes:
//
//	go run ./internal/papers [-sheet OUT.png] [-bundle OUT.json] [-pictures] DIR [own-other ...]
//	go run ./internal/papers -photographs N PICTURE.png DIR
//
// Without pairs it sets every language beside English, and those pairs whose
// scripts meet nowhere else. With -sheet it also makes one picture of all first
// pages, with -bundle an International Patient Summary. The second form makes N
// pictures of one as a telephone would take it, 0.png and so on.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portolan/locales"
	"portolan/pdf"
)

// meeting are pairs without English.
var meeting = []string{"ar-fr", "ur-ar", "my-th", "km-th", "uk-ro", "ti-ar"}

func main() {
	picture := flag.String("sheet", "", "`file` for a picture of all first pages")
	fhir := flag.String("bundle", "", "`file` for a bundle that machines read")
	shots := flag.Int("photographs", 0, "how many `pictures` of one to take")
	drawn := flag.Bool("pictures", false, "pictures beside the words")
	flag.Parse()
	if *shots > 0 && flag.NArg() == 2 {
		if err := photographs(flag.Arg(0), flag.Arg(1), *shots); err != nil {
			fmt.Fprintln(os.Stderr, "photographs:", err)
			os.Exit(1)
		}
		return
	}
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: papers [-sheet OUT.png] [-bundle OUT.json] [-pictures] DIR [own-other ...]")
		os.Exit(2)
	}
	dir, pairs := flag.Arg(0), flag.Args()[1:]
	if len(pairs) == 0 {
		for _, l := range pdf.Languages() {
			pairs = append(pairs, l+"-en")
		}
		pairs = append(pairs, meeting...)
	}
	for _, pair := range pairs {
		if err := set(dir, pair, *drawn); err != nil {
			fmt.Fprintln(os.Stderr, pair+":", err)
			os.Exit(1)
		}
	}
	if *fhir != "" {
		if err := bundle(*fhir); err != nil {
			fmt.Fprintln(os.Stderr, "the bundle:", err)
			os.Exit(1)
		}
	}
	if *picture == "" {
		return
	}
	if err := sheet(dir, *picture, pairs); err != nil {
		fmt.Fprintln(os.Stderr, "the sheet:", err)
		os.Exit(1)
	}
}

func set(dir, pair string, drawn bool) error {
	own, other, ok := strings.Cut(pair, "-")
	if !ok {
		return fmt.Errorf("a pair is written as ar-fr")
	}
	s := invented(own, other)
	var err error
	if s.Code, err = code(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pdf.Render(&b, s, pdf.Options{Text: locales.Text, Pictures: drawn}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pair+".pdf"), b.Bytes(), 0o600)
}
