package collections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/care"
)

// A hub that was restored from a copy knows nothing of what was closed since
// it was made. What is in the lists outside the database is closed again before
// anybody is let in; what is not ends, or waits anew.

// NewEpoch marks that the hub was restored from a copy: cursors given before
// are answered with everything that their holder may see now.
func (h *Hub) NewEpoch(ctx context.Context) error {
	// Random, so that two restores of one copy are told apart.
	next, replica := h.newID(), h.nextReplica()
	err := h.writer.write(ctx, func(t *tx) error {
		for name, value := range map[string]string{"epoch": next, "replica": replica} {
			if _, err := t.exec(`UPDATE hub_meta SET value = ? WHERE name = ?`, value, name); err != nil {
				return err
			}
		}
		if err := t.endWhatCameBack(h.now()); err != nil {
			return err
		}
		return t.note(care.FormatTime(h.now()), h.HubActor(), event{act: ActRestore, decision: care.Decision{Allowed: true, Reason: care.SeeHub, Basis: next}})
	})
	if err != nil {
		return fmt.Errorf("writing the epoch: %w", err)
	}
	h.epoch, h.replica = next, replica
	return nil
}

// endWhatCameBack ends what a copy of the hub brings back and what somebody may
// have ended or used since: sign-ins, codes for tablets, and the yes of a second
// person, which serves once. An act of the console alone
// waits anew: whoever stopped it may not know that it is back.
func (t *tx) endWhatCameBack(now time.Time) error {
	for query, at := range map[string]time.Time{
		`UPDATE sign_ins SET ended_at = ? WHERE ended_at = ''`:                      now,
		`UPDATE enrolments SET used_at = ? WHERE used_at = ''`:                      now,
		`UPDATE waiting_acts SET due_at = ? WHERE stopped_at = '' AND done_at = ''`: now.Add(WaitTerm),
		`UPDATE approvals SET expires_at = ? WHERE used_at = '' AND expires_at > ?`: now,
	} {
		if _, err := t.exec(query, slices.Repeat([]any{care.FormatTime(at)}, strings.Count(query, "?"))...); err != nil {
			return wrap("ending what a copy brings back", err)
		}
	}
	return nil
}

// EndedAgain says how many things the hub closed again when it was opened,
// because its list of what ended had them and its database did not.
func (h *Hub) EndedAgain() int { return h.again }

// endAgain closes what the list of what ended has and this database does not:
// the hub was restored from a copy made before, or killed in between.
func (h *Hub) endAgain(ctx context.Context) error {
	if err := h.checkEnded(); err != nil {
		return err
	}
	short, err := h.endedShort(ctx)
	switch {
	case err != nil:
		return err
	case short && h.serving:
		return ErrEndedListShort
	case short && !h.restoring:
		h.log.Error("the list of what ended is shorter than the database knows", "code", ErrEndedListShort.Code)
	}
	known, err := metaNumber(reader{ctx, h.readDB()}, metaEnded)
	switch {
	case err != nil || h.ended.last == known:
		return err
	case h.ended.last < known && h.restoring:
		return ErrEndedListOld
	case h.ended.last < known:
		return nil // said above
	}
	list, err := ReadEnded(h.ended.path)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e Ended) bool { return e.N <= known })
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		s.t.again = true // it is in the list already, with what followed from it
		asked := map[string]bool{}
		for _, e := range list {
			if err := s.endOneAgain(e, asked); err != nil {
				return fmt.Errorf("ending %s again: %w", e.What, err)
			}
		}
		if err := s.t.setMetaNumber(metaEnded, h.ended.last); err != nil || !h.restoring {
			return err
		}
		return h.fromHere(s.t) // the restore held it against what was signed, or was told to go on without
	})
	if err != nil {
		return fmt.Errorf("ending again what had ended: %w", err)
	}
	h.again = len(list)
	h.carryEnded(ctx)
	return nil
}

// checkEnded holds the list against the signed heads of the audit log that were
// given with it.
func (h *Hub) checkEnded() error {
	if len(h.endedHeads) == 0 {
		return nil
	}
	list, err := ReadEnded(h.ended.path)
	if err != nil {
		return err
	}
	for _, signed := range h.endedHeads {
		head, err := h.logKeys.open(signed)
		if err != nil {
			return ErrEndedHead
		}
		if !h.wholeTo(list, head.Ended) {
			return ErrEndedListCut
		}
	}
	return nil
}

// endOneAgain closes one thing; asked are the cases about which somebody has
// been told. What the copy does not have cannot come back from it.
func (s *session) endOneAgain(e Ended, asked map[string]bool) error {
	switch e.What {
	case endedTablet:
		return errors.Join(s.endDevice(e.ID, ""), s.t.note(s.nowText, s.h.HubActor(), restoredEvent(care.Target{Collection: "devices"}, e)))
	case endedFactor:
		_, err := s.t.removeFactors(s.nowText, `id = ?`, e.ID)
		return err
	case endedCode:
		_, err := s.t.exec(`UPDATE recovery_codes SET used_at = ? WHERE code_hash = ? AND used_at = ''`, s.nowText, e.ID)
		return wrap("using a code up", err)
	case endedCodes:
		return s.t.endRecoveryCodes(e.ID)
	case endedPassword:
		return s.noPassword(e)
	}
	collection, field, ok := strings.Cut(e.What, ".")
	t, known := s.h.tables[collection]
	if !ok || !known || s.h.erased.has(e.Case) {
		return nil // of a newer program, or erased with its case
	}
	rec, err := s.load(t, e.ID)
	if err != nil {
		return err
	}
	if rec == nil {
		if collection == "consents" {
			return s.doubtPermits(e, asked)
		}
		return nil
	}
	d, err := s.closing(rec, field, e)
	if err != nil || d.Set == nil {
		return err
	}
	if err := s.doAsHub(d); err != nil {
		return err
	}
	if err := s.t.note(s.nowText, s.h.HubActor(), restoredEvent(rec.target(care.General), e)); err != nil || e.Case == "" {
		return err
	}
	return s.tellOwner(e, asked)
}

// noPassword ends a password that was changed since: the one that a copy brings
// back may be what somebody had found out.
func (s *session) noPassword(e Ended) error {
	account, err := s.h.withPassword(s.h.newSalt()) // nobody learns it
	if err == nil {
		err = s.t.newPassword(s.h.HubActor(), e.ID, account.GetString("password:hash"), account.TokenKey(), s.nowText, restoredEvent(care.Target{Collection: "staff"}, e))
	}
	return wrap("ending a password", err)
}

// closing is the change that closes one field of a record again. The list lies
// in clear: what it says may protect more than what stands, and never less.
func (s *session) closing(rec *record, field string, e Ended) (Draft, error) {
	d := Draft{Collection: rec.t.entity.Name, Record: rec.id}
	row, err := rec.row(nil)
	if err != nil {
		return d, err
	}
	if e.What == endedRoles {
		left := strings.Fields(e.Value)
		var keep []string
		for _, role := range row.Get("roles").List() {
			if slices.Contains(left, role) {
				keep = append(keep, role)
			}
		}
		d.Set = map[string]care.Value{"roles": care.OfList(keep...)}
		return d, nil
	}
	f, ok := rec.t.entity.Field(field)
	if !ok || !slices.Contains(endingFields[d.Collection], field) {
		return d, nil
	}
	value := care.OfText(e.Value)
	if was := row.Get(f.Name); was.IsSet() && !safer(f, value, was) {
		return d, nil
	}
	d.Set = map[string]care.Value{f.Name: value}
	if at, err := time.Parse(care.TimeFormat, e.At); err == nil && e.Value == "withdrawn" {
		// A permit that was given after it stands.
		d.Set["withdrawn_at"] = care.OfTime(at)
	}
	if d.Collection == "grants" && field == "status" {
		d.Set["ended_reason"] = care.OfText("revoked")
	}
	return d, nil
}

// doubtPermits withdraws every permit of a case of which a refusal or a
// withdrawal was lost: what it was about nobody knows any more, and the person
// has to be asked again before anything leaves.
func (s *session) doubtPermits(e Ended, asked map[string]bool) error {
	for _, c := range s.world().OfCase("consents", e.Case) {
		if c.Text("decision") != "permit" || c.Text("status") != "given" {
			continue
		}
		if err := s.doAsHub(Draft{Collection: "consents", Record: c.ID, Set: map[string]care.Value{"status": care.OfText("withdrawn")}}); err != nil {
			return err
		}
	}
	if err := s.t.note(s.nowText, s.h.HubActor(), restoredEvent(care.Target{Collection: "consents", Case: e.Case, Compartment: care.General}, e)); err != nil {
		return err
	}
	return s.tellOwner(e, asked)
}

// doAsHub takes one change of the hub through the door. One that the rules
// hold stands in the worklist.
func (s *session) doAsHub(d Draft) error {
	c, err := s.hubChange(s.h.HubActor(), d)
	if err != nil {
		return err
	}
	_, err = s.take(c, nil)
	return err
}

// tellOwner asks whoever owns a case to look at it, once.
func (s *session) tellOwner(e Ended, asked map[string]bool) error {
	rec, err := s.load(s.h.tables["cases"], e.Case)
	if err != nil || rec == nil || asked[e.Case] {
		return err
	}
	asked[e.Case] = true
	row, err := rec.row(nil)
	if err != nil {
		return err
	}
	set := map[string]care.Value{"title_key": care.OfText("review"), "status": care.OfText("open"), "due_at": care.OfTime(s.now), "priority": care.OfText("urgent"),
		"raised_by": care.OfText("rule"), "rule": care.OfText("ended_again"), "subject_collection": care.OfText("cases"), "subject": care.OfText(e.Case)}
	if owner := row.Text("owner"); owner != "" {
		set["assignee"] = care.OfText(owner)
	}
	return s.consequence(care.Consequence{Collection: "tasks", Key: "tasks/ended_again/" + e.Case + "/" + strconv.FormatUint(e.N, 10), Case: e.Case, Org: rec.org, Set: set}, rec.org)
}

// restoredEvent is something that ended again, in the audit log.
func restoredEvent(t care.Target, e Ended) event {
	return event{act: ActRestore, target: t, decision: care.Decision{Allowed: true, Reason: "ended_again", Basis: e.ID}}
}

// endingFields are the fields of which the list remembers that they became
// more protective.
var endingFields = map[string][]string{
	"staff":    {"status"},
	"grants":   {"status", "until"},
	"consents": {"status", "decision", "expires_at", "giver_implicated", "child_assent"},
}

// closed notes what a change closes: for the list, and for whoever is being
// answered at this moment.
func (s *session) closed(rec *record, before, after care.Row) {
	e := rec.t.entity
	if e.Name == "staff" {
		var keep []string
		had := before.Get("roles").List()
		for _, role := range had {
			if slices.Contains(after.Get("roles").List(), role) {
				keep = append(keep, role)
			}
		}
		if len(keep) < len(had) {
			s.t.end(endedRoles, rec.id, "", strings.Join(after.Get("roles").List(), " "))
		}
	}
	for _, name := range endingFields[e.Name] {
		f, ok := e.Field(name)
		if !ok || !closes(f, before, after) {
			continue
		}
		if e.Name == "grants" {
			// Also one that opens no scope: what an emergency shows at the desk
			// is cut when it ends.
			s.ended.staff[after.Text("staff")] = true
		}
		value := after.Text(name)
		switch {
		case e.Name == "grants" && !stillRuns(after, s.now), value == "expired":
			continue // time alone does the same
		case name == "giver_implicated", name == "child_assent":
			// What was found about whoever agreed is nobody's business here.
			name, value = "status", "withdrawn"
		}
		s.t.end(e.Name+"."+name, rec.id, rec.caseID, value)
	}
}

// closes says whether a field protects more than before. Of a new record only
// a refusal does: it bears on others.
func closes(f *care.Field, before, after care.Row) bool {
	was, is := before.Get(f.Name), after.Get(f.Name)
	if was.IsSet() {
		return safer(f, is, was)
	}
	return is.Text() == "deny" || is.Text() == "withdrawn"
}

// safer says whether one value of a field protects more than another.
func safer(f *care.Field, is, was care.Value) bool {
	more, ok := f.Safer.Compare(is, was)
	return ok && more > 0
}

// stillRuns says whether a grant would go on if nobody had ended it.
func stillRuns(grant care.Row, now time.Time) bool {
	until, ok := grant.Get("until").Time()
	return ok && until.After(now)
}
