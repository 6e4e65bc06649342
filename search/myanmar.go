package search

import "strings"

// myanmarConsonants is U+1000 on, as BGN/PCGN 1970 writes them at the
// beginning of a syllable; aspirates without their h, which names mostly go
// without. အ carries a vowel only.
var myanmarConsonants = strings.Fields("k kh g g ng s s z z ny ny t t d d n t t d d n p p b b m y y l w th h l -")

var myanmarVowels = map[rune]string{
	'ါ': "a", 'ာ': "a", 'ိ': "i", 'ီ': "i", 'ု': "u", 'ူ': "u", 'ေ': "e", 'ဲ': "e",
	'ဣ': "i", 'ဤ': "i", 'ဥ': "u", 'ဦ': "u", 'ဧ': "e", 'ဩ': "aw", 'ဪ': "aw",
	'ျ': "y", 'ြ': "y", 'ွ': "w",
}

const (
	myanmarAsat     = '်' // no vowel: the end of a syllable
	myanmarVirama   = '္' // the same, with the next letter below
	myanmarDot      = '့' // creaky tone
	myanmarAnusvara = 'ံ'
	myanmarHa       = 'ှ'
)

// romaniseMyanmar reads a word in the two ways in which people write it: a
// long a as a or ar, a creaky end as n or nt (Myint), ရ as y or r.
func romaniseMyanmar(word string) []string {
	letters := []rune(word)
	var readings []string
	for _, long := range []string{"a", "ar"} {
		for _, creaky := range []string{"ng", "nt"} {
			readings = append(readings, readMyanmar(letters, long, creaky))
		}
	}
	return distinct(readings...)
}

func readMyanmar(letters []rune, long, creaky string) string {
	var w roman
	letters = append(letters, 0, 0, 0)
	for i, r := range letters[:len(letters)-3] {
		next, third := letters[i+1], letters[i+2]
		ends := next == myanmarAsat || next == myanmarDot && third == myanmarAsat
		switch {
		case r >= 0x1000 && r <= 0x1021 && ends:
			w.add(myanmarEnd(r, next == myanmarDot, creaky, isVowel(w.last)))
		case (r == 'ရ' || r == 'ယ') && (next == myanmarHa || third == myanmarHa):
			w.add("sh")
		case r == 'င' && next == 'ြ':
			w.add("n")
		case r >= 0x1000 && r <= 0x1021:
			if c := myanmarConsonants[r-0x1000]; c != "-" {
				w.add(c)
			} else if w.last == 0 && myanmarVowels[next] == "" {
				w.add("a")
			}
		case r == 'ေ' && isMyanmarA(next): // au, two signs
			w.add("au")
		case r == 'ိ' && next == 'ု': // o, two signs; ai before an end
			if end := letters[i+3]; end == myanmarAsat || end == myanmarDot {
				w.add("ai")
			} else {
				w.add("o")
			}
		case r == 'ု' && i > 0 && letters[i-1] == 'ိ', isMyanmarA(r) && i > 0 && letters[i-1] == 'ေ':
		case isMyanmarA(r):
			w.add(long)
		case r == myanmarAnusvara:
			w.add("n")
		default:
			w.add(myanmarVowels[r])
		}
	}
	return w.String()
}

// myanmarEnd is a consonant at the end of a syllable, with the vowel that it
// makes of a syllable without a sign.
func myanmarEnd(r rune, dot bool, creaky string, vowel bool) string {
	switch {
	case r == 'ည' || r == 'ဉ':
		return "i"
	case r == 'င' && !dot:
		creaky = "ng"
	case r == 'မ':
		return "n"
	case r != 'င':
		return myanmarConsonants[r-0x1000]
	}
	if vowel {
		return creaky
	}
	return "i" + creaky
}

func isMyanmarA(r rune) bool { return r == 'ာ' || r == 'ါ' }
