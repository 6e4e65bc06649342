package search

import "strings"

// A skeleton is how a name sounds without its vowels, in classes of
// consonants that the scripts of its bearers and of their clerks do not keep
// apart: b and p, t and d, k, g and q. Four bits a class, the first one
// highest. Where letters are read in several ways a word has a skeleton for
// each.
type skeleton uint64

const (
	classes      = "APFVTKCSMNRLHY" // A: begins with a vowel
	classesMax   = 16               // that one skeleton holds
	skeletonsMax = 12               // of one reading
)

// skeletonOf packs class letters.
func skeletonOf(s string) skeleton {
	var k skeleton
	for i := range classesMax {
		k <<= 4
		if i < len(s) {
			k |= skeleton(strings.IndexByte(classes, s[i]) + 1)
		}
	}
	return k
}

// String is its class letters.
func (k skeleton) String() string {
	var b strings.Builder
	for i := range classesMax {
		if c := k >> (4 * (classesMax - 1 - i)) & 15; c > 0 {
			b.WriteByte(classes[c-1])
		}
	}
	return b.String()
}

// length is how many classes it has.
func (k skeleton) length() int {
	n := 0
	for ; k != 0; k <<= 4 {
		n++
	}
	return n
}

// begins says whether other begins with all of k.
func (k skeleton) begins(other skeleton) bool {
	shift := 4 * (classesMax - k.length())
	return k>>shift == other>>shift
}

// skeletons gives every skeleton of a reading in Latin letters.
func skeletons(reading string) []skeleton {
	s := single(reading)
	all := []string{""}
	for i := 0; i < len(s); {
		n, options := sound(s, i)
		i += n
		var next []string
		for _, have := range all {
			for _, o := range options {
				if len(next) < skeletonsMax {
					next = append(next, have+o)
				}
			}
		}
		all = next
	}
	var out []skeleton
	for _, s := range all {
		if k := skeletonOf(s); k != 0 && !contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func contains(list []skeleton, k skeleton) bool {
	for _, have := range list {
		if have == k {
			return true
		}
	}
	return false
}

// single writes doubled letters once.
func single(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i == 0 || s[i] != s[i-1] {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// group is some letters together and the ways to read them, at the beginning
// of a word and further in.
type group struct {
	letters       string
	first, inside []string
}

func always(letters string, readings ...string) group { return group{letters, readings, readings} }

// groups is read from the top: longer ones first. It covers how English,
// French, Spanish, German, Romanian, Slavic and Vietnamese clerks and pinyin
// write the sounds; where they differ, each reading stands.
var groups = []group{
	always("shch", "SC"), always("tsch", "C"), always("chh", "C"), always("dzh", "C"), always("sch", "S", "SK"), always("tch", "C"),
	{"ngh", []string{"N"}, []string{"N", "NK"}},
	always("sh", "S"), always("ch", "C", "K", "S"), always("zh", "S", "C"), always("dj", "C"), always("jh", "C"),
	always("th", "T", "S"), always("dh", "T", "S"), always("bh", "P"), always("ph", "F", "P"), always("rh", "R"), always("ck", "K"),
	{"kh", []string{"K", "H"}, []string{"K", ""}}, {"gh", []string{"K", "H"}, []string{"K", ""}},
	always("ge", "K", "C"), always("gi", "K", "C"), always("gy", "K", "C"),
	always("ce", "S", "C", "K"), always("ci", "S", "C", "K"), always("cy", "S", "C", "K"),
	{"qi", []string{"K", "C"}, []string{"K", "C"}}, {"qu", []string{"K", "C"}, []string{"K", "C"}},
	{"ye", []string{"Y", "A"}, []string{""}}, {"je", []string{"C", "Y", "A"}, []string{"C", ""}},
	{"j", []string{"C", "Y"}, []string{"C", ""}},
	{"v", []string{"V", "P"}, []string{"V", "P"}}, {"w", []string{"V"}, []string{"", "V"}},
	{"y", []string{"Y"}, []string{""}}, {"h", []string{"H"}, []string{""}},
	{"x", []string{"S", "KS"}, []string{"KS", "S"}},
	always("b", "P"), always("p", "P"), always("f", "F"), always("t", "T"), always("d", "T"), always("k", "K"), always("q", "K"), always("c", "K"),
	always("g", "K"), always("s", "S"), always("z", "S"), always("m", "M"), always("n", "N"), always("r", "R"), always("l", "L"),
	{"a", []string{"A"}, []string{""}}, {"e", []string{"A"}, []string{""}}, {"i", []string{"A"}, []string{""}}, {"o", []string{"A"}, []string{""}},
	{"u", []string{"A"}, []string{""}},
}

// groupsOf is groups by their first letter.
var groupsOf = func() map[byte][]group {
	m := make(map[byte][]group)
	for _, g := range groups {
		m[g.letters[0]] = append(m[g.letters[0]], g)
	}
	return m
}()

// sound reads what stands at i: how many letters, and their classes.
func sound(s string, i int) (int, []string) {
	if s[i] == 'n' && i+1 < len(s) && s[i+1] == 'g' {
		if n, options := nasal(s, i); n > 0 {
			return n, options
		}
	}
	if i == 0 && s[0] == 'h' && len(s) > 1 && strings.IndexByte("tpkslmndbgzw", s[1]) >= 0 {
		return 1, []string{"", "H"} // Burmese aspirates, Hlib
	}
	for _, g := range groupsOf[s[i]] {
		if strings.HasPrefix(s[i:], g.letters) {
			if i == 0 {
				return len(g.letters), g.first
			}
			return len(g.letters), g.inside
		}
	}
	return 1, []string{""}
}

// nasal reads ng: one sound at either end of a word and before a consonant,
// one or two between vowels, and n with a soft g before e and i.
func nasal(s string, i int) (int, []string) {
	switch after := s[i+2:]; {
	case strings.HasPrefix(after, "h"):
		return 0, nil // ngh
	case i == 0 || after == "" || !isVowel(after[0]):
		return 2, []string{"N"}
	case after[0] == 'e' || after[0] == 'i':
		return 2, []string{"N", "NK", "NC"}
	}
	return 2, []string{"N", "NK"}
}

// vowels is the order of a reading's vowels, as open, front and back. Scripts
// that leave vowels out leave them out here.
func vowels(reading string) string {
	var b strings.Builder
	last := byte(0)
	if n := len(reading); n > 3 && reading[n-1] == 'e' && !isVowel(reading[n-2]) {
		reading = reading[:n-1] // as in English, silent
	}
	for i := range len(reading) {
		var v byte
		switch reading[i] {
		case 'a':
			v = 'a'
		case 'e', 'i', 'y':
			v = 'i'
		case 'o', 'u', 'w':
			v = 'u'
		}
		if v != 0 && v != last {
			b.WriteByte(v)
		}
		last = v
	}
	return b.String()
}

// within says whether a is b with some left out.
func within(a, b string) bool {
	for i := 0; i < len(b) && a != ""; i++ {
		if b[i] == a[0] {
			a = a[1:]
		}
	}
	return a == ""
}
