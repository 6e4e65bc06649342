package hooks

import (
	"context"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
	fieldsync "portolan/sync"
)

// sync is one round trip of a tablet: changes up; evictions, receipts, new
// scopes, changed fields, the digest and the next cursor down
// (docs/protocol.md).
func (f *Front) sync(e *core.RequestEvent, a care.Actor) error {
	c, err := contactOf(e)
	if err != nil {
		return err
	}
	if c.Ended {
		return f.dismiss(e, c)
	}
	got, err := f.take(e, c)
	if err != nil {
		return err
	}
	// What this very push took from its author, or time did, is known to what
	// follows.
	if err := f.hub.EndOver(e.Request.Context()); err != nil {
		return err
	}
	if g, ok := e.Response.(*cuttable); ok {
		g.renew()
	}
	to := &answer{f: f, ctx: e.Request.Context(), s: newStream(e, ndjson), got: got, seen: got.push.Seen}
	ask := collections.Ask{Cursor: got.push.Cursor, Check: got.push.Check, Again: got.push.Again}
	if least := f.hub.PullVersionMin; got.push.Version < least {
		ask.Upgrade = uint64(least)
	}
	if d := got.push.Drafts; d != nil {
		// What it just brought it has.
		ask.Drafts = &fieldsync.Drafts{Have: slices.Clone(d.Have)}
		for _, p := range d.Put {
			if name := p.Name.String(); got.drafts != nil && slices.Contains(got.drafts.Taken, name) {
				ask.Drafts.Have = append(ask.Drafts.Have, name)
			}
		}
	}
	if got.push.Own {
		ask.Own = got.Own
	}
	if err := f.hub.Answer(to.ctx, a, ask, to); err != nil {
		return err
	}
	return to.s.end()
}

// answer is the answer of one round trip, as the hub fills it.
type answer struct {
	f    *Front
	ctx  context.Context
	s    *stream
	got  taken
	told bool
	seen uint64 // size of the audit log as the tablet will know it
}

// Work is told whose turn it is.
func (w *answer) Work(t *collections.Turn) { w.s.turn = t }

// Line takes a line. Evictions come before Disclose was called: a tablet must
// lose what it may not keep even if the line breaks after the first bytes.
func (w *answer) Line(line []byte) error { return w.s.line(line) }

// Disclose sends what stands before everything that is disclosed: the receipts,
// the lease and the key to seal to, once, and the head of the audit log in which the disclosure
// stands already.
func (w *answer) Disclose(news bool) error {
	if !w.told {
		w.told = true
		if len(w.got.Receipts) > 0 {
			news = true
			if err := w.s.send(fieldsync.Line{Receipts: w.got.Receipts}); err != nil {
				return err
			}
		}
		if w.got.drafts != nil {
			news = true
			if err := w.s.send(fieldsync.Line{Drafts: w.got.drafts}); err != nil {
				return err
			}
		}
		if w.got.lease != nil {
			if err := w.s.send(fieldsync.Line{Lease: w.got.lease}); err != nil {
				return err
			}
		}
		if w.got.hubKey != nil {
			if err := w.s.send(fieldsync.Line{HubKey: w.got.hubKey}); err != nil {
				return err
			}
		}
	}
	head, size, err := w.f.hub.LogHeadFor(w.ctx, w.seen, news)
	if err != nil || size == 0 {
		return err
	}
	w.seen = size
	return w.s.send(fieldsync.Line{Log: &head})
}

// Packed takes lines that were packed before.
func (w *answer) Packed(p *fieldsync.Packed, part int) error { return w.s.packed(p, part) }

// Flush hands on what the tablet can keep.
func (w *answer) Flush() error { return w.s.handOn() }

// taken is what became of a push.
type taken struct {
	collections.Taken
	push   fieldsync.Push
	lease  *fieldsync.Lease  // where the tablet needs another one
	hubKey *fieldsync.HubKey // and a key to which it seals
	drafts *fieldsync.DraftsSaid
}

// take reads a push and hands it to the door.
func (f *Front) take(e *core.RequestEvent, c collections.Contact) (got taken, err error) {
	ctx := e.Request.Context()
	release, err := f.readers.take(ctx, c.Actor)
	if err != nil {
		return got, err
	}
	defer release()
	body, err := readBody(e, fieldsync.PushBytesMax)
	if err != nil {
		return got, err
	}
	if got.push, err = fieldsync.DecodePush(body); err != nil {
		return got, err
	}
	if got.push.Replica != c.Replica {
		return got, collections.ErrReplica
	}
	if got.lease, err = f.hub.Meet(ctx, c, got.push); err != nil {
		return got, err
	}
	if !c.Ended {
		if got.hubKey, err = f.hub.UnsentKeyFor(ctx, c.Org, got.push.HubKey); err != nil {
			return got, err
		}
	}
	if got.Taken, err = f.hub.Take(ctx, c.Actor, got.push); err != nil {
		return got, err
	}
	if err := f.hub.NoteFilesOwed(ctx, c, got.push.Files); err != nil {
		return got, err
	}
	got.drafts, err = f.hub.TakeDrafts(ctx, c, got.push.Drafts)
	return got, err
}
