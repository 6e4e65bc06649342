package audit

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portolan/care"
)

// Limits of what a stranger may send as a checkpoint.
const (
	CheckpointBytesMax = 2 << 10
	SizeMax            = 1<<53 - 1 // what JavaScript counts exactly
	keyBytesMax        = 512
)

// Errors of checkpoints. Who reads one has not lost anything.
var (
	ErrCheckpoint = &care.Error{Code: "checkpoint_malformed", Kind: care.Invalid, Hint: "This is no checkpoint of an audit log."}
	ErrSignature  = &care.Error{Code: "checkpoint_signature", Kind: care.Conflict, Hint: "The checkpoint of the audit log is not signed by this hub. Nothing more is taken from it; tell the protection officer."}
	ErrKey        = &care.Error{Code: "audit_key_malformed", Kind: care.Invalid, Hint: "This is no public key of an audit log."}
)

// Checkpoint is a head of the tree: what a hub says its log was.
type Checkpoint struct {
	Origin string // the log's name, and its key's
	Size   int64
	Root   Hash
	Epoch  string // of the hub's database: another one after a restore
	At     time.Time
	Ended  uint64 // how many lines the hub's list of what ended had (ended.list)
	Next   string // the public key that signs the log after this head; "" in every other
}

// text is the form that is signed: that of C2SP tlog-checkpoint, with the
// epoch, the time, what ended and the next key as its extension lines (c2sp.org/tlog-checkpoint).
func (c Checkpoint) text() string {
	text := fmt.Sprintf("%s\n%d\n%s\nepoch %s\nat %s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), c.Epoch, care.FormatTime(c.At))
	if c.Ended > 0 {
		text += fmt.Sprintf("ended %d\n", c.Ended)
	}
	if c.Next != "" {
		text += "next " + c.Next + "\n"
	}
	return text
}

// NewKey makes the key pair of a log with that name: the secret half signs
// checkpoints, the public half is all that verifying needs. Both are text
// (golang.org/x/mod/sumdb/note).
func NewKey(rand io.Reader, origin string) (secret, public string, err error) {
	secret, public, err = note.GenerateKey(rand, origin)
	if err != nil {
		return "", "", fmt.Errorf("making the key of the audit log: %w", err)
	}
	return secret, public, nil
}

// Signer signs the checkpoints of one log.
type Signer struct {
	signer note.Signer
	public string
}

// NewSigner reads the secret half of a key pair, with the public half that
// belongs to it.
func NewSigner(secret, public string) (*Signer, error) {
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("reading the key of the audit log: %w", err)
	}
	v, err := NewVerifier(public)
	if err != nil {
		return nil, err
	}
	if v.verifier.Name() != s.Name() || v.verifier.KeyHash() != s.KeyHash() {
		return nil, ErrKey
	}
	return &Signer{signer: s, public: public}, nil
}

// Origin is the log's name.
func (s *Signer) Origin() string { return s.signer.Name() }

// Public is the key with which others verify.
func (s *Signer) Public() string { return s.public }

// Sign makes a checkpoint into a signed note.
func (s *Signer) Sign(c Checkpoint) (string, error) {
	c.Origin = s.Origin()
	b, err := note.Sign(&note.Note{Text: c.text()}, s.signer)
	if err != nil {
		return "", fmt.Errorf("signing a checkpoint: %w", err)
	}
	return string(b), nil
}

// Verifier reads the checkpoints of one log.
type Verifier struct {
	verifier note.Verifier
	public   string
}

// NewVerifier reads a public key.
func NewVerifier(public string) (*Verifier, error) {
	if len(public) > keyBytesMax {
		return nil, ErrKey
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, ErrKey
	}
	return &Verifier{verifier: v, public: public}, nil
}

// Public is the key itself.
func (v *Verifier) Public() string { return v.public }

// Open checks a signed note and reads its checkpoint.
func (v *Verifier) Open(signed string) (Checkpoint, error) {
	if len(signed) > CheckpointBytesMax {
		return Checkpoint{}, ErrCheckpoint
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v.verifier))
	if err != nil {
		return Checkpoint{}, ErrSignature
	}
	c, err := parse(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.verifier.Name() {
		return Checkpoint{}, ErrSignature
	}
	return c, nil
}

// parse reads the text of a checkpoint, in its one form alone.
func parse(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	next, ended := "", uint64(0)
	if n := len(lines) - 2; n > 4 && strings.HasPrefix(lines[n], "next ") {
		next, lines = strings.TrimPrefix(lines[n], "next "), slices.Delete(lines, n, n+1)
	}
	if len(lines) == 7 {
		var err error
		if ended, err = strconv.ParseUint(strings.TrimPrefix(lines[5], "ended "), 10, 64); err != nil || ended > SizeMax {
			return c, ErrCheckpoint
		}
		lines = slices.Delete(lines, 5, 6)
	}
	if len(lines) != 6 {
		return c, ErrCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return c, ErrCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > SizeMax {
		return c, ErrCheckpoint
	}
	at, err := time.Parse(care.TimeFormat, strings.TrimPrefix(lines[4], "at "))
	if err != nil {
		return c, ErrCheckpoint
	}
	c = Checkpoint{Origin: lines[0], Size: size, Root: root, Epoch: strings.TrimPrefix(lines[3], "epoch "), At: at, Ended: ended, Next: next}
	if c.text() != text {
		return Checkpoint{}, ErrCheckpoint
	}
	return c, nil
}

// HandoversMax bounds how often the key of one log is changed for a new one
// that witnesses follow.
const HandoversMax = 16

// Follow is the key that signs a log after the heads in which each key named
// the next. Handovers that are not of the key at hand are passed over: whoever
// asks may have followed them already. ErrSignature where one names a key of
// another log.
func Follow(key string, handovers []string) (string, error) {
	if len(handovers) > HandoversMax {
		return "", ErrSignature
	}
	for _, signed := range handovers {
		v, err := NewVerifier(key)
		if err != nil {
			return "", err
		}
		c, err := v.Open(signed)
		if err != nil || c.Next == "" {
			continue
		}
		next, err := NewVerifier(c.Next)
		if err != nil || next.verifier.Name() != v.verifier.Name() {
			return "", ErrSignature
		}
		key = c.Next
	}
	return key, nil
}
