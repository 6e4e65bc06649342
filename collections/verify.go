package collections

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Count is one thing that Verify looked at, and how many of it.
type Count struct {
	N    int
	What string // plural noun
}

// Verify checks that the hub's folder is whole: the database file, the change
// log (dense numbers and chains for each replica, as the audit log has them), the
// audit log, the records (what stands is
// what the log gives when it is played again), the digests, references between
// records, and the files. It reports each count and returns every fault, in
// words without personal data; an error means that it could not finish.
func (h *Hub) Verify(ctx context.Context, report func(Count)) (faults []string, err error) {
	snapshot, err := h.readDB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, wrap("beginning to verify", err)
	}
	defer snapshot.Rollback() // a reading transaction has nothing to keep
	v := &verification{h: h, r: reader{ctx, snapshot}, report: report}
	for _, step := range []func() error{v.integrity, v.audit, v.tombstones, v.log, v.records, v.digests, v.access, v.files, v.asides, v.drafts} {
		if err := step(); err != nil {
			return v.faults, err
		}
	}
	return v.faults, nil
}

type verification struct {
	h       *Hub
	r       reader
	report  func(Count)
	faults  []string
	replica map[string]*replayed
	history map[place][]written
	numbers map[string]uint32 // of replicas, for stamps
	became  map[stamp]became  // versions that were held and taken later
	sums    map[fieldsync.Scope]fieldsync.Digest
	lost    int // records whose case is not there
	erased  int // changes of erased cases and parts: what they said is gone, their chain stays
	sealed  int // values and changes that opened

	elsewhere []string                 // signed heads of the audit log that were kept elsewhere
	pins      map[stamp]fieldsync.Link // how the chains of changes went, as the audit log has it
	filed     []filing
}

// place is one record of one collection.
type place struct{ collection, record string }

// written is what the log says was written to a field. There is one for every
// field of the hub while it is verified, on a machine that goes on serving: so
// it is small.
type written struct {
	field      string
	dots       []stamp  // taken, in the order of the log
	superseded []stamp  // named as seen by a later author
	said       []uint64 // of a routing field, which lies in clear: what was written, as a hash
}

// stamp is a dot in few bytes.
type stamp struct {
	n       uint64
	replica uint32
}

func (v *verification) stamp(d fieldsync.Dot) stamp {
	replica := d.Replica()
	number, ok := v.numbers[replica]
	if !ok {
		number = uint32(len(v.numbers))
		v.numbers[strings.Clone(replica)] = number
	}
	return stamp{d.N(), number}
}

func (v *verification) stamps(dots []fieldsync.Dot) []stamp {
	out := make([]stamp, len(dots))
	for i, d := range dots {
		out[i] = v.stamp(d)
	}
	return out
}

type replayed struct {
	n    uint64
	link fieldsync.Link
}

func (v *verification) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

func (v *verification) integrity() error {
	var answer string
	if err := v.r.row(`PRAGMA integrity_check(1)`).Scan(&answer); err != nil {
		return wrap("checking the database file", err)
	}
	if answer != "ok" {
		v.fault("the database file is damaged: SQLite's integrity check does not say ok")
	}
	var pages int
	if err := v.r.row(`PRAGMA page_count`).Scan(&pages); err != nil {
		return wrap("checking the database file", err)
	}
	v.report(Count{pages, "database pages"})
	return nil
}

// log walks the change log in the order of its numbers.
func (v *verification) log() error {
	if err := v.decisions(); err != nil {
		return err
	}
	rows, err := v.r.rows(`SELECT seq, replica, n, collection, record, org, case_id, arrived_at, hash, body, receipt FROM changes ORDER BY seq`)
	if err != nil {
		return wrap("reading the change log", err)
	}
	defer rows.Close()
	v.replica, v.history = map[string]*replayed{}, map[place][]written{}
	n, last := 0, uint64(0)
	for rows.Next() {
		var l logged
		if err := rows.Scan(&l.seq, &l.replica, &l.number, &l.collection, &l.record, &l.org, &l.caseID, &l.arrived, &l.hash, &l.body, &l.receipt); err != nil {
			return wrap("reading the change log", err)
		}
		if l.seq != last+1 {
			v.fault("the change log goes from number %d to %d", last, l.seq)
		}
		last = l.seq
		n++
		v.change(l)
	}
	if err := rows.Err(); err != nil {
		return wrap("reading the change log", err)
	}
	v.report(Count{n, "changes"})
	v.report(Count{v.erased, "changes erased, whole or in part"})
	if len(v.pins) > 0 {
		v.fault("%d changes that the audit log names are not in the change log", len(v.pins))
	}
	return v.chains()
}

// tombstones compares what keys.db says was erased with the list outside the
// databases: who can write to keys.db could give a lost key out as an erased one.
func (v *verification) tombstones() error {
	list, err := v.h.keys.tombstones(v.r.ctx)
	for _, one := range list {
		known := v.h.erased.has(one.Case)
		if last, ok := v.h.erased.part(one.Case, one.Part); ok && one.At <= last.At {
			known = true
		}
		if !known {
			v.fault("keys of case %s are marked as destroyed, and nobody erased it", one.Case)
		}
	}
	v.report(Count{len(list), "erasures"})
	return err
}

// logged is one row of the change log.
type logged struct {
	seq, number                      uint64
	replica, collection, record      string
	org, caseID, arrived             string
	hash, body /* sealed */, receipt []byte
}

// opened gives the raw change of a row, nil where it does not open, and takes
// the chain of its replica on by its hash.
func (v *verification) opened(l logged) []byte {
	r, ok := v.replica[l.replica]
	if !ok {
		r = &replayed{}
		v.replica[l.replica] = r
	}
	if l.number != r.n+1 {
		v.fault("replica %s goes from change %d to %d", l.replica, r.n, l.number)
	}
	if len(l.hash) != sha256.Size {
		v.fault("the hash of change %d is cut", l.seq)
		return nil
	}
	r.n, r.link = l.number, fieldsync.LinkOver(r.link, [sha256.Size]byte(l.hash))
	v.pinned(v.stamp(fieldsync.DotOf(l.replica, l.number)), r.link)
	if v.h.erased.has(l.caseID) {
		v.erased++
		return nil
	}
	body, whole, err := v.h.keys.openChange(l.seq, l.org, l.caseID, l.body)
	if errors.Is(err, ErrErased) && v.h.erased.anyPart(l.caseID) {
		v.erased++
		return nil
	}
	if err != nil {
		v.fault("change %d does not open: %s", l.seq, care.CodeOf(err))
		return nil
	}
	v.sealed++
	sum := sha256.Sum256(body)
	switch {
	case !whole && v.h.erased.anyPart(l.caseID):
		v.erased++ // what is left of it cannot be held against the hash: its salt went with the part
	case !whole || !bytes.Equal(sum[:], l.hash):
		v.fault("change %d is not the one that its hash names", l.seq)
	}
	return body
}

func (v *verification) change(l logged) {
	body := v.opened(l)
	if body == nil {
		return
	}
	c, err := fieldsync.DecodeChange(body)
	if err != nil {
		var r fieldsync.Receipt
		if json.Unmarshal(l.receipt, &r) != nil || len(r.Held) != 1 || r.Held[0] != (fieldsync.Held{Reason: care.CodeOf(err)}) {
			v.fault("change %d cannot be read: %s", l.seq, care.CodeOf(err))
		}
		return
	}
	held, whole := map[string]bool{}, false
	var r2 fieldsync.Receipt
	if err := json.Unmarshal(l.receipt, &r2); err != nil {
		v.fault("the receipt of change %d cannot be read", l.seq)
	}
	for _, h := range r2.Held {
		held[h.Field], whole = true, whole || h.Field == ""
	}
	// What was made under an earlier enrolment keeps the number that it had there.
	if c.N != l.number && !slices.Contains(r2.Held, fieldsync.Held{Reason: HeldEarlier}) || c.Collection != l.collection || c.Record != l.record {
		v.fault("change %d is filed under another name than its own", l.seq)
	}
	if whole {
		return
	}
	e, known := care.Find(l.collection)
	now := v.stamp(fieldsync.DotOf(l.replica, l.number))
	at := place{l.collection, l.record}
	names := c.Fields()
	fields := slices.Grow(v.history[at], len(names))
	for _, f := range names {
		if held[f] {
			continue
		}
		i := slices.IndexFunc(fields, func(w written) bool { return w.field == f })
		if i < 0 {
			name := f
			if known {
				if of, ok := e.Field(f); ok {
					name = of.Name // the schema's, so that the change may go
				}
			}
			i, fields = len(fields), append(fields, written{field: name})
		}
		fields[i].dots = append(fields[i].dots, now)
		fields[i].superseded = append(fields[i].superseded, v.seen(c.Base[f], l.seq)...)
		if known {
			fields[i].said = append(fields[i].said, v.saidInClear(e, f, &c, l)...)
		}
	}
	if len(fields) > 0 {
		v.history[at] = fields
	}
}

// pinned compares the chain with what the audit log says of it.
func (v *verification) pinned(at stamp, link fieldsync.Link) {
	if want, ok := v.pins[at]; ok && want != link {
		v.fault("the log of changes was rewritten: up to change %d of a replica it is not the one that the audit log has", at.n)
	}
	delete(v.pins, at)
}

// chains compares the chain played again with the one that was noted.
func (v *verification) chains() error {
	rows, err := v.r.rows(`SELECT id, last_n, link FROM replicas`)
	if err != nil {
		return wrap("reading the replicas", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id string
		var lastN uint64
		var link []byte
		if err := rows.Scan(&id, &lastN, &link); err != nil {
			return wrap("reading the replicas", err)
		}
		n++
		r := v.replica[id]
		if r == nil {
			r = &replayed{}
		}
		if r.n != lastN || !bytes.Equal(r.link[:], link) {
			v.fault("the hash chain of replica %s does not end as noted", id)
		}
	}
	v.report(Count{n, "replicas"})
	return wrap("reading the replicas", rows.Err())
}

// records reads every row: each value must come from a change in the log, each
// clear column must say what its register says, and references must hold.
func (v *verification) records() error {
	v.sums = map[fieldsync.Scope]fieldsync.Digest{}
	n := 0
	for _, e := range care.Schema {
		t := v.h.tables[e.Name]
		rows, err := v.r.rows(t.selects)
		if err != nil {
			return wrap("reading "+e.Name, err)
		}
		for rows.Next() {
			rec, err := scanRecord(t, rows)
			if err == nil {
				err = v.record(rec)
			}
			if err != nil {
				rows.Close()
				return err
			}
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return wrap("reading "+e.Name, err)
		}
		if err := v.orphans(t); err != nil {
			return err
		}
	}
	for p, fields := range v.history {
		for _, w := range fields {
			v.fault("record %s: field %s was written and is not there", p.record, w.field)
		}
	}
	v.report(Count{n, "records"})
	v.report(Count{v.lost, "orphans"})
	return nil
}

func (v *verification) record(rec *record) error {
	at := place{rec.t.entity.Name, rec.id}
	open := v.history[at]
	for i := range rec.t.entity.Fields {
		f := &rec.t.entity.Fields[i]
		reg, err := rec.register(f.Name)
		if err != nil {
			v.fault("record %s: field %s cannot be read: %s", rec.id, f.Name, care.CodeOf(err))
			continue
		}
		if raw := rec.cells[i].raw; len(raw) > 0 {
			if _, err := v.h.keys.toOpen(raw, rec.org, rec.caseID); errors.Is(err, ErrErased) {
				v.fault("record %s: field %s was erased and is still there", rec.id, f.Name)
			}
			v.sealed++
		}
		var w written
		if n := slices.IndexFunc(open, func(w written) bool { return w.field == f.Name }); n >= 0 {
			w = open[n]
			open = slices.Delete(open, n, n+1)
		}
		v.field(rec, f, reg, w)
		v.heads(rec, f, reg, w)
		scope := rec.scope(f)
		v.sums[scope] = v.sums[scope].Add(fieldsync.DigestOf(scope, rec.id, f.Name, reg.Dots()))
	}
	if v.history[at] = open; len(open) == 0 {
		delete(v.history, at)
	}
	return v.inClear(rec)
}

// field compares a register with the log: every value in it was written, and
// every value that was written is in it or was seen by whoever replaced it.
func (v *verification) field(rec *record, f *care.Field, reg fieldsync.Register, w written) {
	heads := v.stamps(reg.Dots())
	for _, d := range heads {
		if !slices.Contains(w.dots, d) {
			v.fault("record %s: field %s holds a value that no change wrote", rec.id, f.Name)
		}
	}
	for _, d := range w.dots {
		// The same value written again by another is one value (care.Once).
		if f.Merge != care.Once && !slices.Contains(w.superseded, d) && !slices.Contains(heads, d) {
			v.fault("record %s: field %s lost a value that nobody replaced", rec.id, f.Name)
		}
	}
}

// orphans counts records whose case is not there.
func (v *verification) orphans(t *table) error {
	if t.entity.Topic != care.NoTopic {
		return nil
	}
	var n int
	err := v.r.row(`SELECT COUNT(*) FROM ` + quote(t.entity.Name) + ` r WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.id = r.case_id)`).Scan(&n)
	if err != nil {
		return wrap("looking for orphans", err)
	}
	if v.lost += n; n > 0 {
		v.fault("%d records of %s belong to no case", n, t.entity.Name)
	}
	return nil
}

func (v *verification) digests() error {
	rows, err := v.r.rows(`SELECT scope, digest FROM scope_digests`)
	if err != nil {
		return wrap("reading the digests", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var scope, text string
		if err := rows.Scan(&scope, &text); err != nil {
			return wrap("reading the digests", err)
		}
		n++
		d, err := fieldsync.ParseDigest(text)
		if err != nil || d != v.sums[fieldsync.Scope(scope)] {
			v.fault("the digest of scope %s is not that of its records", scope)
		}
		delete(v.sums, fieldsync.Scope(scope))
	}
	for scope, d := range v.sums {
		if !d.IsZero() {
			v.fault("scope %s has records and no digest", scope)
		}
	}
	v.report(Count{n, "digests"})
	return wrap("reading the digests", rows.Err())
}

// access checks that whoever sees a scope is let by a grant or role now.
func (v *verification) access() error {
	rows, err := v.r.rows(`SELECT DISTINCT staff FROM scope_access WHERE until_seq IS NULL`)
	if err != nil {
		return wrap("reading who sees what", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var staff string
		if err := rows.Scan(&staff); err != nil {
			return wrap("reading who sees what", err)
		}
		n++
		if _, err := v.h.loadActor(v.r, staff, ""); err != nil {
			v.fault("scopes are open for a member of staff who is not there: %s", staff)
		}
	}
	v.report(Count{n, "people with access"})
	return wrap("reading who sees what", rows.Err())
}

// files checks that each paper's bytes are there and are the ones that its
// record names, and that nothing lies there without a record.
func (v *verification) files() error {
	t := v.h.tables["documents"]
	n := 0
	err := filepath.WalkDir(v.h.FilesDir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		n++
		rec, err := scanRecord(t, v.r.row(t.read, d.Name()))
		if err != nil {
			return err
		}
		if rec == nil {
			v.fault("a file has no record: %s", d.Name())
			return nil
		}
		row, err := rec.row(nil)
		if err != nil {
			return err
		}
		_, had, _, err := v.h.filedAs(v.r, documentOf(row))
		if err != nil {
			v.fault("what the file of document %s is does not open", rec.id)
			return nil
		}
		if path != v.h.filePath(rec.id) {
			v.fault("the file of document %s lies where nobody looks for it", rec.id)
			return nil
		}
		b, err := v.h.readFile(rec.org, rec.caseID, rec.id)
		if err != nil || had.SHA256 != "" && sumOf(b) != had.SHA256 {
			v.fault("the file of document %s is not the one that was made", rec.id)
		}
		return nil
	})
	v.report(Count{n, "files"})
	v.report(Count{v.sealed, "sealed values opened"})
	return errors.Join(wrap("checking the files", err), v.acknowledged())
}

// acknowledged checks that the bytes of every document that were acknowledged
// are there. A record that names bytes which nobody has sent yet is no fault.
func (v *verification) acknowledged() error {
	rows, err := v.r.rows(`SELECT DISTINCT file, case_id FROM contents`)
	if err != nil {
		return wrap("checking the files", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, caseID string
		if err := rows.Scan(&id, &caseID); err != nil {
			return wrap("checking the files", err)
		}
		if v.h.erased.has(caseID) { // it may be going at this moment
			continue
		}
		if _, err := os.Stat(v.h.filePath(id)); errors.Is(err, fs.ErrNotExist) {
			v.fault("the file of document %s was acknowledged and is not there", id)
		}
	}
	return wrap("checking the files", rows.Err())
}
