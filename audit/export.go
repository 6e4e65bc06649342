package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"portolan/care"
)

// exportFormat names the form of an exported log: NDJSON, first what it is and
// the checkpoint, then every leaf in order. The hashes of the tree are not in
// it: whoever verifies works them out, and so does not have to believe them.
const exportFormat = "portolan audit 1"

// lineBytesMax bounds one line: an event with its quotes escaped twice over.
const lineBytesMax = 4 * EventBytesMax

// ErrExport says that a file is no exported log, or not whole.
var ErrExport = &care.Error{Code: "audit_export_malformed", Kind: care.Invalid, Hint: "This file is no exported audit log, or a part of it is missing."}

type exportHead struct {
	Format     string `json:"format"`
	Checkpoint string `json:"checkpoint"`
}

// Leaf is one line of an exported log. Salt and event are there for those
// whom whoever exported may see, and never for what was erased.
type Leaf struct {
	Seq   int64  `json:"n"`
	Leaf  string `json:"leaf"`
	Salt  []byte `json:"salt,omitempty"`
	Event *Event `json:"event,omitempty"`
}

// ExportHead writes the first line.
func ExportHead(w io.Writer, signed string) error {
	return writeLine(w, exportHead{exportFormat, signed})
}

// Export writes the line of a leaf; detail is nil for one that is not shown.
func Export(w io.Writer, seq int64, c Commitment, detail []byte) error {
	l := Leaf{Seq: seq, Leaf: c.String()}
	if detail != nil {
		e, _, err := OpenDetail(detail)
		if err != nil {
			return err
		}
		l.Salt, l.Event = detail[:SaltBytes], &e
	}
	return writeLine(w, l)
}

func writeLine(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Verified is what was found in an exported log that is whole.
type Verified struct {
	Checkpoint Checkpoint
	Shown      int64 // events that could be read, and are what was committed to
	Closed     int64 // leaves without their event: not for whoever exported, or erased
}

// VerifyExport checks an exported log with nothing but the public key: that
// every leaf is there, that they make the tree whose head was signed, and that
// each event that is shown is the one that was committed to. each, where it is
// not nil, is given every leaf once it is checked; only after VerifyExport
// returned without an error is it known to belong to the log.
func VerifyExport(r io.Reader, v *Verifier, each func(Leaf) error) (Verified, error) {
	var out Verified
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), lineBytesMax)
	var head exportHead
	if !in.Scan() || strict(in.Bytes(), &head) != nil || head.Format != exportFormat {
		return out, ErrExport
	}
	var err error
	if out.Checkpoint, err = v.Open(head.Checkpoint); err != nil {
		return out, err
	}
	tree := &Tree{}
	for in.Scan() {
		if tree.Size() == out.Checkpoint.Size {
			return out, ErrExport // leaves behind the head
		}
		if err := out.leaf(tree, in.Bytes(), each); err != nil {
			return out, err
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return out, fmt.Errorf("reading an exported audit log: %w", err)
	} else if err != nil {
		return out, ErrExport
	}
	root, err := tree.Root()
	if err != nil {
		return out, err
	}
	if tree.Size() != out.Checkpoint.Size {
		return out, ErrExport
	}
	if root != out.Checkpoint.Root {
		return out, ErrRewritten
	}
	return out, nil
}

func (out *Verified) leaf(tree *Tree, line []byte, each func(Leaf) error) error {
	var l Leaf
	if strict(line, &l) != nil {
		return ErrExport
	}
	c, err := ParseCommitment(l.Leaf)
	if err != nil {
		return ErrExport
	}
	seq, _, err := tree.Append(c)
	if err != nil {
		return err
	}
	if seq != l.Seq || (l.Event == nil) != (l.Salt == nil) {
		return ErrExport
	}
	if l.Event == nil {
		out.Closed++
	} else {
		event, err := l.Event.Encode()
		if err != nil || len(l.Salt) != SaltBytes || Commit([SaltBytes]byte(l.Salt), event) != c {
			return ErrRewritten
		}
		out.Shown++
	}
	if each == nil {
		return nil
	}
	return each(l)
}

func strict(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return ErrExport
	}
	return nil
}

// Proof is one event with what shows that it is in the log: a file that stands
// by itself.
type Proof struct {
	Checkpoint string `json:"checkpoint"`
	Leaf
	Path []Hash `json:"path"`
}

// proofBytesMax bounds a Proof as a file.
const proofBytesMax = lineBytesMax + CheckpointBytesMax + ProofMax*64

// ReadProof reads a Proof and checks it with nothing but the public key.
func ReadProof(r io.Reader, v *Verifier) (Proof, Checkpoint, error) {
	var p Proof
	b, err := io.ReadAll(io.LimitReader(r, proofBytesMax+1))
	if err != nil {
		return p, Checkpoint{}, fmt.Errorf("reading a proof: %w", err)
	}
	if len(b) > proofBytesMax || strict(b, &p) != nil {
		return p, Checkpoint{}, ErrExport
	}
	c, err := v.Open(p.Checkpoint)
	if err != nil {
		return p, c, err
	}
	leaf, err := ParseCommitment(p.Leaf.Leaf)
	if err != nil {
		return p, c, ErrExport
	}
	if p.Event != nil {
		event, err := p.Event.Encode()
		if err != nil || len(p.Salt) != SaltBytes || Commit([SaltBytes]byte(p.Salt), event) != leaf {
			return p, c, ErrProof
		}
	}
	return p, c, CheckLeaf(p.Path, c, p.Seq, leaf)
}

// RecordHash is the node of a leaf: level 0 of the tree.
func RecordHash(c Commitment) Hash { return tlog.RecordHash(c[:]) }
