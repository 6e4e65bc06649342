package photo

import (
	"image"
	"image/draw"
)

// upright turns a picture as the camera was held (Exif 3.0, table of
// orientations), so that nothing need be said about it any more.
func upright(m image.Image, orientation int) image.Image {
	if orientation <= 1 {
		return m
	}
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	src, ok := m.(*image.NRGBA)
	if !ok || b.Min != (image.Point{}) {
		src = image.NewNRGBA(image.Rect(0, 0, w, h))
		draw.Draw(src, src.Bounds(), m, b.Min, draw.Src)
	}
	ow, oh := w, h
	if orientation >= 5 {
		ow, oh = h, w
	}
	out := image.NewNRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			sx, sy := x, y
			switch orientation {
			case 2: // as in a mirror
				sx = w - 1 - x
			case 3: // upside down
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6: // to be turned to the right
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8: // to be turned to the left
				sx, sy = w-1-y, x
			}
			i, o := src.PixOffset(sx, sy), out.PixOffset(x, y)
			copy(out.Pix[o:o+4:o+4], src.Pix[i:i+4:i+4])
		}
	}
	return out
}
