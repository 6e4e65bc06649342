// Package camera makes of a flat picture what a telephone would see of it: for
// tests of what reads codes, from a seed.
package camera

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand"
)

// View is how a sheet is looked at.
type View struct {
	Width int     // of the picture, which is square
	Turn  float64 // in the plane, radians
	Lean  float64 // to the side: a part of the distance by which the edges differ
	Tilt  float64 // the same, away from the eye
	Blur  int     // pixels to each side that run together
	Noise float64 // standard deviation, of 255 shades
}

// AnyView is one such as people take, by hand, in a room: a hand's breadth and a
// half away, at up to 30 degrees.
func AnyView(random *rand.Rand) View {
	of := func(most float64) float64 { return (2*random.Float64() - 1) * most }
	return View{Width: 1600, Turn: of(math.Pi / 18), Lean: of(0.1), Tilt: of(0.1), Blur: 1, Noise: 1 + 2*random.Float64()}
}

// Photograph looks at a flat picture, which lies on a grey table in light that
// comes from one side.
func Photograph(flat image.Image, v View, random *rand.Rand) *image.Gray {
	sheet := image.NewGray(flat.Bounds())
	draw.Draw(sheet, sheet.Bounds(), flat, flat.Bounds().Min, draw.Src)
	sharp := make([]float64, v.Width*v.Width)
	for y := range v.Width {
		for x := range v.Width {
			sharp[y*v.Width+x] = v.shade(sheet, (float64(x)+0.5)/float64(v.Width), (float64(y)+0.5)/float64(v.Width))
		}
	}
	out := image.NewGray(image.Rect(0, 0, v.Width, v.Width))
	for y := range v.Width {
		for x := range v.Width {
			sum, n := 0.0, 0.0
			for yy := max(0, y-v.Blur); yy <= min(v.Width-1, y+v.Blur); yy++ {
				for xx := max(0, x-v.Blur); xx <= min(v.Width-1, x+v.Blur); xx++ {
					sum, n = sum+sharp[yy*v.Width+xx], n+1
				}
			}
			out.SetGray(x, y, color.Gray{Y: uint8(min(255, max(0, sum/n+random.NormFloat64()*v.Noise)))})
		}
	}
	return out
}

// shade is what is seen at a place of the picture, both from 0 to 1.
func (v View) shade(sheet *image.Gray, x, y float64) float64 {
	const table, dark, light = 150, 0.65, 0.3 // grey, and how bright the left edge is, and how much brighter the right
	brightness := dark + light*x
	x, y = (x-0.5)*1.25, (y-0.5)*1.25
	w := 1 + v.Lean*x + v.Tilt*y
	x, y = x/w, y/w
	x, y = x*math.Cos(v.Turn)-y*math.Sin(v.Turn), x*math.Sin(v.Turn)+y*math.Cos(v.Turn)
	b := sheet.Bounds()
	long := float64(max(b.Dx(), b.Dy()))
	at := image.Pt(b.Min.X+int(math.Floor(x*long+float64(b.Dx())/2)), b.Min.Y+int(math.Floor(y*long+float64(b.Dy())/2)))
	if !at.In(b) {
		return table * brightness
	}
	return float64(sheet.GrayAt(at.X, at.Y).Y) * brightness
}
