package strip

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
)

// The files in testdata were made by ffmpeg 5.1.9, LibreOffice 7.4.7,
// Ghostscript 10.0, Chromium, qpdf 11.3 and exiftool 12.57, which put canaries
// wherever each could: titles, authors, places, devices, times, attachments,
// remarks, pictures with Exif.

var types = map[string]string{".mp4": MP4, ".mov": MP4, ".m4a": M4A, ".mp3": MP3, ".ogg": Ogg, ".webm": WebM, ".pdf": PDF, ".docx": DOCX, ".xlsx": XLSX, ".odt": ODT, ".ods": ODS}

// canaries are what must not be left: names, a place, a day, and the programs
// that would tell one telephone from another. The day of a film is in seconds
// since 1904, which begins in 1904: there it is what the maker wrote.
var canaries = []string{"Canary", "12.34", "98.76", "1903-07", "19030719", "1903:07", "Lavf", "x264", "x265", "libvpx", "libvorbis", "Skia", "/Producer", "LibreOffice", "Thumbnails/", "docProps", "meta.xml", "Exif", "/Info", "/Metadata", "/EmbeddedFiles"}

// picture writes a picture anew.
func picture(b []byte) ([]byte, error) {
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, m, nil)
	return out.Bytes(), err
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opened is a file with what is packed in it beside it, so that one can look
// for something.
func opened(t testing.TB, b []byte) []byte {
	all := bytes.Clone(b)
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, p := range z.File {
			r, err := p.Open()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, body...)
		}
	}
	for rest := b; ; {
		_, behind, ok := bytes.Cut(rest, []byte("stream\n"))
		if !ok {
			return all
		}
		rest = behind
		if z, err := zlib.NewReader(bytes.NewReader(behind)); err == nil {
			body, _ := io.ReadAll(io.LimitReader(z, 1<<20)) // what can be read of it
			all = append(all, body...)
		}
	}
}

func TestR23NothingIsSaidBesides(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		b := sample(t, name)
		if before := opened(t, b); !bytes.Contains(before, []byte("Canary")) {
			t.Errorf("%s holds no canary: the test proves nothing", name)
		}
		got, err := File(types[filepath.Ext(name)], bytes.Clone(b), picture)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after := opened(t, got)
		for _, c := range canaries {
			if bytes.Contains(after, []byte(c)) {
				t.Errorf("%s keeps %q", name, c)
			}
		}
		again, err := File(types[filepath.Ext(name)], bytes.Clone(b), picture)
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("%s twice gives two files: %v", name, err)
		}
	}
}

// judged is what came out when ffmpeg 5.1.9 gave the same pictures and sounds
// of what went in and what came out (-f md5, each stream; of MP3 the same but
// for the silence that an encoder adds at its beginning).
var judged = map[string]string{
	"av1.mp4":      "8cbc93786870b3cb",
	"film.mov":     "810772e357d97b61",
	"film.mp4":     "4458511bc7b29523",
	"frag.mp4":     "315d2bb7ab431640",
	"frag_old.mp4": "0915951a26a7e229",
	"hevc.mp4":     "6b65ebe2e1cd7169",
	"sound.m4a":    "0bada4f42756f98e",
	"sound.mp3":    "77f331dd390871f2",
	"vbr.mp3":      "8acbb0eac8025c76",
	"opus.ogg":     "21fc8be7408afd5c",
	"vorbis.ogg":   "0697d960dd801618",
	"film.webm":    "fde51cacfd2cb439",
	"live.webm":    "4e09610c5f4ff979",
	"vp9.webm":     "7e309a50810a504d",
}

func TestWhatIsSeenAndHeardIsTheSame(t *testing.T) {
	for name, want := range judged {
		got, err := File(types[filepath.Ext(name)], sample(t, name), picture)
		sum := sha256.Sum256(got)
		if hexed := hex.EncodeToString(sum[:8]); err != nil || hexed != want {
			t.Errorf("%q: %q: have outside judges compare again: %v", name, hexed, err)
		}
	}
}

// in gives the first box of a kind, as what it holds.
func in(t *testing.T, b []byte, kind string) []byte {
	t.Helper()
	at := bytes.Index(b, []byte(kind))
	if at < 4 {
		t.Fatalf("no %s", kind)
	}
	return b[at+4 : at-4+int(binary.BigEndian.Uint32(b[at-4:]))]
}

func TestTimesAndHiddenTracksOfFilms(t *testing.T) {
	b := sample(t, "film.mov")
	if !bytes.Contains(b, []byte("tmcd")) {
		t.Fatal("it has no track of times: the test proves nothing")
	}
	media := bytes.Clone(in(t, b, "mdat"))
	if err := mp4(b); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"mvhd", "tkhd", "mdhd"} {
		if times := in(t, b, kind)[4:12]; !bytes.Equal(times, make([]byte, 8)) {
			t.Errorf("%s says when: %x", kind, times)
		}
	}
	if bytes.Contains(b, []byte("tmcd")) {
		t.Error("the track of times is there")
	}
	after := in(t, b, "mdat")
	if bytes.Equal(media, after) || !bytes.Contains(media, []byte{0, 3, 0x84, 0x52}) && bytes.Contains(after, []byte{0, 3, 0x84, 0x52}) {
		t.Error("what the track of times showed is there")
	}
	hidden := append(sample(t, "film.mp4"), "\x00\x00\x00\xffmdatCanary behind the film"...)
	if got, err := File(MP4, hidden, picture); err == nil {
		t.Errorf("a box that is cut is kept: %d bytes", len(got))
	}
	hidden = append(sample(t, "film.mp4"), "\x00\x00\x00\x18mdatCanary behind it"[:24]...)
	if got, err := File(MP4, hidden, picture); err != nil || bytes.Contains(got, []byte("Canary")) {
		t.Errorf("what no track shows is kept: %v", err)
	}
}

func TestWhatIsNotCertainIsRefused(t *testing.T) {
	film, sheet := sample(t, "film.mp4"), sample(t, "sheet.xlsx")
	replaced := func(b []byte, from, to string) []byte {
		return bytes.ReplaceAll(bytes.Clone(b), []byte(from), []byte(to))
	}
	withPart := func(b []byte, name, body string) []byte {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, p := range z.File {
			if err := w.Copy(p); err != nil {
				t.Fatal(err)
			}
		}
		one, err := w.Create(name)
		if err == nil {
			_, err = one.Write([]byte(body))
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for what, c := range map[string]struct {
		mime string
		b    []byte
	}{
		"nothing":                         {MP4, nil},
		"half a film":                     {MP4, film[:len(film)/2]},
		"a film of a codec nobody listed": {MP4, replaced(film, "avc1\x00\x00\x00\x00", "wxyz\x00\x00\x00\x00")},
		"a film in another file":          {MP4, replaced(film, "url \x00\x00\x00\x01", "url \x00\x00\x00\x00")},
		"half a sound":                    {Ogg, sample(t, "opus.ogg")[:1000]},
		"speech of another codec":         {Ogg, replaced(sample(t, "opus.ogg"), "OpusHead", "Speex   ")},
		"a Matroska":                      {WebM, replaced(sample(t, "film.webm"), "webm", "mkv\x00")},
		"no sound":                        {MP3, []byte("ID3\x04\x00\x00\x00\x00\x00\x00")},
		"a table with a macro":            {XLSX, withPart(sheet, "xl/vbaProject.bin", "Canary")},
		"a table with another's object":   {XLSX, withPart(sheet, "xl/embeddings/object1.bin", "Canary")},
		"a part twice":                    {XLSX, withPart(sheet, "xl/workbook.xml", "<workbook/>")},
		"a path of a machine": {XLSX, withPart(sheet, "xl/_rels/other.xml.rels",
			`<Relationships><Relationship Id="r" Type="x/hyperlink" Target="file:///C:/Users/Canary" TargetMode="External"/></Relationships>`)},
		"a PDF without its tables":   {PDF, []byte("%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n")},
		"a PDF that is encrypted":    {PDF, replaced(sample(t, "gs.pdf"), "/Root ", "/Encrypt 1 0 R/Root ")},
		"a PDF that somebody signed": {PDF, []byte("%PDF-1.4\n1 0 obj\n<</Pages 2 0 R/AcroForm<</Fields[<</V<</ByteRange[0 1 2 3]>>>>]>>>>\nendobj\nxref\n1 1\n0000000009 00000 n \ntrailer\n<</Root 1 0 R>>\nstartxref\n97\n%%EOF")},
		"a type that is not here":    {"image/tiff", film},
	} {
		got, err := File(c.mime, bytes.Clone(c.b), picture)
		if care.CodeOf(err) != "document_unclean" {
			t.Errorf("%s becomes %d bytes: %v", what, len(got), err)
		}
	}
}

// TestABombInAnOfficeFileIsRefused: attack case 17.
func TestABombInAnOfficeFileIsRefused(t *testing.T) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"word/document.xml", "word/styles.xml"} {
		w, err := z.Create(name)
		for i := 0; i < 40 && err == nil; i++ {
			_, err = w.Write(make([]byte, 1<<20))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := File(DOCX, out.Bytes(), picture); care.CodeOf(err) != "document_unclean" {
		t.Errorf("%d bytes that become 80 MB: %v", out.Len(), err)
	}
}

// TestAPDFKeepsWhatIsReadAlone writes into every kind of place.
func TestAPDFKeepsWhatIsReadAlone(t *testing.T) {
	objects := []string{
		`<</Type/Catalog/Pages 2 0 R/Metadata 6 0 R/OpenAction<</S/JavaScript/JS(Canary)>>/PieceInfo<</X(Canary)>>/Names<</JavaScript<</Names[(x)<</S/JavaScript/JS(Canary)>>]>>/Dests<</Names[(here)[3 0 R/Fit]]>>>>/Outlines 8 0 R>>`,
		`<</Type/Pages/Kids[3 0 R]/Count 1>>`,
		`<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/LastModified(Canary)/PTEX.FileName(Canary)/Contents 4 0 R/Resources<</Font<</M 7 0 R>>/XObject<</Author 5 0 R>>>>/Thumb 6 0 R
		/Annots[<</Type/Annot/Subtype/Text/Rect[0 0 1 1]/T(Canary)/M(Canary)/NM(Canary)/Contents(a remark)>><</Type/Annot/Subtype/FileAttachment/Rect[0 0 1 1]/FS<</F(Canary)/EF<</F 6 0 R>>>>>>
		<</Type/Annot/Subtype/Link/Rect[0 0 1 1]/A<</S/Launch/F(Canary)>>>><</Type/Annot/Subtype/Link/Rect[0 0 1 1]/A<</S/URI/URI(https://example.org)>>>><</Type/Annot/Subtype/Widget/FT/Tx/T(field)/V(value)/Rect[0 0 1 1]>>]>>`,
		"<</Length 7/Canary(Canary)>>\nstream\nq (1) Q\nendstream",
		"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/LastModified(Canary)/OPI<</X(Canary)>>/Length 1>>\nstream\nq\nendstream",
		"<</Type/Metadata/Length 6>>\nstream\nCanary\nendstream",
		`<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Producer(Canary)>>`,
		`<</First 9 0 R/Last 9 0 R/Count 1>>`,
		`<</Title(a chapter)/Parent 8 0 R/Dest[3 0 R/Fit]/Next 10 0 R>>`,
		`<</Title(another)/Parent 8 0 R/A<</S/GoTo/D(here)/Next<</S/JavaScript/JS(Canary)>>>>>>`,
		`<</Earlier(Canary)>>`,
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		b.WriteString(strings.ReplaceAll("N 0 obj\n", "N", string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10))) + o + "\nendobj\n")
	}
	table := b.Len()
	b.WriteString("xref\n1 11\n")
	for _, n := range at {
		b.WriteString(string(digits(n)) + " 00000 n \n")
	}
	b.WriteString("trailer\n<</Root 1 0 R/Info<</Author(Canary)>>/ID[<43616e617279><43616e617279>]>>\nstartxref\n" + string(digits(table)) + "\n%%EOF")
	got, err := File(PDF, b.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(got, []byte("Canary")) || bytes.Contains(got, []byte("43616e617279")) || bytes.Contains(got, []byte("JavaScript")) || bytes.Contains(got, []byte("Launch")) {
		t.Errorf("it keeps a canary: %s", got)
	}
	for _, text := range []string{"a remark", "https://example.org", "field", "value", "a chapter", "another", "here", "q (1) Q", "/Helvetica"} {
		if !bytes.Contains(got, []byte(text)) && !bytes.Contains(got, []byte(hex.EncodeToString([]byte(text)))) {
			t.Errorf("it lost %q: %s", text, got)
		}
	}
}

func digits(n int) []byte {
	out := bytes.Repeat([]byte("0"), 10)
	for i := 9; n > 0; i, n = i-1, n/10 {
		out[i] = byte('0' + n%10)
	}
	return out
}

// fuzz has one kind of file stripped, whatever comes: it is refused, or what
// comes out is stripped again to itself.
func fuzz(f *testing.F, mime string, names ...string) {
	for _, name := range names {
		f.Add(sample(f, name))
	}
	same := func(b []byte) ([]byte, error) { return b, nil }
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := File(mime, bytes.Clone(b), same)
		if err != nil {
			if care.CodeOf(err) != "document_unclean" {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := File(mime, bytes.Clone(got), same)
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("what was stripped is stripped to something else: %v", err)
		}
	})
}

func FuzzMP4(f *testing.F) {
	fuzz(f, MP4, "film.mp4", "film.mov", "frag.mp4", "frag_old.mp4", "hevc.mp4", "av1.mp4", "sound.m4a")
}
func FuzzMP3(f *testing.F)    { fuzz(f, MP3, "sound.mp3", "vbr.mp3") }
func FuzzOgg(f *testing.F)    { fuzz(f, Ogg, "opus.ogg", "vorbis.ogg") }
func FuzzWebM(f *testing.F)   { fuzz(f, WebM, "film.webm", "vp9.webm", "live.webm") }
func FuzzPDF(f *testing.F)    { fuzz(f, PDF, "gs.pdf", "packed.pdf") }
func FuzzOffice(f *testing.F) { fuzz(f, DOCX, "doc.docx", "sheet.xlsx") }
func FuzzODF(f *testing.F)    { fuzz(f, ODT, "doc.odt", "sheet.ods") }
