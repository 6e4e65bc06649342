package interop

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"portolan/care"
)

// readAll reads a whole file within FileBytesMax, as UTF-8 without its byte
// order mark.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, FileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("interop: reading: %w", err)
	}
	if len(b) > FileBytesMax {
		return nil, &care.Error{Code: "import_too_large", Kind: care.TooLarge,
			Hint: fmt.Sprintf("The file has more than %d MiB; split it.", FileBytesMax>>20)}
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, &care.Error{Code: "import_empty", Kind: care.Invalid, Hint: "The file is empty."}
	}
	if at := invalidUTF8(b); at >= 0 {
		return nil, &care.Error{Code: "import_not_utf8", Kind: care.Invalid,
			Hint: fmt.Sprintf("The file is not UTF-8 at %s; save it as UTF-8.", position(b, at))}
	}
	return b, nil
}

// invalidUTF8 is the place of the first byte that is not UTF-8, -1 for none.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// position names a place in a file by line and column, never by what stands
// there: errors hold no personal data.
func position(b []byte, at int) string {
	at = min(max(at, 0), len(b))
	line := 1 + bytes.Count(b[:at], []byte("\n"))
	column := at - bytes.LastIndexByte(b[:at], '\n')
	return fmt.Sprintf("line %d, column %d", line, column)
}

func malformed(format string, b []byte, at int) error {
	return &care.Error{Code: "import_malformed", Kind: care.Invalid,
		Hint: fmt.Sprintf("The file is not well-formed %s at %s.", format, position(b, at))}
}

func tooDeep(b []byte, at int) error {
	return &care.Error{Code: "import_too_deep", Kind: care.Invalid,
		Hint: fmt.Sprintf("More than %d levels inside each other at %s.", DepthMax, position(b, at))}
}

func tooMany(what string) error {
	return &care.Error{Code: "import_too_many_records", Kind: care.TooLarge,
		Hint: fmt.Sprintf("The file has more than %d %s; split it.", RecordsMax, what)}
}
