package collections

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"portolan/care"
	"portolan/search"
)

// ActSearch is how the audit log names a search.
const ActSearch = "search"

// SearchMax is the most records that one search shows. Whoever needs more has
// not said whom they look for.
const SearchMax = 25

// Found is a record that a search shows: what of it may be searched for and
// the actor may see, of numbers only the one that was asked for.
type Found struct {
	care.Row
	Match search.Match
	On    []string // the fields that matched
}

// finder is the index of names. It is filled by the first search after the
// hub opened, kept up to date by the door, and never written anywhere.
type finder struct {
	filling sync.Mutex // held by whoever fills it
	mu      sync.Mutex
	index   *search.Index // nil while nobody searched
	filled  bool
}

// searched is a table's fields by which records are found.
func searched(e *care.Entity) []*care.Field {
	var l []*care.Field
	for i := range e.Fields {
		if e.Fields[i].Search {
			l = append(l, &e.Fields[i])
		}
	}
	return l
}

// Search finds records by a name, an alias or a number and shows those that
// the actor may see, the best first; more says that there are others. What the
// actor may not see has no part in it (docs/decisions). The disclosure is in
// the audit log before it returns; what was looked for is not.
func (h *Hub) Search(ctx context.Context, a care.Actor, text string) (found []Found, more bool, err error) {
	index, err := h.names(ctx)
	if err != nil {
		return nil, false, err
	}
	load, now := caseloadOf(a), h.now()
	hits, more, err := index.Find(text, SearchMax, func(t care.Target) bool {
		return care.MaySee(load.on(t.Case), care.Read, t, now).Allowed
	})
	if err != nil {
		return nil, false, err
	}
	var events []event
	for _, hit := range hits {
		f, decided, err := h.showFound(ctx, load.on(hit.Case), hit)
		if err != nil {
			return nil, false, err
		}
		if len(f.V) > 0 {
			found = append(found, f)
			events = mergeEvents(events, decided)
		}
	}
	if len(found) == 0 { // noted as one that finds is
		events = []event{{act: ActSearch, decision: care.Decision{Reason: "not_found"}}}
	}
	if err := h.audit(ctx, a, events...); err != nil {
		return nil, false, err
	}
	return found, more, nil
}

// showFound reads a record that was found, with the fields that are shown and
// the decisions that let them.
func (h *Hub) showFound(ctx context.Context, a care.Actor, hit search.Hit) (Found, []event, error) {
	f := Found{Match: hit.Match, On: hit.Fields}
	t := h.tables[hit.Collection]
	rec, err := scanRecord(t, reader{ctx, h.readDB()}.row(t.read, hit.Record))
	if err != nil || rec == nil {
		return f, nil, err
	}
	f.Row = care.Row{Collection: hit.Collection, ID: rec.id, Org: rec.org, Case: rec.caseID, V: map[string]care.Value{}}
	var events []event
	for _, field := range searched(t.entity) {
		if field.Whole && !slices.Contains(hit.Fields, field.Name) {
			continue
		}
		d := care.MaySee(a, care.Read, rec.target(field.Compartment), h.now())
		if !d.Allowed {
			continue
		}
		reg, err := rec.register(field.Name)
		if err != nil {
			return f, nil, err
		}
		if v := reg.InForce(field); v.IsSet() {
			f.V[field.Name] = v
			e := event{act: ActSearch, target: rec.target(field.Compartment), decision: d, count: 1, records: []string{rec.id}}
			if !slices.ContainsFunc(events, func(have event) bool { return have.target == e.target }) {
				events = append(events, e)
			}
		}
	}
	return f, events, nil
}

// names is the index, filled.
func (h *Hub) names(ctx context.Context) (*search.Index, error) {
	f := &h.finder
	f.filling.Lock()
	defer f.filling.Unlock()
	f.mu.Lock()
	index, filled := f.index, f.filled
	f.mu.Unlock()
	if filled {
		return index, nil
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(h.rand, key); err != nil {
		return nil, fmt.Errorf("making the index of names: %w", err)
	}
	index = search.NewIndex(key)
	f.mu.Lock()
	f.index = index // from here on the door brings what is committed meanwhile
	f.mu.Unlock()
	for _, e := range care.Schema {
		if len(searched(e)) == 0 {
			continue
		}
		if err := h.indexAll(ctx, index, h.tables[e.Name]); err != nil {
			h.forgetNames()
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index != index { // the hub was locked meanwhile
		return nil, ErrBusy
	}
	f.filled = true
	return index, nil
}

// indexAll brings the committed rows of a table into the index.
func (h *Hub) indexAll(ctx context.Context, index *search.Index, t *table) error {
	rows, err := reader{ctx, h.readDB()}.rows(t.selects)
	if err != nil {
		return wrap("filling the index of names", err)
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanRecord(t, rows)
		if err != nil {
			return err
		}
		if h.erased.has(rec.caseID) {
			continue
		}
		e, err := searchEntry(rec)
		if err != nil {
			return err
		}
		index.Put(e)
	}
	return wrap("filling the index of names", rows.Err())
}

// searchEntry is what may be found of a record, as it stands.
func searchEntry(r *record) (search.Entry, error) {
	e := search.Entry{Collection: r.t.entity.Name, Record: r.id, Org: r.org, Case: r.caseID, Topic: r.t.entity.Topic, Seq: r.seq}
	for _, f := range searched(r.t.entity) {
		reg, err := r.register(f.Name)
		if err != nil {
			return e, err
		}
		v := reg.InForce(f)
		texts := []string{v.Text()}
		if f.Type == care.Texts {
			texts = v.List()
		}
		for _, text := range texts {
			if text != "" {
				e.Values = append(e.Values, search.Value{Field: f.Name, Compartment: f.Compartment, Whole: f.Whole, Text: text})
			}
		}
	}
	return e, nil
}

// named notes what a change made of a record, for the index, once the
// transaction stands. A group that falls takes it back with the rest of its
// state.
func (s *session) named(rec *record, effects []effect) error {
	if !slices.ContainsFunc(effects, func(e effect) bool { return e.field.Search }) {
		return nil
	}
	e, err := searchEntry(rec)
	if err == nil {
		s.found = append(s.found, e)
	}
	return err
}

// indexFound brings what a transaction changed into the index. It runs after
// the commit and before the next transaction, so that states come in order.
func (h *Hub) indexFound(entries []search.Entry) {
	h.finder.mu.Lock()
	index := h.finder.index
	h.finder.mu.Unlock()
	if index == nil {
		return // the first search reads everything
	}
	for _, e := range entries {
		index.Put(e)
	}
}

// forgetNames overwrites the index. The next search fills a new one.
func (h *Hub) forgetNames() {
	h.finder.mu.Lock()
	index := h.finder.index
	h.finder.index, h.finder.filled = nil, false
	h.finder.mu.Unlock()
	if index != nil {
		index.Wipe()
	}
}

// forgetErased takes what was erased out of the index. Of a part of a case it
// is the whole index that goes, as no entry says of which part its values are
// alone; the next search fills a new one.
func (h *Hub) forgetErased(one ErasedCase) {
	if one.Part != "" {
		h.forgetNames()
		return
	}
	h.finder.mu.Lock()
	index := h.finder.index
	h.finder.mu.Unlock()
	if index != nil {
		index.DropCase(one.Case)
	}
}
