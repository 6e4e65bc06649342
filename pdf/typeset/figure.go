package typeset

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-text/typesetting/font/opentype"
)

// FigureSide is how many units of its own a figure is wide and high.
const FigureSide = 24

// Figure is a drawing in black, in a square of FigureSide units whose origin is
// the upper left corner.
type Figure []Stroke

// Stroke is a path that is drawn with a round pen, or filled where the pen has
// no width.
type Stroke struct {
	path  contours
	width float64
}

// contours are outlines as go-text gives them, of a glyph or of a figure.
type contours []opentype.Segment

// kappa is how far the control points of a quarter of a circle lie from its
// ends, for a radius of 1.
const kappa = 0.5522847

// Drawn returns the stroke of a path that is written in letters and numbers:
// "M x y" begins, "L x y" is a line, "C x y x y x y" a curve of Bézier with its
// two control points, "Z" a line back to the beginning, "O x y r" a whole
// circle. It panics on anything else: figures are written by programmers.
func Drawn(width float64, written string) Stroke {
	s := Stroke{width: width}
	words := strings.Fields(written)
	number := func(i int) float32 {
		v, err := strconv.ParseFloat(words[i], 32)
		if err != nil {
			panic(fmt.Sprintf("the figure %q: %v", written, err))
		}
		return float32(v)
	}
	var begin, now opentype.SegmentPoint
	for i := 0; i < len(words); {
		op := words[i]
		at := func(k int) opentype.SegmentPoint {
			return opentype.SegmentPoint{X: number(i + 1 + 2*k), Y: number(i + 2 + 2*k)}
		}
		switch op {
		case "M":
			begin, now = at(0), at(0)
			s.path = append(s.path, opentype.Segment{Op: opentype.SegmentOpMoveTo, Args: [3]opentype.SegmentPoint{now}})
			i += 3
		case "L":
			now = at(0)
			s.path = append(s.path, opentype.Segment{Op: opentype.SegmentOpLineTo, Args: [3]opentype.SegmentPoint{now}})
			i += 3
		case "C":
			now = at(2)
			s.path = append(s.path, opentype.Segment{Op: opentype.SegmentOpCubeTo, Args: [3]opentype.SegmentPoint{at(0), at(1), now}})
			i += 7
		case "Z":
			if now != begin {
				s.path = append(s.path, opentype.Segment{Op: opentype.SegmentOpLineTo, Args: [3]opentype.SegmentPoint{begin}})
			}
			now = begin
			i++
		case "O":
			s.path = append(s.path, circle(at(0), number(i+3))...)
			i += 4
		default:
			panic(fmt.Sprintf("the figure %q: %q is no step", written, op))
		}
	}
	return s
}

func circle(at opentype.SegmentPoint, r float32) contours {
	point := func(x, y float32) opentype.SegmentPoint {
		return opentype.SegmentPoint{X: at.X + x*r, Y: at.Y + y*r}
	}
	curve := func(x1, y1, x2, y2, x, y float32) opentype.Segment {
		return opentype.Segment{Op: opentype.SegmentOpCubeTo, Args: [3]opentype.SegmentPoint{point(x1, y1), point(x2, y2), point(x, y)}}
	}
	return contours{
		{Op: opentype.SegmentOpMoveTo, Args: [3]opentype.SegmentPoint{point(1, 0)}},
		curve(1, kappa, kappa, 1, 0, 1), curve(-kappa, 1, -1, kappa, -1, 0),
		curve(-1, -kappa, -kappa, -1, 0, -1), curve(kappa, -1, 1, -kappa, 1, 0),
	}
}

// Content draws the figure with its upper left corner at x, y in points from
// the lower left corner of the page.
func (f Figure) Content(x, y, side float64) string {
	var b strings.Builder
	scale := side / FigureSide
	fmt.Fprintf(&b, "q 0 g 0 G 1 J 1 j %s 0 0 %s %s %s cm\n", fine(scale), fine(-scale), decimal(x), decimal(y))
	for _, s := range f {
		if s.width > 0 {
			b.WriteString(decimal(s.width) + " w ")
		}
		for _, step := range s.path {
			for _, p := range step.ArgsSlice() {
				b.WriteString(decimal(float64(p.X)) + " " + decimal(float64(p.Y)) + " ")
			}
			b.WriteString(map[opentype.SegmentOp]string{opentype.SegmentOpMoveTo: "m ", opentype.SegmentOpLineTo: "l ", opentype.SegmentOpCubeTo: "c "}[step.Op])
		}
		if s.width > 0 {
			b.WriteString("S\n")
		} else {
			b.WriteString("f\n")
		}
	}
	b.WriteString("Q")
	return b.String()
}

// fine writes a scale, which a hundredth would be too coarse for.
func fine(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
