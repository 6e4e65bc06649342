package search

// ethiopicRows is the consonant of each row of eight syllables from U+1200 on
// (The Unicode Standard, Ethiopic; BGN/PCGN Amharic 1967, Tigrinya 2007).
var ethiopicRows = [...]string{
	"h", "l", "h", "m", "s", "r", "s", "sh", "q", "qw", "q", "qw", "b", "v", "t", "ch", "h", "hw", "n", "ny", "", "k", "kw", "kh", "kw", "w",
	"", "z", "zh", "y", "d", "d", "j", "g", "gw", "g", "t", "ch", "p", "ts", "ts", "f", "p",
}

// ethiopicVowels is the vowel of each order of a row. The sixth is read with
// a short vowel or with none.
var ethiopicVowels = [...]string{"e", "u", "i", "a", "e", "", "o", "wa"}

// ethiopicSame is the rows that Amharic reads as one and writes by habit.
var ethiopicSame = map[rune]rune{0x1210: 0x1200, 0x1280: 0x1200, 0x1220: 0x1230, 0x12D0: 0x12A0, 0x1340: 0x1338}

// ethiopicLetter gives the one of several syllables that sound the same.
func ethiopicLetter(r rune) rune {
	if row, ok := ethiopicSame[r&^7]; ok && r >= 0x1200 {
		return row + r&7
	}
	return r
}

func romaniseEthiopic(word string) string {
	var w roman
	for _, r := range word {
		row, order := int(r-0x1200)/8, int(r-0x1200)%8
		if r < 0x1200 || row >= len(ethiopicRows) {
			continue
		}
		vowel := ethiopicVowels[order]
		if order == 0 && (ethiopicRows[row] == "" || ethiopicRows[row] == "h") {
			vowel = "a" // the first order of the throat's letters
		}
		if order == 5 && ethiopicRows[row] == "" {
			vowel = "i"
		}
		w.add(ethiopicRows[row])
		w.add(vowel)
	}
	return w.String()
}
