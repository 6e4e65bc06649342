package fieldsync

import (
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
)

func TestSumsOfPiecesAreCombined(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		b := make([]byte, rng.IntN(1<<rng.IntN(18)+1))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		cut := rng.IntN(len(b) + 1)
		got := CombineCRC(crc32.ChecksumIEEE(b[:cut]), crc32.ChecksumIEEE(b[cut:]), len(b)-cut)
		if want := crc32.ChecksumIEEE(b); got != want {
			t.Fatalf("%d and %d bytes: %08x, and all is %08x", cut, len(b)-cut, got, want)
		}
	}
}

// Whatever stands in the gaps, and before the first part: the parts set into a
// stream unpack to the lines.
func TestPackedLinesAreSetIntoAStream(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		gap := rng.IntN(200) + 1
		packer := NewPacker(gap)
		var parts [][]byte
		var open []byte
		var sizes []int
		for i := range rng.IntN(300) + 1 {
			line := fmt.Appendf(nil, `{"row":{"s":"one of many scopes","n":%d,"text":"%x"}}`+"\n", i, rng.Uint64N(1<<rng.IntN(60)))
			if err := packer.Line(line); err != nil {
				t.Fatal(err)
			}
			if open = append(open, line...); packer.Size() != len(open) {
				t.Fatalf("seed %d: a part of %d bytes is said to have %d", seed, len(open), packer.Size())
			}
			if rng.IntN(20) == 0 {
				size, err := packer.EndPart()
				if err != nil {
					t.Fatal(err)
				}
				parts, open = append(parts, open), nil
				sizes = append(sizes, size)
			}
		}
		if len(open) > 0 {
			parts = append(parts, open)
		}
		packed, err := packer.Packed()
		if err != nil {
			t.Fatal(err)
		}
		if len(packed.Parts) != len(parts) {
			t.Fatalf("seed %d: %d parts instead of %d", seed, len(packed.Parts), len(parts))
		}
		for i, size := range sizes {
			if size != len(packed.Parts[i].Bytes) {
				t.Fatalf("seed %d: part %d has %d bytes and not %d", seed, i, len(packed.Parts[i].Bytes), size)
			}
		}
		stream, want := AppendStored(nil, []byte("something before")), []byte("something before")
		for i, plain := range parts {
			if i > 0 {
				between := bytes.Repeat([]byte{byte('a' + i%26)}, gap)
				stream, want = AppendStored(stream, between), append(want, between...)
			}
			stream, want = append(stream, packed.Parts[i].Bytes...), append(want, plain...)
			if crc32.ChecksumIEEE(plain) != packed.Parts[i].CRC || len(plain) != packed.Parts[i].Size || bytes.Count(plain, []byte("\n")) != packed.Parts[i].Lines {
				t.Fatalf("seed %d: part %d is %+v", seed, i, packed.Parts[i])
			}
		}
		var end bytes.Buffer
		last, err := flate.NewWriter(&end, flate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		if err := last.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(append(stream, end.Bytes()...))))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: the stream unpacks to something else: %v", seed, err)
		}
		for i := rng.IntN(len(parts)); i < len(parts); i += 1 + rng.IntN(3) {
			if got, err := packed.Plain(i); err != nil || !bytes.Equal(got, parts[i]) {
				t.Fatalf("seed %d: part %d of %d unpacks to something else: %v", seed, i, len(parts), err)
			}
		}
		packed.Parts[len(parts)-1].CRC++
		if _, err := packed.Plain(len(parts) - 1); err == nil {
			t.Fatalf("seed %d: what is damaged unpacks", seed)
		}
	}
}
