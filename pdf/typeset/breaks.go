package typeset

import "unicode"

// graphemes finds where characters as people see them begin (UAX #29).
func (s *Setter) graphemes(text []rune) []bool {
	begin := make([]bool, len(text)+1)
	s.segments.Init(text)
	for it := s.segments.GraphemeIterator(); it.Next(); {
		begin[it.Grapheme().Offset] = true
	}
	for i := 1; i < len(text); i++ {
		begin[i] = begin[i] && !insideSyllable(text, i)
	}
	return begin
}

// places finds where characters begin and where lines may end (UAX #14,
// dictionaries where a script has no spaces). A run that is to be whole has no
// such place inside.
func (s *Setter) places(p passage, runs []Run) (clusters, breaks []bool, err error) {
	n := len(p.text)
	clusters, breaks = s.graphemes(p.text), make([]bool, n+1)
	for it := s.segments.LineIterator(); it.Next(); {
		l := it.Line()
		breaks[l.Offset+len(l.Text)] = true
	}
	if err := markWords(p.text, clusters, breaks); err != nil {
		return nil, nil, err
	}
	for i := 1; i < n; i++ {
		if steers(p.text[i]) { // nothing is drawn: a break before it is one after it
			continue
		}
		breaks[i] = breaks[i] && clusters[i]
	}
	for i := 1; i < n; i++ {
		if p.run[i] == p.run[i-1] && runs[p.run[i]].Whole {
			breaks[i] = false
		}
	}
	return clusters, breaks, nil
}

// insideSyllable says whether a syllable would be cut that UAX #29 of Unicode
// 15.0 still cuts: between a virama and the consonant that it binds (rule GB9c
// of 15.1), and before a Burmese consonant that ends its syllable.
func insideSyllable(text []rune, i int) bool {
	switch text[i-1] {
	case '\u094D', '\u09CD', '\u0A4D', '\u1039', '\u17D2':
		return unicode.IsLetter(text[i])
	}
	killed := i+1 < len(text) && (text[i+1] == '\u103A' || text[i+1] == '\u1039')
	return killed && unicode.Is(unicode.Myanmar, text[i]) && unicode.IsLetter(text[i])
}
