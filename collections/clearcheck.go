package collections

import (
	"hash/maphash"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Routing fields lie in clear, and nothing seals them: whoever can write to the
// disk can alter them, and with a grant's what somebody sees. The log of
// changes is sealed and chained: what stands in clear is held against it here.

var clearSeed = maphash.MakeSeed()

// saidInClear is what a change wrote to a routing field, as the hub took it.
func (v *verification) saidInClear(e *care.Entity, field string, c *fieldsync.Change, l logged) (said []uint64) {
	f, ok := e.Field(field)
	if !ok || !f.Routing {
		return nil
	}
	arrived, err := time.Parse(care.TimeFormat, l.arrived)
	if err != nil {
		v.fault("change %d arrived at no time", l.seq)
	}
	for _, version := range c.Versions(field, l.replica, fieldsync.Clamp(c.Clock, arrived), l.seq) {
		if canonicalise(f, &version) == "" {
			said = append(said, hashOf(version))
		}
	}
	return said
}

// hashOf is what one version says. Since when its value has stood is worked out
// by the merge, and decides nothing.
func hashOf(v fieldsync.Version) uint64 {
	v.Stands = 0
	return maphash.Bytes(clearSeed, v.AppendJSON(nil))
}

// heads compares what stands in a routing field with what was written to it.
func (v *verification) heads(rec *record, f *care.Field, reg fieldsync.Register, w written) {
	if !f.Routing {
		return
	}
	for _, head := range reg.Heads {
		if !slices.Contains(w.said, hashOf(head)) {
			v.fault("record %s: field %s does not stand as it was written", rec.id, f.Name)
		}
	}
}

// inClear compares the columns by which a record is found with what its
// registers say, and the case and organisation to which it belongs with those
// under which its changes are sealed.
func (v *verification) inClear(rec *record) error {
	var home bool
	if err := v.r.row(`SELECT EXISTS (SELECT 1 FROM changes WHERE record = ? AND collection = ? AND org = ? AND case_id = ?)`,
		rec.id, rec.t.entity.Name, rec.org, rec.caseID).Scan(&home); err != nil {
		return wrap("reading the change log", err)
	}
	if !home {
		v.fault("record %s lies under another case or organisation than its changes", rec.id)
	}
	if len(rec.t.clear) == 0 {
		return nil
	}
	columns := make([]string, len(rec.t.clear))
	into := make([]any, len(columns))
	for i := range columns {
		into[i] = &columns[i]
	}
	if err := v.r.row("SELECT "+quoted(names(rec.t.clear), ", ")+" FROM "+quote(rec.t.entity.Name)+" WHERE id = ?", rec.id).Scan(into...); err != nil {
		return wrap("reading "+rec.t.entity.Name, err)
	}
	for i, f := range rec.t.clear {
		reg, err := rec.register(f.Name)
		if err == nil && clearText(reg.InForce(f)) != columns[i] {
			v.fault("record %s: the column %s says something else than its field", rec.id, f.Name)
		}
	}
	return nil
}
