package collections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// TestPushesOfManyAreCommittedTogether: tablets that push at one moment, one of them
// what is not its own chain and one what must be held, are each told what
// became of theirs, and the hub's logs are whole.
func TestPushesOfManyAreCommittedTogether(t *testing.T) {
	const count, forged, held = 6, 2, 4
	h := hubtest.New(t)
	pushes, tablets := make([]fieldsync.Push, count), make([]*tabletSide, count)
	for i := range count {
		worker, _ := h.Staff(t, care.Outreach)
		tablets[i] = enrol(t, h, worker)
		id := h.NewID()
		pushes[i] = tablets[i].push(
			tablets[i].change(t, h, fieldsync.Change{Collection: "cases", Record: id, Case: id, Set: map[string]care.Value{"status": care.OfText("Active")}}),
			tablets[i].change(t, h, fieldsync.Change{Collection: "tasks", Record: h.NewID(), Case: map[bool]string{false: id, true: h.NewID()}[i == held], Set: map[string]care.Value{
				"title_key": care.OfText("call"), "status": care.OfText("open")}}))
	}
	pushes[forged].Link = pushes[0].Link
	release := collections.HoldWriter(h.Hub)
	type answer struct {
		receipts []json.RawMessage
		err      error
	}
	answers := make([]chan answer, count)
	for i := range count {
		answers[i] = make(chan answer, 1)
		go func() {
			receipts, err := h.Push(context.Background(), tablets[i].actor, pushes[i])
			answers[i] <- answer{receipts, err}
		}()
		collections.AwaitWriters(h.Hub, i+1)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for i := range count {
		a := <-answers[i]
		if i == forged {
			if !errors.Is(a.err, collections.ErrChain) {
				t.Errorf("a forged chain: %v", a.err)
			}
			continue
		}
		if a.err != nil || len(a.receipts) != 2 {
			t.Fatalf("push %d: %v %s", i, a.err, a.receipts)
		}
		for n, raw := range a.receipts {
			var r fieldsync.Receipt
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			if want := map[bool]string{false: fieldsync.StatusApplied, true: fieldsync.StatusHeld}[i == held && n == 1]; r.Status != want || r.Seq <= last {
				t.Errorf("push %d, behind %d: %s", i, last, raw)
			}
			last = r.Seq
		}
		again, err := h.Push(t.Context(), tablets[i].actor, pushes[i])
		if err != nil || len(again) != 2 || !bytes.Equal(again[0], a.receipts[0]) || !bytes.Equal(again[1], a.receipts[1]) {
			t.Errorf("the same again: %s instead of %s, %v", again, a.receipts, err)
		}
	}
	for _, check := range []func(context.Context, func(collections.Count)) ([]string, error){
		h.Verify, func(ctx context.Context, f func(collections.Count)) ([]string, error) { return h.VerifyLog(ctx, f) }} {
		if faults, err := check(t.Context(), func(collections.Count) {}); err != nil || len(faults) > 0 {
			t.Errorf("%v %v", faults, err)
		}
	}
}
