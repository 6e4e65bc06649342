package collections

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"

	"portolan/care"
	fieldsync "portolan/sync"
)

// chunk is what stands in a scope, as the lines of an answer, packed: made once
// and sent to everybody who gains the scope. The lines are those that would be
// made from the records now, byte for byte, in the order of the records' ids.
type chunk struct {
	lines   *fieldsync.Packed
	records []string // line by line
}

// Bounds of a chunk, so that making one takes little memory. What is larger is
// read record by record as it is sent. Tests set them.
var (
	chunkRowsMax  = portionRows
	chunkBytesMax = 8 << 20 // before packing
)

// markGap is how long a mark between two records of a scope is, with its line
// break: what stands between two parts of a chunk.
var markGap = len(`{"mark":""}`+"\n") + base64.RawURLEncoding.EncodedLen(cursorNumbers*cursorNumberBytes+idBytes+cursorMACBytes)

const idBytes = 36

// bytes is what a chunk takes in memory, 0 for none.
func (c *chunk) bytes() (n int) {
	if c == nil {
		return 0
	}
	for i := range c.lines.Parts {
		n += len(c.lines.Parts[i].Bytes)
	}
	return n + len(c.records)*idBytes
}

// eachLine unpacks the lines, each with its line break.
func (c *chunk) eachLine(f func(record string, line []byte) error) error {
	n := 0
	for i := range c.lines.Parts {
		plain, err := c.lines.Plain(i)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(plain) {
			if err := f(c.records[n], line); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

// errChunkTooLarge says that a scope holds more than a chunk takes.
var errChunkTooLarge = errors.New("collections: a chunk would be too large")

// partPacked is how long a part should be, packed: with its mark it comes over
// a line that carries 4 KB at a time. partMin and partFirst are how long one is
// at least, and the first, before packing; none is longer than markBytes.
const (
	partPacked = 3 << 10
	partMin    = 8 << 10
	partFirst  = 12 << 10
)

// pack makes a chunk of lines by record.
func pack(lines map[string][]byte) (*chunk, error) {
	c := &chunk{records: slices.Sorted(maps.Keys(lines))}
	p, full := fieldsync.NewPacker(markGap), partFirst
	for _, record := range c.records {
		if size := p.Size(); size >= full {
			packed, err := p.EndPart()
			if err != nil {
				return nil, err
			}
			full = min(max(size*partPacked/packed, partMin), markBytes) // as the last one was packed
		}
		if err := p.Line(lines[record]); err != nil {
			return nil, err
		}
	}
	var err error
	c.lines, err = p.Packed()
	return c, err
}

// linesOf makes the lines of records in a scope. Those that show nothing in it
// have none.
func (h *Hub) linesOf(r reader, scope fieldsync.Scope, c care.Compartment, wanted []*wantedRow) (map[string][]byte, error) {
	byCollection := map[string][]string{}
	for _, w := range wanted {
		byCollection[w.collection] = append(byCollection[w.collection], w.record)
	}
	lines, size := make(map[string][]byte, len(wanted)), 0
	err := h.eachRecord(r, byCollection, c, func(rec *record) error {
		row, err := rec.inScope(scope, nil)
		if err != nil || row == nil {
			return err
		}
		line := fieldsync.Line{Row: row}
		b := line.AppendJSON(nil)
		if size += len(b); size > chunkBytesMax {
			return errChunkTooLarge
		}
		lines[rec.id] = b
		return nil
	})
	return lines, err
}

// appendTo writes the chunk as it is sealed: the parts, then the records.
func (c *chunk) appendTo(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(c.lines.Gap))
	b = binary.AppendUvarint(b, uint64(len(c.lines.Parts)))
	for i := range c.lines.Parts {
		p := &c.lines.Parts[i]
		b = binary.AppendUvarint(b, uint64(p.Lines))
		b = binary.AppendUvarint(b, uint64(p.Size))
		b = binary.BigEndian.AppendUint32(b, p.CRC)
		b = binary.AppendUvarint(b, uint64(len(p.Bytes)))
		b = append(b, p.Bytes...)
	}
	for _, record := range c.records {
		id, err := uuid.Parse(record)
		if err != nil {
			return nil, err
		}
		b = append(b, id[:]...)
	}
	return b, nil
}

// errChunkForm says that what was opened is no chunk.
var errChunkForm = errors.New("collections: a chunk in no known form")

// readChunk reads what appendTo wrote, of which it keeps parts.
func readChunk(b []byte) (*chunk, error) {
	c := &chunk{lines: &fieldsync.Packed{}}
	whole := true
	number := func() int {
		n, read := binary.Uvarint(b)
		if read <= 0 || n > 1<<31 {
			whole = false
			return 0
		}
		b = b[read:]
		return int(n)
	}
	take := func(n int) (some []byte) {
		if n > len(b) {
			whole = false
			return make([]byte, 4)
		}
		some, b = b[:n:n], b[n:]
		return some
	}
	rows := 0
	c.lines.Gap = number()
	for parts := number(); parts > 0 && whole; parts-- {
		var p fieldsync.Part
		p.Lines, p.Size = number(), number()
		p.CRC = binary.BigEndian.Uint32(take(4))
		p.Bytes = take(number())
		c.lines.Parts, rows = append(c.lines.Parts, p), rows+p.Lines
	}
	if !whole || len(b) != rows*len(uuid.UUID{}) {
		return nil, errChunkForm
	}
	c.records = make([]string, rows)
	for i := range c.records {
		c.records[i] = uuid.UUID(b[i*len(uuid.UUID{}):]).String()
	}
	return c, nil
}
