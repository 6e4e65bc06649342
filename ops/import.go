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
	"portolan/hooks"
	"portolan/interop"
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
	t := hooks.NewImported()
	t.People, t.Notes = len(res.Cases), res.Notes
	into := hooks.Importer{Hub: im.hub, Org: im.org, Owner: im.owner}
	for i := range res.Cases {
		if err := into.Case(ctx, res.Source, &res.Cases[i], &t); err != nil {
			return fmt.Errorf("person %d of %d: %w", i+1, len(res.Cases), err)
		}
	}
	printImported(im.env.Stdout, filepath.Base(name), t)
	return nil
}

func (im *importer) read(f io.Reader, name string) (interop.Result, error) {
	if im.kind == "fhir" {
		return interop.ReadFHIR(f)
	}
	return interop.ReadHTCDS(f, filepath.Base(name))
}

func printImported(w io.Writer, name string, t hooks.Imported) {
	who := "people"
	if t.People == 1 {
		who = "person"
	}
	fmt.Fprintf(w, "%s: %d %s\n", name, t.People, who)
	for _, line := range []struct {
		title  string
		counts map[string]int
	}{{"taken", t.Taken}, {"kept aside", t.Aside}, {"held", t.Held}, {"noted", t.Notes}} {
		fmt.Fprintf(w, "  %-10s %5d%s\n", line.title, sum(line.counts), listed(line.counts))
	}
	fmt.Fprintf(w, "  %-10s %5d\n", "unchanged", t.Unchanged)
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
