package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// FileReader reads a sealed file from any byte on, opening only the chunks
// that are asked for: whoever had half of a file before the line broke takes
// the other half. It is an io.ReadSeeker for one at a time.
type FileReader struct {
	box    *Box
	src    io.ReaderAt
	prefix [prefixBytes]byte
	ad     []byte
	chunks int64
	last   int // bytes sealed in the last chunk
	at     int64
	held   int64 // the number of the chunk in plain, -1 for none
	sealed []byte
	plain  []byte
}

// ReadFile gives what reads the file that SealFile made for this place, size
// bytes long as it lies there. Its length is proved before it returns: the last
// chunk opens only as the last one.
func (b *Box) ReadFile(src io.ReaderAt, size int64, at Place) (*FileReader, error) {
	var head [fileHeadBytes]byte
	if size < fileHeadBytes+tagBytes {
		return nil, ErrFormat
	}
	if _, err := src.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("reading a sealed file: %w", err)
	}
	id, err := KeyID(head[:])
	switch {
	case err != nil:
		return nil, err
	case head[1] != algFile:
		return nil, ErrFormat
	case id != b.id:
		return nil, ErrKey
	}
	r := &FileReader{box: b, src: src, ad: bind(head[:HeaderBytes], useFile, at.Collection, at.Record, at.Field), held: -1, sealed: make([]byte, sealedChunk), plain: make([]byte, 0, ChunkBytes)}
	copy(r.prefix[:], head[HeaderBytes:])
	body := size - fileHeadBytes
	r.chunks = (body + sealedChunk - 1) / sealedChunk
	r.last = int(body - (r.chunks-1)*sealedChunk)
	if r.last < tagBytes || r.chunks > chunksMax || r.last == tagBytes && r.chunks > 1 {
		return nil, ErrDamaged
	}
	return r, r.open(r.chunks - 1)
}

// Size is how long the file is that was sealed.
func (r *FileReader) Size() int64 {
	return (r.chunks-1)*ChunkBytes + int64(r.last-tagBytes)
}

// open has chunk n in plain.
func (r *FileReader) open(n int64) error {
	if r.held == n {
		return nil
	}
	length := sealedChunk
	if n == r.chunks-1 {
		length = r.last
	}
	if _, err := r.src.ReadAt(r.sealed[:length], fileHeadBytes+n*sealedChunk); err != nil {
		return fmt.Errorf("reading a sealed file: %w", err)
	}
	var nonce [nonceBytes]byte
	copy(nonce[:], r.prefix[:])
	binary.BigEndian.PutUint32(nonce[prefixBytes:], uint32(n))
	if n == r.chunks-1 {
		nonce[nonceBytes-1] = 1
	}
	var err error
	r.held = -1
	if r.plain, err = r.box.aead.Open(r.plain[:0], nonce[:], r.sealed[:length], r.ad); err != nil {
		r.plain = r.plain[:0]
		return ErrDamaged
	}
	r.held = n
	return nil
}

// Read gives bytes of one chunk, each only after it opened.
func (r *FileReader) Read(p []byte) (int, error) {
	if r.at >= r.Size() {
		return 0, io.EOF
	}
	if err := r.open(r.at / ChunkBytes); err != nil {
		return 0, err
	}
	n := copy(p, r.plain[r.at%ChunkBytes:])
	r.at += int64(n)
	return n, nil
}

var errSeek = errors.New("seal: a place before the beginning of a file")

// Seek sets where Read goes on.
func (r *FileReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.Size()
	}
	if offset < 0 {
		return 0, errSeek
	}
	r.at = offset
	return offset, nil
}
