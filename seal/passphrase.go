package seal

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"portolan/care"
)

// ErrPassphrase says that a passphrase does not open what it is given for.
var ErrPassphrase = &care.Error{Code: "passphrase_wrong", Kind: care.Signin, Hint: "This passphrase does not open it."}

// Cost is what one guess at a passphrase costs with Argon2id: KiB of memory,
// and passes over it. It is kept beside what the passphrase locks.
type Cost struct{ Memory, Passes uint32 }

// PassphraseCost takes about a tenth of a second on a small machine (RFC 9106
// §4 recommends it where memory is scarce; OWASP ASVS 5.0 appendix C asks for
// less).
var PassphraseCost = Cost{Memory: 64 << 10, Passes: 3}

// A file may ask for more, within bounds, so that a forged one cannot take the
// machine's memory.
const (
	argonThreads   = 1
	argonMemoryMax = 1 << 20 // KiB
	argonPassesMax = 16
	saltBytes      = 16
)

// PassphraseLengthMin is how many bytes a passphrase has at least: five plain
// words. Whoever has the key file can guess for as long as they like.
const PassphraseLengthMin = 20

// Locked is a root key, or that of an export, under a passphrase.
type Locked struct {
	cost   Cost
	root   uint64 // the root's id, so that another hub's file is known as such
	salt   [saltBytes]byte
	sealed []byte
}

// lockedPlace is what a root key under a passphrase is bound to.
var lockedPlace = Place{Collection: "key_file", Field: "root"}

// Lock puts a root key under a passphrase that costs that much to guess at.
func Lock(rand io.Reader, root Key, passphrase string, cost Cost) (Locked, error) {
	l := Locked{cost: cost, root: RootBox(root).ID()}
	if _, err := io.ReadFull(rand, l.salt[:]); err != nil {
		return l, fmt.Errorf("drawing a salt: %w", err)
	}
	var err error
	l.sealed, err = l.box(passphrase).Seal(nil, rand, lockedPlace, root[:])
	return l, err
}

// Open gives the root key back; ErrPassphrase where the passphrase is wrong.
func (l Locked) Open(passphrase string) (Key, error) {
	var k Key
	plain, err := l.box(passphrase).Open(nil, lockedPlace, l.sealed)
	if err != nil || len(plain) != KeyBytes {
		return k, ErrPassphrase
	}
	copy(k[:], plain)
	clear(plain)
	if RootBox(k).ID() != l.root {
		return Key{}, ErrKeyFile
	}
	return k, nil
}

// ID is the id of the root key.
func (l Locked) ID() uint64 { return l.root }

func (l Locked) box(passphrase string) *Box {
	// What lies between the words is how somebody happened to type them.
	words := strings.Join(strings.Fields(passphrase), " ")
	return NewBox(0, Key(argon2.IDKey([]byte(words), l.salt[:], l.cost.Passes, l.cost.Memory, argonThreads, KeyBytes)))
}

// lockedMark begins the line of a key file that takes a passphrase.
const lockedMark = "portolan-root-argon2id-1"

const lockedNote = `# The root key of a Portolan hub, under a passphrase. Without this file and its
# passphrase nobody can read what the hub holds. Keep a copy in another place.
`

// File writes the locked key as the text of a key file.
func (l Locked) File() []byte { return []byte(lockedNote + l.Line() + "\n") }

// Line writes the locked key as one line of text, which ParseLine reads.
func (l Locked) Line() string {
	body := strings.Join([]string{lockedMark, strconv.FormatUint(uint64(l.cost.Memory), 10), strconv.FormatUint(uint64(l.cost.Passes), 10),
		strconv.FormatUint(l.root, 16), hex.EncodeToString(l.salt[:]), hex.EncodeToString(l.sealed)}, " ")
	return body + " " + checkSum(body)
}

// ParseLine reads what Line writes; ErrKeyFile where it is not whole.
func ParseLine(line string) (Locked, error) {
	l, err := parseLocked(strings.Fields(line))
	if err != nil {
		return Locked{}, err
	}
	return *l, nil
}

func parseLocked(words []string) (*Locked, error) {
	if len(words) != 7 || words[0] != lockedMark || checkSum(strings.Join(words[:6], " ")) != words[6] {
		return nil, ErrKeyFile
	}
	memory, err1 := strconv.ParseUint(words[1], 10, 32)
	passes, err2 := strconv.ParseUint(words[2], 10, 32)
	root, err3 := strconv.ParseUint(words[3], 16, 64)
	salt, err4 := hex.DecodeString(words[4])
	sealed, err5 := hex.DecodeString(words[5])
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil || memory < 1 || memory > argonMemoryMax ||
		passes < 1 || passes > argonPassesMax || len(salt) != saltBytes || len(sealed) != Overhead+KeyBytes {
		return nil, ErrKeyFile
	}
	return &Locked{cost: Cost{uint32(memory), uint32(passes)}, root: root, salt: [saltBytes]byte(salt), sealed: sealed}, nil
}
