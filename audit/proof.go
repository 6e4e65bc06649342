package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"portolan/care"
)

// ProofMax is the most hashes that a proof may have: two for each level of a
// tree of SizeMax leaves.
const ProofMax = 106

// ErrProof says that a proof does not lead from the one to the other.
var ErrProof = &care.Error{Code: "audit_proof_wrong", Kind: care.Conflict, Hint: "The proof does not fit the checkpoint of the audit log."}

// ProveLeaf proves that leaf seq, counted from 1, is in the tree of the first
// size leaves.
func ProveLeaf(size, seq int64, from Hashes) ([]Hash, error) {
	p, err := tlog.ProveRecord(size, seq-1, from)
	if err != nil {
		return nil, fmt.Errorf("proving an event: %w", err)
	}
	return p, nil
}

// CheckLeaf checks what ProveLeaf made.
func CheckLeaf(proof []Hash, c Checkpoint, seq int64, leaf Commitment) error {
	if len(proof) > ProofMax || tlog.CheckRecord(proof, c.Size, c.Root, seq-1, tlog.RecordHash(leaf[:])) != nil {
		return ErrProof
	}
	return nil
}

// ProveGrowth proves that a tree of size leaves begins with the tree of its
// first old leaves. It is empty where old is 0: everything begins with nothing.
func ProveGrowth(size, old int64, from Hashes) ([]Hash, error) {
	if old == 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(size, old, from)
	if err != nil {
		return nil, fmt.Errorf("proving that the audit log only grew: %w", err)
	}
	return p, nil
}

// CheckGrowth checks that a later checkpoint begins with all of an earlier one.
func CheckGrowth(proof []Hash, later, earlier Checkpoint) error {
	switch {
	case len(proof) > ProofMax || later.Size < earlier.Size:
		return ErrProof
	case earlier.Size == 0:
		return nil
	case tlog.CheckTree(proof, later.Size, later.Root, earlier.Size, earlier.Root) != nil:
		return ErrProof
	}
	return nil
}
