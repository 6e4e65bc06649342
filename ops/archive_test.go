package ops

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// archive makes a backup with entries of any name.
func archive(t *testing.T, m *Manifest, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	put := func(name, body string) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), ModTime: time.Unix(0, 0)}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		put(e[0], e[1])
	}
	if m != nil {
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		put(manifestName, string(raw))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABackupWritesNowhereElse(t *testing.T) {
	whole := &Manifest{Format: manifestFormat}
	for _, name := range []string{"../out", "/etc/passwd", "files/../../out", "pb_data/../../out", "portolan.lock", "hub.sock", "other/x", "files//x", "./files/x", `files\..\x`} {
		dir := filepath.Join(t.TempDir(), "in")
		if _, err := unpack(bytes.NewReader(archive(t, whole, [2]string{name, "x"})), dir, backupFolders...); err == nil {
			t.Errorf("%s is taken", name)
		}
		outside, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "out*"))
		if err != nil || len(outside) > 0 {
			t.Errorf("%s was written outside: %v %v", name, outside, err)
		}
	}
}

func TestAManifestMustFit(t *testing.T) {
	entry := [2]string{"files/x", "hello"}
	sum := "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // printf hello | sha256sum
	for what, c := range map[string]struct {
		m    *Manifest
		good bool
	}{
		"none":            {nil, false},
		"right":           {&Manifest{Format: 1, Files: []ManifestEntry{{"files/x", 5, sum}}}, true},
		"another format":  {&Manifest{Format: 2, Files: []ManifestEntry{{"files/x", 5, sum}}}, false},
		"another hash":    {&Manifest{Format: 1, Files: []ManifestEntry{{"files/x", 5, sum[:63] + "5"}}}, false},
		"another size":    {&Manifest{Format: 1, Files: []ManifestEntry{{"files/x", 6, sum}}}, false},
		"one missing":     {&Manifest{Format: 1, Files: []ManifestEntry{{"files/x", 5, sum}, {"files/y", 5, sum}}}, false},
		"one not in it":   {&Manifest{Format: 1}, false},
		"the same, twice": {&Manifest{Format: 1, Files: []ManifestEntry{{"files/x", 5, sum}, {"files/x", 5, sum}}}, false},
	} {
		_, err := unpack(bytes.NewReader(archive(t, c.m, entry)), t.TempDir(), backupFolders...)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzUnpack feeds it anything: it may refuse, it may not write elsewhere.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("hello"))
	var b bytes.Buffer
	a := newArchiveWriter(&b, Manifest{Format: manifestFormat}, time.Unix(0, 0))
	if err := a.close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		root := t.TempDir()
		if _, err := unpack(bytes.NewReader(raw), filepath.Join(root, "in"), backupFolders...); err == nil {
			return
		}
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "in" {
				t.Errorf("%s was written", e.Name())
			}
		}
	})
}
