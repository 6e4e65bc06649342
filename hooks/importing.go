package hooks

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"portolan/care"
	"portolan/collections"
	"portolan/interop"
	fieldsync "portolan/sync"
)

// Importer takes people of other systems through the one door, for an
// organisation.
type Importer struct {
	Hub   *collections.Hub
	Org   string
	Owner care.Actor // to whom new cases are given; nobody where its Staff is ""
}

// Case takes one person through the door: ids first, then what of the
// drafts the hub has not had yet, as one group, then a note that it was
// delivered. Broken off anywhere, it goes on where it stopped.
func (im Importer) Case(ctx context.Context, source string, c *interop.Case, t *Imported) error {
	b := &caseImport{im: im, source: source, c: c}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fresh, err := im.Hub.Undelivered(ctx, source, b.keys, b.drafts)
	if err != nil {
		return err
	}
	var todo []collections.Draft
	var which []int
	for i, d := range fresh {
		if len(d.Set)+len(d.Add) == 0 {
			t.Unchanged++
			continue
		}
		if d.Collection != "set_asides" { // those must not fall with a record, nor a record with them
			d.Group = b.drafts[0].Record
		}
		todo, which = append(todo, d), append(which, i)
	}
	if len(todo) == 0 {
		return nil
	}
	receipts, err := im.Hub.Do(ctx, im.Hub.HubActor(), todo...)
	if err != nil {
		return err
	}
	for i, r := range receipts {
		t.count(b.drafts[which[i]], r)
	}
	return im.Hub.Delivered(ctx, source, b.keys, b.drafts)
}

// caseImport turns the drafts of one person into drafts of records.
type caseImport struct {
	im     Importer
	source string
	c      *interop.Case
	keys   []string
	drafts []collections.Draft
	ids    map[string]string // interop.Draft.Key → record
	fresh  bool              // the case is new, and somebody is to own it
}

// numberDigits is how much of its id the number of an imported case shows: 32
// random bits (RFC 9562 §5.7).
const numberDigits = 8

func (b *caseImport) prepare(ctx context.Context) error {
	for _, d := range b.c.Drafts {
		b.keys = append(b.keys, d.Key)
	}
	for _, a := range b.c.SetAside {
		b.keys = append(b.keys, strings.Join([]string{b.c.Key, "set aside", a.Path, a.Reason, a.Value}, "\x00"))
	}
	reserved, err := b.im.Hub.ImportIDs(ctx, b.source, b.keys...)
	if err != nil {
		return err
	}
	b.ids = make(map[string]string, len(b.keys))
	for i, key := range b.keys {
		b.ids[key] = reserved[i].ID
	}
	if b.fresh, err = b.isFresh(ctx, reserved[0].ID); err != nil {
		return err
	}
	for i := range b.c.Drafts {
		b.drafts = append(b.drafts, b.draft(&b.c.Drafts[i]))
	}
	for i, a := range b.c.SetAside {
		b.drafts = append(b.drafts, b.setAside(reserved[len(b.c.Drafts)+i].ID, a))
	}
	if b.fresh {
		return b.giveTo(ctx, b.im.Owner)
	}
	return nil
}

// isFresh says whether the case is to be given to an owner: one that is here
// already stays with whoever has it.
func (b *caseImport) isFresh(ctx context.Context, caseID string) (bool, error) {
	if b.im.Owner.Staff == "" {
		return false, nil
	}
	_, err := b.im.Hub.Read(ctx, b.im.Hub.HubActor(), "cases", caseID)
	if errors.Is(err, care.ErrNotFound) {
		return true, nil
	}
	return false, err
}

func (b *caseImport) draft(d *interop.Draft) collections.Draft {
	set := maps.Clone(d.Set)
	if set == nil {
		set = map[string]care.Value{}
	}
	for field, key := range d.Refs {
		set[field] = care.OfText(b.ids[key])
	}
	out := collections.Draft{Collection: d.Collection, Record: b.ids[d.Key], Case: b.ids[b.c.Key], Org: b.im.Org, Set: set, Add: d.Add}
	if d.Collection == "cases" {
		out.Case = ""
		// A number to speak of, which says nothing: the end of the id is random.
		set["number"] = care.OfText("IM-" + strings.ToUpper(out.Record[len(out.Record)-numberDigits:]))
		if b.fresh {
			set["owner"] = care.OfText(b.im.Owner.Staff)
		}
	}
	return out
}

func (b *caseImport) setAside(id string, a interop.SetAside) collections.Draft {
	return collections.Draft{Collection: "set_asides", Record: id, Case: b.ids[b.c.Key], Org: b.im.Org, Set: map[string]care.Value{
		"source": care.OfText(b.source), "path": care.OfText(a.Path), "value": care.OfText(a.Value),
		"reason": care.OfText(a.Reason), "status": care.OfText("open"),
	}}
}

// giveTo gives whoever the case is for what somebody who opens a case gets:
// the compartments that their roles may hold.
func (b *caseImport) giveTo(ctx context.Context, a care.Actor) error {
	caseID := b.ids[b.c.Key]
	for _, comp := range care.Compartments {
		if !care.MayHold(a.Roles, comp) {
			continue
		}
		key := strings.Join([]string{b.c.Key, "grant", a.Staff, string(comp)}, "\x00")
		id, _, err := b.im.Hub.ImportID(ctx, b.source, key)
		if err != nil {
			return err
		}
		b.keys = append(b.keys, key)
		b.drafts = append(b.drafts, collections.Draft{Collection: "grants", Record: id, Case: caseID, Org: b.im.Org, Set: map[string]care.Value{
			"staff": care.OfText(a.Staff), "compartment": care.OfText(string(comp)), "status": care.OfText("active"),
			"until": care.OfTime(b.im.Hub.Now().Add(care.GrantTerm)), "reason": care.OfText("owner"),
		}})
	}
	return nil
}

// Imported counts what became of one file.
type Imported struct {
	People, Unchanged int
	Taken             map[string]int // by collection
	Aside             map[string]int // by reason
	Held              map[string]int // by reason
	Notes             map[string]int
}

func (t *Imported) count(d collections.Draft, r fieldsync.Receipt) {
	for _, h := range r.Held {
		t.Held[h.Reason]++
	}
	switch {
	case r.Status == fieldsync.StatusHeld && wholly(r):
	case d.Collection == "set_asides":
		t.Aside[d.Set["reason"].Text()]++
	case d.Collection != "grants":
		t.Taken[d.Collection]++
	}
}

// wholly says whether a change was held as a whole, and not a field of it.
func wholly(r fieldsync.Receipt) bool {
	return slices.ContainsFunc(r.Held, func(h fieldsync.Held) bool { return h.Field == "" })
}

// NewImported begins to count.
func NewImported() Imported {
	return Imported{Taken: map[string]int{}, Aside: map[string]int{}, Held: map[string]int{}}
}
