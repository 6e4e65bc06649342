package search

import "strings"

// khmerConsonants is U+1780 on and khmerVowels the vowels from U+17A5 and the
// signs from U+17B6 on, after the Khmer system that the United Nations took
// over in 1972, without its marks. អ carries a vowel only.
var (
	khmerConsonants = strings.Fields("k kh k kh ng ch chh ch chh ny d th d th n t th t th n b ph p ph m y r l v sh s s h l -")
	khmerVowels     = strings.Fields("i i u u u ow ru ru lu lu e ai ao ao aw")
	khmerSigns      = strings.Fields("a i i oe oe o u uo ae oea ie e ae ai ao aw")
)

// Signs of Khmer.
const (
	khmerNikahit = 'ំ' // am, om
	khmerMusika  = '៉' // makes b a p
	khmerSilent  = '៍'
	khmerCoeng   = '្' // the next letter is written below
)

// romaniseKhmer reads a word with each letter, and without an r below the
// last one, which is not spoken.
func romaniseKhmer(word string) []string {
	whole := readKhmer([]rune(word))
	silent := whole
	if base, ok := strings.CutSuffix(whole, "tr"); ok {
		silent = base + "t"
	}
	return distinct(whole, silent)
}

func readKhmer(letters []rune) string {
	var w roman
	for i, r := range letters {
		next := rune(0)
		if i+1 < len(letters) {
			next = letters[i+1]
		}
		switch {
		case next == khmerSilent, r == khmerCoeng:
		case r >= 0x1780 && r <= 0x17A2:
			c := khmerConsonants[r-0x1780]
			if c == "-" {
				if w.last == 0 && !isKhmerSign(next) {
					w.add("a")
				}
				continue
			}
			if next == khmerMusika && c == "b" {
				c = "p"
			}
			w.add(c)
			if next == khmerNikahit {
				w.add("a")
			}
		case r >= 0x17A5 && r <= 0x17B3:
			w.add(khmerVowels[r-0x17A5])
		case isKhmerSign(r):
			w.add(khmerSigns[r-0x17B6])
		case r == khmerNikahit:
			w.add("m")
		}
	}
	return w.String()
}

func isKhmerSign(r rune) bool { return r >= 0x17B6 && r <= 0x17C5 }
