package search

import "strings"

// thaiConsonants is U+0E01 on, as the Royal Institute writes them at the
// beginning of a syllable (RTGS 1999). People spell their names by the letter
// more often than by what its end sounds like. อ carries a vowel only.
var thaiConsonants = strings.Fields("k kh kh kh kh kh ng ch ch ch s ch n d t th th th n d t th th th n b p ph f ph f ph m y r ri l lue w s s s h l - h")

var thaiVowels = map[rune]string{
	'ะ': "a", 'ั': "a", 'า': "a", 'ำ': "am", 'ํ': "am", 'ิ': "i", 'ี': "i", 'ึ': "ue", 'ื': "ue", 'ุ': "u", 'ู': "u",
	'เ': "e", 'แ': "ae", 'โ': "o", 'ใ': "ai", 'ไ': "ai",
}

// thaiSonorants are written after a silent ห to set their tone.
const thaiSonorants = "งญนมยรลว"

// romaniseThai reads a word by its letters, and as its ends sound: ร after a
// stop is silent (จิตร), ล is n, and พร, which so many names hold, is written
// porn.
func romaniseThai(word string) []string {
	whole := readThai([]rune(word))
	spoken := whole
	if base, ok := strings.CutSuffix(whole, "tr"); ok {
		spoken = base + "t"
	} else if base, ok := strings.CutSuffix(whole, "l"); ok {
		spoken = base + "n"
	}
	return distinct(whole, spoken, strings.ReplaceAll(whole, "phr", "phorn"))
}

func readThai(letters []rune) string {
	letters = spokenOrder(letters)
	var w roman
	for i, r := range letters {
		next := rune(0)
		if i+1 < len(letters) {
			next = letters[i+1]
		}
		switch {
		case next == '์', next == 'ร' && i+2 < len(letters) && letters[i+2] == '์' && strings.ContainsRune("ตทด", r): // thanthakhat: written, not spoken
		case r == 'ห' && i == 0 && strings.ContainsRune(thaiSonorants, next):
		case r == 'ญ' && w.last == 0:
			w.add("y")
		case r == 'ร' && next == 'ร':
			w.add("a") // รร
		case r == 'ร' && i > 0 && letters[i-1] == 'ร':
			if next == 0 {
				w.add("n")
			}
		case r >= 'ก' && int(r-'ก') < len(thaiConsonants):
			if c := thaiConsonants[r-'ก']; c != "-" {
				w.add(c)
			} else if w.last == 0 && thaiVowels[next] == "" {
				w.add("o") // อ as a vowel of its own
			}
		case r == 'า' && i > 0 && letters[i-1] == 'ํ': // am in two signs
		default:
			w.add(thaiVowels[r])
		}
	}
	return w.String()
}

// spokenOrder puts the vowels that are written before their consonant behind
// it.
func spokenOrder(letters []rune) []rune {
	out := append([]rune(nil), letters...)
	for i := 0; i+1 < len(out); i++ {
		if strings.ContainsRune("เแโใไ", out[i]) {
			out[i], out[i+1] = out[i+1], out[i]
			i++
		}
	}
	return out
}
