package collections_test

import (
	"errors"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// What a tablet signed before a restart is not remembered, and need not be: it
// is too old.
func TestARequestFromBeforeTheStartIsOld(t *testing.T) {
	dir, clock := hubtest.Dir(t), hubtest.NewClock()
	var d *tabletSide
	var r fieldsync.Request
	t.Run("before", func(t *testing.T) {
		h := hubtest.Open(t, dir, clock)
		worker, _ := h.Staff(t, care.Outreach)
		d = enrol(t, h, worker)
		r = fieldsync.RequestOf(d.replica, "POST", "/x", nil, clock.Now().UnixMilli())
		if c, err := signedBy(t, h, r, d); err != nil || c.Staff != worker.Staff || c.Ended {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := signedBy(t, h, r, d); !errors.Is(err, collections.ErrReplayed) {
			t.Errorf("replayed: %v", err)
		}
	})
	t.Run("after", func(t *testing.T) {
		h := hubtest.Open(t, dir, clock)
		if _, err := signedBy(t, h, r, d); !errors.Is(err, collections.ErrClockOff) {
			t.Errorf("replayed after a restart: %v", err)
		}
		r.At = clock.Now().UnixMilli()
		if _, err := signedBy(t, h, r, d); err != nil {
			t.Errorf("signed again: %v", err)
		}
		r.At += collections.RequestWindow.Milliseconds() / 2
		for range 3 { // what is remembered is swept, and no request that could be repeated with it
			if _, err := signedBy(t, h, r, d); err != nil {
				t.Fatal(err)
			}
			if _, err := signedBy(t, h, r, d); err == nil {
				t.Error("a request was taken twice")
			}
			clock.Move(collections.RequestWindow + 1)
			if _, err := signedBy(t, h, fieldsync.Request{Replica: d.replica, At: clock.Now().UnixMilli()}, d); err != nil {
				t.Fatal(err)
			}
			if _, err := signedBy(t, h, r, d); err == nil {
				t.Error("an old request was taken")
			}
			r.At = clock.Now().UnixMilli() + 1
		}
	})
}

func signedBy(t *testing.T, h *hubtest.Hub, r fieldsync.Request, d *tabletSide) (collections.Contact, error) {
	t.Helper()
	parsed, sig, err := fieldsync.ParseRequest(r.Authorization(d.key), r.Method, r.Path)
	if err != nil {
		t.Fatal(err)
	}
	return h.SignedBy(t.Context(), parsed, sig)
}
