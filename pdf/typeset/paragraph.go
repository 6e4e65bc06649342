package typeset

import (
	"regexp"
	"slices"
	"unicode"

	"github.com/go-text/typesetting/language"
	"golang.org/x/text/unicode/bidi"
)

// Style is how letters look.
type Style struct {
	Size float64 // in points
	Bold bool
}

// Run is a stretch of text in one language and style.
type Run struct {
	Text string
	// Lang is a BCP 47 tag, "" where it is not known. Fonts and shapes of
	// letters follow it: Urdu is set in Nastaliq, Arabic in Naskh.
	Lang string
	Style
	// Isolate sets the run apart, so that its own order and that of what
	// stands around it do not touch each other: what a dose, date, phone
	// number, code, name or address needs. Digits and signs without a letter
	// that runs from right to left stand exactly in the order of the text; and
	// so do, isolated or not, numbers of several parts as 2026-12-03.
	Isolate bool
	// Whole keeps the run on one line, if any line is long enough.
	Whole bool
	// Known says that the text is no person's: a label. Its shape is kept for
	// other paragraphs.
	Known bool
}

// Paragraph is text that is broken into lines of one width.
type Paragraph struct {
	Runs        []Run
	RightToLeft bool
	Width       float64 // of the box, in points
}

// passage is a piece of a paragraph without a hard end of line: its
// characters, those that isolate runs included.
type passage struct {
	text []rune
	run  []int // the run of each character
}

// passages flattens the runs and cuts them at hard ends of lines.
func passages(p Paragraph) ([]passage, error) {
	texts, turns := make([][]rune, len(p.Runs)), p.RightToLeft
	for i, run := range p.Runs {
		text, err := readable(run.Text)
		if err != nil {
			return nil, err
		}
		texts[i], turns = text, turns || runsRightToLeft(text)
	}
	var done []passage
	var now passage
	for i, text := range texts {
		for at, piece := range hardLines(text) {
			if at > 0 {
				done, now = append(done, now), passage{}
			}
			switch {
			case len(piece) == 0:
			case p.Runs[i].Isolate:
				piece = isolated(piece)
			case turns:
				piece = numbersApart(piece)
			}
			now.text = append(now.text, piece...)
			for range piece {
				now.run = append(now.run, i)
			}
		}
	}
	return append(done, now), nil
}

// hardLines cuts a text at its hard ends of lines.
func hardLines(text []rune) [][]rune {
	var all [][]rune
	from := 0
	for at, r := range text {
		if newline(r) {
			all = append(all, text[from:at])
			from = at + 1
		}
	}
	return append(all, text[from:])
}

// runsRightToLeft says whether anything in a text turns the order around.
func runsRightToLeft(text []rune) bool {
	return slices.ContainsFunc(text, func(r rune) bool {
		switch classOf(r) {
		case bidi.R, bidi.AL, bidi.AN, bidi.RLE, bidi.RLI:
			return true
		}
		return false
	})
}

// isolated sets text apart: with its own direction, or, where nothing but
// digits is in it that could run from right to left, as it stands. Without
// that an Arabic line turns 5-10 and +961 1 234-567 around, and rightly so by
// UAX #9; with Arabic-Indic digits an isolate alone does not help, because
// they are no strong characters.
func isolated(text []rune) []rune {
	for _, r := range text {
		switch classOf(r) {
		case bidi.R, bidi.AL, bidi.RLE, bidi.RLI:
			return slices.Concat([]rune{'\u2068'}, numbersApart(text), []rune{'\u2069'})
		}
	}
	return asGiven(text)
}

// asGiven lets text stand in the order of its characters.
func asGiven(text []rune) []rune {
	return slices.Concat([]rune{'\u2066', '\u202D'}, text, []rune{'\u202C', '\u2069'})
}

// joined finds numbers of several parts in running text: phone numbers, which
// begin with a plus or a zero; dates, times, ranges and fractions, written
// without spaces; and any number with a unit in Latin letters. A list ("1, 2,
// 3") and a number at the end of a sentence are none, and a bracket is one only
// together with its other half. Marks stay with what they stand on.
var joined = regexp.MustCompile(`(?:\+\p{Nd}(?:(?:[\p{Nd} \x{A0}\x{202F}./–-]|\(\p{Nd}+\))*\p{Nd})?` +
	`|\([0٠۰]\p{Nd}*\)[ \x{A0}]?\p{Nd}+(?:[ \x{A0}\x{202F}/-]\p{Nd}+)*` +
	`|[0٠۰]\p{Nd}+(?:[ \x{A0}\x{202F}/-]\p{Nd}+)+` +
	`|\p{Nd}+(?:[-–—−/.:,×+'’٫٬]\p{Nd}+)*[ \x{A0}]?(?:[%‰°]|[°µμ]?\p{Latin}+(?:/\p{Latin}+)*)` +
	`|\p{Nd}+(?:[-–—−/.:,×+'’٫٬]\p{Nd}+)+)\p{M}*`)

// numbersApart lets numbers of several parts stand as given in text that runs
// from right to left.
func numbersApart(text []rune) []rune {
	if !slices.ContainsFunc(text, unicode.IsDigit) {
		return text
	}
	whole := string(text)
	var out []rune
	from := 0
	for _, at := range joined.FindAllStringIndex(whole, -1) {
		out = append(out, []rune(whole[from:at[0]])...)
		out = append(out, asGiven([]rune(whole[at[0]:at[1]]))...)
		from = at[1]
	}
	return append(out, []rune(whole[from:])...)
}

// item is a stretch of a passage that is shaped at once.
type item struct {
	from, to int
	run      int
	level    level
	script   language.Script
	face     *face
}

// ownScript is the script of a character that belongs to one.
func ownScript(r rune) (language.Script, bool) {
	s := language.LookupScript(r)
	return s, s != language.Common && s != language.Inherited && s != language.Unknown
}

// scripts gives every character a script. What belongs to none goes with what
// is before it, or after it at the beginning; an isolate looks at itself only,
// so that a dose is set alike in every line.
func (p passage) scripts(runs []Run, levels []level) []language.Script {
	all := make([]language.Script, len(p.text))
	var outside []int
	for from := 0; from < len(p.text); {
		to := from
		var inside []int
		for ; to < len(p.text) && p.run[to] == p.run[from]; to++ {
			inside = append(inside, to)
		}
		if runs[p.run[from]].Isolate {
			p.spread(all, inside, levels)
		} else {
			outside = append(outside, inside...)
		}
		from = to
	}
	p.spread(all, outside, levels)
	return all
}

// spread resolves the scripts of the characters at these places.
func (p passage) spread(all []language.Script, at []int, levels []level) {
	now := language.Latin
	for _, i := range at {
		if s, ok := ownScript(p.text[i]); ok {
			now = s
			break
		}
	}
	for _, i := range at {
		s, own := ownScript(p.text[i])
		if own {
			now = s
		}
		all[i] = now
		// A number in an Arabic line needs no Arabic shaper.
		if !own && !levels[i].rightToLeft() && isRightToLeft(now) && !unicode.Is(unicode.M, p.text[i]) {
			all[i] = language.Latin
		}
	}
}

func isRightToLeft(s language.Script) bool {
	switch s {
	case language.Arabic, language.Hebrew, language.Syriac, language.Thaana, language.Nko, language.Adlam:
		return true
	}
	return false
}

// items cuts a passage wherever the level, the script, the font or the run
// changes, and leaves out what is never drawn. clusters holds where user
// perceived characters begin: one is never split over two fonts.
func (s *Setter) items(p passage, runs []Run, levels []level, clusters []bool) ([]item, error) {
	scripts := p.scripts(runs, levels)
	faces, err := s.faces(p, runs, scripts, clusters)
	if err != nil {
		return nil, err
	}
	var all []item
	for from := 0; from < len(p.text); {
		if faces[from] == nil {
			from++
			continue
		}
		it := item{from: from, to: from + 1, run: p.run[from], level: levels[from], script: scripts[from], face: faces[from]}
		for to := it.to; to < len(p.text); to++ {
			if p.run[to] != it.run || levels[to] != it.level || scripts[to] != it.script || faces[to] != it.face {
				break
			}
			it.to = to + 1
		}
		all = append(all, it)
		from = it.to
	}
	return all, nil
}

// faces picks a font for every character; nil for what is never drawn.
func (s *Setter) faces(p passage, runs []Run, scripts []language.Script, clusters []bool) ([]*face, error) {
	faces := make([]*face, len(p.text))
	var before *face
	of := -1 // the run of before
	for from := 0; from < len(p.text); {
		if steers(p.text[from]) {
			from++
			continue
		}
		to := from + 1
		for to < len(p.text) && !clusters[to] && !steers(p.text[to]) && p.run[to] == p.run[from] {
			to++
		}
		if p.run[from] != of {
			before, of = nil, p.run[from]
		}
		chars, run := p.text[from:to], runs[p.run[from]]
		if _, own := ownScript(p.text[from]); !own && before != nil && covers(before, chars) {
			fill(faces[from:to], before)
		} else if err := s.choose(faces[from:to], chars, scripts[from], run); err != nil {
			return nil, err
		}
		before = faces[to-1]
		from = to
	}
	return faces, nil
}

func fill(faces []*face, f *face) {
	for i := range faces {
		faces[i] = f
	}
}

// choose finds one font for a character with its marks; where none has what
// Unicode holds together (a sign before a digit of another script), each letter
// with its own marks gets one.
func (s *Setter) choose(faces []*face, chars []rune, script language.Script, run Run) error {
	whole, err := s.find(chars, script, run)
	if err != nil {
		return err
	}
	if whole != nil {
		fill(faces, whole)
		return nil
	}
	at := len(chars) - 1
	for at > 0 && (unicode.Is(unicode.M, chars[at]) || shapes(chars[at])) {
		at--
	}
	if at == 0 {
		return s.missing(chars, script, run)
	}
	if err := s.choose(faces[:at], chars[:at], script, run); err != nil {
		return err
	}
	return s.choose(faces[at:], chars[at:], script, run)
}

// missing names the first character that no font has; where each is in some
// font, and none has them together, the first.
func (s *Setter) missing(chars []rune, script language.Script, run Run) error {
	for _, r := range chars {
		got, err := s.find([]rune{r}, script, run)
		if err != nil {
			return err
		}
		if got == nil {
			return &CharacterError{r, noFont}
		}
	}
	return &CharacterError{chars[len(chars)-1], "is in no font together with what it stands on"}
}
