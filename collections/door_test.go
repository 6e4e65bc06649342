package collections_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// tabletSide is a tablet as the door sees it: an enrolled replica that chains
// and signs what it sends.
type tabletSide struct {
	actor   care.Actor
	replica string
	key     ed25519.PrivateKey
	n       uint64
	link    fieldsync.Link
	clock   *fieldsync.Clock
}

func enrol(t testing.TB, h *hubtest.Hub, staff care.Actor) *tabletSide {
	t.Helper()
	ctx := context.Background()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	code, err := h.NewEnrolment(ctx, h.HubActor(), staff.Staff)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Enrol(ctx, code, h.Owner(t, staff.Staff), public, "a tablet")
	if err != nil {
		t.Fatal(err)
	}
	actor, err := h.Actor(ctx, e.Staff, e.Device)
	if err != nil {
		t.Fatal(err)
	}
	return &tabletSide{actor: actor, replica: e.Replica, key: private, clock: fieldsync.NewClock(h.Clock.Now)}
}

func (d *tabletSide) change(t testing.TB, h *hubtest.Hub, c fieldsync.Change) json.RawMessage {
	t.Helper()
	d.n++
	c.N, c.Author, c.Schema, c.Salt = d.n, d.actor.Staff, care.SchemaVersion, "AAAAAAAAAAAAAAAAAAAAAA"
	c.Clock, c.At = d.clock.Tick(), care.FormatTime(h.Clock.Now())
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (d *tabletSide) push(changes ...json.RawMessage) fieldsync.Push {
	for _, raw := range changes {
		d.link = fieldsync.NextLink(d.link, raw)
	}
	return fieldsync.Push{Version: 1, Replica: d.replica, Changes: changes, Link: d.link.String(),
		Signature: fieldsync.Sign(d.key, d.replica, d.n, d.link)}
}

func (d *tabletSide) send(t testing.TB, h *hubtest.Hub, changes ...json.RawMessage) []fieldsync.Receipt {
	t.Helper()
	d.actor = h.Reload(t, d.actor.Staff)
	d.actor.Device = d.deviceOf(t, h)
	raws, err := h.Push(context.Background(), d.actor, d.push(changes...))
	if err != nil {
		t.Fatalf("pushing: %v", err)
	}
	out := make([]fieldsync.Receipt, len(raws))
	for i, raw := range raws {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (d *tabletSide) deviceOf(t testing.TB, h *hubtest.Hub) string {
	t.Helper()
	rows, err := h.List(context.Background(), h.HubActor(), collections.Query{Collection: "devices"})
	rows = slices.DeleteFunc(rows, func(r care.Row) bool { return r.Text("staff") != d.actor.Staff })
	if err != nil || len(rows) == 0 {
		t.Fatalf("no device: %v", err)
	}
	return rows[0].ID
}

const (
	caseID     = "01930000-0000-7000-8000-00000000c001"
	survivorID = "01930000-0000-7000-8000-00000000d001"
)

// newOpenCase is a hub with a worker, their tablet and the case that they opened.
func newOpenCase(t testing.TB) (*hubtest.Hub, care.Actor, *tabletSide) {
	t.Helper()
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	openCase(t, h, d)
	return h, worker, d
}

func openCase(t testing.TB, h *hubtest.Hub, d *tabletSide) {
	t.Helper()
	receipts := d.send(t, h,
		d.change(t, h, fieldsync.Change{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{
			"status": care.OfText("Active"), "owner": care.OfText(d.actor.Staff)}}),
		d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Case: caseID, Set: map[string]care.Value{
			"alias": care.OfText("Blue Heron")}}))
	for _, r := range receipts {
		if r.Status != fieldsync.StatusApplied {
			t.Fatalf("opening a case: %+v", receipts)
		}
	}
}

func TestPushIsAppliedOnceAndItsReceiptIsTheSameAgain(t *testing.T) {
	h, worker, d := newOpenCase(t)
	raw := d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}})
	d.actor = h.Reload(t, worker.Staff)
	d.actor.Device = d.deviceOf(t, h)
	p := d.push(raw)
	first, err := h.Push(context.Background(), d.actor, p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Push(context.Background(), d.actor, p)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 1 || !bytes.Equal(first[0], second[0]) {
		t.Errorf("the receipt of a repeated push differs: %s, %s", first, second)
	}
	forged := p
	forged.Changes = []json.RawMessage{d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("x")}})}
	forged.Changes[0] = bytes.Replace(forged.Changes[0], []byte(`"n":4`), []byte(`"n":3`), 1)
	if _, err := h.Push(context.Background(), d.actor, forged); !errors.Is(err, collections.ErrForked) {
		t.Errorf("another change under a known number: %v", err)
	}
}

func TestPushWithABrokenChainTakesNothing(t *testing.T) {
	h, _, d := newOpenCase(t)
	raw := d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}})
	p := d.push(raw)
	p.Changes = []json.RawMessage{bytes.Replace(raw, []byte("Grey"), []byte("Pink"), 1)}
	if _, err := h.Push(context.Background(), d.actor, p); !errors.Is(err, collections.ErrChain) {
		t.Errorf("a changed change: %v, want chain_broken", err)
	}
	row, err := h.Read(context.Background(), h.HubActor(), "survivors", survivorID)
	if err != nil || row.Text("alias") != "Blue Heron" {
		t.Errorf("the alias is %q, %v", row.Text("alias"), err)
	}
}

func TestWithoutAGrantAChangeIsHeldAndKept(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	stranger, _ := h.Staff(t, care.Outreach)
	d, s := enrol(t, h, worker), enrol(t, h, stranger)
	openCase(t, h, d)
	r := s.send(t, h, s.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Set: map[string]care.Value{"alias": care.OfText("Mine")}}))
	if r[0].Status != fieldsync.StatusHeld || r[0].Held[0].Reason != collections.HeldNoGrant {
		t.Errorf("a stranger's change: %+v", r)
	}
	if _, err := h.Read(context.Background(), h.Reload(t, stranger.Staff), "survivors", survivorID); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("a stranger reads: %v", err)
	}
	row, err := h.Read(context.Background(), h.Reload(t, worker.Staff), "survivors", survivorID)
	if err != nil || row.Text("alias") != "Blue Heron" {
		t.Errorf("the alias is %q, %v", row.Text("alias"), err)
	}
}

func TestAnEditOfOneFieldByTwoKeepsBoth(t *testing.T) {
	h, worker, d := newOpenCase(t)
	base := map[string][]fieldsync.Dot{"alias": {fieldsync.DotOf(d.replica, 2)}}
	d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}}))
	r := d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Base: base, Set: map[string]care.Value{"alias": care.OfText("Red Kite")}}))
	if r[0].Status != fieldsync.StatusConflict || len(r[0].Conflicts) != 1 {
		t.Fatalf("a concurrent edit: %+v", r)
	}
	list, err := h.Worklist(context.Background(), h.Reload(t, worker.Staff))
	if err != nil || len(list.Conflicts) != 1 || list.Conflicts[0].Field != "alias" {
		t.Errorf("the worklist: %+v, %v", list, err)
	}
}

func TestTheTablesRefuseWritesThatDidNotComeThroughTheDoor(t *testing.T) {
	h := hubtest.New(t)
	worker, _ := h.Staff(t, care.Outreach)
	openCase(t, h, enrol(t, h, worker))
	for _, sql := range []string{
		`UPDATE survivors SET alias = '{}'`,
		`INSERT INTO cases (id, org, case_id, created_by, made_at, arrived_at, seq, status) VALUES ('a', 'b', 'c', 'd', 'e', 'f', 1, 'Active')`,
		`DELETE FROM survivors`, `DELETE FROM changes`, `UPDATE changes SET body = ''`,
		`INSERT INTO changes (seq, replica, n, collection, record, org, case_id, author, device, made_at, arrived_at, status, body, receipt) VALUES (999,'',1,'','','','','','','','','','','')`,
		`UPDATE audit_leaves SET case_id = ''`, `DELETE FROM audit_leaves`, `DELETE FROM audit_nodes`, `UPDATE audit_nodes SET hash = ''`,
		`INSERT INTO audit_leaves (seq, org, case_id, leaf, detail) VALUES (999, '', '', '', '')`,
	} {
		if _, err := h.App().NonconcurrentDB().NewQuery(sql).Execute(); err == nil {
			t.Errorf("went past the door: %s", sql)
		}
	}
	record, err := h.App().FindRecordById("survivors", survivorID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.App().Save(record); err == nil {
		t.Error("PocketBase's Save went past the door")
	}
}
