package simtest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// entry is one change in the outbox of a tablet.
type entry struct {
	replica string
	n       uint64
	of      fieldsync.Dot // as it was sealed
	raw     []byte        // nil where the tablet cannot read it any more
	box     []byte        // sealed to the hub; nil where it was answered
	sum     [sha256.Size]byte
	link    fieldsync.Link
	change  fieldsync.Change
	receipt json.RawMessage // nil before there is one
	epoch   int             // of the hub that gave it
	settled bool
}

// tablet is the model of one tablet's store. Its fields are what is on its
// disk; a crash leaves them as they are between two steps.
type tablet struct {
	staff    int
	version  int // of its program
	replica  string
	key      ed25519.PrivateKey
	clock    *fieldsync.Clock
	skew     time.Duration // its wall clock against the true one
	lastTick fieldsync.HLC
	lease    time.Time // by the true time: nobody reads the store after it
	ended    bool      // wiped: it is enrolled again

	outbox  []*entry
	n       uint64
	link    fieldsync.Link
	sent    map[place]fieldsync.Register // as the hub sent it
	stale   map[place]bool
	scopes  map[fieldsync.Scope]fieldsync.Digest
	cursor  string
	resend  uint64 // from which number the hub asked for changes again, 0 for none
	epoch   string // of the hub's log
	offers  bool   // the hub was restored: it is shown the last change, so that it says what it lacks
	differs bool
	damaged bool     // its disk lost something, or the hub was restored: it may differ until it was mended
	check   []string // what the walk asks for next
	again   map[string][]string
	walked  int // walks since a whole answer that agreed

	entered   []fieldsync.Scope // in the answer that is being taken
	fromBlank bool              // it was asked for with no cursor
	digests   map[string]string // said by the hub in this walk
	records   []*fieldsync.RecordDigests
}

func newTablet(staff, version int, now *time.Time) *tablet {
	t := &tablet{staff: staff, version: version, sent: map[place]fieldsync.Register{}, stale: map[place]bool{}, scopes: map[fieldsync.Scope]fieldsync.Digest{}}
	t.key = ed25519.NewKeyFromSeed(slices.Repeat([]byte{byte(staff)}, ed25519.SeedSize))
	t.clock = fieldsync.NewClock(func() time.Time { return now.Add(t.skew) })
	return t
}

func (t *tablet) locked(now time.Time) bool { return now.After(t.lease) }

// shown is a field with what is not in the hub's register yet on top.
func (t *tablet) shown(at place) fieldsync.Register {
	reg := t.sent[at]
	for _, e := range t.outbox {
		if e.settled || e.raw == nil || e.change.Record != at.record || e.holds(at.field) {
			continue
		}
		for _, v := range e.change.Versions(at.field, e.replica, e.change.Clock, 0) {
			reg.Apply(policyOf(t.version, at.field), v, e.change.Base[at.field])
		}
	}
	return reg
}

func (e *entry) holds(field string) bool {
	if e.receipt == nil {
		return false
	}
	var rec fieldsync.Receipt
	if err := json.Unmarshal(e.receipt, &rec); err != nil {
		panic("simtest: a receipt of the model: " + err.Error())
	}
	return slices.ContainsFunc(rec.Held, func(h fieldsync.Held) bool { return h.Field == "" || h.Field == field })
}

// edit writes a value to a field, with what the person sees as base.
func (t *tablet) edit(rng *rand.Rand, at place, group string, salt uint64, now time.Time) (*entry, error) {
	f := policyOf(t.version, at.field)
	bytes := binary.BigEndian.AppendUint64(make([]byte, fieldsync.SaltBytes-8), salt)
	c := fieldsync.Change{N: t.n + 1, Collection: "tasks", Record: at.record, Case: caseOf[at.record], Author: id(idStaff, t.staff), Group: group,
		At: care.FormatTime(now.Add(t.skew)), Clock: t.clock.Tick(), Salt: base64.RawURLEncoding.EncodeToString(bytes)}
	if c.Clock <= t.lastTick {
		return nil, fmt.Errorf("the clock of %s went from %s to %s", t.replica, t.lastTick, c.Clock)
	}
	t.lastTick = c.Clock
	known := codes(t.version)
	value := known[rng.IntN(len(known))]
	switch {
	case f.Merge != care.Union:
		c.Set = map[string]care.Value{at.field: care.OfText(value)}
	case rng.IntN(3) == 0:
		c.Remove = map[string][]string{at.field: {value}}
	default:
		c.Add = map[string][]string{at.field: {value}}
	}
	if dots := t.shown(at).Dots(); len(dots) > 0 {
		c.Base = map[string][]fieldsync.Dot{at.field: dots}
	}
	e := &entry{}
	t.put(e, c)
	if !slices.Contains(t.shown(at).Dots(), e.of) && f.Merge != care.Once {
		return nil, fmt.Errorf("%s does not read what it wrote to %v", t.replica, at)
	}
	return e, nil
}

// put appends a change to the outbox and the chain.
func (t *tablet) put(e *entry, c fieldsync.Change) {
	t.n++
	c.N = t.n
	raw := fieldsync.EncodeChange(c)
	*e = entry{replica: t.replica, n: c.N, of: c.Dot(t.replica), raw: raw, box: raw, sum: sha256.Sum256(raw), change: c}
	t.link = fieldsync.LinkOver(t.link, e.sum)
	e.link = t.link
	t.outbox = append(t.outbox, e)
}

// last is the last change that this store can still send.
func (t *tablet) last() (n uint64) {
	for _, e := range t.outbox {
		if e.replica == t.replica && (e.raw != nil || e.box != nil) {
			n = e.n
		}
	}
	return n
}

// errHole: the hub asks for a change that this store does not have any more.
var errHole = fmt.Errorf("the hub lacks a change that is not here any more")

// pushBody is the next request: at most limit changes without a receipt, or
// from where the hub asked for them again. A group is never cut.
func (t *tablet) pushBody(limit int) ([]byte, error) {
	p := fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: t.replica, Cursor: t.cursor, Last: t.n, Changes: []json.RawMessage{}, Check: t.check, Again: t.again}
	p.Lease = care.FormatTime(t.lease)
	from, group := t.resend, ""
	if from == 0 && t.offers {
		from = t.last()
	}
	for _, e := range t.outbox {
		if e.replica != t.replica || e.n < from || from == 0 && e.receipt != nil {
			continue
		}
		if e.raw == nil && e.box == nil {
			return nil, errHole
		}
		if len(p.Changes) >= limit && (e.change.Group == "" || e.change.Group != group || e.raw == nil) {
			break
		}
		from = e.n
		raw := e.raw
		if raw == nil {
			s := fieldsync.Sealed{N: e.n, Of: e.of, Key: "k", Sum: e.sum, Box: e.box}
			raw = s.AppendJSON(nil)
		}
		group = e.change.Group
		p.Changes, p.Link = append(p.Changes, raw), e.link.String()
	}
	if p.Link != "" {
		link, err := fieldsync.ParseLink(p.Link)
		if err != nil {
			return nil, err
		}
		p.Signature = fieldsync.Sign(t.key, t.replica, from, link)
	}
	return p.AppendJSON(nil), nil
}

// take takes lines of an answer as one transaction.
func (t *tablet) take(lines []fieldsync.Line, epoch int) error {
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Evict != nil:
			for _, s := range l.Evict {
				t.evict(s)
			}
		case l.Receipts != nil:
			if err := t.receipts(l.Receipts, epoch); err != nil {
				return err
			}
		case l.Wipe != nil:
			for s := range maps.Clone(t.scopes) {
				t.evict(s)
			}
			for _, e := range t.outbox {
				e.raw = nil
			}
			t.ended = true
		case l.Lease != nil:
			until, err := time.Parse(care.TimeFormat, l.Lease.Until)
			if err != nil {
				return err
			}
			t.lease = until
		case l.Log != nil:
			t.offers = t.offers || t.epoch != "" && t.epoch != l.Log.Signed
			t.epoch = l.Log.Signed
		case l.Enter != nil:
			t.enter(l.Enter)
		case l.Row != nil:
			t.row(l.Row)
		case l.Mark != "":
			t.cursor = l.Mark
		case l.Digests != nil:
			t.digests = l.Digests
		case l.Records != nil:
			t.records = append(t.records, l.Records)
		case l.Gone != nil:
			for _, record := range l.Gone.Records {
				t.drop(func(at place) bool { return at.record == record && at.scope() == l.Gone.Scope })
			}
		case l.End != nil:
			t.end(l.End)
		}
	}
	return nil
}

func (t *tablet) drop(which func(place) bool) {
	for at, reg := range t.sent {
		if which(at) {
			t.add(at, reg, -1)
			delete(t.sent, at)
			delete(t.stale, at)
		}
	}
}

// evict destroys what the store has of a scope. Of what is unsent the hub's
// copy stays.
func (t *tablet) evict(s fieldsync.Scope) {
	for at := range t.sent {
		if at.scope() == s {
			delete(t.sent, at)
			delete(t.stale, at)
		}
	}
	delete(t.scopes, s)
	for _, e := range t.outbox {
		if e.writesTo(s) {
			e.raw = nil
		}
	}
}

func (e *entry) writesTo(s fieldsync.Scope) bool {
	return slices.ContainsFunc(e.change.Fields(), func(name string) bool { return place{e.change.Record, name}.scope() == s })
}

func (t *tablet) enter(scopes []fieldsync.Scope) {
	for _, s := range scopes {
		if _, ok := t.scopes[s]; !ok {
			t.scopes[s] = fieldsync.Digest{}
		}
		for at := range t.sent {
			if at.scope() == s {
				t.stale[at] = true
			}
		}
		t.entered = append(t.entered, s)
	}
	if t.fromBlank {
		t.dropUnnamed()
	}
}

func (t *tablet) dropUnnamed() {
	for s := range maps.Clone(t.scopes) {
		if !slices.Contains(t.entered, s) {
			t.evict(s)
		}
	}
}

// receipts keeps each receipt. A repeated one must be the same, byte for byte,
// unless the hub was restored in between.
func (t *tablet) receipts(list []json.RawMessage, epoch int) error {
	for _, raw := range list {
		var rec fieldsync.Receipt
		if err := json.Unmarshal(raw, &rec); err != nil {
			return err
		}
		i := slices.IndexFunc(t.outbox, func(e *entry) bool { return e.replica == t.replica && e.n == rec.N })
		if i < 0 {
			return fmt.Errorf("a receipt for %s/%d, which is not there", t.replica, rec.N)
		}
		e := t.outbox[i]
		if e.receipt != nil && e.epoch == epoch && string(e.receipt) != string(raw) {
			return fmt.Errorf("%s/%d was answered %s and then %s", t.replica, rec.N, e.receipt, raw)
		}
		e.receipt, e.epoch, e.settled, e.box = slices.Clone(raw), epoch, false, nil
		if t.resend > 0 {
			t.resend = rec.N + 1
		}
	}
	if t.resend > t.n {
		t.resend = 0
	}
	t.offers = false
	return nil
}

func (t *tablet) row(row *fieldsync.Row) {
	for name, reg := range row.Fields {
		at := place{row.Record, name}
		t.add(at, t.sent[at], -1)
		t.add(at, reg, 1)
		t.sent[at] = reg
		delete(t.stale, at)
		for _, h := range reg.Heads {
			t.clock.Observe(h.Clock)
		}
	}
}

func (t *tablet) add(at place, reg fieldsync.Register, sign int) {
	s := at.scope()
	d := fieldsync.DigestOf(s, at.record, at.field, reg.Dots())
	if sign < 0 {
		t.scopes[s] = t.scopes[s].Sub(d)
	} else {
		t.scopes[s] = t.scopes[s].Add(d)
	}
}

// recount works out the digests from what is really there.
func (t *tablet) recount() {
	for s := range t.scopes {
		t.scopes[s] = fieldsync.Digest{}
	}
	for at, reg := range t.sent {
		t.add(at, reg, 1)
	}
}

func (t *tablet) end(e *fieldsync.End) {
	t.drop(func(at place) bool { return t.stale[at] })
	if t.fromBlank && len(t.entered) == 0 {
		t.dropUnnamed()
	}
	for _, e := range t.outbox {
		e.settled = e.receipt != nil && (t.resend == 0 || e.n < t.resend || e.replica != t.replica)
		_, held := t.scopes[place{e.change.Record, e.change.Fields()[0]}.scope()]
		if e.settled && !held {
			e.raw = nil
		}
	}
	if t.cursor = e.Cursor; t.ended {
		t.cursor = ""
	}
	t.differs = fieldsync.RootDigest(t.scopes) != e.Digest
	t.walk()
}

// walk works out what to ask for after a whole answer.
func (t *tablet) walk() {
	asked := t.check != nil
	digests, records := t.digests, t.records
	t.check, t.again, t.digests, t.records = nil, nil, nil, nil
	switch {
	case !t.differs:
		t.walked = 0
	case digests != nil:
		for s := range maps.Clone(t.scopes) {
			if _, named := digests[string(s)]; !named {
				t.evict(s)
			}
		}
		for _, s := range slices.Sorted(maps.Keys(digests)) {
			if t.scopes[fieldsync.Scope(s)].String() != digests[s] {
				t.check = append(t.check, s)
			}
		}
	case records != nil:
		t.again = map[string][]string{}
		for _, said := range records {
			t.compare(said)
		}
	case !asked:
		t.recount()
		t.check, t.walked = []string{fieldsync.EveryScope}, t.walked+1
	}
}

func (t *tablet) compare(said *fieldsync.RecordDigests) {
	ours := map[string]fieldsync.Digest{}
	for at, reg := range t.sent {
		if at.scope() == said.Scope {
			ours[at.record] = ours[at.record].Add(fieldsync.DigestOf(said.Scope, at.record, at.field, reg.Dots()))
		}
	}
	for _, record := range recordsOf(said.Scope) {
		theirs, named := said.Digests[record]
		our, have := ours[record]
		if (named || have) && (!named || our.String() != theirs) {
			t.again[string(said.Scope)] = append(t.again[string(said.Scope)], record)
		}
	}
}

// enrol moves the store to a new replica, with what the hub does not hold.
func (t *tablet) enrol(h *hub, replica string, lease time.Time) error {
	var waiting, rest []*entry
	for _, e := range t.outbox {
		k := h.replicas[e.replica]
		has := k != nil && e.n <= uint64(len(k.seqs))
		if has {
			l := h.log[k.seqs[e.n-1]]
			if l.hash != e.sum {
				return fmt.Errorf("the hub holds another change under %s/%d", e.replica, e.n)
			}
			if e.receipt == nil { // its answer was lost
				e.receipt, e.box = l.answer, nil
			}
		}
		if !has && (e.raw != nil || e.box != nil) {
			waiting = append(waiting, e)
		} else {
			rest = append(rest, e)
		}
	}
	t.outbox, t.replica, t.n, t.link, t.cursor, t.resend, t.ended, t.lease = rest, replica, 0, fieldsync.Link{}, "", 0, false, lease
	t.check, t.again, t.offers = nil, nil, false
	names := map[fieldsync.Dot]fieldsync.Dot{}
	for i, e := range waiting {
		names[fieldsync.DotOf(e.replica, e.n)] = fieldsync.DotOf(replica, uint64(i+1))
		if e.raw == nil {
			t.n++
			e.replica, e.n, e.receipt, e.settled = replica, t.n, nil, false
			t.link = fieldsync.LinkOver(t.link, e.sum)
			e.link = t.link
			t.outbox = append(t.outbox, e)
			continue
		}
		c := e.change
		c.Base = map[string][]fieldsync.Dot{}
		for name, dots := range e.change.Base {
			for _, d := range dots {
				if now, ok := names[d]; ok {
					d = now
				}
				c.Base[name] = append(c.Base[name], d)
			}
		}
		t.put(e, c)
	}
	return nil
}
