package search

import "strings"

// The scripts of India stand in Unicode in blocks of 128 of the same order,
// which is that of ISCII (The Unicode Standard, 12.1): one table of offsets
// reads Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada
// and Malayalam. The letters are ISO 15919 without its marks.
const (
	indicFirst = 0x0900
	indicLast  = 0x0D7F
	bengali    = 0x0980
	tamil      = 0x0B80
)

var indicConsonants = func() map[rune]string {
	m := make(map[rune]string)
	for i, c := range strings.Fields("k kh g gh ng ch chh j jh ny t th d dh n t th d dh n n p ph b bh m y r r l l l v sh sh s h") {
		m[rune(0x15+i)] = c
	}
	for i, c := range strings.Fields("q kh gh z r rh f y") { // the same with a dot, as one letter
		m[rune(0x58+i)] = c
	}
	m[0x70], m[0x71] = "r", "v" // Assamese
	return m
}()

var indicVowels = func() map[rune]string {
	m := make(map[rune]string)
	for i, v := range strings.Fields("a a i i u u ri li e e e ai o o o au") { // by themselves
		m[rune(0x05+i)] = v
	}
	for i, v := range strings.Fields("a i i u u ri ri e e e ai o o o au") { // as signs
		m[rune(0x3E+i)] = v
	}
	return m
}()

// Signs of the blocks, as offsets.
const (
	indicBindu     = 0x01
	indicAnusvara  = 0x02
	indicNukta     = 0x3C
	indicSigns     = 0x3E
	indicVirama    = 0x4D
	indicKhandaTa  = 0x4E
	indicTippi     = 0x70 // Gurmukhi
	indicGurmukhi  = 0x0A00
	indicLetterBa  = 0x2C
	indicLetterYa  = 0x2F
	indicTamilCha  = 0x1A
	indicSignsLast = 0x4C
)

func isIndic(r rune) bool { return r >= indicFirst && r <= indicLast }

// nuktas is what a dot below makes of a letter.
var nuktas = map[string]string{"k": "q", "j": "z", "d": "r", "dh": "r", "ph": "f", "y": "y", "b": "r"}

// romaniseIndic reads a word. Tamil writes s and ch with one letter, and the
// ksh of Sanskrit as ts.
func romaniseIndic(word string) []string {
	first, _ := firstLetter(word)
	if block := first &^ 0x7F; block == tamil {
		s := readIndic(word, "s")
		return distinct(s, readIndic(word, "ch"), strings.ReplaceAll(s, "ts", "ksh"))
	}
	return distinct(readIndic(word, ""))
}

// jnya is written as j and ny and spoken gy.
var jnya = strings.NewReplacer("ज्ञ", "ग्य", "জ্ঞ", "গ্য")

func readIndic(word, tamilCha string) string {
	var w roman
	pending, open := "", false // the consonant whose vowel is still to come
	close := func(vowel string) {
		if open {
			w.add(pending)
			w.add(vowel)
			open = false
		}
	}
	signs := append([]rune(jnya.Replace(word)), 0)
	for i, r := range signs[:len(signs)-1] {
		block, at := r&^0x7F, r&0x7F
		switch consonant, ok := indicConsonants[at]; {
		case at == indicNukta:
			if to, ok := nuktas[pending]; ok && open {
				pending = to
			}
		case at == indicVirama:
			close("")
		case at == indicTippi && block == indicGurmukhi, at == indicAnusvara, at == indicBindu:
			close("a")
			w.add("n")
		case at == indicKhandaTa && block == bengali:
			close("a")
			w.add("t")
		case at >= indicSigns && at <= indicSignsLast:
			close(indicVowels[at])
		case ok:
			close("a")
			switch {
			case block == bengali && at == indicLetterYa && signs[i+1]&0x7F != indicNukta:
				consonant = "j" // ya without its dot
			case block == bengali && at == indicLetterBa && i > 0 && signs[i-1]&0x7F == indicVirama:
				consonant = "w" // below another letter
			case block == tamil && at == indicTamilCha:
				consonant = tamilCha
			}
			pending, open = consonant, true
		default:
			close("a")
			w.add(indicVowels[at])
		}
	}
	close("")
	return w.String()
}
