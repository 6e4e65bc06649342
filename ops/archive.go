package ops

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup is a gzipped tar: the database, the wrapped keys, the files, and last a manifest
// with the SHA-256 of each, so that one pass writes it and one pass reads it. An
// export is the same, of its records.

// manifestName is the last entry of a backup.
const manifestName = "manifest.json"

// manifestFormat is counted up when older programs could not read a backup.
const manifestFormat = 1

const manifestBytesMax = 64 << 20

// backupFolders are those of a hub's folder that a backup has.
var backupFolders = []string{"pb_data", "files", "uploads", "tls"}

// Manifest says what a backup holds.
type Manifest struct {
	Format  int             `json:"format"`
	Made    string          `json:"made"`
	Version string          `json:"version"`
	Schema  int             `json:"schema"`
	Epoch   string          `json:"epoch"`
	Sealed  bool            `json:"sealed"`
	Files   []ManifestEntry `json:"files"`
}

// ManifestEntry is one file of a backup.
type ManifestEntry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

var (
	errNotBackup = errors.New("this is no backup of a hub, or it is not whole")
	errAltered   = errors.New("the backup is damaged: a file in it is not what its manifest says")
)

// archiveWriter writes a backup.
type archiveWriter struct {
	zip *gzip.Writer
	tar *tar.Writer
	m   Manifest
	now time.Time
}

func newArchiveWriter(w io.Writer, m Manifest, now time.Time) *archiveWriter {
	z := gzip.NewWriter(w)
	return &archiveWriter{zip: z, tar: tar.NewWriter(z), m: m, now: now}
}

// add puts one file into the backup under a name with forward slashes.
func (a *archiveWriter) add(name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return a.copy(name, info.Size(), f)
}

// copy puts that many bytes into the backup under a name.
func (a *archiveWriter) copy(name string, size int64, from io.Reader) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: a.now}); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(a.tar, sum), from); err != nil {
		return fmt.Errorf("copying %s: %w", name, err)
	}
	a.m.Files = append(a.m.Files, ManifestEntry{name, size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// addTree puts those files of a folder into the backup whose names are wanted.
// No folder is as good as an empty one.
func (a *archiveWriter) addTree(root, sub string, wanted func(name string) bool) error {
	return filepath.WalkDir(filepath.Join(root, sub), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || !wanted(d.Name()) {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		return a.add(filepath.ToSlash(rel), p)
	})
}

func (a *archiveWriter) close() error {
	b, err := json.MarshalIndent(a.m, "", "  ")
	if err != nil {
		return err
	}
	if err := a.tar.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(b)), ModTime: a.now}); err != nil {
		return err
	}
	if _, err := a.tar.Write(b); err != nil {
		return err
	}
	return errors.Join(a.tar.Close(), a.zip.Close())
}

// sealedArchive writes an archive to something that seals it on its way: fill
// puts in what is in it.
func sealedArchive(m Manifest, now time.Time, seal func(archive io.Reader) error, fill func(*archiveWriter) error) (Manifest, error) {
	out, in := io.Pipe()
	sealed := make(chan error, 1)
	go func() {
		err := seal(out)
		out.CloseWithError(err) // whoever writes on hears of it
		sealed <- err
	}()
	a := newArchiveWriter(in, m, now)
	err := fill(a)
	if err == nil {
		err = a.close()
	}
	in.CloseWithError(err) // nil is the end
	if broken := <-sealed; err == nil {
		err = broken
	}
	return a.m, err
}

// openSealed unpacks an archive that open opens.
func openSealed(dir string, open func(archive io.Writer) error, folders ...string) (Manifest, error) {
	out, in := io.Pipe()
	opened := make(chan error, 1)
	go func() {
		err := open(in)
		in.CloseWithError(err)
		opened <- err
	}()
	m, err := unpack(out, dir, folders...)
	if err == nil {
		// To its end: the last chunk says that nothing was cut off.
		_, err = io.Copy(io.Discard, out)
	}
	out.CloseWithError(errNotBackup) // ends the other side where this one stopped early
	if broken := <-opened; broken != nil && !errors.Is(broken, errNotBackup) {
		return m, broken
	}
	return m, err
}

// unpack writes a backup, or whatever has these folders, into a folder and
// checks every file against the manifest. What it wrote before a fault was
// found stays for the caller to remove.
func unpack(r io.Reader, dir string, folders ...string) (Manifest, error) {
	var m Manifest
	z, err := gzip.NewReader(r)
	if err != nil {
		return m, errNotBackup
	}
	found := map[string]ManifestEntry{}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if err != nil {
			return m, errNotBackup // also io.EOF: there was no manifest
		}
		if h.Name == manifestName {
			break
		}
		if h.Typeflag != tar.TypeReg || !within(h.Name, folders) || found[h.Name].Name != "" {
			return m, errNotBackup
		}
		if found[h.Name], err = unpackFile(t, dir, h); err != nil {
			return m, err
		}
	}
	b, err := io.ReadAll(io.LimitReader(t, manifestBytesMax))
	if err != nil || json.NewDecoder(bytes.NewReader(b)).Decode(&m) != nil {
		return m, errNotBackup
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("this backup was made by another version of the program (format %d, this one reads %d)", m.Format, manifestFormat)
	}
	if len(m.Files) != len(found) {
		return m, errAltered
	}
	for _, e := range m.Files {
		if found[e.Name] != e {
			return m, errAltered
		}
	}
	// The checksum at the end of a gzip file is only looked at where one reads
	// to its end.
	if _, err := io.Copy(io.Discard, z); err != nil {
		return m, errNotBackup
	}
	return m, nil
}

// within says whether a name may be in an archive: it must stay inside the
// folder, and in the parts of it that such an archive has.
func within(name string, folders []string) bool {
	if path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	top, _, _ := strings.Cut(name, "/")
	return slices.Contains(folders, top)
}

func unpackFile(r io.Reader, dir string, h *tar.Header) (ManifestEntry, error) {
	file := filepath.Join(dir, filepath.FromSlash(h.Name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return ManifestEntry{}, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return ManifestEntry{}, err
	}
	var sum hash.Hash = sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err != nil {
		return ManifestEntry{}, errors.Join(errNotBackup, f.Close())
	}
	return ManifestEntry{h.Name, n, hex.EncodeToString(sum.Sum(nil))}, errors.Join(f.Sync(), f.Close())
}
