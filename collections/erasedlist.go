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
	"slices"
	"strings"

	"portolan/care"
	fieldsync "portolan/sync"
)

// ErasedPath is the list of erased cases, in the hub's folder and beside its
// backups, in none of them: a copy of the data from before an erasure must not
// bring anybody back. It holds ids and times and nothing of a person.
const ErasedPath = "erased.list"

// ErasedCase is one line of the list.
type ErasedCase struct {
	Case string `json:"case"`
	Org  string `json:"org"`
	At   string `json:"at"` // when it was decided
}

// erasedLineMax bounds one line of the list, in bytes.
const erasedLineMax = 512

// ErrErasedList says that the list cannot be trusted.
var ErrErasedList = &care.Error{Code: "erased_list_damaged", Kind: care.Damaged,
	Hint: "The list of erased cases is damaged. Put the copy back that lies beside the backups; without it somebody who was erased could come back."}

// ReadErased reads a list; none is as good as an empty one. A last line
// without its end was never finished: the erasure that was about to write it
// does so again.
func ReadErased(path string) ([]ErasedCase, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("reading the list of erased cases", err)
	}
	var list []ErasedCase
	lines := bufio.NewReaderSize(bytes.NewReader(b), erasedLineMax)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		var e ErasedCase
		if err != nil || json.Unmarshal(line, &e) != nil || !fieldsync.IsID(e.Case) {
			return nil, ErrErasedList
		}
		list = append(list, e)
	}
}

// AddErased adds to a list, durably, those of the cases that it does not have.
// The list is written beside, synced and renamed: whoever reads it finds the
// old one or the new one.
func AddErased(path string, cases ...ErasedCase) error {
	list, err := ReadErased(path)
	if err != nil {
		return err
	}
	for _, e := range cases {
		if !slices.ContainsFunc(list, func(had ErasedCase) bool { return had.Case == e.Case }) {
			list = append(list, e)
		}
	}
	var b strings.Builder
	for _, e := range list {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("writing the list of erased cases: %w", err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return wrap("writing the list of erased cases", replaceFile(path, []byte(b.String())))
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
