package tablet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// walk finds what makes this store differ from what the hub says that it
// holds, and has the hub send that anew and nothing else: the digests of all
// scopes, then those of the records of scopes that differ, then these records.
type walk struct {
	check []string            // what the next round trip asks for
	again map[string][]string // and what is to be sent anew

	scopes  map[string]string // what the hub said
	records []*fieldsync.RecordDigests

	mended int // records that were asked for anew
}

// repairPause is the least time between two walks: a difference that the last
// one did not mend is no reason for one at every sync.
const repairPause = time.Hour

// beginWalk works out the digests anew from what is really there and begins a
// walk; nil where the last one was a moment ago.
func (t *Tablet) beginWalk(ctx context.Context) (w *walk, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if recent, err := t.within(x, metaRepaired, repairPause); err != nil || recent {
			return err
		}
		w = &walk{check: []string{fieldsync.EveryScope}}
		if err := x.recount(); err != nil {
			return err
		}
		return x.setMeta(metaRepaired, care.FormatTime(t.now()))
	})
	return w, err
}

// walkOn begins or continues the walk after a whole answer; nil where there is
// nothing more to ask.
func (t *Tablet) walkOn(ctx context.Context, w *walk, total *Report) (*walk, error) {
	if w == nil {
		if !total.Differs {
			return nil, nil
		}
		w, err := t.beginWalk(ctx)
		total.Repaired = w != nil
		return w, err
	}
	on := false
	err := t.inTx(ctx, func(x *tx) (err error) {
		if on, err = w.next(x, total); err != nil || on || total.Differs {
			return err
		}
		return x.setMeta(metaRepaired, "") // it mended all: another difference is another one
	})
	total.Mended = w.mended
	if err != nil || !on {
		return nil, err
	}
	return w, nil
}

// note takes a line of an answer that belongs to the walk. What the hub has
// nothing of is dropped.
func (in *intake) note(x *tx, l *fieldsync.Line, sums digestSums) error {
	if in.walk == nil {
		return nil // nobody asked
	}
	switch {
	case l.Digests != nil:
		in.walk.scopes = l.Digests
	case l.Records != nil:
		in.walk.records = append(in.walk.records, l.Records)
	case l.Gone != nil:
		for _, id := range l.Gone.Records {
			if err := x.exec(`UPDATE pieces SET stale = 1 WHERE scope = ? AND record = ? AND hub IS NOT NULL`, string(l.Gone.Scope), id); err != nil {
				return err
			}
		}
		return x.dropStale(sums)
	}
	return nil
}

// next works out what to ask for after an answer; false where nothing is left.
func (w *walk) next(x *tx, report *Report) (bool, error) {
	w.check, w.again = nil, nil
	switch {
	case w.scopes != nil:
		return w.compareScopes(x, report)
	case w.records != nil:
		return w.compareRecords(x)
	}
	return false, nil
}

func (w *walk) compareScopes(x *tx, report *Report) (bool, error) {
	ours, err := x.digests()
	if err != nil {
		return false, err
	}
	for s := range ours {
		if _, named := w.scopes[string(s)]; !named {
			if err := evict(x, s, digestSums{}, report); err != nil {
				return false, err
			}
		}
	}
	for s, digest := range w.scopes {
		if ours[fieldsync.Scope(s)].String() != digest {
			w.check = append(w.check, s)
		}
	}
	slices.Sort(w.check)
	w.scopes = nil
	return len(w.check) > 0, nil
}

func (w *walk) compareRecords(x *tx) (bool, error) {
	w.again = map[string][]string{}
	for _, said := range w.records {
		ours, err := x.recordDigests(said.Scope)
		if err != nil {
			return false, err
		}
		var differ []string
		for id, digest := range said.Digests {
			if ours[id].String() != digest {
				differ = append(differ, id)
			}
		}
		for id := range ours {
			if _, there := said.Digests[id]; !there {
				differ = append(differ, id)
			}
		}
		slices.Sort(differ)
		if len(differ) > 0 {
			w.again[string(said.Scope)] = differ
			w.mended += len(differ)
		}
	}
	w.records = nil
	return len(w.again) > 0, nil
}

// recordDigests sums up the digests of a scope's fields by record.
func (x *tx) recordDigests(s fieldsync.Scope) (map[string]fieldsync.Digest, error) {
	sums := map[string]fieldsync.Digest{}
	err := x.each(func(scan func(...any) error) error {
		var record, text string
		if err := scan(&record, &text); err != nil {
			return fmt.Errorf("reading a digest: %w", err)
		}
		d, err := parseDigest(text)
		sums[record] = sums[record].Add(d)
		return err
	}, `SELECT record, digest FROM pieces WHERE scope = ? AND hub IS NOT NULL`, string(s))
	return sums, err
}
