package typeset

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// resolve applies the rules W1 to I2 to one isolating run sequence. original
// are the classes that the characters have, class those after overrides.
func (s sequence) resolve(text []rune, original, class []bidi.Class, levels []level) {
	s.weak(class)
	s.brackets(text, original, class)
	s.neutrals(class)
	for _, i := range s.at { // I1, I2
		switch c := class[i]; {
		case !s.level.rightToLeft() && c == bidi.R:
			levels[i] = s.level + 1
		case !s.level.rightToLeft() && (c == bidi.AN || c == bidi.EN):
			levels[i] = s.level + 2
		case s.level.rightToLeft() && (c == bidi.L || c == bidi.EN || c == bidi.AN):
			levels[i] = s.level + 1
		default:
			levels[i] = s.level
		}
	}
}

// weak is W1 to W7.
func (s sequence) weak(class []bidi.Class) {
	before := s.sos
	for _, i := range s.at { // W1
		if class[i] == bidi.NSM {
			class[i] = before
			if isIsolate(before) || before == bidi.PDI {
				class[i] = bidi.ON
			}
		}
		before = class[i]
	}
	strong := s.sos
	for _, i := range s.at { // W2
		switch class[i] {
		case bidi.R, bidi.L, bidi.AL:
			strong = class[i]
		case bidi.EN:
			if strong == bidi.AL {
				class[i] = bidi.AN
			}
		}
	}
	for _, i := range s.at { // W3
		if class[i] == bidi.AL {
			class[i] = bidi.R
		}
	}
	s.separators(class)
	strong = s.sos
	for _, i := range s.at {
		switch class[i] {
		case bidi.ET, bidi.ES, bidi.CS: // W6
			class[i] = bidi.ON
		case bidi.R, bidi.L:
			strong = class[i]
		case bidi.EN: // W7
			if strong == bidi.L {
				class[i] = bidi.L
			}
		}
	}
}

// separators is W4 and W5: what joins the parts of a number.
func (s sequence) separators(class []bidi.Class) {
	n := len(s.at)
	for k := 1; k < n-1; k++ { // W4
		before, after := class[s.at[k-1]], class[s.at[k+1]]
		if before != after {
			continue
		}
		switch c := class[s.at[k]]; {
		case c == bidi.ES && before == bidi.EN:
			class[s.at[k]] = bidi.EN
		case c == bidi.CS && (before == bidi.EN || before == bidi.AN):
			class[s.at[k]] = before
		}
	}
	for k := 0; k < n; k++ { // W5
		if class[s.at[k]] != bidi.ET {
			continue
		}
		end := k
		for end < n && class[s.at[end]] == bidi.ET {
			end++
		}
		if k > 0 && class[s.at[k-1]] == bidi.EN || end < n && class[s.at[end]] == bidi.EN {
			for _, i := range s.at[k:end] {
				class[i] = bidi.EN
			}
		}
		k = end - 1
	}
}

// strongOf is how N0 to N2 see a class: numbers count as R.
func strongOf(c bidi.Class) bidi.Class {
	switch c {
	case bidi.EN, bidi.AN, bidi.R:
		return bidi.R
	case bidi.L:
		return bidi.L
	}
	return bidi.ON
}

// bracketPair are places within a sequence (BD16).
type bracketPair struct{ open, close int }

// maxBrackets is the depth of the stack of BD16.
const maxBrackets = 63

func (s sequence) bracketPairs(text []rune, class []bidi.Class) []bracketPair {
	type opened struct {
		closer rune
		at     int
	}
	var pairs []bracketPair
	var open []opened
	for k, i := range s.at {
		if class[i] != bidi.ON {
			continue
		}
		p, _ := bidi.LookupRune(text[i])
		if !p.IsBracket() {
			continue
		}
		if p.IsOpeningBracket() {
			if len(open) == maxBrackets {
				break
			}
			closer := []rune(bidi.ReverseString(string(text[i])))[0]
			open = append(open, opened{canonicalBracket(closer), k})
			continue
		}
		for q := len(open) - 1; q >= 0; q-- {
			if open[q].closer == canonicalBracket(text[i]) {
				pairs = append(pairs, bracketPair{open[q].at, k})
				open = open[:q]
				break
			}
		}
	}
	slices.SortFunc(pairs, func(a, b bracketPair) int { return a.open - b.open })
	return pairs
}

// canonicalBracket: the angle brackets of two blocks are equivalent.
func canonicalBracket(r rune) rune {
	switch r {
	case '\u2329':
		return '\u3008'
	case '\u232A':
		return '\u3009'
	}
	return r
}

// brackets is N0.
func (s sequence) brackets(text []rune, original, class []bidi.Class) {
	own := s.level.direction()
	for _, pair := range s.bracketPairs(text, class) {
		var foundOwn, foundOther bool
		for _, i := range s.at[pair.open+1 : pair.close] {
			switch strongOf(class[i]) {
			case own:
				foundOwn = true
			case bidi.L, bidi.R:
				foundOther = true
			}
		}
		direction := own
		switch {
		case foundOwn:
		case foundOther:
			direction = s.sos
			for k := pair.open - 1; k >= 0; k-- {
				if c := strongOf(class[s.at[k]]); c != bidi.ON {
					direction = c
					break
				}
			}
		default:
			continue
		}
		for _, k := range []int{pair.open, pair.close} {
			class[s.at[k]] = direction
			for q := k + 1; q < len(s.at) && original[s.at[q]] == bidi.NSM; q++ {
				class[s.at[q]] = direction
			}
		}
	}
}

// neutrals is N1 and N2.
func (s sequence) neutrals(class []bidi.Class) {
	neutral := func(k int) bool {
		switch c := class[s.at[k]]; c {
		case bidi.B, bidi.S, bidi.WS, bidi.ON, bidi.PDI:
			return true
		default:
			return isIsolate(c)
		}
	}
	for k := 0; k < len(s.at); k++ {
		if !neutral(k) {
			continue
		}
		end := k
		for end < len(s.at) && neutral(end) {
			end++
		}
		before, after := s.sos, s.eos
		if k > 0 {
			before = strongOf(class[s.at[k-1]])
		}
		if end < len(s.at) {
			after = strongOf(class[s.at[end]])
		}
		direction := s.level.direction()
		if before == after {
			direction = before
		}
		for _, i := range s.at[k:end] {
			class[i] = direction
		}
		k = end - 1
	}
}
