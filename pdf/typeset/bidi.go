package typeset

import (
	"golang.org/x/text/unicode/bidi"
)

// The Unicode Bidirectional Algorithm, UAX #9 of Unicode 15, rule by rule.
// Only the property tables are those of x/text: its Paragraph never pairs
// brackets (golang/go#72089), so that "(Sertraline) 50 mg" loses one.

// maxDepth is max_depth of BD2.
const maxDepth = 125

// level is an embedding level: odd ones run from right to left.
type level int8

func (l level) rightToLeft() bool { return l&1 == 1 }

// direction is the class of text at this level.
func (l level) direction() bidi.Class {
	if l.rightToLeft() {
		return bidi.R
	}
	return bidi.L
}

// paragraphLevels are the levels of a paragraph before it is broken into lines.
type paragraphLevels struct {
	text  []rune
	base  level
	class []bidi.Class // as the characters have it
	level []level
}

func classOf(r rune) bidi.Class {
	p, _ := bidi.LookupRune(r)
	return p.Class()
}

func isIsolate(c bidi.Class) bool { return c == bidi.LRI || c == bidi.RLI || c == bidi.FSI }

// isRemoved says whether X9 takes the character out of the rules that follow.
func isRemoved(c bidi.Class) bool {
	switch c {
	case bidi.LRE, bidi.RLE, bidi.LRO, bidi.RLO, bidi.PDF, bidi.BN:
		return true
	}
	return false
}

// resolveLevels gives every character its level. base is 0, 1, or -1 to take
// the direction of the first strong character (P2, P3).
func resolveLevels(text []rune, base int) paragraphLevels {
	p := paragraphLevels{text: text, class: make([]bidi.Class, len(text)), level: make([]level, len(text))}
	for i, r := range text {
		p.class[i] = classOf(r)
	}
	if base < 0 {
		base = 0
		if firstStrong(p.class) == bidi.R {
			base = 1
		}
	}
	p.base = level(base)
	partner := matchIsolates(p.class)
	class := p.explicit(partner)
	for _, s := range p.sequences(partner) {
		s.resolve(p.text, p.class, class, p.level)
	}
	for i, c := range p.class { // what X9 removed stands with what is before it
		if isRemoved(c) {
			p.level[i] = p.base
			if i > 0 {
				p.level[i] = p.level[i-1]
			}
		}
	}
	return p
}

// firstStrong is P2: the first character that is strong and not in an
// isolate. It is bidi.L, bidi.R, or bidi.ON where there is none.
func firstStrong(class []bidi.Class) bidi.Class {
	depth := 0
	for _, c := range class {
		switch {
		case isIsolate(c):
			depth++
		case c == bidi.PDI:
			depth = max(0, depth-1)
		case depth > 0:
		case c == bidi.L:
			return bidi.L
		case c == bidi.R || c == bidi.AL:
			return bidi.R
		}
	}
	return bidi.ON
}

// matchIsolates pairs isolate initiators with their PDI (BD9); -1 has none.
func matchIsolates(class []bidi.Class) []int {
	partner := make([]int, len(class))
	var open []int
	for i, c := range class {
		partner[i] = -1
		if isIsolate(c) {
			open = append(open, i)
		} else if n := len(open); c == bidi.PDI && n > 0 {
			partner[i], partner[open[n-1]] = open[n-1], i
			open = open[:n-1]
		}
	}
	return partner
}

// embedding is an entry of the directional status stack (BD, X1).
type embedding struct {
	level    level
	override bidi.Class // bidi.ON: neutral
	isolate  bool
}

// stack is the state of X1 to X8.
type stack struct {
	entries                                         []embedding
	overflowIsolates, overflowEmbeddings, validIsos int
}

func (s *stack) top() embedding { return s.entries[len(s.entries)-1] }
func (s *stack) pop()           { s.entries = s.entries[:len(s.entries)-1] }

// push is X2 to X5c: it enters the next level in the direction.
func (s *stack) push(rtl bool, override bidi.Class, isolate bool) {
	next := (s.top().level + 2) &^ 1
	if rtl {
		next = (s.top().level + 1) | 1
	}
	// next may wrap around int8 only beyond maxDepth + 2, which is never pushed.
	fits := next <= maxDepth && next > 0 && s.overflowIsolates == 0 && s.overflowEmbeddings == 0
	switch {
	case fits:
		if isolate {
			s.validIsos++
		}
		s.entries = append(s.entries, embedding{next, override, isolate})
	case isolate:
		s.overflowIsolates++
	case s.overflowIsolates == 0:
		s.overflowEmbeddings++
	}
}

// popIsolate is X6a.
func (s *stack) popIsolate() {
	switch {
	case s.overflowIsolates > 0:
		s.overflowIsolates--
	case s.validIsos > 0:
		s.overflowEmbeddings = 0
		for !s.top().isolate {
			s.pop()
		}
		s.pop()
		s.validIsos--
	}
}

// popEmbedding is X7.
func (s *stack) popEmbedding() {
	switch {
	case s.overflowIsolates > 0:
	case s.overflowEmbeddings > 0:
		s.overflowEmbeddings--
	case !s.top().isolate && len(s.entries) > 1:
		s.pop()
	}
}

// explicit applies X1 to X8. It sets the levels and returns the classes with
// overrides applied.
func (p *paragraphLevels) explicit(partner []int) []bidi.Class {
	class := append([]bidi.Class(nil), p.class...)
	s := stack{entries: []embedding{{p.base, bidi.ON, false}}}
	set := func(i int) {
		p.level[i] = s.top().level
		if o := s.top().override; o != bidi.ON {
			class[i] = o
		}
	}
	for i, c := range p.class {
		switch c {
		case bidi.RLE, bidi.LRE, bidi.RLO, bidi.LRO:
			p.level[i] = s.top().level
			override := bidi.ON
			if c == bidi.RLO {
				override = bidi.R
			} else if c == bidi.LRO {
				override = bidi.L
			}
			s.push(c == bidi.RLE || c == bidi.RLO, override, false)
		case bidi.RLI, bidi.LRI, bidi.FSI:
			set(i)
			rtl := c == bidi.RLI
			if c == bidi.FSI {
				end := partner[i]
				if end < 0 {
					end = len(p.class)
				}
				rtl = firstStrong(p.class[i+1:end]) == bidi.R
			}
			s.push(rtl, bidi.ON, true)
		case bidi.PDI:
			s.popIsolate()
			set(i)
		case bidi.PDF:
			p.level[i] = s.top().level
			s.popEmbedding()
		case bidi.B:
			p.level[i] = p.base
		case bidi.BN:
			p.level[i] = s.top().level
		default:
			set(i)
		}
	}
	return class
}

// sequence is an isolating run sequence (BD13) with the places of its
// characters, and the directions before and after it (X10).
type sequence struct {
	at       []int
	level    level
	sos, eos bidi.Class
}

// sequences is X9 and X10.
func (p *paragraphLevels) sequences(partner []int) []sequence {
	var kept []int
	for i, c := range p.class {
		if !isRemoved(c) {
			kept = append(kept, i)
		}
	}
	var runs [][]int // level runs, as places in the text
	startingAt := map[int]int{}
	for from := 0; from < len(kept); {
		to := from + 1
		for to < len(kept) && p.level[kept[to]] == p.level[kept[from]] {
			to++
		}
		startingAt[kept[from]] = len(runs)
		runs = append(runs, kept[from:to])
		from = to
	}
	var all []sequence
	for _, run := range runs {
		if p.class[run[0]] == bidi.PDI && partner[run[0]] >= 0 {
			continue // it goes on with a sequence that has begun
		}
		at := append([]int(nil), run...)
		for {
			last := at[len(at)-1]
			if !isIsolate(p.class[last]) || partner[last] < 0 {
				break
			}
			next, begins := startingAt[partner[last]]
			if !begins {
				break
			}
			at = append(at, runs[next]...)
		}
		s := sequence{at: at, level: p.level[at[0]]}
		last := at[len(at)-1]
		before, after := p.neighbour(at[0], -1), p.base
		if !isIsolate(p.class[last]) || partner[last] >= 0 {
			after = p.neighbour(last, 1)
		}
		s.sos, s.eos = max(before, s.level).direction(), max(after, s.level).direction()
		all = append(all, s)
	}
	return all
}

// neighbour is the level of the next character in a direction that X9 keeps.
func (p *paragraphLevels) neighbour(at, step int) level {
	for i := at + step; i >= 0 && i < len(p.class); i += step {
		if !isRemoved(p.class[i]) {
			return p.level[i]
		}
	}
	return p.base
}

// lineLevels are the levels of one line, after L1: white space at its end and
// before separators goes with the paragraph.
func (p *paragraphLevels) lineLevels(from, to int) []level {
	levels := append([]level(nil), p.level[from:to]...)
	trailing := true
	for i := len(levels) - 1; i >= 0; i-- {
		switch c := p.class[from+i]; {
		case c == bidi.B || c == bidi.S:
			trailing = true
			levels[i] = p.base
		case c == bidi.WS || isIsolate(c) || c == bidi.PDI || isRemoved(c):
			if trailing {
				levels[i] = p.base
			}
		default:
			trailing = false
		}
	}
	return levels
}

// visualOrder is L2: the places of the items from left to right.
func visualOrder(levels []level) []int {
	order := make([]int, len(levels))
	highest, lowestOdd := level(0), level(maxDepth+2)
	for i, l := range levels {
		order[i] = i
		highest = max(highest, l)
		if l.rightToLeft() {
			lowestOdd = min(lowestOdd, l)
		}
	}
	for l := highest; l >= lowestOdd; l-- {
		for i := 0; i < len(order); i++ {
			j := i
			for j < len(order) && levels[order[j]] >= l {
				j++
			}
			for a, b := i, j-1; a < b; a, b = a+1, b-1 {
				order[a], order[b] = order[b], order[a]
			}
			i = max(i, j)
		}
	}
	return order
}
