package collections

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Reasons why the door itself holds a change. Those of the rules stand in
// care, those of the merge in fieldsync.
const (
	HeldGroup             = "group_held"         // another change of its group had to be held
	HeldUnknownCollection = "unknown_collection" // the hub does not know this collection (a newer app)
	HeldUnknownField      = "unknown_field"      // the hub does not know this field (a newer app)
	HeldBadID             = "bad_id"             // the id is no UUIDv7 in lower case, or has a record of another collection
	HeldNoGrant           = "no_grant"           // the author may not write there, or there is nothing there
	HeldAuthor            = "author_mismatch"    // the author is not whom the replica belongs to
	HeldCaseMismatch      = "case_mismatch"      // the record belongs to another case or organisation
	HeldValueRequired     = "value_required"     // a new record lacks a field that it must have
	HeldTooDeep           = "consequences_too_deep"
)

// checkRoundsMax is how often the rules are asked about one change: what they
// refuse in one round is put back before the next.
const checkRoundsMax = 3

// consequencesDeepMax bounds consequences of consequences.
const consequencesDeepMax = 6

// effect is what a change did to one field.
type effect struct {
	field   *care.Field
	oldDots []fieldsync.Dot
}

// take passes one change through the door and returns its receipt. With held
// given, the change is only recorded as held.
func (s *session) take(a *arrival, held []fieldsync.Held) (fieldsync.Receipt, error) {
	s.seq++
	if s.depth == 0 && !s.grouped {
		s.unit = s.seq
	}
	if a.replica == s.h.replica {
		s.hubN, s.hubLink = a.N, fieldsync.NextLink(s.hubLink, a.raw)
	}
	receipt := fieldsync.Receipt{N: a.N, Seq: s.seq, Status: fieldsync.StatusApplied}
	var rec *record
	var effects []effect
	var before care.Row
	var err error
	if held == nil {
		held = whole(a.unread)
	}
	if held == nil && a.aside != "" {
		held = whole(a.aside)
	}
	if held == nil {
		if rec, before, effects, held, err = s.judge(a); err != nil {
			return receipt, err
		}
	}
	receipt.Held = held
	if len(held) > 0 {
		receipt.Status = fieldsync.StatusHeld
	}
	if len(effects) > 0 {
		if receipt.Conflicts, err = s.write(a, rec, effects); err != nil {
			return receipt, err
		}
		if len(receipt.Conflicts) > 0 && receipt.Status == fieldsync.StatusApplied {
			receipt.Status = fieldsync.StatusConflict
		}
		if err := s.noteOwn(a, rec, before, effects, receipt); err != nil {
			return receipt, err
		}
	}
	if err := s.record(a, rec, receipt); err != nil {
		return receipt, err
	}
	if len(effects) == 0 {
		return receipt, nil
	}
	return receipt, s.follow(a, rec, before, effects)
}

// judge decides what of a change is applied: authorise, validate, merge, check
// the rules. It changes the record in memory only.
func (s *session) judge(a *arrival) (rec *record, before care.Row, effects []effect, held []fieldsync.Held, err error) {
	rec, reason, err := s.find(a)
	if err == nil && reason == HeldNoGrant {
		if err = s.evenOut(a, rec); err == nil && !a.unbased {
			a.awaits, err = s.lacks(a)
		}
		if a.awaits != "" {
			reason = fieldsync.HeldBaseUnknown
		}
	}
	if err != nil || reason != "" {
		return rec, before, nil, whole(reason), err
	}
	if before = rec.asked(); !rec.stored {
		before.V = nil
	}
	start := rec.save()
	for _, name := range a.Fields() {
		e, reason, err := s.merge(a, rec, name)
		if err != nil {
			return nil, before, nil, nil, err
		}
		if reason != "" {
			held = append(held, fieldsync.Held{Field: name, Reason: reason})
		}
		if e != nil {
			effects = append(effects, *e)
		}
	}
	if len(effects) == 0 && (rec.stored || len(held) > 0) {
		return rec, before, nil, held, nil
	}
	effects, held, err = s.check(a, rec, before, start, effects, held)
	return rec, before, effects, held, err
}

func whole(reason string) []fieldsync.Held {
	if reason == "" {
		return nil
	}
	return []fieldsync.Held{{Reason: reason}}
}

// find loads the record that a change is about, or prepares a new one, and
// says why the whole change must be held. Where its author may write nothing
// of the record, the reason is the same as where there is no such record.
func (s *session) find(a *arrival) (*record, string, error) {
	t, ok := s.h.tables[a.Collection]
	switch {
	case !ok:
		return nil, HeldUnknownCollection, nil
	case !fieldsync.IsID(a.Record):
		return nil, HeldBadID, nil
	case a.Author != a.actor.Staff:
		return nil, HeldAuthor, nil
	}
	if gone, err := s.ofErased(a); err != nil || gone {
		return nil, HeldErased, err
	}
	rec, err := s.load(t, a.Record)
	if err != nil {
		return nil, "", err
	}
	if rec != nil {
		if !s.mayWriteAny(a, rec) {
			return rec, HeldNoGrant, nil
		}
		if (a.Case != "" && a.Case != rec.caseID) || (t.entity.Topic != care.NoTopic && a.Org != "" && a.Org != rec.org && !a.actor.IsHub()) {
			return nil, HeldCaseMismatch, nil
		}
		return rec, "", nil
	}
	return s.begin(t, a)
}

// evenOut asks the database what find did not ask, so that a change to what its
// author may not see takes the same questions as one to what is not there: an
// existing record leads to its case without looking for one, a missing one to
// no grants.
func (s *session) evenOut(a *arrival, rec *record) error {
	e, ok := care.Find(a.Collection)
	if !ok || e.Topic != care.NoTopic {
		return nil
	}
	if rec == nil {
		s.author(a, a.Record) // nobody's grants
		return nil
	}
	if rec.stored && e.Name != "cases" {
		if _, err := s.load(s.h.tables["cases"], rec.caseID); err != nil {
			return err
		}
	}
	_, _, err := s.home(a, nil)
	return err
}

// begin prepares a new record: where it belongs, and whether its author may
// make it there.
func (s *session) begin(t *table, a *arrival) (*record, string, error) {
	rec := newRecord(t, a.Record)
	rec.createdBy, rec.madeAt, rec.arrivedAt = a.Author, a.At, s.nowText
	switch {
	case t.entity.Topic != care.NoTopic:
		if rec.org = a.actor.Org; rec.org == "" || a.actor.IsHub() {
			rec.org = a.Org
		}
		if !fieldsync.IsID(rec.org) {
			return nil, HeldNoGrant, nil
		}
	case t.entity.Name == "cases":
		rec.caseID = rec.id
		if rec.org = a.actor.Org; rec.org == "" || a.actor.IsHub() {
			rec.org = a.Org
		}
		if (a.Case != "" && a.Case != rec.id) || !fieldsync.IsID(rec.org) || !care.MayOpenCase(a.actor, rec.org).Allowed {
			return nil, HeldNoGrant, nil
		}
	default:
		c, err := s.load(s.h.tables["cases"], a.Case)
		if err != nil {
			return nil, "", err
		}
		if c == nil {
			return nil, HeldNoGrant, nil // the same as for a case that the author may not see
		}
		rec.caseID, rec.org = c.id, c.org
	}
	if !s.mayWriteAny(a, rec) {
		return rec, HeldNoGrant, nil
	}
	taken, err := s.idTaken(rec)
	if taken {
		return rec, HeldBadID, err
	}
	return rec, "", err
}

// idTaken says whether a record of another collection has the id. Tablets,
// conflicts and digests know a record by its id alone: two would hide each
// other.
func (s *session) idTaken(rec *record) (bool, error) {
	var others []string
	rows, err := s.t.rows(`SELECT DISTINCT collection FROM changes WHERE record = ? AND collection != ?`, rec.id, rec.t.entity.Name)
	if err != nil {
		return false, fmt.Errorf("looking for an id: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return false, fmt.Errorf("looking for an id: %w", err)
		}
		others = append(others, name)
	}
	if err := rows.Err(); err != nil {
		return false, fmt.Errorf("looking for an id: %w", err)
	}
	rows.Close() // the one connection reads on
	for _, name := range others {
		t, ok := s.h.tables[name]
		if !ok {
			continue
		}
		if other, err := s.load(t, rec.id); err != nil || other != nil {
			return other != nil, err
		}
	}
	return false, nil
}

// mayWriteAny says whether the author may write any field of the record.
func (s *session) mayWriteAny(a *arrival, rec *record) bool {
	for _, c := range rec.t.compartments {
		if s.mayWrite(a, rec, c) {
			return true
		}
	}
	return false
}

// mayWrite says whether the need-to-know decision for a compartment of a record
// allows its author to write there. Why it does goes to the audit log with the
// change.
func (s *session) mayWrite(a *arrival, rec *record, c care.Compartment) bool {
	d := s.writes(a, rec, c)
	if d.Allowed {
		if a.why == nil {
			a.why = map[care.Compartment]care.Reason{}
		}
		a.why[c] = d.Reason
	}
	return d.Allowed
}

// writes asks for that decision; the answers of one session are kept. Whoever
// opens a case writes its first change before there is any grant.
func (s *session) writes(a *arrival, rec *record, c care.Compartment) care.Decision {
	if rec.t.entity.Name == "cases" && !rec.stored {
		return care.Decision{Allowed: a.actor.IsHub() || care.MayHold(a.actor.Roles, c), Reason: care.SeeOpening}
	}
	if a.actor.Emergency {
		return care.Decision{Allowed: rec.t.entity.Name == "grants", Reason: care.SeeEmergency}
	}
	key := seenKey{a.actor.Staff, care.Write, rec.t.entity.Name, rec.org, rec.caseID, c}
	d, ok := s.seen[key]
	if !ok {
		d = care.MaySee(s.author(a, rec.caseID), care.Write, rec.target(c), s.now)
		s.seen[key] = d
	}
	return d
}

// merge applies one field of a change to the record in memory. It returns the
// effect, nil where nothing changed, and why the field must be held.
func (s *session) merge(a *arrival, rec *record, name string) (*effect, string, error) {
	f, ok := rec.t.entity.Field(name)
	if !ok {
		return nil, HeldUnknownField, nil
	}
	if !s.mayWrite(a, rec, f.Compartment) {
		return nil, HeldNoGrant, nil
	}
	if s.h.erased.covers(rec.caseID, f.Compartment, a.Clock) {
		return nil, HeldErased, nil
	}
	reg, err := rec.register(name)
	if err != nil {
		return nil, "", err
	}
	seen, awaits, err := reg.Seen(a.Base[name], func(d fieldsync.Dot) (fieldsync.Fate, error) { return s.fate(a, name, d) })
	if err != nil {
		return nil, "", err
	}
	if awaits != "" && !a.unbased {
		a.awaits = awaits
		return nil, fieldsync.HeldBaseUnknown, nil
	}
	oldDots := reg.Dots()
	for _, v := range a.Versions(name, a.replica, fieldsync.Clamp(a.Clock, s.now), s.seq) {
		if reason := canonicalise(f, &v); reason != "" {
			return nil, reason, nil
		}
		if _, reason := reg.Apply(f, v, seen); reason != "" {
			return nil, reason, nil
		}
	}
	if slices.Equal(oldDots, reg.Dots()) {
		return nil, "", nil // the same value again, where a field is written once
	}
	rec.set(name, reg)
	return &effect{f, oldDots}, "", nil
}

func canonicalise(f *care.Field, v *fieldsync.Version) (reason string) {
	var err error
	if v.Elem != "" {
		if v.Removed {
			return "" // whatever stands there may go
		}
		v.Elem, err = care.CanonicalElement(f, v.Elem)
	} else {
		v.Value, err = care.Canonical(f, v.Value)
	}
	if err != nil {
		return care.CodeOf(err)
	}
	return ""
}

// check asks the rules about the record as it would stand. Fields that they
// refuse are put back and held; where the rest is refused still, the whole
// change is.
func (s *session) check(a *arrival, rec *record, before care.Row, start snapshot, effects []effect, held []fieldsync.Held) ([]effect, []fieldsync.Held, error) {
	actor := s.author(a, rec.caseID)
	for range checkRoundsMax {
		after := rec.asked()
		refusals := care.Check(s.world(), actor, before, after, effectNames(effects))
		if !rec.stored {
			refusals = append(refusals, missing(rec.t.entity, after)...)
		}
		if len(refusals) == 0 {
			return effects, held, nil
		}
		for _, r := range refusals {
			held = append(held, fieldsync.Held(r))
		}
		if effects = putBack(rec, start, effects, refusals); len(effects) == 0 {
			break
		}
	}
	// Nothing of it stands: also what no rule named is held with the rest.
	rec.restore(start)
	if !slices.ContainsFunc(held, func(h fieldsync.Held) bool { return h.Field == "" }) {
		held = append(held, fieldsync.Held{Reason: held[len(held)-1].Reason})
	}
	return nil, held, nil
}

// missing refuses a new record that lacks what it must have.
func missing(e *care.Entity, after care.Row) []care.Refusal {
	for i := range e.Fields {
		if e.Fields[i].Required && !after.Get(e.Fields[i].Name).IsSet() {
			return []care.Refusal{{Field: "", Reason: HeldValueRequired}}
		}
	}
	return nil
}

// putBack undoes the refused fields and returns the effects that remain: none
// where the whole change was refused.
func putBack(rec *record, start snapshot, effects []effect, refusals []care.Refusal) []effect {
	for _, r := range refusals {
		at := slices.IndexFunc(effects, func(e effect) bool { return e.field.Name == r.Field })
		if at < 0 { // the whole change, or a field that it did not touch
			rec.restore(start)
			return nil
		}
		rec.restoreField(start, r.Field)
		effects = slices.Delete(slices.Clone(effects), at, at+1)
	}
	return effects
}

func effectNames(effects []effect) []string {
	names := make([]string, len(effects))
	for i, e := range effects {
		names[i] = e.field.Name
	}
	return names
}

// write stores the record and what follows for its scopes, and returns the
// fields that now hold more than one value.
func (s *session) write(a *arrival, rec *record, effects []effect) ([]string, error) {
	rec.seq = s.seq
	if err := s.t.store(rec); err != nil {
		return nil, err
	}
	s.keep(recordKey{rec.t, rec.id}, rec)
	if err := s.named(rec, effects); err != nil {
		return nil, err
	}
	var conflicts []string
	fields := make(map[fieldsync.Scope][]string)
	for _, e := range effects {
		reg, err := rec.register(e.field.Name)
		if err != nil {
			return nil, err
		}
		scope := rec.scope(e.field)
		fields[scope] = append(fields[scope], e.field.Name)
		if err := s.digest(scope, rec.id, e, reg); err != nil {
			return nil, err
		}
		in, err := s.noteConflict(rec, e, reg)
		if err != nil {
			return nil, err
		}
		if in {
			conflicts = append(conflicts, e.field.Name)
		}
	}
	for scope, names := range fields {
		s.touched[scope] = true
		if _, err := s.t.exec(`INSERT INTO scope_log (scope, seq, unit, collection, record, fields) VALUES (?, ?, ?, ?, ?, ?)`,
			string(scope), s.seq, s.unit, rec.t.entity.Name, rec.id, strings.Join(names, ",")); err != nil {
			return nil, fmt.Errorf("writing the scope's log: %w", err)
		}
		if err := s.noteWritten(rec, scope, names); err != nil {
			return nil, err
		}
	}
	return conflicts, nil
}

// digest moves a scope's digest from the field's old versions to its new ones.
func (s *session) digest(scope fieldsync.Scope, record string, e effect, reg fieldsync.Register) error {
	d, ok := s.digests[scope]
	if !ok {
		var err error
		if d, err = s.storedDigest(scope); err != nil {
			return err
		}
	}
	d = d.Sub(fieldsync.DigestOf(scope, record, e.field.Name, e.oldDots))
	s.digests[scope] = d.Add(fieldsync.DigestOf(scope, record, e.field.Name, reg.Dots()))
	return nil
}

// noteConflict keeps the index of fields that wait for a person.
func (s *session) noteConflict(rec *record, e effect, reg fieldsync.Register) (bool, error) {
	in := reg.Conflict(e.field)
	var err error
	switch {
	case in:
		_, err = s.t.exec(`INSERT OR IGNORE INTO conflicts (record, field, collection, org, case_id, compartment, since_seq) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			rec.id, e.field.Name, rec.t.entity.Name, rec.org, rec.caseID, string(e.field.Compartment), s.seq)
	case len(e.oldDots) > 1:
		_, err = s.t.exec(`DELETE FROM conflicts WHERE record = ? AND field = ?`, rec.id, e.field.Name)
	}
	if err != nil {
		return false, fmt.Errorf("noting a conflict: %w", err)
	}
	return in, nil
}

// home is the organisation and case under which a change is kept and sealed:
// those of its record. One that was held before its record was looked for says
// as much about the case as one that was applied, and must go with it when the
// case is erased: so it is filed with the record that it names, whatever it
// says of itself. (Also an app that is newer than the hub names both.)
func (s *session) home(a *arrival, rec *record) (org, caseID string, err error) {
	if rec != nil {
		return rec.org, rec.caseID, nil
	}
	named, claimed := a.Record, a.Case
	if a.unread != "" {
		named, claimed = fieldsync.HomeOf(a.raw)
	}
	return homeOf(s.t, named, a.actor.Org, claimed)
}

// record writes the change to the log with its receipt, and what of it is held.
func (s *session) record(a *arrival, rec *record, receipt fieldsync.Receipt) error {
	org, caseID, err := s.home(a, rec)
	if err != nil {
		return err
	}
	body, err := json.Marshal(receipt)
	if err != nil {
		return fmt.Errorf("writing a receipt: %w", err)
	}
	raw, err := s.sealChange(receipt.Seq, org, caseID, a)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(a.raw)
	if _, err := s.t.exec(`INSERT OR FAIL INTO changes (seq, replica, n, collection, record, org, case_id, author, device, made_at, arrived_at, status, hash, body, receipt)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, receipt.Seq, a.replica, a.N, a.Collection, a.Record, org, caseID,
		a.Author, a.actor.Device, a.At, s.nowText, receipt.Status, hash[:], raw, body); err != nil {
		return fmt.Errorf("writing the change log: %w", err)
	}
	s.made = append(s.made, madeOf(a, org, caseID, receipt)...)
	// Its author is whose key signed it. Whom it names is what it says of
	// itself: in that name it could be accepted with somebody else's rights.
	for _, held := range receipt.Held {
		compartment := care.General
		if e, ok := care.Find(a.Collection); ok {
			if f, ok := e.Field(held.Field); ok {
				compartment = f.Compartment
			}
		}
		if _, err := s.t.exec(`INSERT INTO held_changes (seq, collection, record, org, case_id, compartment, field, reason, author, arrived_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, receipt.Seq, a.Collection, a.Record, org, caseID, string(compartment),
			held.Field, held.Reason, a.actor.Staff, s.nowText); err != nil {
			return fmt.Errorf("writing a held change: %w", err)
		}
	}
	if a.awaits != "" {
		return s.park(receipt.Seq, a.awaits)
	}
	return s.came(a.replica, a.N)
}
