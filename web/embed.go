// Package web is the app as it was built (web/dist), inside the program.
package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// File is one file of the app.
type File struct {
	Type   string // its Content-Type
	Plain  []byte
	Packed []byte // gzip, nil where that is not smaller
}

var types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".json":        "application/json",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
}

// Find returns the file of a path such as "index.html" or "app/app.js"; false
// where the app has none.
func Find(name string) (File, bool) {
	f, ok := files()[name]
	return f, ok
}

// files are part of the program, so one that cannot be read is a fault of the
// build and stops it at once.
var files = sync.OnceValue(func() map[string]File {
	all := map[string]File{}
	err := fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, known := types[path.Ext(p)]
		if !known {
			return nil // the list of sources
		}
		plain, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		f := File{Type: kind, Plain: plain}
		if packed := pack(plain); len(packed) < len(plain) {
			f.Packed = packed
		}
		all[strings.TrimPrefix(p, "dist/")] = f
		return nil
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	return all
})

func pack(plain []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(plain)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic("web: " + err.Error()) // memory takes every write
	}
	return b.Bytes()
}
