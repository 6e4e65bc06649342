package simtest

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Reasons of the door (docs/errors.md).
const (
	heldGroup   = "group_held"
	heldNoGrant = "no_grant"
	heldField   = "unknown_field"
	heldCode    = "code_unknown"
	heldLease   = "lease_over"
	heldRevoked = "device_revoked"
	heldEarlier = "earlier_enrolment"
)

// logged is one change that the hub took.
type logged struct {
	fieldsync.Change
	replica string
	n       uint64 // as it was delivered
	hash    [sha256.Size]byte
	receipt fieldsync.Receipt
	answer  []byte
	staff   string // whose key signed it
	of      uint64 // the held change that it came of
}

// heldItem is a change that waits for a person, or for another change.
type heldItem struct {
	held    []fieldsync.Held
	awaits  fieldsync.Dot // "" for none
	decided string
	as      fieldsync.Dot
	asSeq   uint64
}

// known is how far the hub knows a replica.
type known struct {
	seqs []uint64
	link fieldsync.Link
}

// device is a tablet as the hub knows it.
type device struct {
	staff     int
	key       ed25519.PublicKey
	lease     time.Time
	heldUntil uint64
	revoked   bool
}

// field is a register and the number at which it last changed.
type field struct {
	fieldsync.Register
	writes []uint64 // changes of the log that wrote it, held or not
}

// scopeLine is one line of the log of scopes.
type scopeLine struct {
	seq, unit uint64
	scope     fieldsync.Scope
	at        place
}

// access is a scope that somebody may see, from and until a number (0: still).
type access struct {
	staff       int
	scope       fieldsync.Scope
	from, until uint64
}

// grant is a right as it was given.
type grant struct {
	staff       int
	record      string
	compartment care.Compartment
	until       time.Time
	ended       bool
}

// hub is the model of the hub: what the door and the pull do, without a database.
type hub struct {
	version  int
	epoch    int
	replica  string
	seq      uint64
	unit     uint64
	grouped  bool
	log      []*logged // by number; nil where a number was not given to a change
	replicas map[string]*known
	devices  map[string]*device
	state    map[place]field
	held     map[uint64]*heldItem
	digests  map[fieldsync.Scope]fieldsync.Digest
	scopeLog []scopeLine
	access   []access
	grants   []grant
	hashes   map[[sha256.Size]byte][]uint64
	touched  map[place]bool // since the last step
}

func newHub() *hub {
	return &hub{version: 1, epoch: 1, replica: hubReplica(1), log: []*logged{nil}, replicas: map[string]*known{}, devices: map[string]*device{}, state: map[place]field{},
		held: map[uint64]*heldItem{}, digests: map[fieldsync.Scope]fieldsync.Digest{}, hashes: map[[sha256.Size]byte][]uint64{}, touched: map[place]bool{}}
}

// copied is a copy of everything. Registers and changes are never altered in place.
func (h *hub) copied() *hub {
	c := *h
	c.log, c.scopeLog = slices.Clip(h.log), slices.Clip(h.scopeLog)
	c.state, c.digests, c.touched, c.hashes = maps.Clone(h.state), maps.Clone(h.digests), maps.Clone(h.touched), maps.Clone(h.hashes)
	c.access, c.grants = slices.Clone(h.access), slices.Clone(h.grants)
	c.replicas, c.devices, c.held = clones(h.replicas), clones(h.devices), clones(h.held)
	return &c
}

func clones[K comparable, V any](m map[K]*V) map[K]*V {
	out := make(map[K]*V, len(m))
	for k, v := range m {
		one := *v
		out[k] = &one
	}
	return out
}

// actor is a member of staff with their grants of now; officer is one who is on
// every case.
func (h *hub) actor(staff string) care.Actor {
	a := care.Actor{Staff: staff, Org: id(idOrg, 0), Roles: []care.Role{care.Outreach}}
	for _, g := range h.grants {
		if id(idStaff, g.staff) == staff && !g.ended {
			a.Grants = append(a.Grants, care.Grant{ID: "g", Case: g.record, Compartment: g.compartment, Until: g.until})
		}
	}
	return a
}

func target(record string, c care.Compartment) care.Target {
	return care.Target{Collection: "tasks", Org: id(idOrg, 0), Case: caseOf[record], Compartment: c}
}

// settleAccess opens and closes scopes as the one decision has it now.
func (h *hub) settleAccess(staff int, records []string, now time.Time) {
	a := h.actor(id(idStaff, staff))
	for _, r := range records {
		for _, c := range compartments {
			scope := fieldsync.CaseScope(caseOf[r], c)
			may := care.MaySee(a, care.Carry, target(r, c), now).Allowed
			i := slices.IndexFunc(h.access, func(x access) bool { return x.staff == staff && x.scope == scope && x.until == 0 })
			switch {
			case may && i < 0:
				h.access = append(h.access, access{staff, scope, h.number(nil), 0})
				h.admitted(id(idStaff, staff))
			case !may && i >= 0:
				h.access[i].until = h.number(nil)
			}
		}
	}
}

// number gives the next number, to a change or to another act.
func (h *hub) number(l *logged) uint64 {
	h.seq++
	h.log = append(h.log, l)
	return h.seq
}

// arrival is a change at the door.
type arrival struct {
	fieldsync.Change
	raw     []byte
	replica string
	n       uint64
	staff   string
	aside   string
	unbased bool
	awaits  fieldsync.Dot
	of      uint64
}

func whole(reason string) []fieldsync.Held { return []fieldsync.Held{{Reason: reason}} }

// take passes one change through the door.
func (h *hub) take(a *arrival, held []fieldsync.Held, now time.Time) fieldsync.Receipt {
	l := &logged{Change: a.Change, replica: a.replica, n: a.n, hash: sha256.Sum256(a.raw), staff: a.staff, of: a.of}
	seq := h.number(l)
	if !h.grouped {
		h.unit = seq
	}
	r := fieldsync.Receipt{N: a.n, Seq: seq, Status: fieldsync.StatusApplied, Held: held}
	if held == nil && a.aside != "" {
		r.Held = whole(a.aside)
	}
	if r.Held == nil {
		h.judge(a, &r, now)
	}
	switch {
	case len(r.Held) > 0:
		r.Status = fieldsync.StatusHeld
		h.held[seq] = &heldItem{held: r.Held, awaits: a.awaits}
	case len(r.Conflicts) > 0:
		r.Status = fieldsync.StatusConflict
	}
	l.receipt, l.answer = r, r.AppendJSON(nil)
	h.hashes[l.hash] = append(slices.Clip(h.hashes[l.hash]), seq)
	k := h.replicas[a.replica]
	if k == nil {
		k = &known{}
		h.replicas[a.replica] = k
	}
	k.seqs, k.link = append(slices.Clip(k.seqs), seq), fieldsync.LinkOver(k.link, l.hash)
	for _, name := range a.Fields() {
		at := place{a.Record, name}
		f := h.state[at]
		f.writes = append(slices.Clip(f.writes), seq)
		h.state[at], h.touched[at] = f, true
	}
	if a.awaits == "" {
		h.came(fieldsync.DotOf(a.replica, a.n))
	}
	return r
}

// judge authorises and merges, field by field.
func (h *hub) judge(a *arrival, r *fieldsync.Receipt, now time.Time) {
	actor := h.actor(a.Author)
	may := map[care.Compartment]bool{}
	for _, c := range compartments {
		may[c] = a.Author == officer || care.MaySee(actor, care.Write, target(a.Record, c), now).Allowed
	}
	if a.Author != a.staff || !may[care.General] && !may[care.Health] {
		reason := heldNoGrant
		if !a.unbased {
			if a.awaits = h.lacks(a); a.awaits != "" {
				reason = fieldsync.HeldBaseUnknown
			}
		}
		r.Held = whole(reason)
		return
	}
	for _, name := range a.Fields() {
		at := place{a.Record, name}
		f := fieldOf(name)
		var reason string
		switch {
		case !knows(h.version, name):
			reason = heldField
		case strange(h.version, &a.Change, name):
			reason = heldCode
		case !may[f.Compartment]:
			reason = heldNoGrant
		default:
			reason = h.merge(a, at, r, now)
		}
		if reason != "" {
			r.Held = append(r.Held, fieldsync.Held{Field: name, Reason: reason})
		}
	}
}

func (h *hub) merge(a *arrival, at place, r *fieldsync.Receipt, now time.Time) (reason string) {
	f, was := policyOf(h.version, at.field), h.state[at]
	reg := was.Register
	seen, awaits, _ := reg.Seen(a.Base[at.field], func(d fieldsync.Dot) (fieldsync.Fate, error) { return h.fate(a, at, d), nil })
	if awaits != "" && !a.unbased {
		a.awaits = awaits
		return fieldsync.HeldBaseUnknown
	}
	before := reg.Dots()
	conflict := false
	for _, v := range a.Versions(at.field, a.replica, fieldsync.Clamp(a.Clock, now), r.Seq) {
		if conflict, reason = reg.Apply(f, v, seen); reason != "" {
			return reason
		}
	}
	if slices.Equal(before, reg.Dots()) {
		return ""
	}
	scope := at.scope()
	h.digests[scope] = h.digests[scope].Sub(fieldsync.DigestOf(scope, at.record, at.field, before)).Add(fieldsync.DigestOf(scope, at.record, at.field, reg.Dots()))
	h.state[at] = field{reg, was.writes}
	h.scopeLog = append(h.scopeLog, scopeLine{r.Seq, h.unit, scope, at})
	if conflict {
		r.Conflicts = append(r.Conflicts, at.field)
	}
	return ""
}

// find is the change of a version, nil where it has not come.
func (h *hub) find(d fieldsync.Dot) *logged {
	k, n := h.replicas[d.Replica()], d.N()
	if k == nil || n == 0 || n > uint64(len(k.seqs)) {
		return nil
	}
	return h.log[k.seqs[n-1]]
}

func (h *hub) fate(a *arrival, at place, d fieldsync.Dot) fieldsync.Fate {
	if d == a.Dot(a.replica) || isHub(d.Replica()) {
		return fieldsync.Fate{Here: true}
	}
	l := h.find(d)
	if l == nil || l.Record != at.record || !slices.Contains(l.Fields(), at.field) {
		return fieldsync.Fate{}
	}
	f := fieldsync.Fate{Here: true}
	if item := h.held[l.receipt.Seq]; item != nil {
		f.Waits = item.awaits != ""
		if item.holds(at.field) {
			f.As = item.as
		}
	}
	return f
}

func (i *heldItem) holds(name string) bool {
	return slices.ContainsFunc(i.held, func(x fieldsync.Held) bool { return x.Field == "" || x.Field == name })
}

func (h *hub) lacks(a *arrival) fieldsync.Dot {
	for _, name := range a.Fields() {
		for _, d := range a.Base[name] {
			if d.Replica() == a.replica || isHub(d.Replica()) {
				continue
			}
			l := h.find(d)
			shown := l != nil && slices.ContainsFunc(h.access, func(x access) bool {
				return id(idStaff, x.staff) == a.Author && x.scope == (place{l.Record, name}).scope() && (x.until == 0 || x.until >= l.receipt.Seq)
			})
			if f := h.fate(a, place{a.Record, name}, d); !shown || !f.Here || f.Waits {
				return d
			}
		}
	}
	return ""
}

// ready is in the place of a version that has come.
const ready = fieldsync.Dot("come")

func (h *hub) came(d fieldsync.Dot) {
	for _, item := range h.held {
		if item.awaits == d {
			item.awaits = ready
		}
	}
}

// admitted tries what somebody wrote anew who may see more now.
func (h *hub) admitted(staff string) {
	for seq, item := range h.held {
		if item.awaits != "" && h.log[seq].staff == staff {
			item.awaits = ready
		}
	}
}

// takeUp takes up what need not wait any more.
func (h *hub) takeUp(now time.Time) {
	for {
		first := uint64(0)
		for seq, item := range h.held {
			if item.awaits == ready && (first == 0 || seq < first) {
				first = seq
			}
		}
		if first == 0 {
			return
		}
		h.decide(first, true, h.log[first].staff, "taken_up", now)
	}
}

// groupOf is the undecided changes that stand or fall with a held one.
func (h *hub) groupOf(seq uint64) []uint64 {
	l := h.log[seq]
	group := []uint64{seq}
	if l.Group == "" {
		return group
	}
	seqs := h.replicas[l.replica].seqs
	for _, step := range []int{-1, 1} {
		for i := int(l.n) - 1 + step; i >= 0 && i < len(seqs); i += step {
			item := h.held[seqs[i]]
			if item == nil || item.decided != "" || h.log[seqs[i]].Group != l.Group {
				break
			}
			group = append(group, seqs[i])
		}
	}
	slices.Sort(group)
	return group
}

// decide takes a held change and its group through the door again, or leaves
// it aside. Where the door holds it again nothing is decided.
func (h *hub) decide(seq uint64, accept bool, as, by string, now time.Time) {
	group := h.groupOf(seq)
	if !accept {
		for _, s := range group {
			h.held[s].decided = "declined"
			h.unpark(s)
		}
		return
	}
	saved := h.copied()
	h.unit, h.grouped = h.seq+1, true
	why, awaits := "", fieldsync.Dot("")
	for _, s := range group {
		if why, awaits = h.accept(s, as, by, now); why != "" {
			break
		}
	}
	h.grouped = false
	if why == "" {
		return
	}
	*h = *saved
	if by != "taken_up" {
		return
	}
	for _, s := range group {
		if awaits != "" {
			h.held[s].awaits = awaits
		} else {
			h.unpark(s)
		}
	}
}

func (h *hub) unpark(seq uint64) {
	h.held[seq].awaits = ""
	l := h.log[seq]
	h.came(fieldsync.DotOf(l.replica, l.n))
}

func (h *hub) accept(seq uint64, as, by string, now time.Time) (why string, awaits fieldsync.Dot) {
	l, item := h.log[seq], h.held[seq]
	for _, s := range h.hashes[l.hash] {
		if other := h.held[s]; s != seq && (other == nil || other.asSeq > 0) {
			return "taken_already", ""
		}
	}
	c := l.Change
	c.Set, c.Add, c.Remove, c.Base = only(c.Set, item), only(c.Add, item), only(c.Remove, item), only(c.Base, item)
	own := h.replicas[h.replica]
	c.N, c.Author, c.Group = 1, as, ""
	if own != nil {
		c.N = uint64(len(own.seqs)) + 1
	}
	a := &arrival{Change: c, raw: fieldsync.EncodeChange(c), replica: h.replica, n: c.N, staff: as, unbased: by != "taken_up", of: seq}
	r := h.take(a, nil, now)
	if len(r.Held) > 0 {
		return r.Held[0].Reason, a.awaits
	}
	item.decided, item.as, item.asSeq = by, fieldsync.DotOf(h.replica, c.N), r.Seq
	h.unpark(seq)
	return "", ""
}

func only[V any](m map[string]V, item *heldItem) map[string]V {
	out := map[string]V{}
	for k, v := range m {
		if item.holds(k) {
			out[k] = v
		}
	}
	return out
}

// group takes changes that stand or fall together.
func (h *hub) group(list []arrival, now time.Time) (receipts []fieldsync.Receipt) {
	if len(list) == 1 {
		return []fieldsync.Receipt{h.take(&list[0], nil, now)}
	}
	saved := h.copied()
	h.unit, h.grouped = h.seq+1, true
	defer func() { h.grouped = false }()
	reasons, awaits, falls := make([][]fieldsync.Held, len(list)), fieldsync.Dot(""), false
	for i, a := range list {
		r := h.take(&a, nil, now)
		receipts, reasons[i], awaits = append(receipts, r), r.Held, cmp.Or(awaits, a.awaits)
		falls = falls || len(r.Held) > 0
	}
	if !falls {
		return receipts
	}
	*h, receipts = *saved, nil
	h.unit, h.grouped = h.seq+1, true
	for i, a := range list {
		if !slices.ContainsFunc(reasons[i], func(x fieldsync.Held) bool { return x.Field == "" }) {
			reasons[i] = append(reasons[i], fieldsync.Held{Reason: heldGroup})
		}
		a.awaits = awaits
		receipts = append(receipts, h.take(&a, reasons[i], now))
	}
	return receipts
}
