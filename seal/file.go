package seal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A file is sealed in chunks, so that neither end holds it whole: the STREAM
// construction (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-
// Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), as age and
// Tink use it. Each chunk's nonce is a random prefix of the file, the chunk's
// number and whether it is the last; place and header are authenticated with
// each. Chunks that are dropped, doubled, moved or taken from another file do
// not open, and a file that was cut misses its last.

// ChunkBytes is how much of a file one chunk holds; the last one may be
// shorter, and is empty only where the file is.
const ChunkBytes = 64 << 10

const (
	prefixBytes   = nonceBytes - 4 - 1
	fileHeadBytes = HeaderBytes + prefixBytes
	sealedChunk   = ChunkBytes + tagBytes
)

// FileBytes is how long a file of so many bytes is once it is sealed.
func FileBytes(plain int64) int64 {
	chunks := max(1, (plain+ChunkBytes-1)/ChunkBytes)
	return fileHeadBytes + plain + chunks*tagBytes
}

// chunkNonce counts the chunks of a file.
type chunkNonce struct {
	bytes [nonceBytes]byte
	n     uint32
}

func (c *chunkNonce) next(last bool) []byte {
	binary.BigEndian.PutUint32(c.bytes[prefixBytes:], c.n)
	c.bytes[nonceBytes-1] = 0
	if last {
		c.bytes[nonceBytes-1] = 1
	}
	c.n++
	return c.bytes[:]
}

// chunksMax keeps the chunk's number from coming round: 256 TiB.
const chunksMax = 1<<32 - 1

var errTooLong = errors.New("seal: a file of more than 2^32 chunks")

// SealFile reads src to its end and writes it sealed to dst.
func (b *Box) SealFile(dst io.Writer, src io.Reader, rand io.Reader, at Place) error {
	head := b.header(make([]byte, 0, fileHeadBytes), algFile)
	head = head[:fileHeadBytes]
	if _, err := io.ReadFull(rand, head[HeaderBytes:]); err != nil {
		return fmt.Errorf("drawing a nonce: %w", err)
	}
	if _, err := dst.Write(head); err != nil {
		return fmt.Errorf("writing a sealed file: %w", err)
	}
	ad := bind(head[:HeaderBytes], useFile, at.Collection, at.Record, at.Field)
	var nonce chunkNonce
	copy(nonce.bytes[:], head[HeaderBytes:])
	in := bufio.NewReaderSize(src, ChunkBytes+1)
	plain, out := make([]byte, ChunkBytes), make([]byte, 0, sealedChunk)
	for {
		n, last, err := chunkOf(in, plain)
		if err != nil {
			return fmt.Errorf("reading a file to seal: %w", err)
		}
		if nonce.n == chunksMax {
			return errTooLong
		}
		out = b.aead.Seal(out[:0], nonce.next(last), plain[:n], ad)
		if _, err := dst.Write(out); err != nil {
			return fmt.Errorf("writing a sealed file: %w", err)
		}
		if last {
			return nil
		}
	}
}

// chunkOf fills a chunk and says whether nothing comes after it.
func chunkOf(in *bufio.Reader, chunk []byte) (n int, last bool, err error) {
	n, err = io.ReadFull(in, chunk)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return n, true, nil
	}
	if err != nil {
		return n, false, err
	}
	_, err = in.Peek(1)
	if err == io.EOF {
		return n, true, nil
	}
	return n, false, err
}

// OpenFile reads what SealFile made for this place and writes what was sealed
// to dst, chunk by chunk, each only after it opened. After an error what dst
// has is whole chunks from the file's beginning, and the file is not to be
// trusted.
func (b *Box) OpenFile(dst io.Writer, src io.Reader, at Place) error {
	var head [fileHeadBytes]byte
	if _, err := io.ReadFull(src, head[:]); err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrFormat
	} else if err != nil {
		return fmt.Errorf("reading a sealed file: %w", err)
	}
	id, err := KeyID(head[:])
	switch {
	case err != nil:
		return err
	case head[1] != algFile:
		return ErrFormat
	case id != b.id:
		return ErrKey
	}
	ad := bind(head[:HeaderBytes], useFile, at.Collection, at.Record, at.Field)
	var nonce chunkNonce
	copy(nonce.bytes[:], head[HeaderBytes:])
	in := bufio.NewReaderSize(src, sealedChunk+1)
	sealed, plain := make([]byte, sealedChunk), make([]byte, 0, ChunkBytes)
	for {
		n, last, err := chunkOf(in, sealed)
		if err != nil {
			return fmt.Errorf("reading a sealed file: %w", err)
		}
		first := nonce.n == 0
		plain, err = b.aead.Open(plain[:0], nonce.next(last), sealed[:n], ad)
		if err != nil || len(plain) == 0 && !first || nonce.n == chunksMax {
			return ErrDamaged
		}
		if _, err := dst.Write(plain); err != nil {
			return fmt.Errorf("writing an opened file: %w", err)
		}
		if last {
			return nil
		}
	}
}
