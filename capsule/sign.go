package capsule

import (
	"bytes"
	"compress/flate"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"portolan/care"
)

// The signature is COSE_Sign1 (RFC 9052 §4.2, untagged) with EdDSA over
// Ed25519 and the number of the key, and nothing else: one algorithm, one form.
// That is thirty lines over CBOR. github.com/veraison/go-cose takes every
// algorithm and any header, all of which would have to be refused here again;
// the tests hold ours against an example of the COSE working group.

// Verdict is all that is said of whether something can be trusted.
type Verdict string

const (
	Valid     Verdict = "valid"     // signed by a trusted hub, and as it was signed
	Changed   Verdict = "changed"   // said to be of a trusted hub, and not as it was signed
	Unknown   Verdict = "unknown"   // of nobody who is trusted, or nothing of this kind
	Withdrawn Verdict = "withdrawn" // valid, and taken back since by the hub that made it
)

// KeyBytes is how long a public key is.
const KeyBytes = ed25519.PublicKeySize

// ErrKey says that something is no hub's key.
var ErrKey = &care.Error{Code: "hub_key_invalid", Kind: care.Invalid, Hint: "This is no hub's key: it has 43 letters, digits, - and _."}

// ParseKey reads a public key as FormatKey writes it.
func ParseKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != KeyBytes {
		return nil, ErrKey
	}
	return b, nil
}

// FormatKey writes a public key to be copied.
func FormatKey(key ed25519.PublicKey) string { return base64.RawURLEncoding.EncodeToString(key) }

// Groups of a fingerprint: 30 digits, which everybody can say and hear in any
// language, are 99 bits. Who wants another key with the same would have to try
// 2^99.
const (
	fingerprintGroups = 6
	groupDigits       = 5
	groupLimit        = 100_000
)

// Fingerprint is a key as two people compare it by voice.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(append([]byte("hub key 1\x00"), key...))
	groups := make([]string, fingerprintGroups)
	for i := range groups {
		var wide [8]byte // 40 bits make every group as likely as any other to one part in 10,000,000
		copy(wide[3:], sum[5*i:5*i+5])
		groups[i] = fmt.Sprintf("%0*d", groupDigits, binary.BigEndian.Uint64(wide[:])%groupLimit)
	}
	return strings.Join(groups, " ")
}

const (
	coseAlgorithm = 1  // header parameters (RFC 9052 §3.1)
	coseKeyID     = 4  //
	coseEdDSA     = -8 // RFC 9053 §2.2
	coseParts     = 4  // of COSE_Sign1
	coseContext   = "Signature1"
	keyIDBytes    = 8
)

// keyID is the number of a key: it says nothing to whoever does not have it.
func keyID(key ed25519.PublicKey) []byte {
	sum := sha256.Sum256(key)
	return sum[:keyIDBytes]
}

// signed is a COSE_Sign1 structure.
type signed struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int]cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

func signatureInput(protected, payload []byte) ([]byte, error) {
	return encoding.Marshal([]any{coseContext, protected, []byte{}, payload})
}

// sign packs a record's bytes and signs them.
func sign(record []byte, key ed25519.PrivateKey) ([]byte, error) {
	payload, err := pack(record)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	protected, err1 := encoding.Marshal(map[int]any{coseAlgorithm: coseEdDSA, coseKeyID: keyID(public)})
	input, err2 := signatureInput(protected, payload)
	out, err3 := encoding.Marshal(signed{Protected: protected, Payload: payload, Unprotected: map[int]cbor.RawMessage{}, Signature: ed25519.Sign(key, input)})
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("signing a capsule: %w", err)
	}
	return out, nil
}

// Opened is a capsule that its words opened. Until Judge has said so, nobody
// knows who made it.
type Opened struct {
	Record Record
	key    []byte // number of the key that is said to have signed
	signed signed
}

// read takes a signed record apart.
func read(b []byte) (Opened, error) {
	var o Opened
	var protected map[int]cbor.RawMessage
	if err := decoding.Unmarshal(b, &o.signed); err != nil || len(o.signed.Unprotected) > 0 || len(o.signed.Signature) != ed25519.SignatureSize {
		return Opened{}, ErrMalformed
	}
	if err := decoding.Unmarshal(o.signed.Protected, &protected); err != nil || len(protected) != 2 {
		return Opened{}, ErrMalformed
	}
	var algorithm int
	if decoding.Unmarshal(protected[coseAlgorithm], &algorithm) != nil || algorithm != coseEdDSA ||
		decoding.Unmarshal(protected[coseKeyID], &o.key) != nil || len(o.key) != keyIDBytes {
		return Opened{}, ErrMalformed
	}
	record, err := unpack(o.signed.Payload)
	if err != nil {
		return Opened{}, err
	}
	if o.Record, err = decode(record); err != nil {
		return Opened{}, err
	}
	return o, nil
}

// Judge says whether one of the keys signed it, and which.
func (o Opened) Judge(trusted []ed25519.PublicKey) (Verdict, ed25519.PublicKey) {
	input, err := signatureInput(o.signed.Protected, o.signed.Payload)
	if err != nil {
		return Unknown, nil
	}
	verdict := Unknown
	for _, key := range trusted {
		if len(key) != KeyBytes || !bytes.Equal(keyID(key), o.key) {
			continue
		}
		if ed25519.Verify(key, input, o.signed.Signature) {
			return Valid, key
		}
		verdict = Changed
	}
	return verdict, nil
}

// pack compresses a record (RFC 1951, raw).
func pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("packing a capsule: %w", err)
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("packing a capsule: %w", err)
	}
	return out.Bytes(), nil
}

func unpack(b []byte) ([]byte, error) {
	from := bytes.NewReader(b)
	r := flate.NewReader(from)
	out, err := io.ReadAll(io.LimitReader(r, recordBytesMax+1))
	if err != nil || len(out) > recordBytesMax || from.Len() > 0 {
		return nil, ErrMalformed
	}
	return out, nil
}
