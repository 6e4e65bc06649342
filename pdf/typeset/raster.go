package typeset

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/vector"
)

// Raster is a page as a picture. It is drawn from the same lines, in the same
// places, as the page that a Pen writes, and with the outlines of the same
// glyphs: it shows what a printer prints.
type Raster struct {
	page  *image.Gray
	scale float64 // pixels to a point
	high  float64 // of the page, in points
	faces map[*face]*font.Face
	fill  vector.Rasterizer
}

// NewRaster returns a white page of a size in points, so many pixels wide.
func NewRaster(width, height float64, pixels int) *Raster {
	scale := float64(pixels) / width
	page := image.NewGray(image.Rect(0, 0, pixels, int(math.Round(height*scale))))
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	return &Raster{page: page, scale: scale, high: height, faces: map[*face]*font.Face{}}
}

// Image is the page as drawn so far.
func (r *Raster) Image() *image.Gray { return r.page }

// transform brings a point of an outline to its pixel.
type transform struct{ x, y, scaleX, scaleY float64 }

func (t transform) of(p opentype.SegmentPoint) (x, y float32) {
	return float32(t.x + float64(p.X)*t.scaleX), float32(t.y + float64(p.Y)*t.scaleY)
}

// Line draws a line as Pen.Draw does, with the left end of its baseline at x, y
// in points from the lower left corner of the page.
func (r *Raster) Line(l Line, x, y float64) {
	for _, run := range l.runs {
		unit := run.size / float64(run.face.em)
		at := 0.0
		for _, g := range run.glyphs {
			to := transform{
				x: (x + (at+float64(g.dx))*unit) * r.scale, y: (r.high - y - float64(g.dy)*unit) * r.scale,
				scaleX: unit * r.scale, scaleY: -unit * r.scale,
			}
			outline := r.outline(run.face, g.id)
			r.paint(outline, to, 0, color.Gray{})
			if run.face.stroke > 0 {
				r.paint(outline, to, float64(run.face.stroke), color.Gray{})
			}
			at += float64(g.advance)
		}
		x += run.width
	}
}

func (r *Raster) outline(f *face, id uint16) contours {
	if len(f.glyf.outline(id)) == 0 {
		return nil
	}
	drawn, ok := r.faces[f]
	if !ok {
		drawn = font.NewFace(f.font)
		r.faces[f] = drawn
	}
	outline, _ := drawn.GlyphData(font.GID(id)).(font.GlyphOutline)
	return outline.Segments
}

// Box fills a rectangle with a grey, its lower left corner at x, y in points.
func (r *Raster) Box(x, y, width, height float64, grey uint8) {
	corner := func(x, y float64) opentype.SegmentPoint {
		return opentype.SegmentPoint{X: float32(x), Y: float32(y)}
	}
	box := contours{{Op: opentype.SegmentOpMoveTo, Args: [3]opentype.SegmentPoint{corner(x, y)}}}
	for _, p := range []opentype.SegmentPoint{corner(x+width, y), corner(x+width, y+height), corner(x, y+height)} {
		box = append(box, opentype.Segment{Op: opentype.SegmentOpLineTo, Args: [3]opentype.SegmentPoint{p}})
	}
	r.paint(box, transform{0, r.high * r.scale, r.scale, -r.scale}, 0, color.Gray{grey})
}

// Figure draws a figure as Figure.Content does.
func (r *Raster) Figure(f Figure, x, y, side float64) {
	scale := side / FigureSide * r.scale
	for _, s := range f {
		r.paint(s.path, transform{x * r.scale, (r.high - y) * r.scale, scale, scale}, s.width, color.Gray{})
	}
}

// paint fills an outline, or draws along it with a pen of a width in units of
// the outline. Only the pixels of its box are looked at.
func (r *Raster) paint(outline contours, to transform, width float64, grey color.Gray) {
	if len(outline) == 0 {
		return
	}
	pen := width * math.Abs(to.scaleX)
	left, top := math.Inf(1), math.Inf(1)
	right, bottom := math.Inf(-1), math.Inf(-1)
	for _, step := range outline {
		for _, p := range step.ArgsSlice() {
			x, y := to.of(p)
			left, right = math.Min(left, float64(x)), math.Max(right, float64(x))
			top, bottom = math.Min(top, float64(y)), math.Max(bottom, float64(y))
		}
	}
	box := image.Rect(int(math.Floor(left-pen)), int(math.Floor(top-pen)), int(math.Ceil(right+pen))+1, int(math.Ceil(bottom+pen))+1)
	if box = box.Intersect(r.page.Bounds()); box.Empty() {
		return
	}
	r.fill.Reset(box.Dx(), box.Dy())
	r.fill.DrawOp = draw.Over
	to.x, to.y = to.x-float64(box.Min.X), to.y-float64(box.Min.Y)
	if width > 0 {
		r.along(outline, to, float32(pen/2))
	} else {
		r.inside(outline, to)
	}
	r.fill.Draw(r.page, box, image.NewUniform(grey), image.Point{})
}

func (r *Raster) inside(outline contours, to transform) {
	for i, step := range outline {
		var at [6]float32
		for k, p := range step.ArgsSlice() {
			at[2*k], at[2*k+1] = to.of(p)
		}
		switch step.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				r.fill.ClosePath()
			}
			r.fill.MoveTo(at[0], at[1])
		case opentype.SegmentOpLineTo:
			r.fill.LineTo(at[0], at[1])
		case opentype.SegmentOpQuadTo:
			r.fill.QuadTo(at[0], at[1], at[2], at[3])
		case opentype.SegmentOpCubeTo:
			r.fill.CubeTo(at[0], at[1], at[2], at[3], at[4], at[5])
		}
	}
	r.fill.ClosePath()
}

// Steps in which a curve is drawn along, and corners of the round end of a pen.
const (
	stepsOfCurve = 8
	cornersOfPen = 12
)

// along draws an outline with a round pen: a bar for each step, a disc at each
// end. All turn the same way, so that where they overlap it is black.
func (r *Raster) along(outline contours, to transform, radius float32) {
	var x, y float32
	lineTo := func(nx, ny float32) {
		dx, dy := nx-x, ny-y
		if length := float32(math.Hypot(float64(dx), float64(dy))); length > 0 {
			ox, oy := -dy/length*radius, dx/length*radius
			r.fill.MoveTo(x+ox, y+oy)
			r.fill.LineTo(x-ox, y-oy)
			r.fill.LineTo(nx-ox, ny-oy)
			r.fill.LineTo(nx+ox, ny+oy)
			r.fill.ClosePath()
		}
		x, y = nx, ny
		r.disc(x, y, radius)
	}
	for _, step := range outline {
		var at [6]float32
		for k, p := range step.ArgsSlice() {
			at[2*k], at[2*k+1] = to.of(p)
		}
		x0, y0 := x, y
		switch step.Op {
		case opentype.SegmentOpMoveTo:
			x, y = at[0], at[1]
			r.disc(x, y, radius)
		case opentype.SegmentOpLineTo:
			lineTo(at[0], at[1])
		case opentype.SegmentOpQuadTo:
			for i := 1; i <= stepsOfCurve; i++ {
				t := float32(i) / stepsOfCurve
				u := 1 - t
				lineTo(u*u*x0+2*u*t*at[0]+t*t*at[2], u*u*y0+2*u*t*at[1]+t*t*at[3])
			}
		case opentype.SegmentOpCubeTo:
			for i := 1; i <= stepsOfCurve; i++ {
				t := float32(i) / stepsOfCurve
				u := 1 - t
				lineTo(u*u*u*x0+3*u*u*t*at[0]+3*u*t*t*at[2]+t*t*t*at[4], u*u*u*y0+3*u*u*t*at[1]+3*u*t*t*at[3]+t*t*t*at[5])
			}
		}
	}
}

// disc turns the way in which the bars of along do.
func (r *Raster) disc(x, y, radius float32) {
	for i := range cornersOfPen {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / cornersOfPen)
		px, py := x+radius*float32(cos), y+radius*float32(sin)
		if i == 0 {
			r.fill.MoveTo(px, py)
		} else {
			r.fill.LineTo(px, py)
		}
	}
	r.fill.ClosePath()
}
