package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"portolan/care"
)

// ErrKeyFile says that a key file is not whole.
var ErrKeyFile = &care.Error{Code: "key_file_damaged", Kind: care.Damaged, Hint: "The key file is cut or altered. Nothing was written over it; put the copy that you kept in its place."}

// keyFileMark begins the line of a key file that holds the key.
const keyFileMark = "portolan-root-1"

// KeyFileBytesMax bounds a key file.
const KeyFileBytesMax = 4 << 10

const keyFileNote = `# The root key of a Portolan hub. Whoever has this file and a copy of the hub's
# folder can read everything in it; without this file nobody can. Keep a copy in
# another place, on paper or on a stick, and never beside a backup.
`

// KeyFile writes a root key as the text of a key file.
func KeyFile(root Key) []byte {
	return []byte(keyFileNote + keyFileMark + " " + hex.EncodeToString(root[:]) + " " + keyFileSum(root) + "\n")
}

// ParseKeyFile reads a key file: the root key, or, where it is under a
// passphrase, what the passphrase opens. ErrKeyFile where it is not whole.
func ParseKeyFile(b []byte) (Key, *Locked, error) {
	if len(b) > KeyFileBytesMax {
		return Key{}, nil, ErrKeyFile
	}
	var found []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		return Key{}, nil, ErrKeyFile
	}
	words := strings.Fields(found[0])
	if words[0] == lockedMark {
		l, err := parseLocked(words)
		if err == nil && l.cost.Memory < PassphraseCost.Memory {
			err = ErrKeyFile // no hub writes one that is cheaper to guess at
		}
		if err != nil {
			return Key{}, nil, err
		}
		return Key{}, l, nil
	}
	if len(words) != 3 || words[0] != keyFileMark {
		return Key{}, nil, ErrKeyFile
	}
	var k Key
	raw, err := hex.DecodeString(words[1])
	if err != nil || len(raw) != KeyBytes {
		return Key{}, nil, ErrKeyFile
	}
	copy(k[:], raw)
	if keyFileSum(k) != strings.ToLower(words[2]) {
		return Key{}, nil, ErrKeyFile
	}
	return k, nil, nil
}

// keyFileSum finds a slip of the pen, not an enemy.
func keyFileSum(k Key) string { return checkSum(keyFileMark + string(k[:])) }

func checkSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
