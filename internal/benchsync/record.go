package main

import (
	"fmt"
	"slices"
	"strings"

	"portolan/care"
)

// What the four workloads of common.cjs are about, and their sizes there.
const (
	newsChanges    = 100  // T2
	pushedEdits    = 1000 // T3
	crowdClients   = 50   // T4
	crowdRecords   = 1000 // T4, that each of them pulls
	crowdEach      = 10   // T4, that each of them pushes
	caseCount      = 50   // the scopes of common.cjs
	serviceCount   = 40   // its shelters
	crowdFirst     = 200_000
	crowdNewFirst  = 300_000
	firstVersion   = 1
	newsVersion    = 2
	offlineVersion = 9
)

// peerWords is the list W of common.cjs.
var peerWords = strings.Fields("consent shelter intake follow transport nurse clinic lawyer hearing visit plan school family safe risk urgent stable partner referral document travel shift call note review worker centre")

// dice is rng of common.cjs: the same numbers, so that the records are the same.
type dice uint32

func (d *dice) draw() float64 {
	*d = *d*1664525 + 1013904223
	return float64(*d) / (1 << 32)
}

func (d *dice) below(n int) int { return int(d.draw() * float64(n)) }

func (d *dice) words(n int) string {
	w := make([]string, n)
	for i := range w {
		w[i] = peerWords[d.below(len(peerWords))]
	}
	return strings.Join(w, " ")
}

// peerRecord is rec of common.cjs.
type peerRecord struct {
	number                       int
	caseNo, status, opened       string
	risk, room                   int
	language, shelter            int
	worker, lawyer, nurse        int
	consentShare, consentContact bool
	nextVisit, summary, plan     string
	needs                        [3]string
	version                      int
}

func peerRecordOf(i, version int) peerRecord {
	d := dice(uint32(i*7919 + version*104729 + 1))
	r := peerRecord{number: i, caseNo: fmt.Sprintf("K-%d", 100_000+i), version: version}
	r.status = []string{"open", "paused", "closed"}[d.below(3)]
	r.risk = d.below(5)
	r.opened = fmt.Sprintf("2026-0%d-1%d", 1+d.below(9), d.below(9))
	r.language, r.shelter, r.room = d.below(30), d.below(40), d.below(90)
	r.worker, r.lawyer, r.nurse = d.below(200), d.below(200), d.below(200)
	r.consentShare, r.consentContact = d.draw() < 0.5, d.draw() < 0.5
	r.nextVisit = fmt.Sprintf("2026-1%d-0%d", d.below(2), 1+d.below(8))
	for n := range r.needs {
		r.needs[n] = d.words(2)
	}
	r.summary, r.plan = d.words(60), d.words(25)
	return r
}

// Ids of what is made are known beforehand, on both sides.
func recordID(i int) string  { return fmt.Sprintf("01990000-0000-7000-8000-%012x", i) }
func caseID(i int) string    { return fmt.Sprintf("01990001-0000-7000-8000-%012x", i) }
func serviceID(i int) string { return fmt.Sprintf("01990002-0000-7000-8000-%012x", i) }

const orgID = "01990003-0000-7000-8000-000000000001"

// caseOf is the case in which a record stands: its scope at the peers. Those
// of the crowd stand in cases of their own, as the peers keep them in a
// collection of their own.
func caseOf(i int) string {
	if i >= crowdFirst {
		return caseID(caseCount + i%caseCount)
	}
	return caseID(i % caseCount)
}

// collection is the entity of ours that a record of the peers becomes.
const collection = "referrals"

// The fields of it that are edited: the peers' plan and ver.
const (
	planField    = "notes"
	versionField = "feedback"
)

var (
	outcomes  = map[string]string{"open": "referred", "paused": "service_unavailable", "closed": "already_received"}
	urgencies = []string{"low", "normal", "high", "urgent", "urgent"}
	needCodes = []string{"shelter", "safety", "food", "clothing", "health", "mental_health", "substance_use", "legal_aid", "documents",
		"interpretation", "education", "vocational_training", "livelihood", "employment", "money", "childcare", "child_protection",
		"family_tracing", "family_mediation", "return", "transport", "psychosocial_support", "disability_support", "spiritual_support",
		"sexual_reproductive_health", "shelter", "safety"}
)

// ours is the record as a referral: the values of its fields, and its set.
// docs/benchmarks.md has the table.
func (r peerRecord) ours() (set map[string]care.Value, needs []string) {
	company := "nobody"
	if r.consentContact {
		company = "staff"
	}
	for _, n := range r.needs {
		first, _, _ := strings.Cut(n, " ")
		needs = append(needs, needCodes[slices.Index(peerWords, first)])
	}
	slices.Sort(needs)
	needs = slices.Compact(needs)
	text := care.OfText
	return map[string]care.Value{
		"direction":              text("incoming"),
		"status":                 text("draft"),
		"referring_organisation": text(r.caseNo),
		"outcome":                text(outcomes[r.status]),
		"urgency":                text(urgencies[r.risk]),
		"incoming_on":            text(r.opened),
		"meeting_with":           text(fmt.Sprintf("l%d", r.language)),
		"service":                text(serviceID(r.shelter)),
		"receiving_organisation": text(fmt.Sprintf("room %d", r.room)),
		"referring_worker":       text(fmt.Sprintf("w%d", r.worker)),
		"receiving_worker":       text(fmt.Sprintf("w%d", r.lawyer)),
		"outgoing_details":       text(fmt.Sprintf("w%d", r.nurse)),
		"feedback_confirmed":     care.OfBool(r.consentShare),
		"accompanied_by":         text(company),
		"outgoing_on":            text(r.nextVisit),
		"incoming_details":       text(r.summary),
		planField:                text(r.plan),
		versionField:             text(versionText(r.version)),
	}, needs
}

func versionText(v int) string { return fmt.Sprintf("version %d", v) }
