package collections

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"portolan/care"
)

// Lists outside the database remember what a copy of the database from before
// must not undo: who was erased (erasedlist.go) and what ended (endedlist.go).
// They lie in the hub's folder and beside its backups, in none of them, one
// JSON object a line, with ids, codes and times and nothing of a person.

// listLineMax bounds one line of a list, in bytes.
const listLineMax = 1 << 10

// readLines reads a list; none is as good as an empty one. A last line without
// its end was never finished: whoever was about to write it had told nobody.
// bad is the error for a line that cannot be read or is not good.
func readLines[T any](path string, good func(T) bool, bad *care.Error) ([]T, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("reading a list", err)
	}
	var list []T
	lines := bufio.NewReaderSize(bytes.NewReader(b), listLineMax)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		var one T
		if err != nil || json.Unmarshal(line, &one) != nil || !good(one) {
			return nil, bad
		}
		list = append(list, one)
	}
}

func linesOf[T any](list []T) (string, error) {
	var b strings.Builder
	for _, one := range list {
		line, err := json.Marshal(one)
		if err != nil {
			return "", fmt.Errorf("writing a list: %w", err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// writeLines puts a list in the place of another: whoever reads it finds the
// old one or the new one.
func writeLines[T any](path string, list []T) error {
	b, err := linesOf(list)
	if err != nil {
		return err
	}
	return wrap("writing a list", replaceFile(path, []byte(b)))
}

// replaceFile puts a whole new file in the place of another and survives a
// power cut once it returns (POSIX rename(2), fsync(2)).
func replaceFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
