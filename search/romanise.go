package search

import (
	"slices"
	"strings"
	"unicode"
)

// variantsMax bounds the readings that one word is kept with.
const variantsMax = 4

// scripts that are told apart. Others are one.
var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Arabic, unicode.Cyrillic, unicode.Ethiopic, unicode.Han, unicode.Thai, unicode.Khmer, unicode.Myanmar}

// oneScript says whether words could be one word.
func oneScript(words []string) bool {
	script := func(word string) int {
		first, _ := firstLetter(word)
		return slices.IndexFunc(scripts, func(s *unicode.RangeTable) bool { return unicode.Is(s, first) })
	}
	for _, w := range words[1:] {
		if script(w) != script(words[0]) {
			return false
		}
	}
	return true
}

// romanise gives a folded word in Latin letters, in each of its readings that
// matter; nothing for a script without a table. What comes out is no
// transliteration for people to read: an apostrophe parts letters that must
// not be read as one.
func romanise(word string) []string {
	first, _ := firstLetter(word)
	switch {
	case unicode.Is(unicode.Latin, first):
		return []string{word}
	case unicode.Is(unicode.Arabic, first):
		return romaniseArabic(word)
	case unicode.Is(unicode.Cyrillic, first):
		return []string{romaniseCyrillic(word)}
	case unicode.Is(unicode.Ethiopic, first):
		return []string{romaniseEthiopic(word)}
	case isIndic(first):
		return romaniseIndic(word)
	case unicode.Is(unicode.Sinhala, first):
		return []string{romaniseSinhala(word)}
	case unicode.Is(unicode.Thai, first):
		return romaniseThai(word)
	case unicode.Is(unicode.Khmer, first):
		return romaniseKhmer(word)
	case unicode.Is(unicode.Myanmar, first):
		return romaniseMyanmar(word)
	case unicode.Is(unicode.Han, first):
		return romaniseHan(word)
	}
	return nil
}

func firstLetter(s string) (rune, bool) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			return r, true
		}
	}
	return 0, false
}

// roman puts a word together piece by piece.
type roman struct {
	b strings.Builder
	// last is the last letter written; geminate keeps two same ones apart
	// where the script writes no vowels, and they need not be one.
	last     byte
	piece    string
	geminate bool
}

func (w *roman) add(piece string) {
	if piece == "" {
		return
	}
	next := piece[0]
	switch {
	case isVowel(w.last) || w.last == 0:
	case piece == w.piece && !w.geminate:
		return // one sound, held
	case next == 'h', next == 'g' && w.last == 'n', next == w.last:
		w.b.WriteByte('\'')
	}
	w.b.WriteString(piece)
	w.last, w.piece = piece[len(piece)-1], piece
}

func (w *roman) String() string { return w.b.String() }

func isVowel(b byte) bool { return strings.IndexByte("aeiou", b) >= 0 }

// plain is a reading without the marks that part its letters.
func plain(reading string) string { return strings.ReplaceAll(reading, "'", "") }

// distinct drops readings that are empty or there already.
func distinct(readings ...string) []string {
	var out []string
	for _, r := range readings {
		if r == "" || len(out) == variantsMax {
			continue
		}
		known := false
		for _, have := range out {
			known = known || have == r
		}
		if !known {
			out = append(out, r)
		}
	}
	return out
}
