package collections_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"

	"portolan/care"
	"portolan/internal/hubtest"
)

// TestALeaseKeyLiesSealed: it opens a tablet's store, so a thief of the hub's
// disk or of a backup must not find it.
func TestALeaseKeyLiesSealed(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	code, err := h.NewEnrolment(t.Context(), h.HubActor(), worker.Staff)
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Enrol(t.Context(), code, h.Owner(t, worker.Staff), public, "a tablet")
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.RawURLEncoding.DecodeString(e.Lease.Key)
	if err != nil || len(key) < 16 {
		t.Fatalf("the lease's key has %d bytes: %v", len(key), err)
	}
	hubtest.LookFor(t, h.Dir(), e.Lease.Key, []string{string(key)})
}
