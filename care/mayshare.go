package care

import (
	"cmp"
	"slices"
	"time"
)

// Why MayShare fell as it did.
const (
	ShareConsented    Reason = "share_consented"      // allowed: a permit in force covers every category
	NothingAsked      Reason = "share_nothing_asked"  // the request names no category, purpose or action
	NoConsent         Reason = "share_no_consent"     // nobody was asked, or the answer covers something else
	ConsentDenied     Reason = "share_denied"         // the person said no
	ConsentWithdrawn  Reason = "share_withdrawn"      // the person took the consent back
	ConsentExpired    Reason = "share_expired"        // its date has passed, or it has none
	ConsentNotYet     Reason = "share_not_yet"        // it begins later
	ConsentGiverUnfit Reason = "share_giver_unfit"    // a guardian who is involved gave it, or the child says no (R27)
	PoliceNeedsOwn    Reason = "share_police_purpose" // police and immigration only by law_enforcement_report (R1)
	RecipientUnclear  Reason = "share_who_unclear"    // it is not said who the recipient is, or what kind of organisation
)

// Kinds of recipient, as the list recipient_kinds has them.
const (
	ToOrganisation = "organisation"
	ToRole         = "role"
	ToPerson       = "person"
	ToCountry      = "country"
	ToAnyoneNamed  = "anyone_named"
)

// ShareRequest is one intended disclosure: what, why, how and to whom. Every
// thing that is known of the recipient is filled in, whatever its kind: a
// summary for a country may be meant for one organisation there.
type ShareRequest struct {
	Purpose          Purpose
	Action           Action
	RecipientKind    string
	RecipientOrg     string // id
	RecipientOrgKind string // code of organisation_kinds, needed where RecipientOrg is set
	RecipientRole    string
	RecipientStaff   string // id
	RecipientName    string // of somebody who is no member of staff
	RecipientCountry string // ISO 3166-1 alpha-2
	Categories       []Category
	// Chosen are the parts that the person chose to go along, of those that they
	// agreed to; where none are named, nobody asked and all go.
	Chosen []Category
}

// Consents is what the person of one case decided, whole, and whether they
// are protected as a child, whose own yes counts for nothing alone (R27). The
// two go together, so that no caller can forget the second: it may be found
// out long after the yes.
type Consents struct {
	Rows  []Row
	Child bool
}

// ConsentsOf reads them as they stand.
func ConsentsOf(w World, caseID string) Consents {
	return Consents{Rows: w.OfCase("consents", caseID), Child: IsChild(w, caseID)}
}

// recipient is one way of naming who is meant: the kind, the field of the
// consent and the part of the request.
type recipient struct {
	kind, said, asked string
}

func recipients(c Row, r ShareRequest) [5]recipient {
	return [5]recipient{
		{ToOrganisation, c.Text("recipient_org"), r.RecipientOrg},
		{ToRole, c.Text("recipient_role"), r.RecipientRole},
		{ToPerson, c.Text("recipient_staff"), r.RecipientStaff},
		{ToCountry, c.Text("recipient_country"), r.RecipientCountry},
		{ToAnyoneNamed, c.Text("recipient_name"), r.RecipientName},
	}
}

// policeKinds are the kinds of organisation, as HTCDS org_Type names them,
// that need their own purpose (R1).
var policeKinds = []string{"LawEnforcement", "ImmigrationService"}

// MayShare decides whether the consents of one person allow a disclosure. It
// denies unless, for each category, a permit in force names this purpose,
// action and recipient; a denial, and a withdrawal later than the permit, win
// at once. Consents of other purposes play no part, either way: agreeing to
// or refusing one thing is not a condition of another (R2).
func MayShare(of Consents, r ShareRequest, now time.Time) Decision {
	if reason := badRequest(r); reason != "" {
		return Decision{Reason: reason}
	}
	of.Rows = slices.Clone(of.Rows)
	slices.SortFunc(of.Rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) }) // the same answer in any order
	for _, c := range of.Rows {
		for _, cat := range r.Categories {
			if denies(c, r, cat, now) {
				return Decision{Reason: ConsentDenied, Basis: c.ID}
			}
		}
	}
	var all Decision
	for _, cat := range r.Categories {
		if len(r.Chosen) > 0 && !slices.Contains(r.Chosen, cat) {
			return Decision{Reason: NotWanted}
		}
		d := of.permitFor(r, cat, now)
		if !d.Allowed {
			return d
		}
		if !all.Allowed || d.Until.Before(all.Until) {
			all = d
		}
	}
	return all
}

func badRequest(r ShareRequest) Reason {
	if len(r.Categories) == 0 || !slices.Contains(Purposes, r.Purpose) || !slices.Contains(Actions, r.Action) {
		return NothingAsked
	}
	for _, c := range r.Categories {
		if !slices.Contains(Categories, c) {
			return NothingAsked
		}
	}
	named := false
	for _, x := range recipients(Row{}, r) {
		named = named || x.kind == r.RecipientKind && x.asked != ""
	}
	if !named || r.RecipientOrg != "" && r.RecipientOrgKind == "" {
		return RecipientUnclear
	}
	if slices.Contains(policeKinds, r.RecipientOrgKind) && r.Purpose != LawEnforcementReport {
		return PoliceNeedsOwn
	}
	return ""
}

// denies is read widely: what a refusal leaves open, it refuses. A refusal
// does not lapse by itself: when its date comes the person is asked again,
// and until they answer it stands.
func denies(c Row, r ShareRequest, cat Category, now time.Time) bool {
	if c.Text("decision") != "deny" || lifted(c, now) {
		return false
	}
	if from, ok := c.Get("valid_from").Time(); ok && now.Before(from) {
		return false
	}
	if p := c.Text("purpose"); p != "" && p != string(r.Purpose) {
		return false
	}
	return mentions(c, "categories", string(cat)) && mentions(c, "actions", string(r.Action)) && refusesRecipient(c, r)
}

// lifted says whether a refusal was taken back by the person, at a known
// moment that has come.
func lifted(c Row, now time.Time) bool {
	at, ok := c.Get("withdrawn_at").Time()
	return c.Text("status") == "withdrawn" && ok && !now.Before(at)
}

func mentions(c Row, field, code string) bool {
	l := c.Get(field).List()
	return len(l) == 0 || slices.Contains(l, code)
}

func refusesRecipient(c Row, r ShareRequest) bool {
	for _, x := range recipients(c, r) {
		if x.said == "" || x.said == x.asked {
			continue
		}
		if x.asked == "" && r.RecipientKind == x.kind {
			continue
		}
		return false
	}
	return true
}

// permitFor looks for the permit of one category that lasts longest.
func (of Consents) permitFor(r ShareRequest, cat Category, now time.Time) Decision {
	best, why := Decision{}, Decision{Reason: NoConsent}
	for _, c := range of.Rows {
		if !permits(c, r, cat) {
			continue
		}
		d := of.standing(c, r, cat, now)
		switch {
		case d.Allowed && (!best.Allowed || d.Until.After(best.Until)):
			best = d
		case !d.Allowed && refusalRank(d.Reason) > refusalRank(why.Reason):
			why = d
		}
	}
	if best.Allowed {
		return best
	}
	return why
}

// refusalRank orders the reasons by what the worker should hear first.
func refusalRank(r Reason) int {
	return slices.Index([]Reason{NoConsent, ConsentNotYet, ConsentExpired, ConsentGiverUnfit, ConsentWithdrawn}, r)
}

// permits is read narrowly: the permit must name everything that is asked.
func permits(c Row, r ShareRequest, cat Category) bool {
	return c.Text("decision") == "permit" &&
		c.Text("purpose") == string(r.Purpose) &&
		slices.Contains(c.Get("categories").List(), string(cat)) &&
		slices.Contains(c.Get("actions").List(), string(r.Action)) &&
		permitsRecipient(c, r)
}

func permitsRecipient(c Row, r ShareRequest) bool {
	named := false
	for _, x := range recipients(c, r) {
		if x.said != "" && x.said != x.asked {
			return false
		}
		named = named || x.said != "" && x.kind == c.Text("recipient_kind")
	}
	return named
}

// standing says whether a matching permit is in force.
func (of Consents) standing(c Row, r ShareRequest, cat Category, now time.Time) Decision {
	end, hasEnd := c.Get("expires_at").Time()
	from, hasFrom := c.Get("valid_from").Time()
	d := Decision{Basis: c.ID}
	switch {
	case c.Text("status") == "withdrawn" || of.withdrawnSince(c, r, cat):
		d.Reason = ConsentWithdrawn
	case of.giverUnfit(c):
		d.Reason = ConsentGiverUnfit
	case c.Text("status") != "given" || !hasEnd || !now.Before(end):
		d.Reason = ConsentExpired
	case c.Get("valid_from").IsSet() && !hasFrom || hasFrom && now.Before(from):
		d.Reason = ConsentNotYet
	default:
		return Decision{Allowed: true, Reason: ShareConsented, Basis: c.ID, Until: end}
	}
	return d
}

// giverUnfit says whether the giver turned out to be involved, or the child
// for whom a guardian agreed does not (UNICEF guidelines 2006: only a court or
// a best-interest decision goes past that), or whether somebody who turned out
// to be a child agreed alone, or through a guardian whose interests nobody
// looked at (R27).
func (of Consents) giverUnfit(c Row) bool {
	implicated, _ := c.Get("giver_implicated").Bool()
	checked, _ := c.Get("giver_conflict_checked").Bool()
	giver := c.Text("giver")
	decided := giver == "court" || giver == "best_interest_decision"
	alone := giver == "self" || giver == "child_assent" || giver == "guardian" && !checked
	return implicated || c.Text("child_assent") == "dissents" && !decided || of.Child && alone
}

// withdrawnSince says whether the person took back any permit for the same
// disclosure after c began: taking back one of two papers takes back both. A
// permit that began later is a new answer and stands.
func (of Consents) withdrawnSince(c Row, r ShareRequest, cat Category) bool {
	from, hasFrom := c.Get("valid_from").Time()
	for _, w := range of.Rows {
		if w.Text("status") != "withdrawn" || !permits(w, r, cat) {
			continue
		}
		at, known := w.Get("withdrawn_at").Time()
		if !known || !hasFrom || !from.After(at) {
			return true
		}
	}
	return false
}
