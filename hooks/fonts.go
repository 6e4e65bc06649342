package hooks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"portolan/pdf"
)

// FontsDir is where an operator may put fonts for letters that those in the
// program do not have, in the hub's folder.
const FontsDir = "fonts"

// shelf holds the opened fonts of each hub's folder until what lies in it is
// another: opening a font and learning it costs more than a paper.
var shelf = struct {
	sync.Mutex
	of map[string]opened
}{of: map[string]opened{}}

type opened struct {
	state string
	fonts *pdf.Fonts
}

// fontsOf returns the fonts of a hub. What an operator puts into the folder
// counts at once.
func fontsOf(dir string) (*pdf.Fonts, error) {
	folder := os.DirFS(filepath.Join(dir, FontsDir))
	state, err := fontsState(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the fonts of the hub: %w", err)
	}
	shelf.Lock()
	defer shelf.Unlock()
	if o, ok := shelf.of[dir]; ok && o.state == state {
		return o.fonts, nil
	}
	fonts, err := pdf.FontsWith(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the fonts of the hub: %w", err)
	}
	shelf.of[dir] = opened{state, fonts}
	return fonts, nil
}

// fontsState is another where a file was added, taken away or written; "" where
// there is no folder.
func fontsState(folder fs.FS) (string, error) {
	var b strings.Builder
	entries, err := fs.ReadDir(folder, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%q %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return b.String(), err
}
