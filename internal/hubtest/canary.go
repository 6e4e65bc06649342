package hubtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"
)

// Shapes is how a text might lie in a file: as it is, as JSON escapes it, in
// UTF-16, in base64 wherever it begins in its group of three.
func Shapes(text string) map[string][]byte {
	escaped := ""
	for _, u := range utf16.Encode([]rune(text)) {
		escaped += fmt.Sprintf(`\u%04x`, u)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	little, big := []byte{}, []byte{}
	for _, u := range utf16.Encode([]rune(text)) {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	out := map[string][]byte{"as it is": []byte(text), "escaped": []byte(escaped), "quoted": quoted[1 : len(quoted)-1], "UTF-16LE": little, "UTF-16BE": big}
	for pad := range 3 {
		// The characters that hold nothing but bits of the text.
		n := len(text) + pad
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			whole := e.EncodeToString(append(make([]byte, pad), text...))
			out[fmt.Sprintf("%s, %d bytes in", name, pad)] = []byte(whole[(pad*8+5)/6 : n*8/6])
		}
	}
	return out
}

// LookFor searches every file under a folder: for canaries in every shape, for
// days (2006-01-02) and moments (RFC 3339) among more in every shape of those,
// for words as they are. It gives how many files there were.
func LookFor(t testing.TB, dir, canary string, words []string, more ...string) (files int) {
	t.Helper()
	sought := map[string][]byte{}
	for _, canary := range append(more, canary) {
		for name, shape := range Shapes(canary) {
			sought[canary+", "+name] = shape
		}
		for name, shape := range MomentShapes(canary) {
			sought[canary+", "+name] = shape
		}
	}
	for _, word := range words {
		sought[word] = []byte(word)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() { // the socket of a hub that was killed
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		for what, word := range sought {
			if bytes.Contains(b, word) {
				t.Errorf("%s holds %q, %s", name, word, what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
