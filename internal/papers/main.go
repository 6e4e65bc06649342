// Command papers sets one invented person's paper in pairs of languages, for
// judges from outside (veraPDF, qpdf, poppler) and for eyes:
//
//	go run ./internal/papers DIR [own-other ...]
//
// Without pairs it sets every language beside English, and those pairs whose
// scripts meet nowhere else.
package main

import (
	"bytes"
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
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: papers DIR [own-other ...]")
		os.Exit(2)
	}
	pairs := os.Args[2:]
	if len(pairs) == 0 {
		for _, l := range pdf.Languages() {
			pairs = append(pairs, l+"-en")
		}
		pairs = append(pairs, meeting...)
	}
	for _, pair := range pairs {
		if err := set(os.Args[1], pair); err != nil {
			fmt.Fprintln(os.Stderr, pair+":", err)
			os.Exit(1)
		}
	}
}

func set(dir, pair string) error {
	own, other, ok := strings.Cut(pair, "-")
	if !ok {
		return fmt.Errorf("a pair is written as ar-fr")
	}
	var b bytes.Buffer
	if err := pdf.Render(&b, invented(own, other), pdf.Options{Text: locales.Text}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pair+".pdf"), b.Bytes(), 0o600)
}
