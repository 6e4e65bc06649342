package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"portolan/care"
	"portolan/collections"
	"portolan/interop"
	fieldsync "portolan/sync"
)

const importUsage = `htcds|fhir [flags] FILE…

  htcds  tables (CSV) with the names of the Human Trafficking Case Data Standard
         2.0 in their first row, and filled XForm submissions
  fhir   FHIR R4 bundles in JSON, such as International Patient Summaries

Each person becomes a case. What has no place in the records is kept with the
case and listed; the same file read again changes nothing.
`

// Import reads files of other systems into cases, through the one door.
//
// It shows nobody's data, only counts, so the operator may run it; with --as
// the cases are given to that member of staff. Without, they belong to nobody
// yet: whoever may give grants in the organisation gives them.
func Import(ctx context.Context, env Env, args []string) int {
	fs := env.flags("import")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of whoever will own the cases: a coordinator, or somebody who may approve or export")
	org := fs.String("org", "", "`id` of the organisation, where the hub has several")
	words, exit, stop := env.parse(fs, args, importUsage)
	if stop {
		return exit
	}
	if len(words) < 2 || words[0] != "htcds" && words[0] != "fhir" {
		return env.misused(fs, importUsage, "say what the files are (htcds or fhir) and name at least one")
	}
	if fresh := env.Path(*dir); env.running == nil {
		there, err := holdsHub(fresh)
		if err != nil {
			return env.Fail(err)
		}
		if !there {
			fmt.Fprintf(env.Stderr, "portolan: there was no hub in %s; it is made now\n", fresh)
		}
	}
	hub, done, err := env.MakeHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	im := &importer{env: env, hub: hub, kind: words[0], org: *org}
	if err := im.signIn(ctx, *as); err != nil {
		return env.Fail(err)
	}
	for _, file := range words[1:] {
		if err := im.file(ctx, file); err != nil {
			im.failed++
			fmt.Fprintf(env.Stderr, "portolan: %s: %v\n", file, err)
		}
	}
	if im.failed > 0 {
		fmt.Fprintf(env.Stderr, "portolan: %d of %d files could not be read; what could be read is in\n", im.failed, len(words)-1)
		return ExitFault
	}
	return ExitOK
}

// The organisation of a hub that has none yet, until somebody names it.
const (
	firstOrgName = "This organisation"
	firstOrgZone = "UTC"
)

// importer is one run of the command.
type importer struct {
	env    Env
	hub    *collections.Hub
	kind   string
	org    string
	owner  care.Actor // with --as; its Staff is "" otherwise
	failed int
}

// signIn makes sure of whoever the cases are for, and where they belong.
func (im *importer) signIn(ctx context.Context, login string) error {
	if login == "" {
		u := user{env: im.env, org: im.org, orgName: firstOrgName, zone: firstOrgZone}
		org, err := u.organisation(ctx, im.hub)
		im.org = org
		return err
	}
	owner, err := im.env.SignIn(ctx, im.hub, login)
	if err != nil {
		return err
	}
	if !slices.Contains(owner.Roles, care.Coordinator) && !owner.Can(care.MayExport) && !owner.Can(care.MayApprove) {
		return &care.Error{Code: "not_permitted", Kind: care.Unprocessed, Hint: "Importing takes a coordinator, or somebody who may approve or export."}
	}
	if im.org != "" && im.org != owner.Org {
		return &care.Error{Code: "not_permitted", Kind: care.Unprocessed, Hint: login + " belongs to another organisation."}
	}
	im.owner, im.org = owner, owner.Org
	return nil
}

// file imports one file and prints what became of it.
func (im *importer) file(ctx context.Context, name string) error {
	f, err := os.Open(im.env.Path(name))
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err // the name was said already
		}
		return fmt.Errorf("opening: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return errors.New("this is a folder; name the files in it")
	}
	res, err := im.read(f, name)
	if err != nil {
		return err
	}
	t := tally{taken: map[string]int{}, aside: map[string]int{}, held: map[string]int{}, notes: res.Notes, people: len(res.Cases)}
	for i := range res.Cases {
		if err := im.importCase(ctx, res.Source, &res.Cases[i], &t); err != nil {
			return fmt.Errorf("person %d of %d: %w", i+1, len(res.Cases), err)
		}
	}
	t.print(im.env.Stdout, filepath.Base(name))
	return nil
}

func (im *importer) read(f io.Reader, name string) (interop.Result, error) {
	if im.kind == "fhir" {
		return interop.ReadFHIR(f)
	}
	return interop.ReadHTCDS(f, filepath.Base(name))
}

// importCase takes one person through the door: ids first, then what of the
// drafts the hub has not had yet, as one group, then a note that it was
// delivered. Broken off anywhere, it goes on where it stopped.
func (im *importer) importCase(ctx context.Context, source string, c *interop.Case, t *tally) error {
	b := &caseImport{im: im, source: source, c: c}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fresh, err := im.hub.Undelivered(ctx, source, b.keys, b.drafts)
	if err != nil {
		return err
	}
	var todo []collections.Draft
	var which []int
	for i, d := range fresh {
		if len(d.Set)+len(d.Add) == 0 {
			t.unchanged++
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
	receipts, err := im.hub.Do(ctx, im.hub.HubActor(), todo...)
	if err != nil {
		return err
	}
	for i, r := range receipts {
		t.count(b.drafts[which[i]], r)
	}
	return im.hub.Delivered(ctx, source, b.keys, b.drafts)
}

// caseImport turns the drafts of one person into drafts of records.
type caseImport struct {
	im     *importer
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
	reserved, err := b.im.hub.ImportIDs(ctx, b.source, b.keys...)
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
		return b.giveTo(ctx, b.im.owner)
	}
	return nil
}

// isFresh says whether the case is to be given to an owner: one that is here
// already stays with whoever has it.
func (b *caseImport) isFresh(ctx context.Context, caseID string) (bool, error) {
	if b.im.owner.Staff == "" {
		return false, nil
	}
	_, err := b.im.hub.Read(ctx, b.im.hub.HubActor(), "cases", caseID)
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
	out := collections.Draft{Collection: d.Collection, Record: b.ids[d.Key], Case: b.ids[b.c.Key], Org: b.im.org, Set: set, Add: d.Add}
	if d.Collection == "cases" {
		out.Case = ""
		// A number to speak of, which says nothing: the end of the id is random.
		set["number"] = care.OfText("IM-" + strings.ToUpper(out.Record[len(out.Record)-numberDigits:]))
		if b.fresh {
			set["owner"] = care.OfText(b.im.owner.Staff)
		}
	}
	return out
}

func (b *caseImport) setAside(id string, a interop.SetAside) collections.Draft {
	return collections.Draft{Collection: "set_asides", Record: id, Case: b.ids[b.c.Key], Org: b.im.org, Set: map[string]care.Value{
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
		id, _, err := b.im.hub.ImportID(ctx, b.source, key)
		if err != nil {
			return err
		}
		b.keys = append(b.keys, key)
		b.drafts = append(b.drafts, collections.Draft{Collection: "grants", Record: id, Case: caseID, Org: b.im.org, Set: map[string]care.Value{
			"staff": care.OfText(a.Staff), "compartment": care.OfText(string(comp)), "status": care.OfText("active"),
			"until": care.OfTime(b.im.hub.Now().Add(care.GrantTerm)), "reason": care.OfText("owner"),
		}})
	}
	return nil
}

// tally counts what became of one file.
type tally struct {
	people, unchanged int
	taken             map[string]int // by collection
	aside             map[string]int // by reason
	held              map[string]int // by reason
	notes             map[string]int
}

func (t *tally) count(d collections.Draft, r fieldsync.Receipt) {
	for _, h := range r.Held {
		t.held[h.Reason]++
	}
	switch {
	case r.Status == fieldsync.StatusHeld && wholly(r):
	case d.Collection == "set_asides":
		t.aside[d.Set["reason"].Text()]++
	case d.Collection != "grants":
		t.taken[d.Collection]++
	}
}

// wholly says whether a change was held as a whole, and not a field of it.
func wholly(r fieldsync.Receipt) bool {
	return slices.ContainsFunc(r.Held, func(h fieldsync.Held) bool { return h.Field == "" })
}

func (t *tally) print(w io.Writer, name string) {
	who := "people"
	if t.people == 1 {
		who = "person"
	}
	fmt.Fprintf(w, "%s: %d %s\n", name, t.people, who)
	for _, line := range []struct {
		title  string
		counts map[string]int
	}{{"taken", t.taken}, {"kept aside", t.aside}, {"held", t.held}, {"noted", t.notes}} {
		fmt.Fprintf(w, "  %-10s %5d%s\n", line.title, sum(line.counts), listed(line.counts))
	}
	fmt.Fprintf(w, "  %-10s %5d\n", "unchanged", t.unchanged)
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

func listed(counts map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, counts[k]))
	}
	if parts == nil {
		return ""
	}
	return "  " + strings.Join(parts, ", ")
}
