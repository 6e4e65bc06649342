package typeset

import (
	"embed"
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Thai, Lao, Khmer and Burmese are written without spaces between words, and
// UAX #14 leaves the places where a line may end to a dictionary. These are
// the word lists of ICU 72 (words/README.md).
//
// A stretch of such a script is cut so that as few characters as can be belong
// to no word, and then into as few words as can be. What belongs to no word
// (a name, say) is not cut at all, unless it is longer than a line. Words are
// cut rightly as far as the list knows them; which of two readings the author
// meant it does not know.

//go:embed words/*.txt.gz
var wordLists embed.FS

// dictionary is the words of one script.
type dictionary struct {
	words   map[string]struct{}
	longest int // bytes
}

// spaceless is a script with the list of its words, opened when first needed.
type spaceless struct {
	table *unicode.RangeTable
	words func() (dictionary, error)
}

var spacelessScripts = []spaceless{
	{unicode.Thai, openWords("thai")},
	{unicode.Lao, openWords("lao")},
	{unicode.Khmer, openWords("khmer")},
	{unicode.Myanmar, openWords("burmese")},
}

func openWords(name string) func() (dictionary, error) {
	return sync.OnceValues(func() (dictionary, error) {
		packed, err := wordLists.ReadFile("words/" + name + ".txt.gz")
		if err != nil {
			return dictionary{}, fmt.Errorf("opening the words of %s: %w", name, err)
		}
		raw, err := unpack(packed)
		if err != nil {
			return dictionary{}, fmt.Errorf("unpacking the words of %s: %w", name, err)
		}
		d := dictionary{words: make(map[string]struct{}, len(raw)/24)}
		for word := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\n"), "\n") {
			d.words[word] = struct{}{}
			d.longest = max(d.longest, len(word))
		}
		return d, nil
	})
}

// inWord says whether a character is a letter or a mark of the script: digits
// and punctuation are none.
func (s spaceless) inWord(r rune) bool {
	return unicode.Is(s.table, r) && (unicode.IsLetter(r) || unicode.Is(unicode.M, r)) || r == '\u200C' || r == '\u200D'
}

// repeats says whether a character belongs to the word before it: signs of
// repetition and abbreviation.
func repeats(r rune) bool {
	switch r {
	case 'ๆ', 'ฯ', 'ໆ', 'ຯ', 'ៗ':
		return true
	}
	return false
}

// markWords allows a line to end between the words of scripts without spaces.
func markWords(text []rune, clusters, breaks []bool) error {
	for from := 0; from < len(text); {
		script, found := scriptWithoutSpaces(text[from])
		if !found {
			from++
			continue
		}
		to := from + 1
		for to < len(text) && script.inWord(text[to]) {
			to++
		}
		d, err := script.words()
		if err != nil {
			return err
		}
		for _, at := range d.cut(text[from:to], clusters[from:to]) {
			breaks[from+at] = breaks[from+at] || !repeats(text[from+at])
		}
		from = to
	}
	return nil
}

func scriptWithoutSpaces(r rune) (spaceless, bool) {
	if r < spacelessFirst {
		return spaceless{}, false
	}
	for _, s := range spacelessScripts {
		if unicode.Is(s.table, r) && s.inWord(r) {
			return s, true
		}
	}
	return spaceless{}, false
}

// spacelessFirst is the first character of Thai, the first of these scripts.
const spacelessFirst = 0x0E00

// Costs of a way to cut a stretch: a character without a word outweighs any
// number of words.
const (
	costWord    = 1
	costUnknown = 1000
)

// cut returns the places inside a stretch at which a word begins or ends.
func (d dictionary) cut(text []rune, clusters []bool) []int {
	n := len(text)
	whole := string(text)
	offset := make([]int, n+1)
	for i, r := range text {
		offset[i+1] = offset[i] + utf8.RuneLen(r)
	}
	cost, from, known := make([]int, n+1), make([]int, n+1), make([]bool, n+1)
	for i := 1; i <= n; i++ {
		cost[i] = math.MaxInt
	}
	boundary := func(i int) bool { return i == n || clusters[i] }
	for i := 0; i < n; i++ {
		if cost[i] == math.MaxInt {
			continue // inside a character
		}
		next := i + 1
		for !boundary(next) {
			next++
		}
		if c := cost[i] + costUnknown; c < cost[next] {
			cost[next], from[next], known[next] = c, i, false
		}
		for j := next; j <= n && offset[j]-offset[i] <= d.longest; j++ {
			if !boundary(j) || cost[i]+costWord >= cost[j] {
				continue
			}
			if _, ok := d.words[whole[offset[i]:offset[j]]]; ok {
				cost[j], from[j], known[j] = cost[i]+costWord, i, true
			}
		}
	}
	var places []int
	for i := n; from[i] > 0; i = from[i] {
		if known[i] || known[from[i]] {
			places = append(places, from[i])
		}
	}
	return places
}
