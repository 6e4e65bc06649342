package photo

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"runtime"
	"slices"
	"testing"

	"portolan/care"
)

// secret stands where a picture could carry it.
const secret = "GPS 1.2921S 36.8219E Canary"

// corners is a picture whose four corners have each their own colour.
func corners(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{A: 255}
			if x >= w/2 {
				c.R = 255
			}
			if y >= h/2 {
				c.B = 255
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// exifOf is an Exif block that says how the camera was held, and a secret.
func exifOf(orientation uint16, order binary.ByteOrder) []byte {
	var b bytes.Buffer
	if order == binary.LittleEndian {
		b.WriteString("II*\x00")
	} else {
		b.WriteString("MM\x00*")
	}
	short := func(v uint16) { b.Write(order.(binary.AppendByteOrder).AppendUint16(nil, v)) }
	long := func(v uint32) { b.Write(order.(binary.AppendByteOrder).AppendUint32(nil, v)) }
	long(8)
	short(2)
	short(0x010e) // a description
	short(2)
	long(uint32(len(secret)))
	long(38)
	short(0x0112)
	short(3)
	long(1)
	short(orientation)
	short(0)
	long(0)
	b.WriteString(secret)
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image, exif []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	segment := func(marker byte, body string) []byte {
		return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
	}
	var out []byte
	out = append(out, 0xff, 0xd8)
	out = append(out, segment(0xfe, "comment "+secret)...)
	if exif != nil {
		out = append(out, segment(0xe1, "Exif\x00\x00"+string(exif))...)
	}
	out = append(out, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret)...)
	out = append(out, segment(0xed, "Photoshop 3.0\x00"+secret)...)
	out = append(out, b.Bytes()[2:]...)
	return append(out, "behind the picture "+secret+" <script>alert(1)</script> PK\x03\x04"...)
}

func chunk(kind string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func pngOf(t testing.TB, m image.Image, exif []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	const head = 8 + 25 // signature and IHDR
	out := bytes.Clone(b.Bytes()[:head])
	out = append(out, chunk("tEXt", []byte("Comment\x00"+secret))...)
	out = append(out, chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})...) // it says that it moves
	if exif != nil {
		out = append(out, chunk("eXIf", exif)...)
	}
	return append(append(out, b.Bytes()[head:]...), secret...)
}

// webpPlain is a WebP of 1 × 1 pixels, losslessly coded.
const webpPlain = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func webpOf(t testing.TB, exif []byte) []byte {
	t.Helper()
	plain, err := base64.StdEncoding.DecodeString(webpPlain)
	if err != nil {
		t.Fatal(err)
	}
	extended := []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	body := append(append([]byte("WEBP"), extended...), plain[12:]...)
	body = append(body, "EXIF"...)
	body = binary.LittleEndian.AppendUint32(body, uint32(len(exif)))
	body = append(body, exif...)
	if len(exif)%2 == 1 {
		body = append(body, 0)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func TestNothingButThePixelsIsLeft(t *testing.T) {
	m := corners(40, 24)
	for what, c := range map[string]struct {
		b    []byte
		kind string
	}{
		"JPEG": {jpegOf(t, m, exifOf(1, binary.BigEndian)), JPEG},
		"PNG":  {pngOf(t, m, exifOf(1, binary.LittleEndian)), PNG},
		"WebP": {webpOf(t, exifOf(1, binary.LittleEndian)), PNG}, // it can be seen through
	} {
		got, kind, err := Clean(c.b)
		if err != nil || kind != c.kind || Sniff(got) != c.kind {
			t.Errorf("%s becomes %s: %v", what, kind, err)
			continue
		}
		if !bytes.Contains(c.b, []byte(secret)) {
			t.Fatalf("%s holds no secret: the test proves nothing", what)
		}
		for _, left := range []string{secret, "Canary", "Exif", "adobe", "Photoshop", "tEXt", "eXIf", "acTL", "script", "PK\x03\x04"} {
			if bytes.Contains(got, []byte(left)) {
				t.Errorf("%s keeps %q", what, left)
			}
		}
		again, _, err := Clean(c.b)
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("%s twice gives two pictures: %v", what, err)
		}
	}
}

// TestPicturesStandUpright compares each of the eight ways to hold a camera
// with what a person sees: black in the upper left, red in the upper right,
// blue in the lower left.
func TestPicturesStandUpright(t *testing.T) {
	const w, h = 32, 16
	upr := corners(w, h)
	stored := map[int]func(x, y int) (int, int, int, int){ // where a stored pixel comes from, and the stored size
		1: func(x, y int) (int, int, int, int) { return x, y, w, h },
		2: func(x, y int) (int, int, int, int) { return w - 1 - x, y, w, h },
		3: func(x, y int) (int, int, int, int) { return w - 1 - x, h - 1 - y, w, h },
		4: func(x, y int) (int, int, int, int) { return x, h - 1 - y, w, h },
		5: func(x, y int) (int, int, int, int) { return y, x, h, w },
		6: func(x, y int) (int, int, int, int) { return w - 1 - y, x, h, w },
		7: func(x, y int) (int, int, int, int) { return w - 1 - y, h - 1 - x, h, w },
		8: func(x, y int) (int, int, int, int) { return y, h - 1 - x, h, w },
	}
	for o, from := range stored {
		_, _, sw, sh := from(0, 0)
		m := image.NewNRGBA(image.Rect(0, 0, sw, sh))
		for y := range sh {
			for x := range sw {
				fx, fy, _, _ := from(x, y)
				m.SetNRGBA(x, y, upr.NRGBAAt(fx, fy))
			}
		}
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			for what, b := range map[string][]byte{"JPEG": jpegOf(t, m, exifOf(uint16(o), order)), "PNG": pngOf(t, m, exifOf(uint16(o), order))} {
				got, _, err := Clean(b)
				if err != nil {
					t.Fatal(err)
				}
				seen, _, err := image.Decode(bytes.NewReader(got))
				if err != nil || seen.Bounds().Dx() != w || seen.Bounds().Dy() != h {
					t.Fatalf("%s held as %d: %v, %v", what, o, seen.Bounds(), err)
				}
				for _, p := range []image.Point{{2, 2}, {w - 3, 2}, {2, h - 3}, {w - 3, h - 3}} {
					r, _, b, _ := seen.At(p.X, p.Y).RGBA()
					want := upr.NRGBAAt(p.X, p.Y)
					if (r > 0x8000) != (want.R > 0) || (b > 0x8000) != (want.B > 0) {
						t.Errorf("%s held as %d: at %v is %v, want %v", what, o, p, seen.At(p.X, p.Y), want)
					}
				}
			}
		}
	}
}

// TestPixelFloodsAreRefusedBeforeDecoding: attack case 21, 50,000 × 50,000.
func TestPixelFloodsAreRefusedBeforeDecoding(t *testing.T) {
	ihdr := func(w, h uint32, depth, colour byte) []byte {
		b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
		return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(b, depth, colour, 0, 0, 0))...)
	}
	flood := jpegOf(t, corners(16, 16), nil)
	at := bytes.Index(flood, []byte{0xff, 0xc0})
	copy(flood[at+5:], []byte{0xc3, 0x50, 0xc3, 0x50})
	for what, b := range map[string][]byte{
		"PNG":               ihdr(50_000, 50_000, 8, 6),
		"a long PNG":        ihdr(1<<31-1, 1, 8, 0),
		"PNG of two bytes":  ihdr(4000, 4000, 16, 6),
		"JPEG":              flood,
		"just one too many": ihdr(4097, 4096, 8, 2),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Clean(b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s takes %d bytes", what, used)
		}
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	whole := jpegOf(t, corners(64, 64), nil)
	plain, err := base64.StdEncoding.DecodeString(webpPlain)
	if err != nil {
		t.Fatal(err)
	}
	animated := append([]byte("RIFF\xff\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02"), make([]byte, 9)...)
	animated = append(animated, "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00ANMF\x38\x00\x00\x00"...)
	animated = append(append(animated, make([]byte, 16)...), plain[12:]...)
	for what, b := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), "GIF": []byte("GIF89a\x01\x00\x01\x00"),
		"half a JPEG": whole[:len(whole)/3], "a first byte alone": whole[:3], "a PNG's name alone": []byte("\x89PNG\r\n\x1a\n"), "BMP": []byte("BM\x00\x00\x00\x00"),
		"a WebP that moves": animated,
	} {
		if got, _, err := Clean(b); care.CodeOf(err) != "photo_unreadable" {
			t.Errorf("%s becomes %d bytes: %v", what, len(got), err)
		}
	}
}

// FuzzClean: whatever comes in, what comes out is a picture that says nothing
// besides, within the bounds, and cleaning it again changes only its coding.
func FuzzClean(f *testing.F) {
	for _, b := range [][]byte{jpegOf(f, corners(8, 8), exifOf(6, binary.BigEndian)), pngOf(f, corners(8, 8), exifOf(8, binary.LittleEndian)), webpOf(f, exifOf(3, binary.BigEndian)), {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, kind, err := Clean(b)
		if err != nil {
			if !slices.Contains([]string{"photo_unreadable", "photo_too_large"}, care.CodeOf(err)) {
				t.Errorf("%v", err)
			}
			return
		}
		m, name, err := image.Decode(bytes.NewReader(got))
		if err != nil || "image/"+name != kind || m.Bounds().Dx() > SideMax || m.Bounds().Dy() > SideMax {
			t.Errorf("%s %s %v: %v", name, kind, m, err)
		}
	})
}
