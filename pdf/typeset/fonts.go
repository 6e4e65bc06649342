package typeset

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-text/typesetting/language"
)

//go:embed fonts/*.ttf.gz
var builtIn embed.FS

// family is a typeface with the scripts that it was made for, regular and
// bold. Its files are opened when a text first needs them.
type family struct {
	name    string
	scripts []language.Script
	// languages narrows the family to some languages of its scripts; it comes
	// before the others there, and after all elsewhere.
	languages     []string
	regular, bold func() (*face, error)
}

// builtInFamilies in the order in which they are asked for a character that
// belongs to no script.
var builtInFamilies = []family{
	{name: "NotoSans", scripts: []language.Script{language.Latin, language.Greek, language.Cyrillic}},
	{name: "NotoNaskhArabic", scripts: []language.Script{language.Arabic}},
	{name: "NotoNastaliqUrdu", scripts: []language.Script{language.Arabic}, languages: []string{"ur", "ks", "pnb", "skr"}},
	{name: "NotoSansDevanagari", scripts: []language.Script{language.Devanagari}},
	{name: "NotoSansBengali", scripts: []language.Script{language.Bengali}},
	{name: "NotoSansGurmukhi", scripts: []language.Script{language.Gurmukhi}},
	{name: "NotoSansTamil", scripts: []language.Script{language.Tamil}},
	{name: "NotoSansSinhala", scripts: []language.Script{language.Sinhala}},
	{name: "NotoSansMyanmar", scripts: []language.Script{language.Myanmar}},
	{name: "NotoSansKhmer", scripts: []language.Script{language.Khmer}},
	{name: "NotoSansThai", scripts: []language.Script{language.Thai}},
	{name: "NotoSansLao", scripts: []language.Script{language.Lao}},
	{name: "NotoSansEthiopic", scripts: []language.Script{language.Ethiopic}},
	{name: "NotoSansSC", scripts: []language.Script{language.Han, language.Hiragana, language.Katakana, language.Bopomofo}},
}

// Fonts are the typefaces that text is set in. They may be shared between
// goroutines.
type Fonts struct {
	families []family
}

// BuiltIn returns the fonts in the program: Noto, for the scripts of Arabic,
// Urdu, Hindi, Bengali, Punjabi, Tamil, Sinhala, Burmese, Khmer, Thai, Lao,
// Amharic and Chinese, and for Latin, Greek and Cyrillic letters.
var BuiltIn = sync.OnceValue(func() *Fonts {
	f := &Fonts{families: slices.Clone(builtInFamilies)}
	for i, fam := range f.families {
		f.families[i].regular = openPacked(fam.name + "-Regular")
		f.families[i].bold = openPacked(fam.name + "-Bold")
		if fam.name == "NotoSansSC" { // a second weight would be another 2.6 MB
			f.families[i].bold = emboldened(f.families[i].regular)
		}
	}
	return f
})

func openPacked(name string) func() (*face, error) {
	return sync.OnceValues(func() (*face, error) {
		packed, err := builtIn.ReadFile("fonts/" + name + ".ttf.gz")
		if err != nil {
			return nil, fmt.Errorf("opening the font %s: %w", name, err)
		}
		data, err := unpack(packed)
		if err != nil {
			return nil, fmt.Errorf("unpacking the font %s: %w", name, err)
		}
		return parseFace(name, data)
	})
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func emboldened(regular func() (*face, error)) func() (*face, error) {
	return sync.OnceValues(func() (*face, error) {
		f, err := regular()
		if err != nil {
			return nil, err
		}
		return f.emboldened(), nil
	})
}

// fontBytesMax is how large a font of a folder may be.
const fontBytesMax = 64 << 20

// With returns the fonts with those of a folder added: every file *.ttf, as
// "Name-Regular.ttf" and "Name-Bold.ttf" where there are two weights. They are
// asked for what the others do not have, in the order of their names. All are
// read at once, so that a broken file is an error here and not on a paper.
func (f *Fonts) With(folder fs.FS) (*Fonts, error) {
	names, err := fs.Glob(folder, "*.ttf")
	if err != nil {
		return nil, fmt.Errorf("looking for fonts: %w", err)
	}
	more := &Fonts{families: slices.Clone(f.families)}
	for _, name := range names {
		stem := strings.TrimSuffix(path.Base(name), ".ttf")
		base, isBold := strings.CutSuffix(stem, "-Bold")
		if isBold && slices.Contains(names, base+"-Regular.ttf") {
			continue // read with its regular weight
		}
		regular, err := readFace(folder, name)
		if err != nil {
			return nil, err
		}
		bold := regular.emboldened()
		if heavy := strings.TrimSuffix(stem, "-Regular") + "-Bold.ttf"; heavy != name && slices.Contains(names, heavy) {
			if bold, err = readFace(folder, heavy); err != nil {
				return nil, err
			}
		}
		more.families = append(more.families, family{
			name:    base,
			regular: func() (*face, error) { return regular, nil },
			bold:    func() (*face, error) { return bold, nil },
		})
	}
	return more, nil
}

func readFace(folder fs.FS, name string) (*face, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, fmt.Errorf("opening the font %s: %w", name, err)
	}
	if info.Size() > fontBytesMax {
		return nil, fmt.Errorf("the font %s has %d bytes, at most %d", name, info.Size(), fontBytesMax)
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, fmt.Errorf("opening the font %s: %w", name, err)
	}
	return parseFace(strings.TrimSuffix(path.Base(name), ".ttf"), data)
}

// order is in which order faces are asked for a character: those made for the
// script and the language, those for the script, all others, and last those
// that were made for other languages.
func (f *Fonts) order(script language.Script, lang string, bold bool) []func() (*face, error) {
	lang, _, _ = strings.Cut(lang, "-")
	var first, second, others, last []func() (*face, error)
	for _, fam := range f.families {
		open := fam.regular
		if bold {
			open = fam.bold
		}
		switch {
		case slices.Contains(fam.languages, lang) && slices.Contains(fam.scripts, script):
			first = append(first, open)
		case len(fam.languages) > 0: // a dot in Nastaliq would make an Arabic line twice as high
			last = append(last, open)
		case !slices.Contains(fam.scripts, script):
			others = append(others, open)
		default:
			second = append(second, open)
		}
	}
	return slices.Concat(first, second, others, last)
}
