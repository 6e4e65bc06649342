package ops

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/tablet"
)

// demoTabletPassphrase opens the demo's own tablets. Nobody in them is real.
const demoTabletPassphrase = "nobody in this demo is real"

// tabletOf opens one of the demo's tablets, uses it and closes it again: what
// happens between two calls happens with the tablet switched off.
func (d *demo) tabletOf(ctx context.Context, login string, use func(*tablet.Tablet) error) error {
	t, err := tablet.Open(filepath.Join(d.dir, "tablets", login), d.env.Now, rand.Reader)
	if err != nil {
		return err
	}
	t.Label = "demo tablet " + login
	if t.Guarded() {
		err = t.Unlock(ctx, d.TabletPassphrase)
	}
	if err == nil {
		err = use(t)
	}
	if err != nil {
		t.Close() // the first error tells more
		return err
	}
	return t.Close()
}

// syncTablet takes a tablet through one sync.
func (d *demo) syncTablet(ctx context.Context, login string) (tablet.Report, error) {
	var r tablet.Report
	err := d.tabletOf(ctx, login, func(t *tablet.Tablet) (err error) {
		r, err = t.Sync(ctx)
		return err
	})
	return r, err
}

// tablets enrols two tablets. The first opens a case offline; the second is
// granted the case by the coordinator.
func (d *demo) tablets(ctx context.Context) error {
	d.TabletPassphrase = demoTabletPassphrase
	for _, login := range []string{"outreach", "outreach2"} {
		code, err := d.code(ctx, login)
		if err != nil {
			return err
		}
		err = d.tabletOf(ctx, login, func(t *tablet.Tablet) error {
			return t.Enrol(ctx, code.URL, code.Code, tablet.Owner{Password: d.account(login).Password, Passphrase: d.TabletPassphrase})
		})
		if err != nil {
			return err
		}
		r, err := d.syncTablet(ctx, login)
		if err != nil {
			return err
		}
		d.Tablets = append(d.Tablets, filepath.Join("tablets", login))
		d.note("The tablet of %s is enrolled and holds %d rows in %d scopes.", login, r.Rows, len(r.Entered))
	}
	if err := d.openCase(ctx); err != nil {
		return err
	}
	return d.grantCase(ctx)
}

// caseRecords is a new case as an outreach worker begins it: a case, and the
// person in it under an alias.
func (d *demo) caseRecords(ctx context.Context, t *tablet.Tablet, owner, alias, language string) (caseID, survivor string, err error) {
	caseID, err = t.New(ctx, "cases", "", tablet.Edit{Set: map[string]care.Value{
		"status": care.OfText("Active"), "owner": care.OfText(owner), "opened_on": care.OfText(d.env.Now().UTC().Format(time.DateOnly))}})
	if err != nil {
		return "", "", err
	}
	survivor, err = t.New(ctx, "survivors", caseID, tablet.Edit{Set: map[string]care.Value{
		"alias": care.OfText(alias), "primary_language": care.OfText(language), "languages": care.OfList(language)}})
	return caseID, survivor, err
}

func (d *demo) openCase(ctx context.Context) error {
	err := d.tabletOf(ctx, "outreach", func(t *tablet.Tablet) (err error) {
		if d.CaseInConflict, _, err = d.caseRecords(ctx, t, d.account("outreach").staff, "Kestrel", "en"); err != nil {
			return err
		}
		_, err = t.New(ctx, "medicines", d.CaseInConflict, tablet.Edit{Set: map[string]care.Value{
			"substance": care.OfText("amoxicillin"), "strength": care.OfText("500 mg"), "dose": care.OfText("1 capsule"),
			"frequency": care.OfText("TID"), "status": care.OfText("active"), "days_left": care.OfInt(5)}})
		return err
	})
	if err != nil {
		return err
	}
	r, err := d.syncTablet(ctx, "outreach")
	if err != nil {
		return err
	}
	d.note("%d changes made offline on the first tablet are on the hub.", r.Sent)
	return nil
}

// grantTerm is how long the colleague may see the case.
const demoGrantTerm = 30 * 24 * time.Hour

func (d *demo) grantCase(ctx context.Context) error {
	coordinator, err := d.actor(ctx, "coordinator")
	if err != nil {
		return err
	}
	var drafts []collections.Draft
	for _, c := range []care.Compartment{care.General, care.Health} {
		drafts = append(drafts, collections.Draft{Collection: "grants", Case: d.CaseInConflict, Set: map[string]care.Value{
			"staff": care.OfText(d.account("outreach2").staff), "compartment": care.OfText(string(c)), "status": care.OfText("active"),
			"until": care.OfTime(d.env.Now().Add(demoGrantTerm)), "granted_by": care.OfText(coordinator.Staff)}})
	}
	receipts, err := d.hub.Hub.Do(ctx, coordinator, drafts...)
	if err == nil {
		err = collections.Refused(receipts)
	}
	if err != nil {
		return err
	}
	r, err := d.syncTablet(ctx, "outreach2")
	if err != nil {
		return err
	}
	d.note("The coordinator grants the second worker two compartments of that case for 30 days; their tablet receives %d rows.", r.Rows)
	return nil
}

// conflict lets both tablets change the dose of one medicine offline, and
// different fields of the person.
func (d *demo) conflict(ctx context.Context) error {
	for _, edit := range []struct{ login, dose, field, value string }{
		{"outreach", "2 capsules", "alias", "Grey Kestrel"},
		{"outreach2", "half a capsule", "interpreter_language", "am"},
	} {
		err := d.tabletOf(ctx, edit.login, func(t *tablet.Tablet) error {
			return d.editOffline(ctx, t, edit.dose, edit.field, edit.value)
		})
		if err != nil {
			return err
		}
	}
	if _, err := d.syncTablet(ctx, "outreach"); err != nil {
		return err
	}
	r, err := d.syncTablet(ctx, "outreach2")
	if err != nil {
		return err
	}
	if r.Conflicts != 1 {
		return fmt.Errorf("%d conflicts after two offline edits of one dose, and there should be one", r.Conflicts)
	}
	if _, err := d.syncTablet(ctx, "outreach"); err != nil {
		return err
	}
	d.note("Both changed the dose of one medicine: the hub's value stays, the other is kept beside it, and a person is asked.")
	d.note("Their edits of different fields both stand.")
	return nil
}

func (d *demo) editOffline(ctx context.Context, t *tablet.Tablet, dose, field, value string) error {
	medicines, err := t.List(ctx, "medicines", d.CaseInConflict)
	if err != nil {
		return err
	}
	people, err := t.List(ctx, "survivors", d.CaseInConflict)
	if err != nil {
		return err
	}
	if len(medicines) != 1 || len(people) != 1 {
		return fmt.Errorf("the tablet holds %d medicines and %d people of the case instead of one each", len(medicines), len(people))
	}
	if _, err := t.Set(ctx, medicines[0].ID, tablet.Edit{Set: map[string]care.Value{"dose": care.OfText(dose)}}); err != nil {
		return err
	}
	_, err = t.Set(ctx, people[0].ID, tablet.Edit{Set: map[string]care.Value{field: care.OfText(value)}})
	return err
}

// The move that the demo shows.
const (
	demoDestination = "ES"
	demoDepartsIn   = 3 * 24 * time.Hour
	demoConsentTerm = 60 * 24 * time.Hour
)

// moving records, offline, a person who is about to move: what they need, what
// they agreed to, and the transfer.
func (d *demo) moving(ctx context.Context) error {
	owner := d.account("outreach")
	d.CaseMovingOwner = owner.Login
	err := d.tabletOf(ctx, "outreach", func(t *tablet.Tablet) (err error) {
		d.CaseMoving, _, err = d.caseRecords(ctx, t, owner.staff, "Marisol", "es")
		if err != nil {
			return err
		}
		for _, r := range d.movingRecords() {
			id, err := t.New(ctx, r.collection, d.CaseMoving, tablet.Edit{Set: r.set})
			if err != nil {
				return fmt.Errorf("%s: %w", r.collection, err)
			}
			if r.collection == "transfers" {
				d.Summary.Transfer = id
			}
		}
		_, err = t.Set(ctx, d.Summary.Transfer, tablet.Edit{Set: map[string]care.Value{"status": care.OfText("consented")}})
		return err
	})
	if err != nil {
		return err
	}
	r, err := d.syncTablet(ctx, "outreach")
	if err != nil {
		return err
	}
	if r.Held > 0 {
		return fmt.Errorf("%d of the changes were held", r.Held)
	}
	d.note("%d changes about a person who leaves in three days are on the hub.", r.Sent)
	return nil
}

type demoRecord struct {
	collection string
	set        map[string]care.Value
}

func (d *demo) movingRecords() []demoRecord {
	now := d.env.Now()
	text, today := care.OfText, care.OfText(now.UTC().Format(time.DateOnly))
	medicine := func(substance, strength, form, dose, frequency string, days int64) demoRecord {
		return demoRecord{"medicines", map[string]care.Value{
			"substance": text(substance), "strength": text(strength), "form": text(form), "dose": text(dose), "route": text("26643006"),
			"frequency": text(frequency), "status": text("active"), "days_left": care.OfInt(days), "counted_on": today}}
	}
	return []demoRecord{
		{"consents", map[string]care.Value{
			"purpose": text(string(care.CrossBorderTransfer)), "recipient_kind": text(care.ToCountry), "recipient_country": text(demoDestination),
			"categories": care.OfList("contact", "family", "health", "identity", "mental_health", "sexual_reproductive", "shelter"),
			"actions":    care.OfList("print", "share"), "decision": text("permit"), "status": text("given"),
			"valid_from": care.OfTime(now), "given_at": care.OfTime(now), "expires_at": care.OfTime(now.Add(demoConsentTerm)),
			"language": text("es"), "mode": text("written"), "explanation_version": text("2026-1"), "giver": text("self"),
			"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal"),
		}},
		medicine("metformin", "500 mg", "tablet", "1 tablet", "BID", 30),
		medicine("sertraline", "50 mg", "tablet", "1 tablet", "QD", 28),
		{"allergies", map[string]care.Value{"substance": text("penicillin"), "status": text("active"), "criticality": text("high")}},
		{"conditions", map[string]care.Value{"label": text("Type 2 diabetes"), "clinical_status": text("active"), "code": text("E11"), "code_system": text(care.SystemICD10)}},
		{"transfers", map[string]care.Value{
			"kind": text("transfer"), "status": text("draft"), "origin_country": text("KE"), "destination_country": text(demoDestination),
			"departure_at": care.OfTime(now.Add(demoDepartsIn)), "languages": care.OfList("en", "es"), "voluntary": care.OfBool(true),
			"safe_to_travel": care.OfBool(true)}},
	}
}

// paper lets the job find the move and prepare the paper, and its owner hand
// it out.
func (d *demo) paper(ctx context.Context) error {
	hub := d.hub.Hub
	if err := d.hub.Front.LookForMoves(ctx); err != nil {
		return err
	}
	owner, err := d.actor(ctx, d.CaseMovingOwner)
	if err != nil {
		return err
	}
	rows, err := hub.List(ctx, owner, collections.Query{Collection: "documents", Case: d.CaseMoving})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Text("kind") == "summary" && r.Text("status") == "prepared" {
			d.Summary.Document = r.ID
		}
	}
	if d.Summary.Document == "" {
		return fmt.Errorf("the job prepared no paper for the move")
	}
	if err := hub.HandOut(ctx, owner, d.Summary.Document); err != nil {
		return err
	}
	name, b, err := hub.DocumentFile(ctx, owner, d.Summary.Document)
	if err != nil {
		return err
	}
	d.Summary.File = name
	if err := os.WriteFile(filepath.Join(d.dir, name), b, 0o600); err != nil {
		return fmt.Errorf("writing the paper: %w", err)
	}
	if _, err := d.syncTablet(ctx, "outreach"); err != nil {
		return err
	}
	d.note("The job found the move, checked the consent and prepared the paper; its owner handed it out, which is recorded.")
	return nil
}
