package pdf

import (
	"portolan/care"
	"portolan/pdf/typeset"
)

// pictures by the code whose word they stand beside, as "list code". A way of
// taking that a picture could mislead about has none.
var pictures = map[string]typeset.Figure{
	"medicine_times MORN": figureMorning, "medicine_times NOON": figureNoon, "medicine_times EVE": figureEvening, "medicine_times NIGHT": figureNight,
	"medicine_food C": figureMeal, "medicine_food AC": figurePre, "medicine_food PC": figurePost,
	"medicine_frequencies QD": timesADay(1), "medicine_frequencies BID": timesADay(2), "medicine_frequencies TID": timesADay(3), "medicine_frequencies QID": timesADay(4),
	"medicine_frequencies AM": figureMorning, "medicine_frequencies PM": figureEvening, "medicine_frequencies BED": figureNight,
	"medicine_frequencies Q1H": figureClock, "medicine_frequencies Q2H": figureClock, "medicine_frequencies Q3H": figureClock, "medicine_frequencies Q4H": figureClock,
	"medicine_frequencies Q6H": figureClock, "medicine_frequencies Q8H": figureClock,
	"medicine_frequencies QOD": figureDays, "medicine_frequencies WK": figureDays, "medicine_frequencies MO": figureDays,
	"medicine_routes " + care.RouteOral: figureMouth, "medicine_routes " + care.RouteSkin: figureSkin, "medicine_routes " + care.RouteTransdermal: figurePatch,
	"medicine_routes " + care.RouteEye: figureEye, "medicine_routes " + care.RouteEar: figureEar, "medicine_routes " + care.RouteInhaled: figureBreath,
	"medicine_routes " + care.RouteSubcutaneous: figureNeedle, "medicine_routes " + care.RouteIntramuscular: figureNeedle, "medicine_routes " + care.RouteIntravenous: figureNeedle,
	"appointments hearing": figureDays, "appointments matter": figureDays,
}

// labelled are pictures of what a label says, whatever the value beside it is.
var labelled = map[string]typeset.Figure{"kept_cold": figureCold, "phone": figurePhone, "due_at": figureDays, "next_dose_on": figureNeedle}

// ofSections are pictures beside headings.
var ofSections = map[string]typeset.Figure{
	"allergies": figureAllergy, "interpreter": figureSpeech, "medicines": figurePills, "conditions": figureClinic, "about": figurePerson,
	"immunisations": figureNeedle, "legal": figureDate, "needs": figureHome, "plan": figurePlan, "follow_up": figureDays,
	"children": figureChild, "helpers": figureHands, "contact": figurePhone, "agreed": figureAgreed,
}

// drawing is a picture with the words that a voice says for it.
type drawing struct {
	figure typeset.Figure
	alt    string
}

// drawings are the pictures that stand beside an entry in one language. Their
// words are those of the entry, which were held against what must not be said.
func (c *composer) drawings(e Entry, lang string) ([]drawing, error) {
	var all []drawing
	draw := func(v Value) {
		figure, drawn := pictures[v.List+" "+v.Code]
		if said, _, ok := c.term(lang, v.List, v.Code); drawn && ok {
			all = append(all, drawing{figure, said})
		}
	}
	draw(e.Head)
	for _, d := range e.Details {
		if figure, ok := labelled[d.Label]; ok && len(d.Values) > 0 && (d.Values[0].Text != "" || d.Values[0].Code != "") {
			said, err := c.message(lang, "pdf.label."+d.Label)
			if err != nil {
				return nil, err
			}
			all = append(all, drawing{figure, said})
		}
		for _, v := range d.Values {
			draw(v)
		}
	}
	return all, nil
}

// Measures of pictures in millimetres.
const (
	pictureSide   = 8.5
	pictureGap    = 1.2
	headingSide   = 7.0 // beside a heading, in the margin
	headingBeside = 0.8
)

// pictured is a picture in a line, as an element.
type pictured struct {
	typeset.Figure
	of   *typeset.Element
	side float64
}

// figure makes the element of a picture.
func figure(d drawing, in *typeset.Element, lang string) *typeset.Element {
	e := in.Add("Figure", lang)
	e.Alt = d.alt
	return e
}

// strip is lines of pictures in one cell.
func (p *page) strip(all []drawing, in *typeset.Element) column {
	side, gap := pictureSide*p.faces.scale, pictureGap*p.faces.scale
	each := max(1, int((p.width+gap)/(side+gap)))
	var c column
	for len(all) > 0 {
		n := min(each, len(all))
		l := line{Line: typeset.Line{Width: (float64(n)*(side+gap) - gap) * pointsPerMM, Ascent: side * pointsPerMM, Descent: gap * pointsPerMM}}
		for _, d := range all[:n] {
			l.pictures = append(l.pictures, pictured{d.figure, figure(d, in, ""), side})
		}
		c, all = append(c, l), all[n:]
	}
	return c
}

// pictures puts the pictures of a line on the sheet, in the order of reading.
func (p *page) pictures(l line, x, baseline float64, rtl bool) {
	gap := pictureGap * p.faces.scale
	if rtl {
		x += l.Width / pointsPerMM
	}
	for _, d := range l.pictures {
		if rtl {
			x -= d.side
		}
		p.sheet().figure(d.of, figurePlaced{d.Figure, x, baseline - d.side, d.side})
		if rtl {
			x -= gap
		} else {
			x += d.side + gap
		}
	}
}

// inMargin draws a picture beside what begins at a height, where the person's
// own language begins to be read.
func (p *page) inMargin(f typeset.Figure, of *typeset.Element, top float64) {
	x := margin - 1 - headingBeside - headingSide
	if rightToLeft(p.langs[0]) {
		x = p.paperWidth - margin + 1 + headingBeside
	}
	p.sheet().figure(of, figurePlaced{f, x, top, headingSide})
}
