package tablet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Report is what one sync did.
type Report struct {
	Sent      int               `json:"sent"`      // changes that the hub answered
	Conflicts int               `json:"conflicts"` // of them, beside which another value is kept
	Held      int               `json:"held"`      // of them, kept aside by the hub
	Rows      int               `json:"rows"`      // records received, once for each scope
	Entered   []fieldsync.Scope `json:"entered,omitempty"`
	Evicted   []fieldsync.Scope `json:"evicted,omitempty"` // destroyed here
	Rounds    int               `json:"rounds"`
	Differs   bool              `json:"differs"`            // the digest is not the hub's, also after a walk
	Ended     bool              `json:"ended,omitempty"`    // the hub ended this replica; all that was here is destroyed, all that was unsent is delivered
	Repaired  bool              `json:"repaired,omitempty"` // it was not, and the difference was looked for
	Mended    int               `json:"mended,omitempty"`   // records that were sent anew because of it
	Restored  bool              `json:"restored,omitempty"` // the hub says that it was put back from a copy
	Upgrade   bool              `json:"upgrade,omitempty"`  // the hub takes what is brought, and gives a program of this age nothing that is new

	Files        int         `json:"files,omitempty"`         // that the hub has whole now
	FilesWaiting int         `json:"files_waiting,omitempty"` // that it has not
	FileFaults   []FileFault `json:"file_faults,omitempty"`   // of those, which it refused
	FilesAside   int         `json:"files_aside,omitempty"`   // of those that the hub has, about which somebody there decides
	FilesErased  []string    `json:"files_erased,omitempty"`  // documents of what was erased, whose files are destroyed here
}

func (r *Report) add(o Report) {
	r.Sent, r.Conflicts, r.Held, r.Rows = r.Sent+o.Sent, r.Conflicts+o.Conflicts, r.Held+o.Held, r.Rows+o.Rows
	r.Entered, r.Evicted = append(r.Entered, o.Entered...), append(r.Evicted, o.Evicted...)
	r.Rounds += o.Rounds
	r.Differs, r.Restored = o.Differs, r.Restored || o.Restored
	r.Ended, r.Upgrade = r.Ended || o.Ended, r.Upgrade || o.Upgrade
}

// roundsMax bounds one Sync; what is left goes with the next.
const roundsMax = 1000

// codeGap is the hub's error when it misses earlier changes of this replica.
const codeGap = "sequence_gap"

// Sync sends what is unsent and takes what is new, and then sends the files
// that wait. What came before an error
// is kept, and the report says what it was. Everything unsent stays unsent
// until the hub has answered it.
func (t *Tablet) Sync(ctx context.Context) (Report, error) {
	var total Report
	unlock, err := t.lock()
	if err != nil {
		return total, err
	}
	defer unlock()
	l, key, replica, err := t.reach(ctx)
	if err != nil {
		return total, err
	}
	defer l.close()
	if err := t.inTx(ctx, t.recountDaily); err != nil {
		return total, err
	}
	if err := t.announceEnd(ctx, l); err != nil {
		return total, err
	}
	if err := t.rounds(ctx, l, key, replica, &total); err != nil && !errors.Is(err, ErrEnded) {
		return total, err
	}
	if err := t.bringFiles(ctx, l, &total); err != nil || !total.Ended { // text never waits for a file
		return total, err
	}
	return total, errors.Join(t.finishEnd(ctx, l), ErrEnded)
}

// rounds is the round trips of one sync.
func (t *Tablet) rounds(ctx context.Context, l *line, key ed25519.PrivateKey, replica string, total *Report) error {
	from, err := t.offers(ctx, replica)
	if err != nil {
		return err
	}
	asked, bare, tried := false, false, false
	var w *walk
	for total.Rounds < roundsMax {
		p, rest, err := t.nextPush(ctx, replica, from, bare, key)
		if err != nil {
			return err
		}
		if asked && !bare && from > 0 && len(p.Changes) > 0 && !startsAt(p, from) {
			return t.lacking(ctx, l, p)
		}
		done, err := t.round(ctx, l, p, w)
		total.add(done)
		if bare = !tried && t.bringsNothing(err); bare {
			tried = true
			continue
		}
		if again, ok := sendAgainFrom(err); ok && !asked {
			from, asked = again, true // the hub was restored: it is given back what it lost
			if err := t.inTx(ctx, func(x *tx) error { return x.setMeta(metaOffers, strconv.FormatUint(from, 10)) }); err != nil {
				return err
			}
			continue
		}
		if on, failed := t.goesOn(ctx, p, done, err); on || failed != nil {
			if failed != nil {
				return errors.Join(err, failed)
			}
			continue
		}
		if err != nil && !(rest && isAlarm(err)) { // in an alarm what is unsent goes to the hub all the same
			return err
		}
		if err := t.quicken(ctx, p); err != nil {
			return err
		}
		if from > 0 && len(p.Changes) > 0 {
			from += uint64(len(p.Changes))
		}
		switch {
		case rest:
		case done.Restored && from == 0:
			if from, err = t.offers(ctx, replica); err != nil {
				return err
			}
		case total.Ended:
			return ErrEnded
		default:
			if from > 0 {
				if err := t.inTx(ctx, func(x *tx) error { return x.setMeta(metaOffers, "") }); err != nil {
					return err
				}
				from = 0
			}
			if w, err = t.walkOn(ctx, w, total); err != nil || w == nil {
				return err
			}
		}
	}
	return nil
}

// errLacking says that the hub asks for what is not here any more.
var errLacking = &care.Error{Code: "changes_missing", Kind: care.Conflict,
	Hint: "The hub was restored from a copy and lacks changes that this tablet had delivered, and that left it with the rights to them. Enrol the tablet again: then it gives back all that it has."}

// lacking meets the hub without changes, so that what is new comes, and says
// that none can be brought.
func (t *Tablet) lacking(ctx context.Context, l *line, p fieldsync.Push) error {
	p.Changes, p.Link, p.Signature = nil, "", ""
	_, err := t.round(ctx, l, p, nil)
	return errors.Join(errLacking, err)
}

// startsAt says whether the first change of a push has a number.
func startsAt(p fieldsync.Push, n uint64) bool {
	first, err := fieldsync.NumberOf(p.Changes[0])
	return err == nil && first == n
}

// offersLast is in the place of a number that the hub has not named yet.
const offersLast = "last"

// offers is from which number on this tablet sends its changes again to a hub
// that was restored: from where it asked, until all of it was answered; or, where
// it has not been asked yet, the last one that it can still send, so that the hub
// says what it lacks. A tablet with nothing unsent would not hear of it. 0 where
// nothing is to be given back.
func (t *Tablet) offers(ctx context.Context, replica string) (n uint64, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		restored, err := x.meta(metaOffers)
		if err != nil || restored == "" {
			return err
		}
		if restored != offersLast {
			n, err = strconv.ParseUint(restored, 10, 64)
			return err
		}
		return x.tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) FROM outbox WHERE replica = ? AND (raw IS NOT NULL OR sealed IS NOT NULL)`, replica).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("reading what to offer: %w", err)
	}
	return n, nil
}

// nextPush reads what the next round trip sends, and what it asks with.
func (t *Tablet) nextPush(ctx context.Context, replica string, from uint64, bare bool, key []byte) (p fieldsync.Push, rest bool, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if p, rest, err = x.nextPush(replica, from, bare, key); err != nil {
			return err
		}
		w, err := x.witness()
		p.Seen = uint64(w.Size())
		return err
	})
	return p, rest, err
}

// recountPause is the time after which the digests are worked out anew from
// what the store really holds, so that a damaged store is found too.
const recountPause = 24 * time.Hour

func (t *Tablet) recountDaily(x *tx) error {
	if t.keys.lockedBy() != nil {
		return nil
	}
	if recent, err := t.within(x, metaRecounted, recountPause); err != nil || recent {
		return err
	}
	if err := x.recount(); err != nil {
		return err
	}
	return x.setMeta(metaRecounted, care.FormatTime(t.now()))
}

// within says whether something was noted less than d ago. A clock that was
// set back by more than d counts as longer.
func (t *Tablet) within(x *tx, key string, d time.Duration) (bool, error) {
	last, err := x.meta(key)
	if err != nil || last == "" {
		return false, err
	}
	at, err := time.Parse(care.TimeFormat, last)
	if err != nil {
		return false, nil // not a time: as if it had never been
	}
	return t.now().Sub(at).Abs() < d, nil
}

// codeKeyGone is the hub's error when it cannot open what was sealed to it.
const codeKeyGone = "unsent_key_gone"

// bringsNothing says whether the hub is to be met without anything first: it
// cannot open what it was given, or asks for what it had already, and a lease
// would have the tablet read more of it.
func (t *Tablet) bringsNothing(err error) bool {
	code := care.CodeOf(err)
	return code == codeKeyGone || code == codeGap && t.keys.store == nil
}

// sendAgainFrom reads from which number the hub wants changes again: from the
// first where it does not say.
func sendAgainFrom(err error) (uint64, bool) {
	var h *HubError
	if !errors.As(err, &h) || h.Said.Code != codeGap {
		return 0, false
	}
	return max(1, h.Expected), true
}

// reach reads where the hub is and with what this tablet speaks to it.
func (t *Tablet) reach(ctx context.Context) (l *line, key ed25519.PrivateKey, replica string, err error) {
	var private ed25519.PrivateKey
	var hub, fingerprint string
	err = t.inTx(ctx, func(x *tx) error {
		self, err := x.identity()
		if err != nil {
			return err
		}
		if t.keys.device == nil {
			if _, err := t.loadDevice(); err != nil {
				return err
			}
			return ErrLocked
		}
		private = ed25519.NewKeyFromSeed(t.keys.device.seed)
		hub, replica = self.URL, self.Replica
		fingerprint, err = x.meta(metaFingerprint)
		return err
	})
	if err != nil {
		return nil, nil, "", err
	}
	at, err := parseAddress(hub, true) // whoever enrolled it decided about plain http
	if err != nil {
		return nil, nil, "", err
	}
	at.fingerprint = fingerprint
	return newLine(at, &signer{t, replica, private}, t.hubTime), private, replica, nil
}

// round is one round trip: changes up, what is new down.
func (t *Tablet) round(ctx context.Context, l *line, p fieldsync.Push, w *walk) (Report, error) {
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	if w != nil {
		p.Check, p.Again = w.check, w.again
	}
	resp, err := l.ask(ctx, "POST", "/api/portolan/sync", p.AppendJSON(nil))
	if err != nil {
		return Report{}, err
	}
	defer resp.Body.Close()
	body := newStalled(resp.Body, stallTimeout, func() { cut(errBroken) })
	defer body.stop()
	in := &intake{t: t, replica: p.Replica, whole: p.Cursor == "", walk: w}
	if in.alarm, err = t.alarmed(ctx); err != nil {
		return Report{}, err
	}
	err = in.read(ctx, body)
	in.report.Rounds = 1
	return in.report, errors.Join(err, in.alarm)
}

// setShift notes how far the hub's clock is before ours: a tablet whose
// battery died must not lose every race, nor win it.
func (t *Tablet) setShift(x *tx, server string) error {
	hub, err := time.Parse(care.TimeFormat, server)
	if err != nil {
		return nil // the hub did not say
	}
	t.shift, t.met = hub.Sub(t.now()).Round(time.Millisecond), hub
	if err := x.setMeta(metaMet, server); err != nil {
		return err
	}
	return x.setMeta(metaShift, strconv.FormatInt(t.shift.Milliseconds(), 10))
}
