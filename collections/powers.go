package collections

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Roles that carry powers are given by two people, and so is a second factor
// taken away. Whoever stands at the console alone may give them only until the
// hub has two people who could agree; after that their act waits, with notice
// to whoever it concerns (docs/decisions/015-two-people-for-powers.md).

// WaitTerm is how long an act of the console alone waits: long enough that
// somebody who is off for a weekend sees the notice.
const WaitTerm = 72 * time.Hour

// ActRoles and ActWaiting are how the audit log names a change of roles, and
// acts of the console that wait.
const (
	ActRoles   = "roles"
	ActWaiting = "waiting_act"
)

// metaTwoPeople says since when the hub has had two people who could agree.
const metaTwoPeople = "two_people"

// RolesAsked is the question to a second person whether a member of staff is
// given roles.
func RolesAsked(staff string, roles []care.Role) care.Approval {
	return care.Approval{Act: care.ActRoleChange, Collection: "staff", Record: staff, Terms: rolesTerms(roles), Reason: "new_duties"}
}

// FactorResetAsked is the question whether a member of staff loses their
// second factors, to set up others.
func FactorResetAsked(staff string) care.Approval {
	return care.Approval{Act: care.ActFactorReset, Collection: "staff", Record: staff, Reason: "second_factor_lost"}
}

// Terms of a change of roles. The second part says that nobody may be left who
// approves.
const (
	rolesPrefix    = "roles="
	nobodyLeftTerm = "&nobody_left"
)

func rolesTerms(roles []care.Role) string {
	return rolesPrefix + strings.ReplaceAll(rolesText(roles), " ", "+")
}

func rolesOfTerms(terms string) (roles []care.Role) {
	list := strings.TrimSuffix(strings.TrimPrefix(terms, rolesPrefix), nobodyLeftTerm)
	for r := range strings.SplitSeq(list, "+") {
		if slices.Contains(care.Roles, care.Role(r)) {
			roles = append(roles, care.Role(r))
		}
	}
	return roles
}

// ChangeRoles gives a member of staff these roles instead of those that they
// have. Where one of them carries powers and is new, the actor has asked for it
// and somebody else agreed; the yes is used up.
func (h *Hub) ChangeRoles(ctx context.Context, a care.Actor, staff string, roles []care.Role) error {
	if !a.Can(care.MayPeople) || a.IsHub() {
		return ErrNoPower
	}
	return h.enter(ctx, a, func(s *session) error {
		who, err := s.h.loadStaff(s.t, staff, "")
		switch {
		case err != nil:
			return err
		case who.Org != a.Org:
			return care.ErrNotFound
		case staff == a.Staff:
			return approvalErrors[care.ApprovalAboutSelf]
		}
		last, err := s.leavesNobody(staff, roles)
		if err != nil {
			return err
		}
		spent := ""
		if last || gainsPowers(who.Roles, roles) {
			p, err := h.spendApproval(s.t, a, RolesAsked(staff, roles))
			if err != nil {
				return err
			}
			spent = p.ID
		}
		return s.setRoles(a, who, roles, spent)
	})
}

// gainsPowers says whether any role that carries powers is new.
func gainsPowers(from, to []care.Role) bool {
	return slices.ContainsFunc(to, func(r care.Role) bool {
		return care.NeedsSecondFactor([]care.Role{r}) && !slices.Contains(from, r)
	})
}

// setRoles writes roles that two people agreed to, or that need no second one,
// as a change of the hub's.
func (s *session) setRoles(a, who care.Actor, roles []care.Role, approval string) error {
	c, err := s.hubChange(s.h.HubActor(), Draft{Collection: "staff", Record: who.Staff, Set: map[string]care.Value{"roles": listOfRoles(roles)}})
	if err != nil {
		return err
	}
	r, err := s.take(c, nil)
	if err == nil {
		err = Refused([]fieldsync.Receipt{r})
	}
	if err != nil {
		return err
	}
	if _, err := s.twoPeople(); err != nil { // from now on, perhaps
		return err
	}
	e := accountEvent(ActRoles, who.Org, who.Staff, care.Decision{Allowed: true, Reason: "changed"})
	e.approval = approval
	return s.t.note(s.nowText, a, e)
}

func listOfRoles(roles []care.Role) care.Value {
	l := make([]string, len(roles))
	for i, r := range roles {
		l[i] = string(r)
	}
	return care.OfList(l...)
}

// ResetFactors takes away a member of staff's second factors and recovery
// codes, under a second person's yes that the actor asked for.
func (h *Hub) ResetFactors(ctx context.Context, a care.Actor, staff string) error {
	if !a.Can(care.MayPeople) || a.IsHub() {
		return ErrNoPower
	}
	return h.enter(ctx, a, func(s *session) error {
		p, err := h.spendApproval(s.t, a, FactorResetAsked(staff))
		if err != nil {
			return err
		}
		return s.resetFactors(a, p.Org, staff, p.ID)
	})
}

func (s *session) resetFactors(a care.Actor, org, staff, approval string) error {
	if _, err := s.t.removeFactors(s.nowText, `staff = ?`, staff); err != nil {
		return err
	}
	if _, err := s.t.exec(`UPDATE sign_ins SET ended_at = ? WHERE staff = ? AND ended_at = ''`, s.nowText, staff); err != nil {
		return wrap("taking second factors away", err)
	}
	// They come with the next first second factor.
	if err := s.t.endRecoveryCodes(staff); err != nil {
		return err
	}
	s.out = append(s.out, staff)
	e := accountEvent(ActSecondFactor, org, staff, care.Decision{Allowed: true, Reason: "reset"})
	e.approval = approval
	return s.t.note(s.nowText, a, e)
}

// ErrLastApprover says that nobody would be left who can agree to anything.
var ErrLastApprover = &care.Error{Code: "last_approver", Kind: care.Conflict,
	Hint: "Nobody would be left in the organisation who can approve: nothing could be erased, merged or exported, and no power given but by the console alone, after three days. Make somebody else coordinator or protection officer first. To go on all the same, take the roles away with `portolan user role LOGIN --role outreach --nobody-left`; once that is done the account can be closed."}

// leavesNobody says whether an organisation would have nobody who approves,
// were somebody to have these roles.
func (s *session) leavesNobody(staff string, roles []care.Role) (last bool, err error) {
	defer caught(&err)
	rec, err := s.load(s.h.tables["staff"], staff)
	if err != nil || rec == nil {
		return false, err
	}
	before, err := rec.row(nil)
	if err != nil {
		return false, err
	}
	after := before
	after.V = maps.Clone(before.V)
	after.V["roles"] = listOfRoles(roles)
	return care.LeavesNobody(s.world(), before, after), nil
}

// CloseAccount ends an account at the console: the person has left.
// ErrLastApprover where nobody would be left who approves.
func (h *Hub) CloseAccount(ctx context.Context, staff string) error {
	return h.enter(ctx, h.HubActor(), func(s *session) error {
		if last, err := s.leavesNobody(staff, nil); err != nil || last {
			return errors.Join(err, ErrLastApprover)
		}
		c, err := s.hubChange(h.HubActor(), Draft{Collection: "staff", Record: staff, Set: map[string]care.Value{"status": care.OfText("left")}})
		if err != nil {
			return err
		}
		r, err := s.take(c, nil)
		if err != nil {
			return err
		}
		return Refused([]fieldsync.Receipt{r})
	})
}

// CarryOut does what two people agreed to at the console, as the hub: of the
// acts of this file. It uses the yes up.
func (h *Hub) CarryOut(ctx context.Context, p care.Approval) error {
	return h.enter(ctx, h.HubActor(), func(s *session) error {
		if _, err := h.spendApproval(s.t, h.HubActor(), p); err != nil {
			return err
		}
		return s.powersAct(string(p.Act), p.Record, p.Terms, p.ID)
	})
}

// powersAct does one act of this file as the hub.
func (s *session) powersAct(act, staff, terms, approval string) error {
	who, err := s.h.loadStaff(s.t, staff, "")
	if err != nil {
		return err
	}
	switch care.TwoPersonAct(act) {
	case care.ActRoleChange:
		return s.setRoles(s.h.HubActor(), who, rolesOfTerms(terms), approval)
	case care.ActFactorReset:
		return s.resetFactors(s.h.HubActor(), who.Org, staff, approval)
	case care.ActPasswordSet:
		return s.setWaited(who, approval)
	}
	return ErrApprovalMalformed
}

// ConsoleRoles gives roles at the console, with nobody signed in: at once as
// long as the hub never had two people who could agree, and for roles without
// powers; after that with notice, when WaitTerm is over. So is the power of the
// last who approves taken away, and only where nobodyLeft says that this is
// meant; ErrLastApprover where not. Both are asked again when the time is over. The moment is zero where it is done.
func (h *Hub) ConsoleRoles(ctx context.Context, staff string, roles []care.Role, nobodyLeft bool) (due time.Time, err error) {
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		who, err := h.loadStaff(s.t, staff, "")
		if err != nil {
			return err
		}
		two, err := s.twoPeople()
		if err != nil {
			return err
		}
		last, err := s.leavesNobody(staff, roles)
		if err != nil {
			return err
		}
		if last && !nobodyLeft {
			return ErrLastApprover
		}
		if two && (last || gainsPowers(who.Roles, roles)) {
			terms := rolesTerms(roles)
			if nobodyLeft {
				terms += nobodyLeftTerm
			}
			due, err = s.wait(care.ActRoleChange, who, terms)
			return err
		}
		return s.setRoles(h.HubActor(), who, roles, "")
	})
	return due, err
}

// ConsoleFactorReset takes second factors away at the console, with nobody
// signed in: with notice, when WaitTerm is over, unless its owner signs in with
// one before, or somebody stops it.
func (h *Hub) ConsoleFactorReset(ctx context.Context, staff string) (due time.Time, err error) {
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		who, err := h.loadStaff(s.t, staff, "")
		if err == nil {
			due, err = s.wait(care.ActFactorReset, who, "")
		}
		return err
	})
	return due, err
}

// TwoPeople says whether the console alone gives powers only with notice. The
// answer stays yes once it was: nobody makes it no by closing an account.
func (h *Hub) TwoPeople(ctx context.Context) (two bool, err error) {
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		two, err = s.twoPeople()
		return err
	})
	return two, err
}

func (s *session) twoPeople() (bool, error) {
	var since string
	err := s.t.row(`SELECT value FROM hub_meta WHERE name = ?`, metaTwoPeople).Scan(&since)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return err == nil, wrap("reading about the hub", err)
	}
	orgs, err := s.accountHolders()
	if err != nil {
		return false, err
	}
	for _, staff := range orgs {
		for _, asks := range staff {
			for _, decides := range staff {
				if asks.Staff != decides.Staff && asks.Can(care.MayPeople) && decides.Can(care.MayApprove) {
					_, err := s.t.exec(`INSERT INTO hub_meta (name, value) VALUES (?, ?)`, metaTwoPeople, s.nowText)
					return true, wrap("noting that there are two", err)
				}
			}
		}
	}
	return false, nil
}

// accountHolders are the members of staff who can sign in, by organisation.
func (s *session) accountHolders() (map[string][]care.Actor, error) {
	rows, err := s.t.rows(`SELECT id FROM ` + AccountsCollection)
	if err != nil {
		return nil, wrap("reading the accounts", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("reading the accounts", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, wrap("reading the accounts", err)
	}
	out := map[string][]care.Actor{}
	for _, id := range ids {
		who, err := s.h.loadStaff(s.t, id, "")
		if errors.Is(err, care.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[who.Org] = append(out[who.Org], who)
	}
	return out, nil
}
