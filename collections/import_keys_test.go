package collections_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

func TestAKeyOfASourceStandsForOneRecord(t *testing.T) {
	h := hubtest.New(t)
	ctx := context.Background()
	id, existed, err := h.ImportID(ctx, "fhir_bundle", "Patient/1")
	if err != nil || existed || !care.ValidID(id) {
		t.Fatalf("%q %v %v", id, existed, err)
	}
	again, existed, err := h.ImportID(ctx, "fhir_bundle", "Patient/1")
	if err != nil || !existed || again != id {
		t.Errorf("again %q %v %v, want %q", again, existed, err, id)
	}
	ids, err := h.ImportIDs(ctx, "htcds_table", "Patient/1", "x", "x")
	if err != nil || ids[0].ID == id || ids[0].Existed || ids[1].ID != ids[2].ID || !ids[2].Existed {
		t.Errorf("%v %v", ids, err)
	}
}

// draftOf is a survivor of a case, as an import would make it.
func draftOf(t *testing.T, h *hubtest.Hub) (drafts []collections.Draft, keys []string) {
	t.Helper()
	keys = []string{"case", "survivor"}
	ids, err := h.ImportIDs(context.Background(), "htcds_table", keys...)
	if err != nil {
		t.Fatal(err)
	}
	return []collections.Draft{
		{Collection: "cases", Record: ids[0].ID, Org: h.Org, Set: map[string]care.Value{"status": care.OfText("Active")}},
		{Collection: "survivors", Record: ids[1].ID, Case: ids[0].ID, Set: map[string]care.Value{"gender": care.OfText("Feminine"), "alias": care.OfText("K-17")},
			Add: map[string][]string{"languages": {"ne", "hi"}}},
	}, keys
}

func undelivered(t *testing.T, h *hubtest.Hub, keys []string, drafts []collections.Draft) []collections.Draft {
	t.Helper()
	left, err := h.Undelivered(context.Background(), "htcds_table", keys, drafts)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestWhatASourceDeliveredIsNotWrittenAgain(t *testing.T) {
	h := hubtest.New(t)
	drafts, keys := draftOf(t, h)
	if left := undelivered(t, h, keys, drafts)[1]; !reflect.DeepEqual(left.Set, drafts[1].Set) || !reflect.DeepEqual(left.Add, drafts[1].Add) {
		t.Fatalf("of a new record only %v %v is left", left.Set, left.Add)
	}
	h.Must(t, h.HubActor(), drafts...)
	nothing := func(when string, left collections.Draft) {
		t.Helper()
		if len(left.Set)+len(left.Add) > 0 {
			t.Errorf("%s: %v %v", when, left.Set, left.Add)
		}
	}
	nothing("what stands already", undelivered(t, h, keys, drafts)[1])
	if err := h.Delivered(context.Background(), "htcds_table", keys, drafts); err != nil {
		t.Fatal(err)
	}
	h.Must(t, h.HubActor(), collections.Draft{Collection: "survivors", Record: drafts[1].Record,
		Set: map[string]care.Value{"alias": care.OfText("Corrected")}, Remove: map[string][]string{"languages": {"hi"}}})
	nothing("what was corrected since", undelivered(t, h, keys, drafts)[1])

	drafts[1].Set["gender"], drafts[1].Add["languages"] = care.OfText("NonConforming"), []string{"ne", "en"}
	left := undelivered(t, h, keys, drafts)[1]
	if len(left.Set) != 1 || left.Set["gender"].Text() != "NonConforming" || !reflect.DeepEqual(left.Add, map[string][]string{"languages": {"en"}}) {
		t.Errorf("of a newer version %v %v is left", left.Set, left.Add)
	}
	// What was delivered under one key says nothing of another.
	if other := undelivered(t, h, []string{"other", "third"}, drafts)[1]; other.Set["alias"].Text() != "K-17" {
		t.Errorf("under another key %v is left", other.Set)
	}
}

func TestTheStoreKeepsNoKeyThatCanBeRead(t *testing.T) {
	h := hubtest.New(t)
	drafts, _ := draftOf(t, h)
	h.Must(t, h.HubActor(), drafts...)
	keys := []string{"Quillonwick-1998", "Zephyranth"}
	if _, err := h.ImportIDs(context.Background(), "htcds_table", keys...); err != nil {
		t.Fatal(err)
	}
	if err := h.Delivered(context.Background(), "htcds_table", keys, drafts); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		Source string `db:"source"`
		Key    string `db:"key"`
		Record string `db:"record"`
	}{}
	if err := h.App().DB().NewQuery("SELECT source, key, record FROM import_keys").All(&rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 6 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, r := range rows {
		for _, secret := range []string{"Quillonwick", "Zephyranth", "K-17", "Feminine"} {
			if strings.Contains(r.Source+r.Key+r.Record, secret) {
				t.Errorf("%s can be read", secret)
			}
		}
	}
}

// TestAnImportRemembersNothingOfTheErased: neither keys nor marks of values are
// left, and the marks that an old copy has were made under keys that are gone.
func TestAnImportRemembersNothingOfTheErased(t *testing.T) {
	h := hubtest.New(t)
	ctx := context.Background()
	asks, _ := h.Staff(t, care.ProtectionOfficer)
	agrees, _ := h.Staff(t, care.ProtectionOfficer)
	remembered := func() (rows []string) {
		t.Helper()
		if err := h.App().DB().NewQuery(`SELECT source || ' ' || key || ' ' || record FROM import_keys WHERE source LIKE 'htcds_table%' ORDER BY 1`).Column(&rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	drafts, keys := draftOf(t, h)
	h.Must(t, h.HubActor(), drafts...)
	if err := h.Delivered(ctx, "htcds_table", keys, drafts); err != nil {
		t.Fatal(err)
	}
	before := remembered()
	if len(before) != 4 {
		t.Fatalf("it remembers %q", before)
	}
	h.Clock.Move(time.Minute)
	p, err := h.AskApproval(ctx, asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: drafts[0].Record, Reason: "person_asked"})
	if err == nil {
		_, err = h.DecideApproval(ctx, agrees, p.ID, true)
	}
	if err == nil {
		_, err = h.Erase(ctx, asks, drafts[0].Record, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	if after := remembered(); len(after) > 0 {
		t.Errorf("after the erasure it remembers %q", after)
	}
	// The same values of somebody else are marked otherwise: a guess cannot be
	// tried with any key that the hub still has.
	others, keys := draftOf(t, h)
	h.Must(t, h.HubActor(), others...)
	if err := h.Delivered(ctx, "htcds_table", keys, others); err != nil {
		t.Fatal(err)
	}
	marks := map[string]bool{}
	for _, row := range before {
		for _, mark := range strings.Fields(row) {
			if len(mark) == 11 { // of a value: keys and ids are longer
				marks[mark] = true
			}
		}
	}
	for _, row := range remembered() {
		for _, mark := range strings.Fields(row) {
			if marks[mark] && mark != "htcds_table" {
				t.Errorf("two cases share the mark %q", mark)
			}
		}
	}
}
