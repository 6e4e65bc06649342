package collections

import (
	"context"
	"errors"
	"strconv"

	"portolan/seal"
)

// The details of the audit log pass through this file on their way into the
// store and out of it, and nowhere else: sealed under the key of the history
// of the case that they are about, or of the organisation where they are about
// several or none.

func detailPlace(seq int64) seal.Place {
	return seal.Place{Collection: "audit_leaves", Record: strconv.FormatInt(seq, 10), Field: "detail"}
}

func (h *Hub) sealDetail(org, caseID string, seq int64, plain []byte) ([]byte, error) {
	return h.keys.sealHistory(org, caseID, detailPlace(seq), plain)
}

// openDetail gives a detail back, nil where its key was destroyed by an erasure: the leaf
// stays in the tree and says no more.
func (h *Hub) openDetail(_ context.Context, org, caseID string, seq int64, stored []byte) ([]byte, error) {
	plain, err := h.keys.openHistory(org, caseID, detailPlace(seq), stored)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	return plain, err
}
