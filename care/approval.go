package care

import (
	"regexp"
	"slices"
	"time"
)

// Why a decision about a two-person act fell as it did.
const (
	ApprovalAsked     Reason = "approval_asked"      // allowed: somebody with the power to asks for it
	ApprovalGiven     Reason = "approval_given"      // allowed: a second person agreed
	ApprovalDeclined  Reason = "approval_declined"   // allowed: a second person said no
	ApprovalSpent     Reason = "approval_spent"      // allowed: the act was done under it, which uses it up
	ApprovalOwn       Reason = "approval_own"        // denied: whoever asked cannot decide, in whatever role
	ApprovalAboutSelf Reason = "approval_about_self" // denied: the act is about whoever would decide, or asks
	ApprovalOver      Reason = "approval_over"       // denied: decided already, or its time has passed
)

// TwoPersonAct is an act that one person asks for and another decides (R29).
// Acts whose approval stands in the record itself (payments, livelihood
// grants, plans, compelled disclosures, the review of an emergency) are not
// here: the record carries both names, and the rules compare them.
type TwoPersonAct string

const (
	ActMerge       TwoPersonAct = "merge"               // two cases of one person become one; undone the same way
	ActErase       TwoPersonAct = "erase"               // a person's keys are destroyed
	ActBulkExport  TwoPersonAct = "bulk_export"         // records of many people leave the hub
	ActRoleChange  TwoPersonAct = "role_change"         // a member of staff gets other roles
	ActFactorReset TwoPersonAct = "second_factor_reset" // a member of staff loses their second factors, to set up others
	ActPasswordSet TwoPersonAct = "password_set"        // a member of staff gets a password that somebody else typed
)

// twoPersonActs is, for each act: the collection of its subject ("" for the
// hub as a whole), the powers of which one is needed to ask, and to decide,
// and how long the yes of the second person may wait to be used.
var twoPersonActs = map[TwoPersonAct]struct {
	about       string
	ask, decide []Power
	use         time.Duration
}{
	ActMerge:       {"cases", []Power{MayGrant}, []Power{MayApprove}, 24 * time.Hour},
	ActErase:       {"cases", []Power{MayErase}, []Power{MayApprove}, 24 * time.Hour},
	ActBulkExport:  {"", []Power{MayExport}, []Power{MayApprove}, 24 * time.Hour},
	ActRoleChange:  {"staff", []Power{MayPeople}, []Power{MayApprove}, 24 * time.Hour},
	ActFactorReset: {"staff", []Power{MayPeople}, []Power{MayApprove}, 24 * time.Hour},
	ActPasswordSet: {"staff", []Power{MayPeople}, []Power{MayApprove}, 24 * time.Hour},
}

// TwoPersonActs lists the acts, sorted.
func TwoPersonActs() []TwoPersonAct {
	var l []TwoPersonAct
	for act := range twoPersonActs {
		l = append(l, act)
	}
	slices.Sort(l)
	return l
}

// ApprovalTerm is how long a question waits for the second person.
const ApprovalTerm = 72 * time.Hour

// ApprovalReasons is why somebody may ask.
var ApprovalReasons = []string{
	"person_asked", "retention_over", "same_person", "entered_by_mistake", "funder_report", "supervision", "statistics",
	"new_duties", "end_of_duties", "repair", "upgrade", "security", "second_factor_lost", "password_lost", "undo",
}

// TermsBytesMax bounds the terms of an act.
const TermsBytesMax = 500

var termsForm = regexp.MustCompile(`^[a-z0-9_=,.:+-]*$`)

// Approval is one question to a second person, and the answer. It holds ids
// and codes, and nothing that anybody recorded about a person.
type Approval struct {
	ID         string
	Org        string
	Act        TwoPersonAct
	Collection string
	Record     string // what the act is done to, "" for the hub as a whole
	// Terms is what exactly is approved, in codes and ids: "roles=coordinator".
	// Whoever acts must name the same terms.
	Terms     string
	Reason    string
	AskedBy   string
	AskedAt   time.Time
	ExpiresAt time.Time // until when it can be decided; once it was agreed to, until when it can be used
	DecidedBy string
	DecidedAt time.Time
	Agreed    bool
	UsedAt    time.Time
}

// Same says whether two are about the same act, subject and terms.
func (p Approval) Same(o Approval) bool {
	return p.Act == o.Act && p.Collection == o.Collection && p.Record == o.Record && p.Terms == o.Terms
}

// WellFormed says whether the question makes sense at all.
func (p Approval) WellFormed() bool {
	row, known := twoPersonActs[p.Act]
	if _, ok := ErasedPart(p.Terms); p.Act == ActErase && !ok {
		return false
	}
	return known && p.Collection == row.about && (p.Record == "") == (row.about == "") &&
		slices.Contains(ApprovalReasons, p.Reason) && len(p.Terms) <= TermsBytesMax && termsForm.MatchString(p.Terms)
}

// MayAsk decides whether the actor may ask for the act in their organisation.
func MayAsk(a Actor, p Approval) Decision {
	switch {
	case a.Staff == "":
		return Decision{Reason: NotSignedIn}
	case a.Org == "":
		return Decision{Reason: NotActorsOrg} // nor the hub: its own rules need nobody's yes
	case p.Org != a.Org:
		return Decision{Reason: OtherOrg}
	case p.Collection == "staff" && p.Record == a.Staff:
		return Decision{Reason: ApprovalAboutSelf}
	case !slices.ContainsFunc(twoPersonActs[p.Act].ask, a.Can):
		return Decision{Reason: NoPower}
	}
	return Decision{Allowed: true, Reason: ApprovalAsked}
}

// MayDecide decides whether the actor may answer. Roles play no part in who
// somebody is: one person with both powers is still one person.
func MayDecide(a Actor, p Approval, now time.Time) Decision {
	switch {
	case a.Staff == "" || a.IsHub():
		return Decision{Reason: NotSignedIn}
	case a.Org == "" || p.Org != a.Org:
		return Decision{Reason: OtherOrg}
	case a.Staff == p.AskedBy:
		return Decision{Reason: ApprovalOwn}
	case p.Collection == "staff" && p.Record == a.Staff:
		return Decision{Reason: ApprovalAboutSelf}
	case !slices.ContainsFunc(twoPersonActs[p.Act].decide, a.Can):
		return Decision{Reason: NoPower}
	case p.DecidedBy != "" || !now.Before(p.ExpiresAt):
		return Decision{Reason: ApprovalOver, Basis: p.ID}
	}
	return Decision{Allowed: true, Reason: ApprovalGiven, Basis: p.ID, Until: now.Add(twoPersonActs[p.Act].use)}
}

// MaySpend decides whether the actor may act under an approval: their own
// question (or the hub's job that carries it out), which they could ask still,
// agreed to by somebody who could agree to it still.
func MaySpend(a, decider Actor, p Approval, now time.Time) Decision {
	fresh := p
	fresh.DecidedBy = ""
	switch d := MayDecide(decider, fresh, now); {
	case !p.Agreed || p.DecidedBy == "" || p.DecidedBy != decider.Staff || !p.UsedAt.IsZero():
		return Decision{Reason: ApprovalOver, Basis: p.ID}
	case !a.IsHub() && (a.Staff != p.AskedBy || !MayAsk(a, p).Allowed): // also where they lost the power since
		return Decision{Reason: NoPower, Basis: p.ID}
	case !d.Allowed:
		return Decision{Reason: d.Reason, Basis: p.ID}
	}
	return Decision{Allowed: true, Reason: ApprovalSpent, Basis: p.ID}
}

// SeesApproval says whether the actor hears of a question: whoever asked, and
// who could decide it.
func SeesApproval(a Actor, p Approval) bool {
	return a.Staff != "" && a.Org == p.Org && (a.Staff == p.AskedBy || slices.ContainsFunc(twoPersonActs[p.Act].decide, a.Can))
}
