package audit

import (
	"slices"

	"portolan/care"
)

// What a witness says. Each ends what it takes from the hub.
var (
	ErrRewritten  = &care.Error{Code: "audit_rewritten", Kind: care.Conflict, Hint: "The hub's audit log is not the one that was shown before: its history was rewritten. Nothing more is taken from it, and nothing unsent is lost. Tell the protection officer."}
	ErrRolledBack = &care.Error{Code: "audit_rolled_back", Kind: care.Conflict, Hint: "The hub shows an older state of its audit log than before, without saying that it was restored. Nothing more is taken from it, and nothing unsent is lost. Tell the protection officer."}
	ErrReopened   = &care.Error{Code: "audit_reopened", Kind: care.Conflict, Hint: "The hub has forgotten what was closed: it was restored with a list of what ended that is older than what it had shown. Nothing more is taken from it, and nothing unsent is lost. Tell the protection officer."}
)

// epochsMax is how many epochs a witness remembers as over. A hub is restored
// a few times in its life.
const epochsMax = 64

// Witness is what a tablet or another hub remembers of a log. It holds nothing
// secret and nothing personal.
type Witness struct {
	Key    string   `json:"key"`              // public key of the log
	Signed string   `json:"signed,omitempty"` // the last checkpoint, as it was signed; "" before the first
	Over   []string `json:"over,omitempty"`   // epochs that ended: the hub was restored
}

// Size is the size of the last checkpoint, 0 before the first: from where the
// hub is to prove that its log only grew.
func (w *Witness) Size() int64 {
	c, err := w.last()
	if err != nil {
		return 0
	}
	return c.Size
}

func (w *Witness) last() (Checkpoint, error) {
	v, err := NewVerifier(w.Key)
	if err != nil {
		return Checkpoint{}, err
	}
	if w.Signed == "" {
		return Checkpoint{}, nil
	}
	return v.Open(w.Signed)
}

// Take checks a checkpoint that the hub shows, with the proof that it contains
// the last one, and remembers it. It is signed with the key that is known, or
// with one to which handovers lead from that. restored says that the hub has a new epoch:
// it was put back from a copy, which is for a person to know of. An error is
// an alarm, and leaves the witness as it was: what it remembers is the proof.
func (w *Witness) Take(signed string, proof []Hash, handovers ...string) (restored bool, err error) {
	key, err := Follow(w.Key, handovers)
	if err != nil {
		return false, err
	}
	v, err := NewVerifier(key)
	if err != nil {
		return false, err
	}
	next, err := v.Open(signed)
	if err != nil {
		return false, err
	}
	last, err := w.last()
	if err != nil {
		return false, err
	}
	switch {
	case w.Signed == "":
	case slices.Contains(w.Over, next.Epoch):
		return false, ErrRolledBack // back to a life that had ended: two hubs answer under one name
	case next.Ended < last.Ended:
		return false, ErrReopened // what was revoked, withdrawn or taken back may be open again
	case next.Epoch != last.Epoch:
		if len(w.Over) >= epochsMax {
			return false, ErrRolledBack
		}
		w.Over, restored = append(w.Over, last.Epoch), true
	case next.Size < last.Size:
		return false, ErrRolledBack
	case CheckGrowth(proof, next, last) != nil:
		return false, ErrRewritten
	}
	w.Key, w.Signed = key, signed
	return restored, nil
}
