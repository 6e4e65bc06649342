package collections_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"

	fieldsync "portolan/sync"
)

// A newer tablet writes what this hub cannot read. It is kept as it came, is
// on the worklist, and nothing behind it waits.
func TestAChangeThatCannotBeReadIsHeldAndBlocksNothing(t *testing.T) {
	h, worker, d := newOpenCase(t)
	newer := bytes.Replace(d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Add: map[string][]string{"languages": {"am"}}}),
		[]byte(`"sv":`), []byte(`"mood":"new","sv":`), 1)
	behind := d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Add: map[string][]string{"languages": {"ti"}}})
	r := d.send(t, h, newer, behind)
	if r[0].Status != fieldsync.StatusHeld || len(r[0].Held) != 1 || r[0].Held[0].Reason != fieldsync.CodeMember {
		t.Errorf("what cannot be read: %+v", r[0])
	}
	if r[1].Status != fieldsync.StatusApplied {
		t.Errorf("what is behind it: %+v", r[1])
	}
	list, err := h.Worklist(context.Background(), h.Reload(t, worker.Staff))
	if err != nil || len(list.Held) != 1 {
		t.Errorf("the worklist: %+v, %v", list, err)
	}
	var hash []byte // hubtest's verification finds that what is sealed has it
	sum := sha256.Sum256(newer)
	if err := h.App().DB().NewQuery(`SELECT hash FROM changes WHERE n = 3 AND status = 'held'`).Row(&hash); err != nil || !bytes.Equal(hash, sum[:]) {
		t.Errorf("it was not kept as it came: %v", err)
	}
}
