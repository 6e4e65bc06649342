package typeset

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// passphraseMax is how long a passphrase may be (ISO 32000-2, 7.6.4.3.3).
const passphraseMax = 127

// Lock is the encryption of a file: AES-256, revision 6 (ISO 32000-2, 7.6).
// Gofpdf's own is RC4 of 40 bits, which opens in an hour.
type Lock struct {
	key   cipher.Block
	entry string
	rand  io.Reader
}

// permissions let a reader print and a voice read (ISO 32000-2, table 22).
const permissions = -3904 | 4 | 512 | 2048

// NewLock makes the lock that a passphrase of ASCII letters opens: readers
// disagree about how others are written. There is no second passphrase.
func NewLock(passphrase string, rand io.Reader) (*Lock, error) {
	if passphrase == "" || len(passphrase) > passphraseMax {
		return nil, fmt.Errorf("locking a PDF with a passphrase of %d characters", len(passphrase))
	}
	for _, r := range passphrase {
		if r < ' ' || r > '~' {
			return nil, errors.New("locking a PDF with a passphrase that is not ASCII")
		}
	}
	random := make([]byte, 32+5*8+32)
	if _, err := io.ReadFull(rand, random); err != nil {
		return nil, fmt.Errorf("locking a PDF: %w", err)
	}
	take := func(n int) []byte { b := random[:n]; random = random[n:]; return b }
	fileKey := take(32)
	key, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil, fmt.Errorf("locking a PDF: %w", err)
	}
	// The owner's passphrase is one that nobody has.
	user, owner := []byte(passphrase), take(32)
	userCheck, userKey, ownerCheck, ownerKey := take(8), take(8), take(8), take(8)
	u := bytes.Join([][]byte{hardened(user, userCheck, nil), userCheck, userKey}, nil)
	ue := wrapped(hardened(user, userKey, nil), fileKey)
	o := bytes.Join([][]byte{hardened(owner, ownerCheck, u), ownerCheck, ownerKey}, nil)
	oe := wrapped(hardened(owner, ownerKey, u), fileKey)
	allowed := int32(permissions)
	perms := append(binary.LittleEndian.AppendUint32(nil, uint32(allowed)), "\xff\xff\xff\xffTadb"...)
	perms = append(perms, take(4)...)
	key.Encrypt(perms, perms)
	entry := fmt.Sprintf("<</Filter/Standard/V 5/R 6/Length 256/P %d/U<%x>/UE<%x>/O<%x>/OE<%x>/Perms<%x>/EncryptMetadata true/StmF/StdCF/StrF/StdCF/CF<</StdCF<</CFM/AESV3/AuthEvent/DocOpen/Length 32>>>>>>",
		allowed, u, ue, o, oe, perms)
	return &Lock{key: key, entry: entry, rand: rand}, nil
}

// hardened is algorithm 2.B: what makes each guess of a passphrase slow.
func hardened(passphrase, salt, user []byte) []byte {
	first := sha256.Sum256(bytes.Join([][]byte{passphrase, salt, user}, nil))
	k := first[:]
	for round := 0; ; round++ {
		text := bytes.Repeat(bytes.Join([][]byte{passphrase, k, user}, nil), 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			panic(err) // 16 bytes are a key
		}
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(text, text)
		sum := 0
		for _, b := range text[:16] {
			sum += int(b)
		}
		switch sum % 3 {
		case 0:
			h := sha256.Sum256(text)
			k = h[:]
		case 1:
			h := sha512.Sum384(text)
			k = h[:]
		default:
			h := sha512.Sum512(text)
			k = h[:]
		}
		if round >= 63 && int(text[len(text)-1]) <= round-31 {
			return k[:32]
		}
	}
}

// wrapped seals the file's key: its length is a whole number of blocks.
func wrapped(key, fileKey []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	out := make([]byte, len(fileKey))
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(out, fileKey)
	return out
}

// sealed is one stream's content, locked.
func (l *Lock) sealed(data []byte) ([]byte, error) {
	pad := aes.BlockSize - len(data)%aes.BlockSize
	out := make([]byte, aes.BlockSize, aes.BlockSize+len(data)+pad)
	if _, err := io.ReadFull(l.rand, out); err != nil {
		return nil, fmt.Errorf("locking a PDF: %w", err)
	}
	out = append(out, data...)
	out = append(out, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(l.key, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], out[aes.BlockSize:])
	return out, nil
}

// streamHead ends the dictionary of every stream that gofpdf and this package
// write; no other string stands in one.
var streamHead = regexp.MustCompile(`/Length (\d+)>>\nstream\n`)

// stream locks an object that is a stream. Strings stand only in objects that
// are packed into one.
func (l *Lock) stream(object []byte) ([]byte, error) {
	at := streamHead.FindSubmatchIndex(object)
	if at == nil {
		return nil, errors.New("locking a PDF: a stream of another kind")
	}
	length, err := strconv.Atoi(string(object[at[2]:at[3]]))
	if err != nil || at[1]+length > len(object) {
		return nil, errors.New("locking a PDF: a stream is shorter than it says")
	}
	data, err := l.sealed(object[at[1] : at[1]+length])
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s/Length %d>>\nstream\n%s\nendstream", object[:at[0]], len(data), data), nil
}
