package typeset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// File is a PDF as its objects, read from what gofpdf wrote, so that fonts,
// and whatever else gofpdf does not know, can be added.
type File struct {
	objects    [][]byte // by number; the first is free
	root, info int
	catalog    string // entries that were added to it
	identified bool   // the file is to have an identifier
	lock       *Lock  // nil: everybody can read it
}

var (
	objectHead = regexp.MustCompile(`^(\d+) 0 obj\r?\n`)
	trailer    = regexp.MustCompile(`(?s)trailer\n<<.*?/Root (\d+) 0 R.*?/Info (\d+) 0 R.*?startxref\n(\d+)\n%%EOF`)
	xrefHead   = regexp.MustCompile(`^xref\n0 (\d+)\n`)
	// gofpdf keeps the resources of all pages in object 2.
	fontResources = []byte("/Font <<\n")
)

const (
	resourcesObject = 2
	givenEntry      = 20 // bytes of an entry in the table that gofpdf writes
	xrefEntry       = 7  // and in ours
)

// ReadFile takes apart what gofpdf's Output wrote. It reads gofpdf's way of
// writing only, not every PDF.
func ReadFile(raw []byte) (*File, error) {
	t := trailer.FindSubmatch(raw)
	if t == nil {
		return nil, errors.New("reading a PDF: no trailer")
	}
	number := func(b []byte) int { n, _ := strconv.Atoi(string(b)); return n } // digits, by the pattern
	f := &File{root: number(t[1]), info: number(t[2])}
	table := number(t[3])
	if table >= len(raw) {
		return nil, errors.New("reading a PDF: no table of objects")
	}
	head := xrefHead.FindSubmatch(raw[table:])
	if head == nil || len(raw) < table+len(head[0])+givenEntry*number(head[1]) {
		return nil, errors.New("reading a PDF: no table of objects")
	}
	entries := raw[table+len(head[0]):]
	f.objects = make([][]byte, number(head[1]))
	var offsets []int
	for n := 1; n < len(f.objects); n++ {
		offsets = append(offsets, number(entries[n*givenEntry:n*givenEntry+10]))
	}
	ends := append(slices.Clone(offsets), table)
	slices.Sort(ends)
	for i, from := range offsets {
		at, _ := slices.BinarySearch(ends, from)
		if at+1 >= len(ends) || ends[at+1] > len(raw) {
			return nil, fmt.Errorf("reading a PDF: object %d is not where the table says", i+1)
		}
		body := raw[from:ends[at+1]]
		m := objectHead.FindSubmatch(body)
		if m == nil || number(m[1]) != i+1 {
			return nil, fmt.Errorf("reading a PDF: object %d is not where the table says", i+1)
		}
		body = bytes.TrimSuffix(bytes.TrimRight(body[len(m[0]):], "\n"), []byte("endobj"))
		f.objects[i+1] = bytes.TrimRight(body, "\n")
	}
	if err := f.pack(); err != nil {
		return nil, err
	}
	if f.root <= 0 || f.info <= 0 || max(f.root, f.info, resourcesObject) >= len(f.objects) {
		return nil, errors.New("reading a PDF: an object is missing")
	}
	return f, nil
}

// plainStream is a page as gofpdf writes it where it does not compress.
var plainStream = regexp.MustCompile(`^<</Length \d+>>\nstream\n`)

// pack compresses the pages that came plain.
func (f *File) pack() error {
	for n, object := range f.objects {
		head := plainStream.Find(object)
		if head == nil {
			continue
		}
		packed, err := packedStream("", bytes.TrimSuffix(object[len(head):], []byte("\nendstream")))
		if err != nil {
			return err
		}
		f.objects[n] = packed
	}
	return nil
}

// Add appends an object and returns its number.
func (f *File) Add(object string) int {
	f.objects = append(f.objects, []byte(object))
	return len(f.objects) - 1
}

// AddStream appends a compressed stream with the entries of its dictionary.
func (f *File) AddStream(entries string, data []byte) (int, error) {
	object, err := packedStream(entries, data)
	if err != nil {
		return 0, err
	}
	return f.Add(string(object)), nil
}

// packedStream is a compressed stream as an object.
func packedStream(entries string, data []byte) ([]byte, error) {
	packed, err := deflate(data)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "<<%s/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", entries, len(packed), packed), nil
}

// Lock lets the file be read with a passphrase only. Such a file is no PDF/A.
func (f *File) Lock(l *Lock) { f.lock = l }

// addFonts names fonts in the resources of all pages.
func (f *File) addFonts(entries string) error {
	before, after, found := bytes.Cut(f.objects[resourcesObject], fontResources)
	if !found {
		return errors.New("adding fonts to a PDF: the pages have no font resources")
	}
	f.objects[resourcesObject] = slices.Concat(before, fontResources, []byte(entries), after)
	return nil
}

// Bytes writes the file. A tagged page is a hundred small objects; those that
// are no streams are packed together (ISO 32000-1, 7.5.7).
func (f *File) Bytes() ([]byte, error) {
	var b bytes.Buffer
	// A comment of high bytes tells transports that the file is binary
	// (ISO 32000-1, 7.5.2).
	version := "1.7"
	if f.lock != nil {
		version = "2.0"
	}
	b.WriteString("%PDF-" + version + "\n%\xE2\xE3\xCF\xD3\n")
	pack, table := len(f.objects), len(f.objects)+1
	// Each entry of the table: its kind, then an offset, or the pack and the
	// place in it.
	entries := make([]byte, 0, xrefEntry*(table+1))
	entry := func(kind byte, at, place int) {
		entries = append(entries, kind, byte(at>>24), byte(at>>16), byte(at>>8), byte(at), byte(place>>8), byte(place))
	}
	entry(0, 0, 0xFFFF)
	write := func(n int, object []byte) { fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, object) }
	locked := func(object []byte) ([]byte, error) {
		if f.lock == nil {
			return object, nil
		}
		return f.lock.stream(object)
	}
	var places, packed bytes.Buffer
	count := 0
	for n, object := range f.objects[1:] {
		n++
		if bytes.HasSuffix(object, []byte("endstream")) {
			whole, err := locked(object)
			if err != nil {
				return nil, err
			}
			entry(1, b.Len(), 0)
			write(n, whole)
			continue
		}
		entry(2, pack, count)
		fmt.Fprintf(&places, "%d %d ", n, packed.Len())
		packed.Write(object)
		packed.WriteByte('\n')
		count++
	}
	entry(1, b.Len(), 0)
	whole, err := packedStream(fmt.Sprintf("/Type/ObjStm/N %d/First %d", count, places.Len()), append(places.Bytes(), packed.Bytes()...))
	if err == nil {
		whole, err = locked(whole)
	}
	if err != nil {
		return nil, err
	}
	write(pack, whole)
	entry(1, b.Len(), 0)
	start := b.Len()
	head := fmt.Sprintf("/Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R", table+1, f.root, f.info)
	if f.identified { // from the content alone, so that it says nothing of when and where
		sum := sha256.Sum256(b.Bytes())
		head += fmt.Sprintf("/ID[<%x><%x>]", sum[:16], sum[:16])
	}
	if f.lock != nil { // readable itself, and so in no pack
		head += "/Encrypt" + f.lock.entry
	}
	if whole, err = packedStream(head, entries); err != nil {
		return nil, err
	}
	write(table, whole)
	fmt.Fprintf(&b, "startxref\n%d\n%%%%EOF\n", start)
	return b.Bytes(), nil
}
