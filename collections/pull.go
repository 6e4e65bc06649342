package collections

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// Receiver takes an answer while it is made. An error of any of its calls ends
// the answer.
type Receiver interface {
	// Line takes one line, without its line break.
	Line(line []byte) error
	// Disclose is called before lines that disclose something, when that
	// stands in the audit log already: the head of the log may be sent. Of an
	// answer that discloses nothing it is called once; news says then whether
	// anything was taken away, and is true otherwise.
	Disclose(news bool) error
	// Packed takes lines that were packed before, part by part: part 0 first.
	// Between two parts it is given one line, a mark, that fills the gap.
	Packed(lines *fieldsync.Packed, part int) error
	// Flush is called where the device has come a step further: what was sent
	// so far should reach it.
	Flush() error
}

// Worker is a Receiver that is told whose turn it is: it rests while it waits
// for its line.
type Worker interface{ Work(*Turn) }

// lines is a Receiver that asks for nothing but the lines.
type lines struct {
	give func(line []byte) error
	turn *Turn
}

func (l *lines) Work(t *Turn)        { l.turn = t }
func (l *lines) Disclose(bool) error { return nil }
func (l *lines) Flush() error        { return nil }

func (l *lines) Line(line []byte) error {
	return l.turn.Rest(func() error { return l.give(line) })
}

func (l *lines) Packed(p *fieldsync.Packed, part int) error {
	plain, err := p.Plain(part)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(plain) {
		if err := l.Line(bytes.TrimSuffix(line, []byte{'\n'})); err != nil {
			return err
		}
	}
	return nil
}

// Pull is Answer for whoever needs the lines alone.
func (h *Hub) Pull(ctx context.Context, a care.Actor, cursor string, out func(line []byte) error) error {
	return h.Answer(ctx, a, Ask{Cursor: cursor}, &lines{give: out})
}

// Answer sends what is new for the actor since the cursor, line by line: scopes
// that they lost, scopes that they gained with all that stands in them,
// changed fields, and at the end the root digest and the next cursor
// (docs/protocol.md, "The round trip"). It reads one snapshot, so that a group
// of changes is in it whole or not at all, and keeps no more of it in memory
// than a portion. The decision is in the audit log before the first line that
// discloses something.
func (h *Hub) Answer(ctx context.Context, a care.Actor, ask Ask, to Receiver) error {
	if err := h.EndOver(ctx); err != nil {
		return err
	}
	late := time.NewTimer(writerWaitMax)
	defer late.Stop()
	release, err := slotOf(ctx, h.pulls, late.C)
	if err != nil {
		return err
	}
	defer release()
	turn, err := h.answers.take(ctx, late.C)
	if err != nil {
		return err
	}
	defer turn.leave()
	if w, ok := to.(Worker); ok {
		w.Work(turn)
	}
	if a, err = h.actorNow(h.asks(ctx), a); err != nil {
		return err
	}
	era := h.lately.now()
	snapshot, err := h.readDB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return wrap("beginning to read", err)
	}
	defer snapshot.Rollback() // a reading transaction has nothing to keep
	p := &pull{h: h, ctx: ctx, turn: turn, r: h.within(ctx, snapshot), to: to, actor: a, load: caseloadOf(a), own: ask.Own, drafts: ask.Drafts, era: era,
		open: map[fieldsync.Scope]time.Time{}, complete: map[fieldsync.Scope]uint64{}}
	if err = p.plan(ask.Cursor); err == nil {
		h.reached("answer planned")
		err = p.send(ask)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // what the snapshot's end does to what reads in it is no fault
	}
	return err
}

// EndOver ends the grants whose time is over, where there is any. Tend looks
// through all grants once a minute; here only where a scope is open beyond its
// time, which an index says.
func (h *Hub) EndOver(ctx context.Context) error {
	over, err := h.accessOver(ctx)
	if err != nil || !over {
		return err
	}
	_, err = h.ExpireGrants(ctx)
	return err
}

// pullsMax is how many pulls are answered at one time. Each keeps a reading
// connection while it sends, over a line that may be slow: the rest of
// readersMax is for everybody else.
const pullsMax = readersMax - 8

// slotOf waits for one of so many places, and no longer than until late.
func slotOf(ctx context.Context, places chan struct{}, late <-chan time.Time) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-late:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pull is the work of one answer.
type pull struct {
	h     *Hub
	ctx   context.Context
	turn  *Turn
	r     reader
	to    Receiver
	actor care.Actor
	load  caseload // the same actor, case by case
	at    cursor   // how far the device has come
	head  uint64   // how far it will have

	own      Own
	drafts   *fieldsync.Drafts
	evict    []fieldsync.Scope
	entering []entered
	today    today
	open     map[fieldsync.Scope]time.Time // what the actor may see now, and until when; zero: no end is known
	complete map[fieldsync.Scope]uint64    // of these, those of which the device holds records, and up to which number

	disclosed bool               // the audit log and the receiver know that something is
	named     bool               // the line that names the gained scopes was sent
	era       uint64             // of the lines that were sent lately
	came      cursor             // how far the device has come with what was sent
	unmarked  int                // bytes since the last mark
	ahead     []*wantedRow       // what is wanted next
	read      map[string]*record // some of it
}

// plan works out what to send.
func (p *pull) plan(sealed string) error {
	if err := p.r.row(`SELECT COALESCE(MAX(seq), 0) FROM changes`).Scan(&p.head); err != nil {
		return wrap("reading the sequence", err)
	}
	at, known := p.h.openCursor(p.actor.Staff, sealed)
	if known {
		p.at = at
	}
	if err := p.scopes(); err != nil {
		return err
	}
	if !known && sealed != "" {
		return p.lost()
	}
	return nil
}

// scopes reads what the actor may see now, and how that differs from what they
// could when the cursor was given.
func (p *pull) scopes() error {
	all, err := p.accesses()
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.over {
			continue
		}
		_, now := p.maySee(e.scope)
		if e.over = !now.Allowed; !e.over {
			p.open[e.scope] = now.Until
		}
	}
	if err := p.rankAll(all); err != nil {
		return err
	}
	for _, e := range all {
		had := p.at.had(*e)
		switch {
		case e.ended && (had || p.at.since() > 0):
			// Also what came and went since: some of it came, where an
			// answer broke behind its last mark.
			p.evict = append(p.evict, e.scope)
		case e.over:
		default:
			if had {
				p.complete[e.scope], e.after = p.at.completeTo(*e)
			}
			if e.after != wholeScope {
				p.entering = append(p.entering, *e)
			}
		}
	}
	slices.SortStableFunc(p.entering, func(a, b entered) int { return cmp.Compare(a.rank, b.rank) })
	return nil
}

// accesses reads what the actor could see since the cursor was given, in the
// order in which it was granted.
func (p *pull) accesses() (all []*entered, err error) {
	rows, err := p.r.rows(`SELECT id, scope, from_seq, until_seq FROM scope_access
		WHERE staff = ? AND (until_seq IS NULL OR until_seq > ?) ORDER BY id`, p.actor.Staff, p.at.since())
	if err != nil {
		return nil, wrap("reading who sees what", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entered
		var until sql.NullInt64
		if err := rows.Scan(&e.access, (*string)(&e.scope), &e.from, &until); err != nil {
			return nil, wrap("reading who sees what", err)
		}
		e.ended, e.over = until.Valid, until.Valid
		all = append(all, &e)
	}
	return all, wrap("reading who sees what", rows.Err())
}

// rankAll says how soon each scope is sent, where several cases are gained.
func (p *pull) rankAll(all []*entered) error {
	gained := map[string]bool{}
	for _, e := range all {
		var err error
		if e.parts, err = fieldsync.ParseScope(string(e.scope)); err != nil {
			e.rank = rankRest // of a newer version
			continue
		}
		e.rank = p.today.rankOf(e.parts)
		if !e.over && e.from > p.at.base && e.parts.Case != "" {
			gained[e.parts.Case] = true
		}
	}
	begins := p.at.entering == 0
	if !begins && p.at.today == 0 || begins && len(gained) < todayCasesMin {
		return nil
	}
	t, err := p.todays()
	if err != nil {
		return err
	}
	if begins {
		p.at.today = t.mark
	} else if p.at.today != t.mark {
		p.at = p.at.reordered()
		return nil
	}
	p.today = t
	for _, e := range all {
		e.rank = t.rankOf(e.parts)
	}
	return nil
}

// lost evicts whatever the actor ever saw and may not see now: for a device
// that comes with a cursor that does not open (after a restore, for one), so
// that the hub does not know what it holds.
func (p *pull) lost() error {
	rows, err := p.r.rows(`SELECT DISTINCT scope FROM scope_access WHERE staff = ? AND until_seq IS NOT NULL`, p.actor.Staff)
	if err != nil {
		return wrap("reading who saw what", err)
	}
	defer rows.Close()
	for rows.Next() {
		var scope fieldsync.Scope
		if err := rows.Scan((*string)(&scope)); err != nil {
			return wrap("reading who saw what", err)
		}
		if !p.opens(scope) {
			p.evict = append(p.evict, scope)
		}
	}
	return wrap("reading who saw what", rows.Err())
}

// maySee asks the one decision again at the moment of disclosure. What this
// version of the hub does not know as a scope nobody may see.
func (p *pull) maySee(s fieldsync.Scope) (care.Target, care.Decision) {
	parts, err := fieldsync.ParseScope(string(s))
	if err != nil {
		return care.Target{}, care.Decision{Reason: care.NoSuchTarget}
	}
	t := care.Target{Org: parts.Org, Case: parts.Case, Topic: parts.Topic, Compartment: parts.Compartment}
	if t.Case != "" {
		t.Org = p.actor.Org
	}
	return t, care.MaySee(p.load.on(t.Case), care.Carry, t, p.h.now())
}

func (p *pull) opens(s fieldsync.Scope) bool {
	_, ok := p.open[s]
	return ok
}

// ErrAccessEnded says that what the actor may see became less while it was
// being sent. Whoever was reading asks again and is told what they lost.
var ErrAccessEnded = &care.Error{Code: "access_ended", Kind: care.Busy, Hint: "Access changed while this was being sent. Ask again; nothing was lost."}

// lasts says whether a scope's time has not run out since the answer was
// planned. Whatever else ends access cuts the answer itself (OnEnd).
func (p *pull) lasts(s fieldsync.Scope) bool {
	until := p.open[s]
	return until.IsZero() || p.h.now().Before(until)
}

// allLast says whether that holds for every scope of the answer.
func (p *pull) allLast() bool {
	for s := range p.open {
		if !p.lasts(s) {
			return false
		}
	}
	return true
}

func (p *pull) send(ask Ask) error {
	if len(p.evict) > 0 {
		if err := p.sendLine(fieldsync.Line{Evict: p.evict}); err != nil {
			return err
		}
		p.h.reached("answer evicts")
	}
	if ask.Upgrade > 0 {
		return p.sendUpgrade(ask)
	}
	if err := p.sendEntered(); err != nil {
		return err
	}
	if err := p.sendChanged(); err != nil {
		return err
	}
	if err := p.walk(ask); err != nil {
		return err
	}
	if !p.disclosed {
		if err := p.to.Disclose(len(p.evict) > 0); err != nil {
			return err
		}
	}
	digests, err := p.digests()
	if err != nil {
		return err
	}
	if !p.allLast() {
		return ErrAccessEnded
	}
	p.h.reached("answer is whole")
	return p.sendLine(fieldsync.Line{End: &fieldsync.End{Cursor: p.h.sealCursor(p.actor.Staff, p.done()), Digest: fieldsync.RootDigest(digests), Server: care.FormatTime(p.h.now())}})
}

// sendUpgrade ends the answer to a device whose program is too old for the rest:
// it has what it had, but for what it lost, and goes on from there.
func (p *pull) sendUpgrade(ask Ask) error {
	if err := p.to.Disclose(len(p.evict) > 0); err != nil {
		return err
	}
	if err := p.sendLine(fieldsync.Line{Upgrade: &fieldsync.Upgrade{Least: ask.Upgrade}}); err != nil {
		return err
	}
	return p.sendLine(fieldsync.Line{End: &fieldsync.End{Cursor: ask.Cursor, Server: care.FormatTime(p.h.now())}})
}

// done is the cursor of a device that has all of this answer.
func (p *pull) done() cursor { return cursor{seq: p.head, base: p.head} }

func (p *pull) sendLine(l fieldsync.Line) error {
	b := l.AppendJSON(nil)
	return p.to.Line(b[:len(b)-1])
}

// disclose notes what is about to be sent in the audit log, tells the receiver,
// and sends it with marks in between.
func (p *pull) disclose(units []*unit) error {
	if err := p.audit(units); err != nil {
		return err
	}
	if err := p.to.Disclose(true); err != nil {
		return err
	}
	p.disclosed = true
	p.h.reached("answer discloses")
	if !p.named && len(p.entering) > 0 {
		p.named = true
		if err := p.sendNames(); err != nil {
			return err
		}
	}
	p.readAhead(units)
	for _, u := range units {
		send := p.sendUnit
		if u.chunk != nil {
			send = p.sendChunk
		}
		if err := send(u); err != nil {
			return err
		}
		p.came = u.then
		if err := p.markFrom(markBytes); err != nil {
			return err
		}
	}
	return nil
}

// audit notes what is about to be disclosed, by scope. Nothing discloses
// nothing.
func (p *pull) audit(units []*unit) error {
	sent, count := make(map[fieldsync.Scope][]string), 0
	for _, u := range units {
		if u.chunk != nil {
			count += u.count()
			sent[u.gained.scope] = append(sent[u.gained.scope], u.chunk.records[u.after:]...)
		}
		for _, w := range u.rows {
			count++
			for _, s := range w.scopes {
				sent[s] = append(sent[s], w.record)
			}
		}
	}
	if count == 0 {
		return nil
	}
	events := make([]event, 0, len(sent))
	for _, s := range slices.Sorted(maps.Keys(sent)) {
		t, d := p.maySee(s)
		e := event{act: ActSync, target: t, decision: d, count: len(sent[s])}
		if count <= audit.RecordsMax { // of more it is the scope, and how many
			e.records = sent[s]
		}
		events = append(events, e)
	}
	return p.turn.Rest(func() error { return p.h.audit(p.ctx, p.actor, events...) })
}

// markBytes is after how much of an answer the device is told that it need not
// be sent again, packed about 4 KB: what a line that is cut repeats.
const markBytes = 24 << 10

// markFrom tells the device how far it has come, where so many bytes were sent
// since it was told last. What was written until now is handed on with it: none
// of it may be over by then.
func (p *pull) markFrom(bytes int) error {
	if p.unmarked < bytes {
		return nil
	}
	if !p.allLast() {
		return ErrAccessEnded
	}
	p.unmarked = 0
	if err := p.sendLine(fieldsync.Line{Mark: p.h.sealCursor(p.actor.Staff, p.came)}); err != nil {
		return err
	}
	p.h.reached("answer marked")
	return p.to.Flush()
}

// digests are those of what the actor may see now.
func (p *pull) digests() (map[fieldsync.Scope]fieldsync.Digest, error) {
	rows, err := p.r.rows(`SELECT d.scope, d.digest FROM scope_access a JOIN scope_digests d ON d.scope = a.scope
		WHERE a.staff = ? AND a.until_seq IS NULL`, p.actor.Staff)
	if err != nil {
		return nil, wrap("reading digests", err)
	}
	defer rows.Close()
	digests := make(map[fieldsync.Scope]fieldsync.Digest)
	for rows.Next() {
		var scope, text string
		if err := rows.Scan(&scope, &text); err != nil {
			return nil, wrap("reading digests", err)
		}
		if !p.opens(fieldsync.Scope(scope)) {
			continue
		}
		if digests[fieldsync.Scope(scope)], err = fieldsync.ParseDigest(text); err != nil {
			return nil, wrap("reading a digest", err)
		}
	}
	return digests, wrap("reading digests", rows.Err())
}
