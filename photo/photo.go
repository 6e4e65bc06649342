// Package photo makes of a photograph one that shows the same and says nothing
// besides: decoded within bounds, turned upright, written anew. Where it was
// taken, when, by which camera, and whatever was hidden behind the picture
// stays behind.
package photo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"

	"portolan/care"
)

// Bounds of a picture, checked before it is decoded: a few bytes can announce
// any size (attack case 21).
const (
	SideMax    = 16_384   // pixels of one side
	DecodedMax = 64 << 20 // bytes once decoded
	quality    = 88       // of a JPEG that is written; the letters of a photographed paper stay sharp
)

// Errors of photographs.
var (
	ErrTooLarge   = &care.Error{Code: "photo_too_large", Kind: care.TooLarge, Hint: "The picture has too many pixels. Take it with a lower resolution."}
	ErrUnreadable = &care.Error{Code: "photo_unreadable", Kind: care.Invalid, Hint: "The picture cannot be read: it is damaged, moves, or is of a kind that this hub does not know. Take it again."}
)

// Types that are read, and the first bytes by which each is known.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	WebP = "image/webp"
)

// Sniff tells a picture by its first bytes, "" for what is none.
func Sniff(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return WebP
	}
	return ""
}

// format is how one kind of picture is read.
type format struct {
	config func(*bytes.Reader) (image.Config, error)
	decode func(*bytes.Reader) (image.Image, error)
	exif   func([]byte) []byte
}

var formats = map[string]format{
	JPEG: {func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) }, func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) }, jpegEXIF},
	PNG:  {func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) }, func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) }, pngEXIF},
	WebP: {func(r *bytes.Reader) (image.Config, error) { return webp.DecodeConfig(r) }, func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) }, webpEXIF},
}

// Clean gives the picture in b written anew, upright and with nothing but its
// pixels, and its type: JPEG, or PNG where it came as PNG or can be seen
// through. Of several pictures in one file the first is kept. The same bytes
// give the same picture.
func Clean(b []byte) (clean []byte, kind string, err error) {
	f, ok := formats[Sniff(b)]
	if !ok {
		return nil, "", ErrUnreadable
	}
	c, err := f.config(bytes.NewReader(b))
	if err != nil {
		return nil, "", unreadable(err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > SideMax || c.Height > SideMax || int64(c.Width)*int64(c.Height)*pixelBytes(c) > DecodedMax {
		return nil, "", ErrTooLarge
	}
	m, err := f.decode(bytes.NewReader(b))
	if err != nil {
		return nil, "", unreadable(err)
	}
	m = upright(m, orientation(f.exif(b)))
	var out bytes.Buffer
	if Sniff(b) == PNG || !opaque(m) {
		err = png.Encode(&out, m)
		kind = PNG
	} else {
		err = jpeg.Encode(&out, m, &jpeg.Options{Quality: quality})
		kind = JPEG
	}
	if err != nil {
		return nil, "", unreadable(err)
	}
	return out.Bytes(), kind, nil
}

func unreadable(err error) error {
	e := *ErrUnreadable
	e.Err = errors.New("decoding: " + err.Error()) // Go's decoders name positions, never content
	return &e
}

func opaque(m image.Image) bool {
	o, ok := m.(interface{ Opaque() bool })
	return !ok || o.Opaque()
}

// pixelBytes is how much a decoder keeps of one pixel.
func pixelBytes(c image.Config) int64 {
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		return 8
	}
	return 4
}
