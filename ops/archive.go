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
	"strings"
	"time"
)

// A backup is a gzipped tar: the database, the wrapped keys, the files, and last a manifest
// with the SHA-256 of each, so that one pass writes it and one pass reads it.

// manifestName is the last entry of a backup.
const manifestName = "manifest.json"

// manifestFormat is counted up when older programs could not read a backup.
const manifestFormat = 1

const manifestBytesMax = 64 << 20

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
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: a.now}); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(a.tar, sum), f); err != nil {
		return fmt.Errorf("copying %s: %w", name, err)
	}
	a.m.Files = append(a.m.Files, ManifestEntry{name, info.Size(), hex.EncodeToString(sum.Sum(nil))})
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

// unpack writes a backup into a folder and checks every file against the
// manifest. What it wrote before a fault was found stays for the caller to
// remove.
func unpack(r io.Reader, dir string) (Manifest, error) {
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
		if h.Typeflag != tar.TypeReg || !inBackup(h.Name) || found[h.Name].Name != "" {
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

// inBackup says whether a name may be in a backup: it must stay inside the
// folder, and in the parts of it that a backup has.
func inBackup(name string) bool {
	if path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	top, _, _ := strings.Cut(name, "/")
	return top == "pb_data" || top == "files" || top == "tls"
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
