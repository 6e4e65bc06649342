package pdf

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A passphrase is words of two open syllables that mean nothing and that people
// of every language can say, remember and type in ASCII: bado kiru mesa. Two
// syllables of 70 are 12 bits; five words 61, which at a hundred thousand
// guesses a second last for half a million years.
const (
	wordsOfPassphrase = 5
	syllablesOfWord   = 2
	consonants        = "bdfgklmnprstvz"
	vowels            = "aeiou"
)

// unsaid are words that mean something that nobody wants to say (French,
// Spanish, Portuguese, Romanian, Italian, Tagalog, German, English).
var unsaid = []string{"caca", "kaka", "pipi", "puta", "puto", "pute", "nazi", "peru", "titi", "tete", "pene", "mona", "loka", "tonto", "bobo", "gago",
	"tanga", "puki", "pedo", "mama", "papa", "dete", "zizi", "popo", "pupu", "muta", "buta", "goda", "suka", "suki", "kusu", "lubo", "sida", "vile", "rape"}

// Words draws a passphrase.
func Words(rand io.Reader) (string, error) {
	var words []string
	for len(words) < wordsOfPassphrase {
		var b strings.Builder
		for range syllablesOfWord {
			for _, letters := range []string{consonants, vowels} {
				n, err := below(rand, len(letters))
				if err != nil {
					return "", fmt.Errorf("drawing a passphrase: %w", err)
				}
				b.WriteByte(letters[n])
			}
		}
		if !slices.Contains(unsaid, b.String()) {
			words = append(words, b.String())
		}
	}
	return strings.Join(words, " "), nil
}

// below draws a number below n, each as likely as the others.
func below(rand io.Reader, n int) (int, error) {
	limit := 256 / n * n
	for {
		var b [1]byte
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return 0, err
		}
		if int(b[0]) < limit {
			return int(b[0]) % n, nil
		}
	}
}
