package typeset

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CharacterError says which character of a text cannot be set, and why. Its
// message holds the code point and nothing else of the text.
type CharacterError struct {
	Rune   rune
	Reason string
}

func (e *CharacterError) Error() string { return fmt.Sprintf("U+%04X %s", e.Rune, e.Reason) }

const (
	noFont      = "is in no font"
	turnsAround = "turns the order of numbers around"
	noCharacter = "is no character of a text"
)

// steers says whether a character steers bidi or line breaking and is never
// drawn nor handed to a font.
func steers(r rune) bool {
	switch {
	case r == '\u061C', r == '\u200B', r == '\u200E', r == '\u200F', r == '\u2060':
		return true
	}
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// shapes says whether a character only changes how others are drawn; a font
// need not have it.
func shapes(r rune) bool {
	switch {
	case r == '\u200C', r == '\u200D', r == '\u034F', r == '\u17B4', r == '\u17B5':
		return true
	}
	return r >= '\uFE00' && r <= '\uFE0F' || r >= 0xE0100 && r <= 0xE01EF
}

// covers says whether a font can draw all characters, itself or by the parts
// that they decompose into (the shaper does that).
func covers(f *face, chars []rune) bool {
	for _, r := range chars {
		if steers(r) || shapes(r) || f.has(r) {
			continue
		}
		parts := []rune(norm.NFD.String(string(r)))
		if len(parts) < 2 {
			return false
		}
		for _, p := range parts {
			if !f.has(p) {
				return false
			}
		}
	}
	return true
}

// newline says whether a character ends a line for good (UAX #14: BK, CR, LF,
// NL).
func newline(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// hangs says whether a character at the end of a line is left out: white
// space at which a line may break, and what is never drawn.
func hangs(r rune) bool {
	return r != '\u00A0' && r != '\u202F' && r != '\u2007' && unicode.IsSpace(r) || steers(r)
}

// readable brings text to the form in which it is set: composed (NFC), tabs as
// spaces, no soft hyphens. It refuses what is no text, and the overrides,
// which would print 50 as 05.
func readable(text string) ([]rune, error) {
	var out []rune
	for _, r := range norm.NFC.String(strings.ReplaceAll(text, "\r\n", "\n")) {
		switch {
		case r == '\t':
			out = append(out, ' ')
		case r == '\u00AD': // would need a hyphen where a line ends
		case r == '\uFEFF':
			out = append(out, '\u2060')
		case r == '\u202D' || r == '\u202E':
			return nil, &CharacterError{r, turnsAround}
		case newline(r):
			out = append(out, r)
		case r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs):
			return nil, &CharacterError{r, noCharacter}
		default:
			out = append(out, r)
		}
	}
	return balanced(out), nil
}

// balanced drops closing characters that close nothing and closes what is
// left open (UAX #9: BD9, BD11), so that no run reaches into the next.
func balanced(text []rune) []rune {
	var out, open []rune
	closeAll := func() {
		for i := len(open) - 1; i >= 0; i-- {
			out = append(out, open[i])
		}
		open = open[:0]
	}
	for _, r := range text {
		switch {
		case r == '\u202A' || r == '\u202B':
			open = append(open, '\u202C')
		case r >= '\u2066' && r <= '\u2068':
			open = append(open, '\u2069')
		case r == '\u202C' || r == '\u2069':
			if len(open) == 0 || open[len(open)-1] != r {
				continue
			}
			open = open[:len(open)-1]
		case newline(r):
			closeAll()
		}
		out = append(out, r)
	}
	closeAll()
	return out
}
