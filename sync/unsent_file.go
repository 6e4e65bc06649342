package fieldsync

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"portolan/care"
)

// UnsentFile is what a tablet seals to the hub of a file as it is attached: the
// key under which its bytes lie, and what the hub must know of it once nobody
// on the tablet reads it any more.
type UnsentFile struct {
	Document    string           `json:"document"` // the record whose file it is
	Case        string           `json:"case"`     // of that record, as far as its author knew
	Compartment care.Compartment `json:"compartment"`
	SHA256      string           `json:"sha256"` // of the file
	Type        string           `json:"filetype"`
	Size        int64            `json:"size"` // of the file
	Key         []byte           `json:"-"`
	Author      string           `json:"by"`
	Clock       HLC              `json:"t"` // when it was attached
}

// FileTypeMax bounds what a file may say that it is.
const FileTypeMax = 128

// unsentKeyBytes is the length of a file's key.
const unsentKeyBytes = 32

// Encode writes it as it is sealed.
func (f UnsentFile) Encode() ([]byte, error) {
	b, err := json.Marshal(struct {
		UnsentFile
		Key string `json:"key"`
	}{f, base64.RawURLEncoding.EncodeToString(f.Key)})
	if err != nil {
		return nil, fmt.Errorf("writing what a file is: %w", err)
	}
	return b, nil
}

// DecodeUnsentFile reads what Encode wrote, and nothing else.
func DecodeUnsentFile(b []byte) (f UnsentFile, err error) {
	var compartment, key, clock string
	to := map[string]*string{"document": &f.Document, "case": &f.Case, "compartment": &compartment, "sha256": &f.SHA256,
		"filetype": &f.Type, "key": &key, "by": &f.Author, "t": &clock}
	s := &scanner{b: b}
	err = s.object(func(name string) (err error) {
		if name == "size" {
			var n uint64
			n, err = s.uint(NumberMax)
			f.Size = int64(n)
			return err
		}
		text := to[name]
		if text == nil {
			return bad(CodeMember, "a member that a file does not have")
		}
		delete(to, name)
		*text, err = s.str()
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return f, err
	}
	if len(to) > 0 || f.Size == 0 {
		return f, bad(CodeMissing, "a file has document, case, compartment, sha256, filetype, size, key, by and t")
	}
	f.Compartment = care.Compartment(compartment)
	if f.Clock, err = ParseHLC(clock); err != nil {
		return f, err
	}
	if f.Key, err = base64.RawURLEncoding.Strict().DecodeString(key); err != nil || len(f.Key) != unsentKeyBytes {
		return f, bad(CodeType, "the key of a file is 32 bytes as base64url")
	}
	sum, err := hex.DecodeString(f.SHA256)
	switch {
	case err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != f.SHA256:
		return f, bad(CodeDigest, "the hash of a file is SHA-256 in hex")
	case !IsID(f.Document) || !IsID(f.Author) || f.Case != "" && !IsID(f.Case):
		return f, bad(CodeID, "a file names records by UUIDv7 in lower case")
	case !slices.Contains(care.Compartments, f.Compartment) || len(f.Type) > FileTypeMax:
		return f, bad(CodeName, "a file is of one part of a case, and of one type")
	}
	return f, nil
}
