package search

import "strings"

// arabicLetters is the consonants of Arabic, Persian, Dari, Urdu and Pashto,
// as BGN/PCGN romanises them (Arabic 1956, Persian 1958, Urdu 2007, Pashto
// 1968). Letters that Arabic and Persian read apart (ث, ذ, ض, ظ) are written
// with a pair of letters that is read both ways (skeleton.go).
var arabicLetters = map[rune]string{
	'ا': "a", 'آ': "a", 'ب': "b", 'پ': "p", 'ت': "t", 'ٹ': "t", 'ټ': "t", 'ث': "th", 'ج': "j", 'چ': "ch", 'ځ': "dz", 'څ': "ts", 'ح': "h", 'خ': "kh",
	'د': "d", 'ڈ': "d", 'ډ': "d", 'ذ': "dh", 'ر': "r", 'ڑ': "r", 'ړ': "r", 'ز': "z", 'ژ': "zh", 'ږ': "zh", 'س': "s", 'ش': "sh", 'ښ': "kh", 'ص': "s",
	'ض': "dh", 'ط': "t", 'ظ': "dh", 'ع': "a", 'غ': "gh", 'ف': "f", 'ڤ': "v", 'ق': "q", 'ک': "k", 'گ': "g", 'ګ': "g", 'ڭ': "ng", 'ل': "l", 'م': "m",
	'ن': "n", 'و': "w", 'ه': "h", 'ی': "y",
}

// romaniseArabic reads a word as it stands, without the vowels that nobody
// writes, and without the article where it begins with one.
func romaniseArabic(word string) []string {
	word = strings.ReplaceAll(word, "الله", "اله") // one l is spoken
	whole := romaniseLetters(word, arabicLetters, true)
	if base, ok := strings.CutSuffix(whole, "y"); ok {
		return distinct(whole, base+"a") // alif maqsura has the same shape
	}
	if rest, ok := strings.CutPrefix(word, "ال"); ok && letters(rest) >= 2 {
		return distinct(whole, romaniseLetters(rest, arabicLetters, true))
	}
	return distinct(whole)
}

func romaniseLetters(word string, table map[rune]string, geminate bool) string {
	w := roman{geminate: geminate}
	for _, r := range word {
		w.add(table[r])
	}
	return w.String()
}
