package collections

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"portolan/seal"
)

// What has come of an upload lies in a file of its own, in pieces: the length
// of what follows, in four bytes, and up to pieceBytes sealed under the
// upload's key and bound to where in the file they belong. Each piece has a
// random nonce of its own. A file of STREAM chunks (seal.SealFile) counts its
// nonces, and a chunk that was torn by a power cut and is then written again
// with other bytes must not have the same one.

// uploadsDir holds the bytes of uploads, each under its id.
const uploadsDir = "uploads"

// pieceBytes is the most that is in memory of what comes in, and in clear.
const pieceBytes = 64 << 10

func (h *Hub) uploadPath(id string) string { return filepath.Join(h.dir, uploadsDir, id) }

// partials are the uploads that somebody works on, or did lately.
type partials struct {
	mu  sync.Mutex
	all map[string]*partial
}

// partial is how far one upload has come, as far as the disk keeps it.
type partial struct {
	turn      chan struct{} // held by the one request that works on it
	asked     int           // how many asked for the turn
	ending    int           // how many are about to end it: nobody else has the turn any more
	interrupt func()        // has whoever holds the turn come to an end

	// Of whoever holds the turn:
	loaded bool
	offset int64     // bytes that are there
	size   int64     // as they lie
	sum    hash.Hash // over them
}

// claim waits for the turn at an upload. Whoever has it is interrupted: a line
// that broke is often known to the client long before the hub hears of it, and
// the client is here again. Of several who wait the last has it.
func (s *partials) claim(ctx context.Context, id string, interrupt func()) (*partial, error) {
	s.mu.Lock()
	p := s.of(id)
	p.asked++
	mine := p.asked
	if p.interrupt != nil {
		p.interrupt()
	}
	s.mu.Unlock()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.asked != mine || p.ending > 0 {
		<-p.turn
		return nil, ErrUploadTaken
	}
	p.interrupt = interrupt
	return p, nil
}

// of is what is known of an upload. s.mu is held.
func (s *partials) of(id string) *partial {
	p := s.all[id]
	if p == nil {
		if s.all == nil {
			s.all = map[string]*partial{}
		}
		p = &partial{turn: make(chan struct{}, 1)}
		s.all[id] = p
	}
	return p
}

// seize takes the turn at an upload that is to end, before everybody who waits
// for it: an erasure must not stand behind a client that asks again and again,
// nor beside one that writes.
func (s *partials) seize(ctx context.Context, id string) (*partial, error) {
	s.mu.Lock()
	p := s.of(id)
	p.ending++
	if p.interrupt != nil {
		p.interrupt()
	}
	s.mu.Unlock()
	select {
	case p.turn <- struct{}{}:
		return p, nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		p.ending--
		return nil, ctx.Err()
	}
}

// seizeIdle is seize where nobody works on the upload; nil where somebody does.
func (s *partials) seizeIdle(id string) *partial {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(id)
	select {
	case p.turn <- struct{}{}:
		p.ending++
		return p
	default:
		return nil
	}
}

// letGo gives back what seize took.
func (s *partials) letGo(p *partial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ending--
	<-p.turn
}

func (s *partials) release(p *partial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.interrupt = nil
	<-p.turn
}

// forget drops what is known of an upload that is over.
func (s *partials) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

func piecePlace(id string, offset int64) seal.Place {
	return seal.Place{Collection: "uploads", Record: id, Field: strconv.FormatInt(offset, 10)}
}

// eachPiece opens the pieces of an upload, the first first, with how long each
// lies. It ends at the first that is not whole or does not open: what was being
// written when the hub died was never acknowledged.
func (r *Receiving) eachPiece(f *os.File, piece func(plain []byte, lies int64)) error {
	in := bufio.NewReaderSize(f, pieceBytes)
	var head [4]byte
	sealed, plain := make([]byte, pieceBytes+seal.Overhead), make([]byte, 0, pieceBytes)
	for offset := int64(0); ; {
		_, err := io.ReadFull(in, head[:])
		n := int(binary.BigEndian.Uint32(head[:]))
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil
		case err != nil:
			return err
		case n <= seal.Overhead || n > len(sealed):
			return nil
		}
		if _, err = io.ReadFull(in, sealed[:n]); err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		} else if err != nil {
			return err
		}
		if plain, err = r.box.Open(plain[:0], piecePlace(r.ID, offset), sealed[:n]); err != nil {
			return nil
		}
		offset += int64(len(plain))
		piece(plain, int64(len(head)+n))
	}
}

// load finds out how far an upload has come, and cuts off what is not whole.
func (r *Receiving) load() error {
	p := r.p
	if p.loaded {
		return nil
	}
	p.offset, p.size, p.sum = 0, 0, sha256.New()
	f, err := os.OpenFile(r.h.uploadPath(r.ID), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) { // nothing has come, or the hub was restored: files that were half here are in no backup
		p.loaded = true
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	err = r.eachPiece(f, func(plain []byte, lies int64) {
		p.sum.Write(plain)
		p.offset += int64(len(plain))
		p.size += lies
	})
	if err == nil {
		err = f.Truncate(p.size)
	}
	if err == nil {
		err = f.Sync() // what is told now stays
	}
	p.loaded = err == nil
	return err
}

// keep takes what a body brings, up to the upload's length. What came is on
// the disk when it returns, also where the body broke off; broken says that it
// did. After an error of the disk what is whole there counts, and no more.
func (r *Receiving) keep(body io.Reader) (broken, err error) {
	p := r.p
	r.h.reached("upload opening")
	f, err := r.openFile()
	if err != nil {
		return nil, err
	}
	defer func() {
		r.h.reached("upload written")
		err = errors.Join(err, f.Sync())
		r.h.reached("upload synced")
		if err != nil {
			p.loaded = false // it is read again, as it lies
		}
		err = errors.Join(err, f.Close())
	}()
	buf := make([]byte, min(pieceBytes, r.Length-p.offset))
	for broken == nil && p.offset < r.Length {
		n, readErr := io.ReadFull(body, buf[:min(int64(len(buf)), r.Length-p.offset)])
		if broken = readErr; n == 0 {
			break
		}
		if err := r.append(f, buf[:n]); err != nil {
			return broken, err
		}
	}
	if broken == io.EOF || broken == io.ErrUnexpectedEOF {
		broken = nil // where a body ends early without an end, its reader says so
	}
	return broken, nil
}

// openFile opens the file of an upload to write on, made where there is none.
func (r *Receiving) openFile() (*os.File, error) {
	path := r.h.uploadPath(r.ID)
	if r.p.size > 0 {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{dir, r.h.dir} {
		if err := syncDir(d); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// append seals one piece and writes it behind the others, whole or not.
func (r *Receiving) append(f *os.File, plain []byte) error {
	p := r.p
	out, err := r.box.Seal(make([]byte, 4, 4+seal.Overhead+len(plain)), r.h.rand, piecePlace(r.ID, p.offset), plain)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	if _, err := f.WriteAt(out, p.size); err != nil {
		return errors.Join(err, f.Truncate(p.size))
	}
	p.sum.Write(plain)
	p.offset += int64(len(plain))
	p.size += int64(len(out))
	return nil
}

// whole gives all the bytes of an upload.
func (r *Receiving) whole() ([]byte, error) {
	f, err := os.Open(r.h.uploadPath(r.ID))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 0, r.Length)
	err = r.eachPiece(f, func(plain []byte, _ int64) { b = append(b, plain...) })
	if err == nil && int64(len(b)) != r.Length {
		r.p.loaded = false
		err = seal.ErrDamaged
	}
	return b, err
}

// removeUpload takes the bytes of an upload off the disk.
func (h *Hub) removeUpload(id string) error {
	h.partials.forget(id)
	if err := os.Remove(h.uploadPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("removing an upload", err)
	}
	return nil
}
