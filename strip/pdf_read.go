package strip

import (
	"bytes"
	"compress/zlib"
	"io"
	"strconv"
)

// pdfEntryAt is where an object lies: in the file, or in a stream of objects.
type pdfEntryAt struct {
	at, in, generation int
	free               bool
}

// document is a PDF that is being read.
type document struct {
	b        []byte
	table    map[int]pdfEntryAt
	trailer  pdfDict
	packed   map[int]map[int]any // the objects in streams, by the stream
	unpacked int
	loading  int
}

// readPDF reads the tables of a PDF, from the newest to the oldest.
func readPDF(b []byte) (*document, error) {
	d := &document{b: b, table: map[int]pdfEntryAt{}, packed: map[int]map[int]any{}}
	tail := max(0, len(b)-2048)
	i := bytes.LastIndex(b[tail:], []byte("startxref"))
	if i < 0 {
		return nil, errCut
	}
	l := lexer{b: b, at: tail + i + len("startxref")}
	at, ok := l.integer()
	seen := map[int]bool{}
	for ok {
		if seen[at] || at >= len(b) {
			return nil, errCut
		}
		seen[at] = true
		t, err := d.section(at)
		if err != nil {
			return nil, err
		}
		if d.trailer == nil {
			d.trailer = t
		}
		if t.get("Encrypt") != nil {
			return nil, errSealed
		}
		if more, has := pdfInt(t.get("XRefStm")); has { // of whoever reads streams too
			if seen[more] || more >= len(b) {
				return nil, errCut
			}
			seen[more] = true
			if _, err := d.section(more); err != nil {
				return nil, err
			}
		}
		at, ok = pdfInt(t.get("Prev"))
	}
	if d.trailer == nil {
		return nil, errCut
	}
	return d, nil
}

func pdfInt(v any) (int, bool) {
	raw, ok := v.(pdfRaw)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(raw))
	return n, err == nil && n >= 0
}

// section reads one table of objects, with what stands behind it.
func (d *document) section(at int) (pdfDict, error) {
	l := lexer{b: d.b, at: at}
	if !l.eat("xref") {
		return d.streamSection(at)
	}
	for !l.eat("trailer") {
		first, ok := l.integer()
		n, also := l.integer()
		if !ok || !also || n > pdfObjects {
			return nil, errCut
		}
		for i := range n {
			offset, ok := l.integer()
			generation, also := l.integer()
			l.skip()
			kind := l.word()
			if !ok || !also || kind != "n" && kind != "f" {
				return nil, errCut
			}
			d.enter(first+i, pdfEntryAt{at: offset, generation: generation, free: kind == "f"})
		}
	}
	v, err := l.value()
	t, ok := v.(pdfDict)
	if err != nil || !ok {
		return nil, errCut
	}
	return t, nil
}

func (d *document) enter(n int, e pdfEntryAt) {
	if _, newer := d.table[n]; !newer {
		d.table[n] = e
	}
}

// streamSection reads a table that is a stream (7.5.8).
func (d *document) streamSection(at int) (pdfDict, error) {
	v, _, err := d.objectAt(at)
	s, ok := v.(pdfStream)
	if err != nil || !ok || s.dict.get("Type") != pdfName("XRef") {
		return nil, errCut
	}
	rows, err := d.decoded(s)
	if err != nil {
		return nil, err
	}
	var wide [3]int
	w, _ := s.dict.get("W").(pdfList)
	if len(w) != 3 {
		return nil, errCut
	}
	for i := range wide {
		n, ok := pdfInt(w[i])
		if !ok || n > 8 {
			return nil, errCut
		}
		wide[i] = n
	}
	index, _ := s.dict.get("Index").(pdfList)
	if index == nil {
		index = pdfList{pdfRaw("0"), s.dict.get("Size")}
	}
	each := wide[0] + wide[1] + wide[2]
	for ; len(index) >= 2; index = index[2:] {
		first, ok := pdfInt(index[0])
		n, also := pdfInt(index[1])
		if !ok || !also || each == 0 || n > len(rows)/each {
			return nil, errCut
		}
		for i := range n {
			row := numbers{rows[:each], true}
			kind := uint64(1)
			if wide[0] > 0 {
				kind = row.next(wide[0])
			}
			a, b := int(row.next(wide[1])), int(row.next(wide[2]))
			switch kind {
			case 0:
				d.enter(first+i, pdfEntryAt{free: true})
			case 1:
				d.enter(first+i, pdfEntryAt{at: a, generation: b})
			case 2:
				d.enter(first+i, pdfEntryAt{in: a})
			}
			rows = rows[each:]
		}
	}
	return s.dict, nil
}

// objectAt reads the object that begins at a place.
func (d *document) objectAt(at int) (v any, number int, err error) {
	if at <= 0 || at >= len(d.b) {
		return nil, 0, errCut
	}
	l := lexer{b: d.b, at: at}
	number, ok := l.integer()
	if _, also := l.integer(); !ok || !also || !l.eat("obj") {
		return nil, 0, errCut
	}
	if v, err = l.value(); err != nil {
		return nil, 0, err
	}
	dict, ok := v.(pdfDict)
	if !ok || !l.eat("stream") {
		return v, number, nil
	}
	switch {
	case bytes.HasPrefix(l.b[l.at:], []byte("\r\n")):
		l.at += 2
	case bytes.HasPrefix(l.b[l.at:], []byte("\n")):
		l.at++
	default:
		return nil, 0, errCut
	}
	length, err := d.resolved(dict.get("Length"))
	n, ok := pdfInt(length)
	if err != nil || !ok || n > len(l.b)-l.at {
		return nil, 0, errCut
	}
	body := l.b[l.at : l.at+n]
	if l.at += n; !l.eat("endstream") {
		return nil, 0, errCut
	}
	return pdfStream{dict, body}, number, nil
}

// resolved gives what a reference stands for, nil for nothing.
func (d *document) resolved(v any) (any, error) {
	r, ok := v.(pdfRef)
	if !ok {
		return v, nil
	}
	if d.loading++; d.loading > pdfDeep {
		return nil, errCut
	}
	defer func() { d.loading-- }()
	e, ok := d.table[int(r)]
	if !ok || e.free {
		return nil, nil
	}
	if e.in != 0 {
		return d.packedObject(e.in, int(r))
	}
	v, number, err := d.objectAt(e.at)
	if err == nil && number != int(r) {
		err = errCut
	}
	return v, err
}

// packedObject gives an object that lies in a stream of them (7.5.7).
func (d *document) packedObject(in, n int) (any, error) {
	if objects, ok := d.packed[in]; ok {
		return objects[n], nil
	}
	if d.table[in].in != 0 {
		return nil, errCut
	}
	v, err := d.resolved(pdfRef(in))
	s, ok := v.(pdfStream)
	if err != nil || !ok {
		return nil, errCut
	}
	b, err := d.decoded(s)
	if err != nil {
		return nil, err
	}
	count, ok := pdfInt(s.dict.get("N"))
	first, also := pdfInt(s.dict.get("First"))
	if !ok || !also || first > len(b) || count > len(b) {
		return nil, errCut
	}
	objects, head := map[int]any{}, lexer{b: b[:first]}
	for range count {
		number, ok := head.integer()
		at, also := head.integer()
		if !ok || !also || at > len(b)-first {
			return nil, errCut
		}
		l := lexer{b: b, at: first + at}
		if objects[number], err = l.value(); err != nil {
			return nil, err
		}
	}
	d.packed[in] = objects
	return objects[n], nil
}

// filters are how a stream is coded.
func (d *document) filters(s pdfStream) (names []pdfName, err error) {
	v, err := d.resolved(s.dict.get("Filter"))
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case pdfName:
		names = []pdfName{v}
	case pdfList:
		for _, one := range v {
			one, err := d.resolved(one)
			name, ok := one.(pdfName)
			if err != nil || !ok {
				return nil, errCut
			}
			names = append(names, name)
		}
	}
	return names, nil
}

// decoded gives what a stream of tables or objects holds.
func (d *document) decoded(s pdfStream) ([]byte, error) {
	names, err := d.filters(s)
	if err != nil {
		return nil, err
	}
	switch {
	case len(names) == 0:
		return s.body, nil
	case len(names) > 1 || names[0] != "FlateDecode":
		return nil, errCodec
	}
	b, err := d.inflated(s.body)
	if err != nil {
		return nil, err
	}
	params, _ := s.dict.get("DecodeParms").(pdfDict)
	predictor, _ := pdfInt(params.get("Predictor"))
	if predictor < 2 {
		return b, nil
	}
	columns, ok := pdfInt(params.get("Columns"))
	if !ok || columns == 0 || columns > 1<<16 || predictor < 10 {
		return nil, errCodec
	}
	return unpredicted(b, columns)
}

func (d *document) inflated(b []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, errCut
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(pdfUnpacked-d.unpacked)+1))
	if d.unpacked += len(out); err != nil || d.unpacked > pdfUnpacked {
		return nil, errCut
	}
	return out, nil
}

// unpredicted undoes the filters of PNG on rows of bytes (RFC 2083, 6).
func unpredicted(b []byte, columns int) ([]byte, error) {
	var out []byte
	above := make([]byte, columns)
	for ; len(b) > columns; b = b[columns+1:] {
		row := b[1 : columns+1]
		for i := range row {
			var left, corner byte
			if i > 0 {
				left, corner = row[i-1], above[i-1]
			}
			switch b[0] {
			case 0:
			case 1:
				row[i] += left
			case 2:
				row[i] += above[i]
			case 3:
				row[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				row[i] += paeth(left, above[i], corner)
			default:
				return nil, errCut
			}
		}
		out, above = append(out, row...), row
	}
	return out, nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	distance := func(v byte) int { return max(p-int(v), int(v)-p) }
	switch {
	case distance(a) <= distance(b) && distance(a) <= distance(c):
		return a
	case distance(b) <= distance(c):
		return b
	}
	return c
}
