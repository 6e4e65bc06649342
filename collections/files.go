package collections

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/seal"
)

// The bytes of documents pass through writeFile, and readFile or readPart, on
// their way to the disk and back, and nowhere else: the place where they are
// sealed.

// Folders of bytes in the hub's folder.
const (
	partialDir   = "files-partial"   // being written
	unclaimedDir = "files-unclaimed" // found without a record, kept for whoever restores
)

// FilesDir is where the bytes of documents lie, each under its record's id.
func (h *Hub) FilesDir() string { return filepath.Join(h.dir, "files") }

// sumOf is the SHA-256 of bytes, in hex, as documents keep it of theirs.
func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// filePath is where the bytes of a document lie.
func (h *Hub) filePath(id string) string { return filepath.Join(h.FilesDir(), id[:2], id) }

// filePlace is what the bytes of a document are bound to.
func filePlace(id string) seal.Place {
	return seal.Place{Collection: "documents", Record: id, Field: "bytes"}
}

// fileBox is what seals a file. What belongs to one part of a case lies under
// the key of that part. What shows several, as a paper does, must end with the
// first of them that is erased: it lies under a key of its own, of which each
// part's key seals a share, all of them needed, in the head of the file.
func (h *Hub) fileBox(id string, of []seal.Scope) (head []byte, b box, err error) {
	if len(of) == 1 {
		key, err := h.keys.toSeal(of[0])
		if err != nil {
			return nil, nil, err
		}
		return nil, key.box, nil
	}
	head = []byte{partsMark, byte(len(of))}
	var key seal.Key
	for _, scope := range of {
		share, err := seal.NewKey(h.rand)
		if err != nil {
			return nil, nil, err
		}
		for i := range key {
			key[i] ^= share[i]
		}
		if head, err = h.keys.appendPart(head, scope, sharePlace(id, scope.Compartment), share[:]); err != nil {
			return nil, nil, err
		}
	}
	return head, newBox(0, key), nil
}

// sharePlace is what a share of a file's key is bound to.
func sharePlace(id, part string) seal.Place {
	return seal.Place{Collection: "documents", Record: id, Field: "share/" + part}
}

// openFileBox reads the head of a file and gives what opens the rest.
func (h *Hub) openFileBox(in *bufio.Reader, org, caseID, id string) (box, error) {
	head, err := in.Peek(seal.HeaderBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 || head[0] != partsMark {
		key, err := h.keys.toOpen(head, org, caseID)
		if err != nil {
			return nil, err
		}
		return key.box, nil
	}
	var mark [2]byte
	if _, err := io.ReadFull(in, mark[:]); err != nil {
		return nil, seal.ErrFormat
	}
	var key seal.Key
	for range mark[1] {
		share, err := h.openShare(in, org, caseID, id)
		if err != nil {
			return nil, err
		}
		for i := range key {
			key[i] ^= share[i]
		}
	}
	return newBox(0, key), nil
}

func (h *Hub) openShare(in io.Reader, org, caseID, id string) (share seal.Key, err error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return share, seal.ErrFormat
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > seal.KeyBytes+seal.Overhead {
		return share, seal.ErrFormat
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(in, sealed); err != nil {
		return share, seal.ErrFormat
	}
	key, err := h.keys.toOpen(sealed, org, caseID)
	if err != nil {
		return share, err
	}
	plain, err := key.box.Open(nil, sharePlace(id, key.scope.Compartment), sealed)
	if err == nil && copy(share[:], plain) != seal.KeyBytes {
		err = seal.ErrFormat
	}
	return share, err
}

// fileErased says whether the key of a document's bytes was destroyed, or that
// of a part of what they show.
func (h *Hub) fileErased(org, caseID, id string) (bool, error) {
	return h.erasedFile(h.filePath(id), org, caseID, id)
}

func (h *Hub) erasedFile(path, org, caseID, id string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, wrap("reading a file", err)
	}
	defer f.Close()
	_, err = h.openFileBox(bufio.NewReader(f), org, caseID, id)
	if errors.Is(err, ErrErased) {
		return true, nil
	}
	return false, wrap("reading a file", err)
}

// errNoScope says that a file belongs nowhere.
var errNoScope = errors.New("a file belongs to a part of a case")

// writeFile seals bytes under the keys of the parts that they belong to and
// puts them under an id, so that they are whole or not there, and survive a
// power cut once it returns: written beside, synced, renamed, and the folders
// that name them synced (POSIX rename(2), fsync(2)). ErrErased where one of the
// parts was erased meanwhile. still is asked at the door, before they have their
// name; nil for nothing to ask.
func (h *Hub) writeFile(ctx context.Context, of []seal.Scope, id string, b []byte, still func() error) (err error) {
	defer func() { err = wrap("writing a file", h.roomOr(err)) }()
	if err := h.room(); err != nil {
		return err
	}
	if len(of) == 0 {
		return errNoScope
	}
	head, sealer, err := h.fileBox(id, of)
	if err == nil {
		err = h.keys.flush(ctx)
	}
	if err != nil {
		return err
	}
	beside, final := filepath.Join(h.dir, partialDir), h.filePath(id)
	for _, dir := range []string{beside, filepath.Dir(final)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(beside, id), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(head); err == nil {
		err = sealer.SealFile(f, bytes.NewReader(b), h.rand, filePlace(id))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = h.place(ctx, of[0], id, f.Name(), final, still)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	for _, dir := range []string{filepath.Dir(final), h.FilesDir(), h.dir} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// place gives a sealed file its name, where its keys are there still. An
// erasure destroys keys while nobody is at the door, and then removes the files
// that it finds: what comes here before it is found, what comes later refused.
func (h *Hub) place(ctx context.Context, of seal.Scope, id, from, to string, still func() error) error {
	h.reached("file sealed")
	return h.writer.write(ctx, func(*tx) error {
		gone, err := h.erasedFile(from, of.Org, of.Case, id)
		switch {
		case errors.Is(err, ErrKeyGone):
			err = ErrBusy // made for this file, and forgotten by an erasure before it was kept
		case err == nil && gone:
			err = ErrErased
		case err == nil && still != nil:
			err = still()
		}
		if err != nil {
			return err
		}
		return os.Rename(from, to)
	})
}

// readFile gives the bytes of a document of a case, or of an organisation.
func (h *Hub) readFile(org, caseID, id string) (b []byte, err error) {
	defer func() { err = wrap("reading a file", err) }()
	f, err := os.Open(h.filePath(id))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	opener, err := h.openFileBox(in, org, caseID, id)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = opener.OpenFile(&out, in, filePlace(id))
	return out.Bytes(), err
}

// partReader reads the bytes of a document from anywhere on.
type partReader struct {
	*seal.FileReader
	io.Closer
}

// readPart gives what reads the bytes of a document, of one part of a case,
// without having all of them in memory.
func (h *Hub) readPart(org, caseID, id string) (r partReader, err error) {
	f, err := os.Open(h.filePath(id))
	if err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(wrap("reading a file", err), f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	opener, err := h.openFileBox(bufio.NewReader(f), org, caseID, id)
	if err != nil {
		return r, err
	}
	r.Closer = f
	r.FileReader, err = opener.ReadFile(f, info.Size(), filePlace(id))
	return r, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SweepFiles puts the folder in order after a crash: what was half written
// goes, an upload that is over too, and a whole file whose record was never
// made is set aside. It must run before anything writes files.
func (h *Hub) SweepFiles(ctx context.Context) (aside int, err error) {
	if err := os.RemoveAll(filepath.Join(h.dir, partialDir)); err != nil {
		return 0, wrap("sweeping the files", err)
	}
	if err := h.sweepUploads(ctx); err != nil {
		return 0, err
	}
	t := h.tables["documents"]
	err = filepath.WalkDir(h.FilesDir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == h.FilesDir() {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() {
			return err
		}
		rec, err := scanRecord(t, reader{ctx, h.readDB()}.row(t.read, d.Name()))
		if err != nil || rec != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(h.dir, unclaimedDir), 0o700); err != nil {
			return err
		}
		aside++
		return os.Rename(path, filepath.Join(h.dir, unclaimedDir, d.Name()))
	})
	if err != nil {
		return aside, fmt.Errorf("sweeping the files: %w", err)
	}
	return aside, nil
}
