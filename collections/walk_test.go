package collections_test

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// asked is what one answer to a walk says.
type asked struct{ lines []fieldsync.Line }

func (a *asked) Line(raw []byte) error {
	l, err := fieldsync.DecodeLine(raw)
	a.lines = append(a.lines, l)
	return err
}
func (a *asked) Packed(p *fieldsync.Packed, part int) error {
	plain, err := p.Plain(part)
	for line := range bytes.Lines(plain) {
		err = errors.Join(err, a.Line(bytes.TrimSuffix(line, []byte{'\n'})))
	}
	return err
}
func (*asked) Disclose(bool) error { return nil }
func (*asked) Flush() error        { return nil }

func walked(t *testing.T, h *hubtest.Hub, a care.Actor, ask collections.Ask) (rows []*fieldsync.Row, records []*fieldsync.RecordDigests, gone []*fieldsync.Gone, digests map[string]string) {
	t.Helper()
	var got asked
	if err := h.Answer(t.Context(), a, ask, &got); err != nil {
		t.Fatal(err)
	}
	for _, l := range got.lines {
		switch {
		case l.Row != nil:
			rows = append(rows, l.Row)
		case l.Records != nil:
			records = append(records, l.Records)
		case l.Gone != nil:
			gone = append(gone, l.Gone)
		case l.Digests != nil:
			digests = l.Digests
		}
	}
	return rows, records, gone, digests
}

// TestAWalkTellsNothingThatAPullDoesNot: of a scope that one may not see there
// is no word, what is not in a scope is gone alike wherever it is, what is asked
// twice is sent once, and what is sent again is in the audit log again.
func TestAWalkTellsNothingThatAPullDoesNot(t *testing.T) {
	h, worker, _ := newOpenCase(t)
	other, _ := h.Staff(t, care.Outreach)
	scope := string(fieldsync.CaseScope(caseID, care.General))
	hidden := string(fieldsync.CaseScope(caseID, care.Legal))
	nobodys := h.NewID()
	ask := func(cursor string) collections.Ask {
		return collections.Ask{Cursor: cursor, Check: []string{fieldsync.EveryScope, scope, hidden, scope, fieldsync.EveryScope},
			Again: map[string][]string{scope: {survivorID, other.Staff, survivorID, nobodys}, hidden: {survivorID}}}
	}
	rows, records, gone, digests := walked(t, h, other, ask(pull(t, h, other, "").end.Cursor))
	if len(rows)+len(records)+len(gone) > 0 || digests[scope] != "" || len(digests) == 0 {
		t.Errorf("who is not on the case is told %d rows, %v, %v, %v", len(rows), records, gone, digests)
	}
	cursor := pull(t, h, worker, "").end.Cursor
	syncs := func() int {
		return len(listed(t, h, collections.EventQuery{Case: caseID, Act: collections.ActSync}))
	}
	before := syncs()
	rows, records, gone, digests = walked(t, h, worker, ask(cursor))
	rows = slices.DeleteFunc(rows, func(r *fieldsync.Row) bool { return r.Case == "" }) // somebody came to the organisation meanwhile
	if len(rows) != 1 || rows[0].Record != survivorID || digests[scope] == "" || len(records) != 1 || records[0].Digests[survivorID] != rows[0].Digest().String() {
		t.Errorf("%d rows, %v, %v", len(rows), records, digests)
	}
	if len(gone) != 1 || len(gone[0].Records) != 2 || !slices.Contains(gone[0].Records, other.Staff) || !slices.Contains(gone[0].Records, nobodys) {
		t.Errorf("gone: %v", gone)
	}
	if now := syncs(); now != before+1 {
		t.Errorf("%d events of a sync, after %d", now, before)
	}
}

// TestWhatAnOlderHubDoesNotKnowHidesNothingElse: of a hub that was put back to
// an older version, whose log names collections that it does not have.
func TestWhatAnOlderHubDoesNotKnowHidesNothingElse(t *testing.T) {
	dir := hubtest.Dir(t)
	h := hubtest.Open(t, dir, hubtest.NewClock())
	worker, _ := h.Staff(t, care.Outreach)
	d := enrol(t, h, worker)
	openCase(t, h, d)
	cursor := pull(t, h, worker, "").end.Cursor
	d.send(t, h, d.change(t, h, fieldsync.Change{Collection: "survivors", Record: survivorID, Group: "g", Set: map[string]care.Value{"alias": care.OfText("Grey Heron")}}),
		d.change(t, h, fieldsync.Change{Collection: "cases", Record: caseID, Group: "g", Set: map[string]care.Value{"priority": care.OfText("high")}}))
	db, err := sql.Open("sqlite", filepath.Join(dir, filepath.FromSlash(collections.DatabasePath)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE scope_log SET collection = 'of_a_newer_version', record = ? WHERE seq = (SELECT MAX(seq) FROM scope_log WHERE record = ?)`, h.NewID(), caseID); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(pull(t, h, worker, cursor).rows, func(r fieldsync.Row) bool { return r.Record == survivorID }) {
		t.Error("what was written in the same group did not come")
	}
	_, records, _, _ := walked(t, h, worker, collections.Ask{Cursor: cursor, Check: []string{string(fieldsync.CaseScope(caseID, care.General))}})
	if len(records) != 1 || records[0].Digests[survivorID] == "" {
		t.Errorf("digests of records: %v", records)
	}
}
