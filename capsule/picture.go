package capsule

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // what cameras and scanners write
	_ "image/png"
	"io"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/image/draw"
	"rsc.io/qr"

	"portolan/care"
)

// Bounds of a picture that is read: twice what a cheap phone takes, or an A4 sheet at 500 dots an inch.
const (
	PictureBytesMax  = 32 << 20
	picturePixelsMax = 24_000_000
	pictureWidthMax  = 2400 // wider ones are read smaller first: quicker, and noise goes
)

// ErrPicture says that no code was found in a picture.
var ErrPicture = &care.Error{Code: "code_not_found", Kind: care.Unprocessed, Hint: "No code was found in this picture. Take it again: flat, near, with light, the whole square and a white edge around it."}

// ReadPicture finds the code in a picture (PNG or JPEG) and returns its text,
// of whatever kind it is.
func ReadPicture(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, PictureBytesMax+1))
	if err != nil {
		return "", fmt.Errorf("reading a picture: %w", err)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || len(b) > PictureBytesMax || size.Width <= 0 || size.Height <= 0 || size.Width > picturePixelsMax/size.Height {
		return "", ErrPicture
	}
	picture, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return "", ErrPicture
	}
	return findCode(picture)
}

// Check reads the code of a text back before it is printed.
func Check(text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("drawing a code: %w", err)
	}
	if found, err := findCode(code.Image()); err != nil || found != text {
		return fmt.Errorf("a code was made that cannot be read back: %w", ErrPicture)
	}
	return nil
}

// findCode tries a picture at several sizes: a reader that fails on the noise of
// a large one finds it in a smaller one, and the other way round.
func findCode(picture image.Image) (text string, err error) {
	defer func() {
		if recover() != nil { // the reader is not ours, and the picture is anybody's
			text, err = "", ErrPicture
		}
	}()
	width := picture.Bounds().Dx()
	for _, w := range []int{min(width, pictureWidthMax), min(width, pictureWidthMax) / 2, min(width, pictureWidthMax) * 3 / 2} {
		at := picture
		if w != width {
			at = resized(picture, w)
		}
		for _, bitmap := range bitmaps(at) {
			found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
			if err == nil {
				return found.GetText(), nil
			}
		}
	}
	return "", ErrPicture
}

func resized(picture image.Image, width int) image.Image {
	b := picture.Bounds()
	out := image.NewGray(image.Rect(0, 0, width, max(1, b.Dy()*width/b.Dx())))
	draw.BiLinear.Scale(out, out.Bounds(), picture, b, draw.Src, nil)
	return out
}

func bitmaps(picture image.Image) []*gozxing.BinaryBitmap {
	source := gozxing.NewLuminanceSourceFromImage(picture)
	var all []*gozxing.BinaryBitmap
	for _, b := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		if m, err := gozxing.NewBinaryBitmap(b); err == nil {
			all = append(all, m)
		}
	}
	return all
}
