package collections

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/seal"
)

// The bytes of documents pass through writeFile and readFile on their way to
// the disk and back, and nowhere else: the place where they are sealed.

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

// writeFile seals bytes under a key of their scope and puts them under an id,
// so that they are whole or not there, and survive a power cut once it
// returns: written beside, synced, renamed, and the folders that name them
// synced (POSIX rename(2), fsync(2)).
func (h *Hub) writeFile(ctx context.Context, of seal.Scope, id string, b []byte) (err error) {
	defer func() { err = wrap("writing a file", h.roomOr(err)) }()
	if err := h.room(); err != nil {
		return err
	}
	key, err := h.keys.toSeal(of)
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
	err = key.box.SealFile(f, bytes.NewReader(b), h.rand, filePlace(id))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), final); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(final), h.FilesDir(), h.dir} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
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
	head, err := in.Peek(seal.HeaderBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	key, err := h.keys.toOpen(head, org, caseID)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = key.box.OpenFile(&out, in, filePlace(id))
	return out.Bytes(), err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SweepFiles puts the folder in order after a crash: what was half written
// goes, and a whole file whose record was never made is set aside. It must run
// before anything writes files.
func (h *Hub) SweepFiles(ctx context.Context) (aside int, err error) {
	if err := os.RemoveAll(filepath.Join(h.dir, partialDir)); err != nil {
		return 0, wrap("sweeping the files", err)
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
