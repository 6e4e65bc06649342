package search

import "strings"

// sinhalaConsonants are the letters from U+0D9A on, and sinhalaVowels those
// from U+0D85 on and the signs from U+0DCF on (ISO 15919 without its marks).
var (
	sinhalaConsonants = strings.Fields("k kh g gh ng ng ch ch j jh ny gn nj t th d dh n nd t th d dh n - nd p ph b bh m mb y r - l - - v sh sh s h l f")
	sinhalaVowels     = strings.Fields("a a e e i i u u ri ri li li e e ai o o au")
	sinhalaSigns      = strings.Fields("a e e i i u - u - ri e e ai o o au li")
)

func romaniseSinhala(word string) string {
	var w roman
	open := false // a consonant whose vowel is still to come
	letter := func(list []string, at rune) string {
		if at < 0 || int(at) >= len(list) || list[at] == "-" {
			return ""
		}
		return list[at]
	}
	for _, r := range word {
		switch {
		case r == 0x0DCA: // al-lakuna: no vowel
			open = false
		case r >= 0x0D9A && r <= 0x0DC6:
			if open {
				w.add("a")
			}
			w.add(letter(sinhalaConsonants, r-0x0D9A))
			open = true
		case r >= 0x0DCF && r <= 0x0DDF:
			w.add(letter(sinhalaSigns, r-0x0DCF))
			open = false
		default:
			if open {
				w.add("a")
				open = false
			}
			if r == 0x0D82 { // anusvara
				w.add("ng")
			}
			w.add(letter(sinhalaVowels, r-0x0D85))
		}
	}
	return w.String()
}
