package collections

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// Pull sends what is new for the actor since the cursor, line by line: scopes
// that they lost, scopes that they gained with all that stands in them,
// changed fields, and at the end the root digest and the next cursor
// (docs/protocol.md, "The answer"). It reads one snapshot, so that a group of
// changes is in it whole or not at all. The decision is in the audit log
// before the first line.
func (h *Hub) Pull(ctx context.Context, a care.Actor, cursor string, out func(line []byte) error) error {
	if err := h.EndOver(ctx); err != nil {
		return err
	}
	release, err := h.pullSlot(ctx)
	if err != nil {
		return err
	}
	defer release()
	if a, err = h.present(reader{ctx, h.readDB()}, a); err != nil {
		return err
	}
	if a.Grants, err = grantsOf(reader{ctx, h.readDB()}, a.Staff, ""); err != nil {
		return err
	}
	snapshot, err := h.readDB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return wrap("beginning to read", err)
	}
	defer snapshot.Rollback() // a reading transaction has nothing to keep
	p := &pull{h: h, r: reader{ctx, snapshot}, actor: a, load: caseloadOf(a)}
	if err := p.plan(cursor); err != nil {
		return err
	}
	if err := p.audit(ctx); err != nil {
		return err
	}
	return p.send(out)
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

// pullSlot waits for a place among those who are answered.
func (h *Hub) pullSlot(ctx context.Context) (release func(), err error) {
	wait := time.NewTimer(writerWaitMax)
	defer wait.Stop()
	select {
	case h.pulls <- struct{}{}:
		return func() { <-h.pulls }, nil
	case <-wait.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pull struct {
	h     *Hub
	r     reader
	actor care.Actor
	load  caseload // the same actor, case by case
	from  uint64   // what the device has already
	head  uint64   // what it will have

	evict, enter []fieldsync.Scope
	open         map[fieldsync.Scope]time.Time // what the actor may see now, and until when; zero: no end is known
	wanted       []*wantedRow
	byRecord     map[string]*wantedRow
}

// wantedRow is a record to send, with the fields by scope; nil fields are all
// of the scope.
type wantedRow struct {
	collection, record string
	scopes             []fieldsync.Scope
	fields             map[fieldsync.Scope][]string
}

// plan works out what to send.
func (p *pull) plan(cursor string) error {
	if err := p.r.row(`SELECT COALESCE(MAX(seq), 0) FROM changes`).Scan(&p.head); err != nil {
		return wrap("reading the sequence", err)
	}
	from, known := p.h.openCursor(p.actor.Staff, cursor)
	if known {
		p.from = from
	}
	p.open, p.byRecord = map[fieldsync.Scope]time.Time{}, map[string]*wantedRow{}
	if err := p.scopes(); err != nil {
		return err
	}
	if !known && cursor != "" {
		if err := p.lost(); err != nil {
			return err
		}
	}
	if p.from == p.head && len(p.enter) == 0 {
		return nil
	}
	for _, scope := range p.enter {
		if err := p.entered(scope); err != nil {
			return err
		}
	}
	if p.from == 0 {
		return nil
	}
	return p.changed()
}

// scopes reads what the actor may see now, and how that differs from what they
// could when the cursor was given.
func (p *pull) scopes() error {
	rows, err := p.r.rows(`SELECT scope, from_seq, until_seq FROM scope_access
		WHERE staff = ? AND (until_seq IS NULL OR until_seq > ?) ORDER BY id`, p.actor.Staff, p.from)
	if err != nil {
		return wrap("reading who sees what", err)
	}
	defer rows.Close()
	for rows.Next() {
		var scope string
		var from uint64
		var until sql.NullInt64
		if err := rows.Scan(&scope, &from, &until); err != nil {
			return wrap("reading who sees what", err)
		}
		s := fieldsync.Scope(scope)
		_, now := p.maySee(s)
		switch {
		case until.Valid && (from <= p.from):
			p.evict = append(p.evict, s)
		case until.Valid: // came and went since: never sent
		case !now.Allowed:
		default:
			p.open[s] = now.Until
			if from > p.from || p.from == 0 {
				p.enter = append(p.enter, s)
			}
		}
	}
	return wrap("reading who sees what", rows.Err())
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

func (p *pull) want(scope fieldsync.Scope, collection, record string, fields []string) {
	w, ok := p.byRecord[record]
	if !ok {
		w = &wantedRow{collection: collection, record: record, fields: map[fieldsync.Scope][]string{}}
		p.byRecord[record] = w
		p.wanted = append(p.wanted, w)
	}
	had, known := w.fields[scope]
	switch {
	case !known:
		w.scopes = append(w.scopes, scope)
		w.fields[scope] = fields
	case had == nil || fields == nil:
		w.fields[scope] = nil
	default:
		for _, f := range fields {
			if !slices.Contains(had, f) {
				had = append(had, f)
			}
		}
		w.fields[scope] = had
	}
}

// entered wants every record that ever had something in a scope.
func (p *pull) entered(scope fieldsync.Scope) error {
	rows, err := p.r.rows(`SELECT collection, record FROM scope_log WHERE scope = ?`, string(scope))
	if err != nil {
		return wrap("reading a scope", err)
	}
	defer rows.Close()
	for rows.Next() {
		var collection, record string
		if err := rows.Scan(&collection, &record); err != nil {
			return wrap("reading a scope", err)
		}
		p.want(scope, collection, record, nil)
	}
	return wrap("reading a scope", rows.Err())
}

// changedByScopeMin is from how many new changes on the log is read scope by
// scope instead of once by number.
const changedByScopeMin = 20_000

// changed wants the fields that changed since the cursor in scopes that the
// device has.
func (p *pull) changed() error {
	if p.head-p.from < changedByScopeMin {
		return p.changedIn(`SELECT scope, collection, record, fields FROM scope_log WHERE seq > ? ORDER BY seq`, p.from)
	}
	for scope := range p.open {
		if err := p.changedIn(`SELECT scope, collection, record, fields FROM scope_log WHERE scope = ? AND seq > ?`, string(scope), p.from); err != nil {
			return err
		}
	}
	return nil
}

func (p *pull) changedIn(query string, args ...any) error {
	rows, err := p.r.rows(query, args...)
	if err != nil {
		return wrap("reading what changed", err)
	}
	defer rows.Close()
	for rows.Next() {
		var scope, collection, record, fields string
		if err := rows.Scan(&scope, &collection, &record, &fields); err != nil {
			return wrap("reading what changed", err)
		}
		if p.opens(fieldsync.Scope(scope)) {
			p.want(fieldsync.Scope(scope), collection, record, strings.Split(fields, ","))
		}
	}
	return wrap("reading what changed", rows.Err())
}

// audit notes what is about to be disclosed. Nothing new discloses nothing.
func (p *pull) audit(ctx context.Context) error {
	if len(p.wanted) == 0 {
		return nil
	}
	events := make([]event, 0, len(p.open))
	sent := make(map[fieldsync.Scope][]string)
	for _, w := range p.wanted {
		for _, s := range w.scopes {
			sent[s] = append(sent[s], w.record)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(sent)) {
		t, d := p.maySee(s)
		e := event{act: ActSync, target: t, decision: d, count: len(sent[s])}
		if len(p.wanted) <= audit.RecordsMax { // of more it is the scope, and how many
			e.records = sent[s]
		}
		events = append(events, e)
	}
	return p.h.audit(ctx, p.actor, events...)
}

func (p *pull) send(out func([]byte) error) error {
	if len(p.evict) > 0 {
		if err := sendJSON(out, "evict", p.evict); err != nil {
			return err
		}
	}
	if len(p.enter) > 0 {
		if err := sendJSON(out, "enter", p.enter); err != nil {
			return err
		}
	}
	for _, w := range p.wanted {
		if err := p.sendRow(out, w); err != nil {
			return err
		}
	}
	digest, err := p.digest()
	if err != nil {
		return err
	}
	return sendJSON(out, "end", fieldsync.End{Cursor: p.h.sealCursor(p.actor.Staff, p.head), Digest: digest, Server: care.FormatTime(p.h.now())})
}

func sendJSON(out func([]byte) error, member string, v any) error {
	b, err := json.Marshal(map[string]any{member: v})
	if err != nil {
		return fmt.Errorf("writing a line: %w", err)
	}
	return out(b)
}

// sendRow sends the record once for each scope. Registers go out as they are
// stored; decoding them only to encode them again would double the cost.
func (p *pull) sendRow(out func([]byte) error, w *wantedRow) error {
	t, ok := p.h.tables[w.collection]
	if !ok {
		return nil
	}
	rec, err := scanRecord(t, p.r.row(t.read, w.record))
	if err != nil {
		return err
	}
	if rec == nil {
		return fmt.Errorf("the log of a scope names a record of %s that is not there", w.collection)
	}
	for _, scope := range w.scopes {
		if !p.lasts(scope) {
			return ErrAccessEnded
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"row":{"s":%q,"c":%q,"r":%q,"org":%q,"case":%q,"by":%q,"at":%q,"f":{`,
			scope, w.collection, rec.id, rec.org, rec.caseID, rec.createdBy, rec.madeAt)
		n := 0
		for i := range t.entity.Fields {
			f := &t.entity.Fields[i]
			if rec.scope(f) != scope || (w.fields[scope] != nil && !slices.Contains(w.fields[scope], f.Name)) {
				continue
			}
			plain, err := rec.wire(f.Name)
			if err != nil {
				return err
			}
			if len(plain) == 0 {
				continue
			}
			if n > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:", f.Name)
			b.Write(plain)
			n++
		}
		b.WriteString("}}}")
		if n == 0 {
			continue
		}
		if err := out(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// digest is the root over what the actor may see now.
func (p *pull) digest() (string, error) {
	rows, err := p.r.rows(`SELECT d.scope, d.digest FROM scope_access a JOIN scope_digests d ON d.scope = a.scope
		WHERE a.staff = ? AND a.until_seq IS NULL`, p.actor.Staff)
	if err != nil {
		return "", wrap("reading digests", err)
	}
	defer rows.Close()
	digests := make(map[fieldsync.Scope]fieldsync.Digest)
	for rows.Next() {
		var scope, text string
		if err := rows.Scan(&scope, &text); err != nil {
			return "", wrap("reading digests", err)
		}
		if !p.opens(fieldsync.Scope(scope)) {
			continue
		}
		if digests[fieldsync.Scope(scope)], err = fieldsync.ParseDigest(text); err != nil {
			return "", wrap("reading a digest", err)
		}
	}
	return fieldsync.RootDigest(digests), wrap("reading digests", rows.Err())
}
