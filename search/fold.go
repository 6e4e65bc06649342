// Package search finds records by what staff remember of a name: whole, its
// beginning, its sound in another script, or one slip of the keyboard away.
// The index stands in memory and nowhere else, and matching sees only what
// the asker may see: the rest has no part in what is found, in which order,
// or how many. Pure: no clock, no dice, no files.
package search

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold gives the one form of a name in which it is compared: compatibility
// forms and case folded, digits of all scripts as 0–9, accents and Arabic
// vowel points gone, letters that one name is written with in several ways as
// one of them. Vowel signs of scripts that write syllables stay: they are
// letters there.
func fold(s string) string {
	var b strings.Builder
	base := rune(0) // the last letter, which a mark belongs to
	s = shortI.Replace(norm.NFKC.String(s))
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case r == '’' || r == '\'' || r == '`' || r == '´' || unicode.In(r, unicode.Cf, unicode.Lm, unicode.Sk):
			continue // apostrophes, joiners, tatweel: written or not
		case unicode.Is(unicode.Mn, r):
			if !unicode.In(base, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Arabic, unicode.Hebrew) {
				b.WriteRune(r)
			}
			continue
		case unicode.IsDigit(r):
			r = '0' + digit(r)
		}
		base = r
		if to, ok := sameLetter[r]; ok {
			b.WriteString(to)
			continue
		}
		b.WriteRune(ethiopicLetter(r))
	}
	return norm.NFC.String(b.String())
}

// shortI keeps the Cyrillic short i, a consonant, apart from i and its breve.
var shortI = strings.NewReplacer("й", "ј", "Й", "ј")

// digit is the value of a decimal digit: Unicode lists each script's ten in a
// row, the zero first (The Unicode Standard, 4.6).
func digit(r rune) rune {
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	return 0
}

// sameLetter is letters that stand for one another in names. Those of Arabic
// are the variants between Arabic, Persian, Urdu and Pashto keyboards, and the
// seats of hamza, as search engines fold them (Apache Lucene,
// ArabicNormalizer and PersianNormalizer); marks above and below are gone by
// now.
var sameLetter = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ħ': "h", 'ı': "i", 'ŋ': "ng", 'ə': "e",
	'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ƴ': "y", 'ɛ': "e", 'ɔ': "o",
	'ё': "е", 'є': "е", 'ґ': "г", 'ы': "и", 'і': "и", 'ў': "у",
	'ٱ': "ا", 'ى': "ی", 'ي': "ی", 'ې': "ی", 'ے': "ی", 'ێ': "ی", 'ئ': "ی", 'ك': "ک", 'ڪ': "ک", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ۀ': "ه", 'ە': "ه",
	'ۂ': "ه", 'ۃ': "ه", 'ؤ': "و", 'ۆ': "و", 'ء': "", 'ں': "ن", 'ڼ': "ن",
}

// words splits folded text into its words: letters, their marks, digits.
func words(folded string) []string {
	return strings.FieldsFunc(folded, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
}

// letters counts the letters of a text, with the signs that are left: one
// syllable of an Indian script is a letter and its vowel.
func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			n++
		}
	}
	return n
}

func hasDigit(s string) bool { return strings.ContainsFunc(s, unicode.IsDigit) }
