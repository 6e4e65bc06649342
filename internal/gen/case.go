package gen

import (
	"fmt"
	"slices"
	"time"

	"portolan/care"
)

// Case is one invented person with everything recorded about them.
type Case struct {
	Index       int
	ID          string
	Owner       string // staff
	Drafts      []Draft
	Language    string // the person's own
	Child       bool   // or treated as one
	Destination string // country of the move that lies ahead, "" where none does
	Transfer    string // its record
	Departure   time.Time
}

// slot is how long a bed is set aside for one case. Nobody stays longer than
// stayLongest, so that two never meet in one bed.
const (
	slot        = 45 * 24 * time.Hour
	stayLongest = 40 * 24 * time.Hour
	firstNights = 36 * time.Hour // in the intake bed, before a bed of one's own
)

// slotOf gives the bed of a case, the moment when it may come there, and how
// many others have been there since. The first cases are those of today.
func (w *World) slotOf(i int) (b bed, from time.Time, round int) {
	n := len(w.beds)
	round = i / n
	// Houses take turns, so that no two people come to one intake bed at once.
	turn := i % n
	step := slot / time.Duration(n)
	// Counted from the beginning of the day, so that a world that is made twice
	// on one day has the same cases.
	from = w.now.Truncate(24 * time.Hour).Add(-time.Duration(round+1) * slot).Add(time.Duration(turn) * step)
	perHouse := n / len(w.houses)
	return w.beds[turn%len(w.houses)*perHouse+turn/len(w.houses)], from.Truncate(time.Minute), round
}

func (w *World) opened(i int) time.Time {
	_, from, _ := w.slotOf(i)
	return from.Add(-time.Duration(2+i%5) * time.Hour)
}

func (w *World) caseID(i int) string {
	return newSource(w.seed, streamCase+uint64(i)).id(w.opened(i))
}

// kin gives the case of the same family, -1 where there is none.
func kin(i int) int {
	switch i % 10 {
	case 3:
		return i + 1
	case 4:
		return i - 1
	}
	return -1
}

// story is one case while it is being written.
type story struct {
	*writer
	i             int
	c             culture
	round         int
	bed           bed
	opened, until time.Time // until: now, or when the case was closed
	arrived       time.Time // at the house
	leaves        time.Time // from the bed, zero while still there
	owner, team   string
	interpreter   string // "" where the person needs none
	given, family name
	woman         bool
	age           int
	child         bool
	disputed      bool
	anonymous     bool
	closed        bool

	file, survivor *sheet
	identity       *sheet
	approvers      map[string]bool   // grants given to those who approve
	consents       map[string]string // by purpose, those that permit
	risk           string
	encounter      string
	plan           string
	matter         string
	dependents     []string
	move           Case
}

// Case writes the case of an index. It depends on the world and the index
// alone, not on which cases were asked for before.
func (w *World) Case(i int) Case {
	b, from, round := w.slotOf(i)
	wr := w.writerOf(uint64(i), (i+1)*canariesPerCase)
	wr.caseID = w.caseID(i)
	s := &story{writer: wr, i: i, round: round, bed: b, opened: w.opened(i), arrived: from, consents: map[string]string{}, approvers: map[string]bool{}}
	s.cast()
	s.openCase()
	s.people()
	s.history()
	s.decide()
	s.dangers()
	s.shelter()
	s.health()
	s.law()
	s.reintegration()
	s.handOvers()
	s.papers()
	s.grants()
	s.closing()
	c := s.move
	c.Index, c.ID, c.Owner, c.Drafts, c.Language, c.Child = i, wr.caseID, s.owner, wr.drafts, s.c.language, s.child
	return c
}

// cast decides who the person is.
func (s *story) cast() {
	w := s.w
	family := s.i
	if k := kin(s.i); k >= 0 && k < s.i {
		family = k
	}
	s.c = cultures[family%len(cultures)]
	s.family = from(newSource(w.seed, streamCase+uint64(family)+1<<32), s.c.families...)
	s.woman = s.i == 0 || s.chance(78)
	s.given = from(s.source, s.c.men...)
	if s.woman {
		s.given = from(s.source, s.c.women...)
	}
	s.age = 18 + s.IntN(28)
	switch s.i % 20 {
	case 4:
		s.age, s.child = 15+s.IntN(3), true
	case 9:
		s.age, s.child, s.disputed = 17, true, true
	}
	s.anonymous = s.i%15 == 8
	s.owner = w.person(care.Outreach, s.i)
	s.team = w.teams[s.i%len(w.teams)]
	if s.c.language != "es" && s.c.language != "en" {
		s.interpreter = w.interpreters[s.c.language]
	}
	s.until = w.now
	if s.round > 0 && s.chance(70) {
		s.closed = true
		s.until = s.arrived.Add(slot - time.Duration(s.IntN(48))*time.Hour)
	}
}

func (s *story) when(from time.Time) time.Time { return s.between(from, s.until) }

// days gives the moment some days after another.
func days(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * 24 * time.Hour) }

func (s *story) openCase() {
	w := s.w
	linked := []string{}
	if k := kin(s.i); k >= 0 {
		linked = append(linked, w.caseID(k))
	}
	own := s.code("risk_levels")
	s.file = s.beginAs("cases", s.caseID).puts(map[string]any{
		"number": fmt.Sprintf("CA-%s-%04d", s.opened.Format("06"), s.i+1), "status": "Active", "owner": s.owner, "team": s.team,
		"supervisor": w.person(care.ProtectionOfficer, 0), "opened_on": s.opened, "first_contact_on": s.opened, "next_review_on": days(s.until, 14),
		"risk_level": atLeast(own, from(s.source, "low", "medium", "high")), "survivor_risk_level": own,
		"priority": from(s.source, "normal", "high"), "needs": s.codes("needs", 2, 6), "identified_on": days(s.opened, s.IntN(4)),
		"identification_source": s.code("identification_sources"), "trm_stage": codesOf("trm_stages")[min(s.round, 2)],
		"nrm_pillar": s.code("nrm_pillars"), "handover_state": "none", "country_of_responsibility": "ES", "anonymous": s.anonymous,
		"linked_cases": linked, "legal_basis": "consent", "reported_by_other_org": s.chance(10), "reopened_count": 0,
	})
	if !s.closed && s.round > 0 {
		s.file.amend().put("status", "FollowUp")
	}
}

// atLeast gives the higher of two levels of risk: that of a case is never
// below what the person says (R11).
func atLeast(own, level string) string {
	if slices.Index(care.RiskLevels, own) > slices.Index(care.RiskLevels, level) {
		return own
	}
	return level
}

// closing ends the case, when everything else is written and with the name of
// whoever agreed to it.
func (s *story) closing() {
	if !s.closed {
		return
	}
	reason := from(s.source, "goals_met", "goals_met", "departed", "survivor_request", "lost_contact", "returned_voluntarily")
	officer := s.approver(0, care.General)
	s.file.signed(officer).puts(map[string]any{
		"status": "Closed", "closed_on": s.until, "closure_reason": reason, "closure_details": "Agreed with the person in the last meeting.",
		"closure_approved_by": officer, "closure_approved_at": s.until, "retention_until": s.until.AddDate(5, 0, 0),
	})
}

// approver gives a protection officer, who for that gets a look at one
// compartment of the case.
func (s *story) approver(n int, c care.Compartment) string {
	officer := s.w.person(care.ProtectionOfficer, n)
	if key := officer + string(c); !s.approvers[key] {
		s.approvers[key] = true
		s.grant(officer, "review", c, 14)
	}
	return officer
}

func (s *story) grant(staff, reason string, c care.Compartment, term int) {
	s.begin("grants", s.opened).puts(map[string]any{
		"staff": staff, "compartment": string(c), "until": days(s.w.now, term), "status": "active", "reason": reason,
	})
}

// grants lets colleagues see what they need of an open case.
func (s *story) grants() {
	if s.closed {
		return
	}
	give := func(staff, reason string, compartments ...care.Compartment) {
		for _, c := range compartments {
			s.grant(staff, reason, c, 150)
		}
	}
	w := s.w
	give(s.owner, "owner", care.General, care.Identity, care.Location, care.Health)
	give(w.person(care.Coordinator, s.i), "team_member", care.General, care.Identity, care.Location, care.Finance)
	give(w.person(care.HealthWorker, s.i), "specialist", care.General, care.Health)
	give(w.person(care.LegalWorker, s.i), "specialist", care.General, care.Legal, care.Evidence)
	give(w.person(care.ReintegrationRole, s.i), "specialist", care.General, care.Finance)
}
