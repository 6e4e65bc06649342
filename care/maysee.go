package care

import (
	"slices"
	"time"
)

// Why MaySee fell as it did.
const (
	SeeGrant       Reason = "see_grant"        // allowed: a live grant for the case and compartment
	SeeTopic       Reason = "see_topic"        // allowed: the role reads or writes this topic of its organisation
	SeeHub         Reason = "see_hub"          // allowed: the hub acts by its own rules
	SeeOwnDraft    Reason = "see_own_draft"    // allowed: one's own half-filled form, of a case that nobody has saved yet
	SeeGranting    Reason = "see_granting"     // allowed: whoever may give grants writes grants in their organisation
	SeeOpening     Reason = "see_opening"      // allowed: the role opens cases
	SeeEmergency   Reason = "see_emergency"    // allowed: the actor broke the glass for this compartment, for three hours
	SeeOwn         Reason = "see_own"          // allowed: the actor hears that their own change waits
	NotSignedIn    Reason = "not_signed_in"    // there is no actor
	NoSuchTarget   Reason = "no_such_target"   // the collection, compartment or topic does not exist or does not fit
	OtherOrg       Reason = "other_org"        // the record belongs to another organisation
	NoRole         Reason = "no_role"          // no role of the actor may hold this compartment or topic
	NoGrant        Reason = "no_grant"         // no grant for this case and compartment
	GrantOver      Reason = "grant_over"       // there was a grant, and its date has passed
	NoPower        Reason = "no_power"         // the act needs a power that the actor's roles do not carry
	MayNotOpenCase Reason = "may_not_open"     // the role does not open cases
	NoSuchAct      Reason = "no_such_act"      // the act is neither reading nor writing
	NotAtDesk      Reason = "not_at_desk"      // what an emergency opens is seen at the desk, and leaves it in no form
	ReviewOverdue  Reason = "review_overdue"   // nobody reviewed an emergency within 72 hours; in the log for the auditor
	NotActorsOrg   Reason = "actor_has_no_org" // the actor belongs to no organisation
	NotProved      Reason = "not_proved"       // the actor has not given their second factor
)

// MaySee decides whether the actor may do the act to the target. It denies
// unless a rule allows.
func MaySee(a Actor, act Act, t Target, now time.Time) Decision {
	if reason := badTarget(act, t); reason != "" {
		return Decision{Reason: reason}
	}
	switch {
	case a.Staff == "":
		return Decision{Reason: NotSignedIn}
	case a.IsHub():
		return Decision{Allowed: true, Reason: SeeHub}
	case a.Unproved:
		return Decision{Reason: NotProved}
	case a.Org == "":
		return Decision{Reason: NotActorsOrg}
	case t.Org != "" && t.Org != a.Org:
		return Decision{Reason: OtherOrg}
	case t.Topic != NoTopic:
		return maySeeTopic(a, act, t)
	}
	if act == Write && t.Collection == "grants" {
		return mayGrant(a, t)
	}
	return maySeeCase(a, act, t, now)
}

// MayOpenCase decides whether the actor may begin a new case in their
// organisation. What follows from it are the grants that Consequences makes.
func MayOpenCase(a Actor, org string) Decision {
	switch {
	case a.Staff == "":
		return Decision{Reason: NotSignedIn}
	case a.IsHub():
		return Decision{Allowed: true, Reason: SeeHub}
	case a.Unproved:
		return Decision{Reason: NotProved}
	case a.Org == "":
		return Decision{Reason: NotActorsOrg}
	case org != a.Org:
		return Decision{Reason: OtherOrg}
	case !a.hasAny(caseRoles):
		return Decision{Reason: MayNotOpenCase}
	}
	return Decision{Allowed: true, Reason: SeeOpening}
}

// badTarget refuses a target that makes no sense, so that a mistake of a
// caller never widens what is shown.
func badTarget(act Act, t Target) Reason {
	if act != Read && act != Write && act != Carry {
		return NoSuchAct
	}
	if (t.Topic == NoTopic) == (t.Case == "") { // neither or both
		return NoSuchTarget
	}
	if t.Topic != NoTopic && (t.Org == "" || !slices.Contains(Topics, t.Topic)) {
		return NoSuchTarget
	}
	if t.Compartment == "" && t.Topic != NoTopic {
		t.Compartment = General
	}
	if !slices.Contains(Compartments, t.Compartment) {
		return NoSuchTarget
	}
	if t.Collection != "" {
		if e, ok := Find(t.Collection); !ok || e.Topic != t.Topic {
			return NoSuchTarget
		}
	}
	return ""
}

func maySeeTopic(a Actor, act Act, t Target) Decision {
	for _, row := range topicRows {
		if row.topic != t.Topic {
			continue
		}
		if !a.hasAny(row.read) {
			return Decision{Reason: NoRole}
		}
		if t.Compartment == Location && !a.hasAny(row.locate) {
			return Decision{Reason: NoRole}
		}
		if t.Compartment != Location && t.Compartment != General && t.Compartment != "" && !MayHold(a.Roles, t.Compartment) {
			return Decision{Reason: NoRole}
		}
		if act == Write && !slices.ContainsFunc(row.write, a.Can) {
			return Decision{Reason: NoPower}
		}
		return Decision{Allowed: true, Reason: SeeTopic}
	}
	return Decision{Reason: NoSuchTarget}
}

// mayGrant lets those who may give grants do so for cases that they are not
// on themselves: a case whose only worker has left must not be lost. Nobody
// gives themselves a grant (rule grant_to_self).
func mayGrant(a Actor, t Target) Decision {
	switch {
	case t.Org == "":
		return Decision{Reason: OtherOrg} // whose case it is must be known
	case t.Compartment != General:
		return Decision{Reason: NoSuchTarget}
	case !a.Can(MayGrant):
		return Decision{Reason: NoPower}
	}
	return Decision{Allowed: true, Reason: SeeGranting}
}

// MayBreakGlass decides whether the actor may open a compartment of a case of
// their organisation in an emergency, without a grant (R30). It says nothing
// of the reason that they must give, nor of who looks at it afterwards.
func MayBreakGlass(a Actor, t Target) Decision {
	switch {
	case a.Staff == "" || a.IsHub():
		return Decision{Reason: NotSignedIn}
	case a.Unproved:
		return Decision{Reason: NotProved}
	case a.Org == "":
		return Decision{Reason: NotActorsOrg}
	case a.Device != "":
		return Decision{Reason: NotAtDesk}
	case !MayHold(a.Roles, t.Compartment):
		return Decision{Reason: NoRole}
	case t.Org != a.Org:
		return Decision{Reason: OtherOrg}
	}
	return Decision{Allowed: true, Reason: SeeEmergency}
}

// maySeeCase looks for the grant that lasts longest. One of an emergency
// serves only where no other does, and only at the desk.
func maySeeCase(a Actor, act Act, t Target, now time.Time) Decision {
	if !MayHold(a.Roles, t.Compartment) {
		return Decision{Reason: NoRole}
	}
	d := Decision{Reason: NoGrant}
	for _, g := range a.Grants {
		switch {
		case g.Case != t.Case || g.Compartment != t.Compartment:
		case !now.Before(g.Until): // also a grant without an end, which nobody but the hub may have
			if d.Reason == NoGrant {
				d.Reason = GrantOver
			}
		case g.BreakGlass && (act == Carry || a.Device != ""):
			if !d.Allowed {
				d.Reason = NotAtDesk
			}
		case g.BreakGlass && d.Reason == SeeGrant:
		case !d.Allowed || g.Until.After(d.Until) || d.Reason == SeeEmergency && !g.BreakGlass:
			d = Decision{Allowed: true, Reason: SeeGrant, Basis: g.ID, Until: g.Until}
			if g.BreakGlass {
				d.Reason = SeeEmergency
			}
		}
	}
	return d
}
