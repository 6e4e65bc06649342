package tablet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// What the command's exit codes mean.
const (
	ExitOK          = 0
	ExitFailed      = 1 // the hub or the store refused; the message says what to do
	ExitUsage       = 2 // the command was written wrong
	ExitUnreachable = 3 // no line to the hub; everything is kept
	ExitUndecided   = 4 // a value waits for a person: a conflict, or something held
)

const usage = `A tablet without a screen: one person's store, which works offline.

  portolan tablet --dir T enrol URL CODE|SCANNED [--label NAME] [--plain-http]
  portolan tablet --dir T sync
  portolan tablet --dir T list [COLLECTION] [--case ID]
  portolan tablet --dir T show ID
  portolan tablet --dir T new COLLECTION [--case ID] FIELD=VALUE…
  portolan tablet --dir T set ID FIELD=VALUE…
  portolan tablet --dir T conflicts [resolve ID FIELD VALUE]
  portolan tablet --dir T attach ID FILE TYPE   the file of a document, as image/jpeg
  portolan tablet --dir T fetch ID FILE         writes the file of a document to FILE
  portolan tablet --dir T watch
  portolan tablet --dir T border      delivers everything, then empties this tablet
  portolan tablet --dir T wipe        empties it at once; what is unsent is still delivered
  portolan tablet --dir T witness

  --dir T        the tablet's folder, made by enrol
  --json         list, show, sync and conflicts answer in JSON
  URL            https://host[:port], with #sha256=… for a hub that made its own
                 certificate; http only on this machine, or with --plain-http
  CODE           from a colleague with the power to enrol; the password of whoever
                 it is for is asked for, and their second factor if they have one
  FIELD=VALUE    a set is written a,b,c (a comma inside an element: \,);
                 FIELD+=A adds to a set, FIELD-=A removes from it;
                 absent:unknown, absent:asked_declined, absent:not_asked or
                 absent:not_recorded says why there is no value
  VALUE          as above, or '#1' for the first of those that conflicts shows

The tablet's passphrase is asked for, or taken from PORTOLAN_TABLET_PASSPHRASE;
enrol sets it. Without a sync for as long as the lease lasts nothing opens until
the next one.

Exit codes: 0 done; 1 refused or failed; 2 written wrong; 3 the hub cannot be
reached, everything is kept; 4 something waits for a decision.
`

// command is one run of the command line.
type command struct {
	ask       Ask
	cost      seal.Cost
	out, err  io.Writer
	dir       string
	caseID    string
	label     string
	plainHTTP bool
	json      bool
	rest      []string
}

// errUsage is an error in how the command was written.
type errUsage string

func (e errUsage) Error() string { return string(e) }

// Ask asks the person at the command line for a secret. Where it stands in the
// environment variable that is named, it is taken from there.
type Ask func(ctx context.Context, variable, prompt string) (string, error)

// The variables that Ask is called with.
const (
	PasswordVariable = "PORTOLAN_PASSWORD"
	CodeVariable     = "PORTOLAN_CODE"

	PassphraseVariable = "PORTOLAN_TABLET_PASSPHRASE"
)

// Run is `portolan tablet`. cost is what one guess at the passphrase of a
// tablet that is enrolled costs.
func Run(ctx context.Context, args []string, ask Ask, cost seal.Cost, stdout, stderr io.Writer) int {
	c := &command{ask: ask, cost: cost, out: stdout, err: stderr}
	if err := c.parse(args); err != nil {
		fmt.Fprintf(stderr, "tablet: %v\n\n%s", err, usage)
		return ExitUsage
	}
	if len(c.rest) == 0 || c.rest[0] == "help" {
		fmt.Fprint(stdout, usage)
		if len(c.rest) == 0 {
			return ExitUsage
		}
		return ExitOK
	}
	code, err := c.run(ctx)
	if err != nil {
		return c.failed(err)
	}
	return code
}

// parse takes the options out of the arguments, wherever they stand; behind --
// there are none.
func (c *command) parse(args []string) error {
	texts := map[string]*string{"--dir": &c.dir, "--case": &c.caseID, "--label": &c.label}
	truths := map[string]*bool{"--json": &c.json, "--plain-http": &c.plainHTTP}
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(args[i], "=")
		if text, ok := texts[name]; ok {
			if !inline {
				if i++; i == len(args) {
					return errUsage("what is " + name + "?")
				}
				value = args[i]
			}
			*text = value
			continue
		}
		switch truth, ok := truths[args[i]]; {
		case ok:
			*truth = true
		case args[i] == "--help" || args[i] == "-h":
			c.rest = []string{"help"}
			return nil
		case args[i] == "--":
			c.rest = append(c.rest, args[i+1:]...)
			return nil
		case strings.HasPrefix(args[i], "--"):
			return errUsage("there is no option " + printable(name))
		default:
			c.rest = append(c.rest, args[i])
		}
	}
	return nil
}

// verb is one command: how many words it takes behind its name.
type verb struct {
	min, max int
	run      func(c *command, ctx context.Context, t *Tablet, words []string) (int, error)
	locked   bool // does not need the passphrase, or asks for it itself
}

const anyNumber = 1 << 20

var verbs = map[string]verb{
	"enrol":     {1, 2, (*command).enrol, true},
	"sync":      {0, 0, (*command).sync, false},
	"list":      {0, 1, (*command).list, false},
	"show":      {1, 1, (*command).show, false},
	"new":       {1, anyNumber, (*command).create, false},
	"set":       {2, anyNumber, (*command).set, false},
	"conflicts": {0, 4, (*command).conflicts, false},
	"attach":    {3, 3, (*command).attach, false},
	"fetch":     {2, 2, (*command).fetch, false},
	"watch":     {0, 0, (*command).watch, false},
	"border":    {0, 0, (*command).border, false},
	"wipe":      {0, 0, (*command).wipe, true},
	"witness":   {0, 0, (*command).witness, true},
}

func (c *command) run(ctx context.Context) (code int, err error) {
	v, ok := verbs[c.rest[0]]
	if !ok {
		return 0, errUsage("there is no command " + printable(c.rest[0]))
	}
	words := c.rest[1:]
	if len(words) < v.min || len(words) > v.max {
		return 0, errUsage(c.rest[0] + " takes other words behind it")
	}
	if c.dir == "" {
		return 0, errUsage("which tablet? Name its folder with --dir")
	}
	t, err := Open(c.dir, time.Now, rand.Reader)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if _, err := t.Identity(ctx); err != nil && c.rest[0] != "enrol" {
		return 0, err // an empty folder must not look like a store with nothing in it
	}
	if !v.locked {
		if err := c.unlock(ctx, t); err != nil {
			return 0, err
		}
	}
	t.PlainHTTP, t.Cost = c.plainHTTP, c.cost
	if c.label != "" {
		t.Label = c.label
	}
	return v.run(c, ctx, t, words)
}

// failed says what went wrong and returns the exit code.
func (c *command) failed(err error) int {
	var written errUsage
	if errors.As(err, &written) {
		fmt.Fprintf(c.err, "tablet: %v\n\n%s", err, usage)
		return ExitUsage
	}
	fmt.Fprintf(c.err, "tablet: %v\n", err)
	if code := care.CodeOf(err); code == "token_invalid" || code == "replica_unknown" || code == "second_factor_needed" {
		fmt.Fprintln(c.err, "tablet: nothing on this tablet is lost. Ask for a new code, and enrol this same folder again.")
	}
	switch {
	case Unreachable(err):
		return ExitUnreachable
	case errors.Is(err, ErrUndecided):
		return ExitUndecided
	}
	return ExitFailed
}

func (c *command) sync(ctx context.Context, t *Tablet, _ []string) (int, error) {
	r, err := t.Sync(ctx)
	if err != nil {
		waiting, countErr := t.Unsent(context.WithoutCancel(ctx))
		if countErr == nil && waiting > 0 {
			fmt.Fprintf(c.err, "tablet: %d changes are kept here and wait.\n", waiting)
		}
		files, countErr := t.FilesWaiting(context.WithoutCancel(ctx))
		if countErr == nil && files > 0 {
			fmt.Fprintf(c.err, "tablet: %d files are kept here and wait.\n", files)
		}
		fmt.Fprint(c.err, describeAside(r))
		return 0, err
	}
	if c.json {
		if err := c.printJSON(r); err != nil {
			return 0, err
		}
	} else {
		fmt.Fprint(c.out, describe(r))
	}
	switch {
	case r.Differs || len(r.FileFaults) > 0:
		return ExitFailed, nil
	case r.Held > 0 || r.Conflicts > 0 || r.FilesAside > 0:
		return ExitUndecided, nil
	}
	return ExitOK, nil
}

// describeAside says which files somebody at the hub decides about, and which
// nobody may have any more.
func describeAside(r Report) string {
	var b strings.Builder
	if r.FilesAside > 0 {
		fmt.Fprintf(&b, "Of these, %d went as they were sealed here: your access to them has ended, or their document is kept aside. Somebody at the hub decides about them.\n", r.FilesAside)
	}
	for _, document := range r.FilesErased {
		fmt.Fprintf(&b, "What document %s belongs to was erased. Its file is destroyed here too.\n", printable(document))
	}
	return b.String()
}

// describe says in words what a sync did.
func describe(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Sent %d changes, received %d records.\n", r.Sent, r.Rows)
	if r.Conflicts > 0 {
		fmt.Fprintf(&b, "%d changes met another value: see conflicts.\n", r.Conflicts)
	}
	if r.Held > 0 {
		fmt.Fprintf(&b, "%d changes are kept aside by the hub: see conflicts.\n", r.Held)
	}
	if r.Files > 0 {
		fmt.Fprintf(&b, "Sent %d files.\n", r.Files)
	}
	if r.FilesWaiting > 0 {
		fmt.Fprintf(&b, "%d files are kept here and wait.\n", r.FilesWaiting)
	}
	for _, f := range r.FileFaults {
		fmt.Fprintf(&b, "The hub does not take the file of document %s: %s\n", printable(f.Document), printable(f.Code))
	}
	b.WriteString(describeAside(r))
	for _, s := range gathered(r.Entered) {
		fmt.Fprintf(&b, "New here: %s\n", s)
	}
	for _, s := range gathered(r.Evicted) {
		fmt.Fprintf(&b, "Destroyed here, since access ended: %s\n", s)
	}
	if r.Restored {
		b.WriteString("The hub says that it was put back from a copy. If nobody told you, ask.\n")
	}
	if r.Repaired && !r.Differs {
		fmt.Fprintf(&b, "The store differed from the hub's: %d records were sent anew, and now they agree.\n", r.Mended)
	}
	if r.Differs {
		b.WriteString("The store differs from the hub's. Nothing is lost; tell whoever runs the hub.\n")
	}
	return b.String()
}

// gathered writes scopes with one line for each case and one for each
// organisation, in the order of their first.
func gathered(scopes []fieldsync.Scope) []string {
	var lines []string
	last := map[string]int{}
	for _, s := range scopes {
		whose, part, _ := strings.Cut(printable(string(s)), "/")
		if i, ok := last[whose]; ok {
			lines[i] += ", " + part
			continue
		}
		last[whose] = len(lines)
		lines = append(lines, strings.Replace(whose, ":", " ", 1)+": "+part)
	}
	return lines
}

func (c *command) list(ctx context.Context, t *Tablet, words []string) (int, error) {
	if len(words) == 0 {
		counts, err := t.Counts(ctx)
		if err != nil {
			return 0, err
		}
		if c.json {
			return ExitOK, c.printJSON(counts)
		}
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(c.out, "%6d %s\n", counts[name], printable(name))
		}
		return ExitOK, nil
	}
	records, err := t.List(ctx, words[0], c.caseID)
	if err != nil {
		return 0, err
	}
	if c.json {
		return ExitOK, c.printJSON(records)
	}
	for _, r := range records {
		fmt.Fprintln(c.out, summary(r))
	}
	if len(records) == 0 {
		fmt.Fprintln(c.err, "tablet: there are none here.")
	}
	return ExitOK, nil
}

// summaryFields is how many fields a line of a list shows.
const summaryFields = 4

func summary(r Record) string {
	parts := []string{r.ID}
	for _, f := range r.Fields {
		if f.Value.IsSet() && len(parts) <= summaryFields {
			parts = append(parts, f.Name+"="+FormatValue(f.Value)+mark(f))
		}
	}
	return strings.Join(parts, "  ")
}

// mark shows that a value is unsent or undecided.
func mark(f Shown) string {
	switch {
	case f.Conflict:
		return " [conflict]"
	case f.Unsent:
		return " [unsent]"
	}
	return ""
}

func (c *command) show(ctx context.Context, t *Tablet, words []string) (int, error) {
	r, err := t.Show(ctx, words[0])
	if err != nil {
		return 0, err
	}
	if c.json {
		return ExitOK, c.printJSON(r)
	}
	fmt.Fprintf(c.out, "%s %s\n", printable(r.Collection), r.ID)
	if r.Case != "" && r.Case != r.ID {
		fmt.Fprintf(c.out, "  case %s\n", printable(r.Case))
	}
	for _, f := range r.Fields {
		fmt.Fprintf(c.out, "  %s: %s%s\n", f.Name, FormatValue(f.Value), mark(f))
		c.printKept(ctx, t, f.Kept)
	}
	return ExitOK, nil
}

// printKept numbers the values that are kept, as resolve takes them.
func (c *command) printKept(ctx context.Context, t *Tablet, kept []Kept) {
	for i, k := range kept {
		where := "at the hub"
		if k.Unsent {
			where = "unsent"
		}
		fmt.Fprintf(c.out, "    #%d kept: %s (by %s, %s, %s)\n", i+1, FormatValue(k.Value), nameOf(ctx, t, k.Author), printable(k.At), where)
	}
}

// nameOf is how colleagues call a member of staff, their id where the device
// does not know them.
func nameOf(ctx context.Context, t *Tablet, staff string) string {
	if r, err := t.Show(ctx, staff); err == nil && r.Collection == "staff" && r.Get("display_name").Text() != "" {
		return FormatValue(r.Get("display_name"))
	}
	return printable(staff)
}

func (c *command) create(ctx context.Context, t *Tablet, words []string) (int, error) {
	e, ok := care.Find(words[0])
	if !ok {
		return 0, ErrCollection
	}
	edit, err := ParseEdit(e, words[1:])
	if err != nil {
		return 0, err
	}
	id, err := t.New(ctx, words[0], c.caseID, edit)
	if err != nil {
		return 0, err
	}
	if c.json {
		return ExitOK, c.printJSON(map[string]string{"id": id})
	}
	fmt.Fprintln(c.out, id)
	return ExitOK, nil
}

func (c *command) set(ctx context.Context, t *Tablet, words []string) (int, error) {
	r, err := t.Show(ctx, words[0])
	if err != nil {
		return 0, err
	}
	e, ok := care.Find(r.Collection)
	if !ok {
		return 0, ErrCollection
	}
	edit, err := ParseEdit(e, words[1:])
	if err != nil {
		return 0, err
	}
	changed, err := t.Set(ctx, r.ID, edit)
	if err == nil && !changed {
		fmt.Fprintln(c.err, "tablet: it says so already; nothing was written.")
	}
	return ExitOK, err
}

func (c *command) conflicts(ctx context.Context, t *Tablet, words []string) (int, error) {
	if len(words) > 0 {
		if words[0] != "resolve" || len(words) != 4 {
			return 0, errUsage("conflicts resolve takes an id, a field and the value that is right")
		}
		return ExitOK, c.resolve(ctx, t, words[1], words[2], words[3])
	}
	questions, asides, err := t.Conflicts(ctx)
	if err != nil {
		return 0, err
	}
	code := ExitOK
	if len(questions)+len(asides) > 0 {
		code = ExitUndecided
	}
	if c.json {
		return code, c.printJSON(map[string]any{"questions": questions, "held": asides})
	}
	for _, q := range questions {
		fmt.Fprintf(c.out, "%s %s %s: %s\n", printable(q.Collection), q.Record, q.Field, FormatValue(q.InForce))
		c.printKept(ctx, t, q.Kept)
	}
	if len(questions) > 0 {
		fmt.Fprintln(c.out, "To decide: conflicts resolve ID FIELD VALUE, with the value that is right or, as '#1', the number of one of these.")
	}
	for _, a := range asides {
		fmt.Fprintf(c.out, "held: %s %s (change %s): %s\n", printable(a.Collection), printable(a.Record), a.Version, reasons(a.Held))
	}
	return code, nil
}

func reasons(held []fieldsync.Held) string {
	parts := make([]string, 0, len(held))
	for _, h := range held {
		part := printable(h.Reason)
		if h.Field != "" {
			part = printable(h.Field) + " " + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// resolve takes the value that is right, or the number of one of those that
// are kept, as #1.
func (c *command) resolve(ctx context.Context, t *Tablet, id, field, typed string) error {
	r, err := t.Show(ctx, id)
	if err != nil {
		return err
	}
	e, ok := care.Find(r.Collection)
	if !ok {
		return ErrCollection
	}
	f, ok := e.Field(field)
	if !ok {
		return fieldError(printable(field), ErrField)
	}
	if number, ok := strings.CutPrefix(typed, "#"); ok {
		i := slices.IndexFunc(r.Fields, func(s Shown) bool { return s.Name == field })
		n, err := strconv.Atoi(number)
		if i < 0 || err != nil || n < 1 || n > len(r.Fields[i].Kept) {
			return fieldError(field, errNumber)
		}
		return t.Resolve(ctx, id, field, r.Fields[i].Kept[n-1].Value)
	}
	v, err := ParseValue(f, typed)
	if err != nil {
		return fieldError(field, err)
	}
	return t.Resolve(ctx, id, field, v)
}

func (c *command) watch(ctx context.Context, t *Tablet, _ []string) (int, error) {
	return ExitOK, t.Watch(ctx, func(r Report, err error) {
		if err != nil {
			fmt.Fprintf(c.err, "tablet: %v\n", err)
			return
		}
		if c.json {
			if err := c.printJSON(r); err != nil {
				fmt.Fprintf(c.err, "tablet: %v\n", err)
			}
			return
		}
		fmt.Fprint(c.out, describe(r))
	})
}

// witness prints the last checkpoint of the hub's audit log, to be compared
// with what others were shown, and the alarm where there is one.
func (c *command) witness(ctx context.Context, t *Tablet, _ []string) (int, error) {
	w, alarm, err := t.Witness(ctx)
	if err != nil {
		return 0, err
	}
	code := ExitOK
	if alarm != nil {
		code = ExitFailed
	}
	if c.json {
		return code, c.printJSON(map[string]any{"witness": w, "alarm": alarm})
	}
	fmt.Fprint(c.out, w.Signed)
	if alarm != nil {
		fmt.Fprintf(c.err, "tablet: %s since %s; the hub showed:\n%s", printable(alarm.Code), alarm.At, printable(alarm.Shown))
	}
	return code, nil
}

func (c *command) border(ctx context.Context, t *Tablet, _ []string) (int, error) {
	if err := t.Border(ctx); err != nil {
		return 0, err
	}
	fmt.Fprintln(c.out, "The hub holds everything; nothing is left here. Afterwards enrol this folder with a fresh code.")
	return ExitOK, nil
}

func (c *command) printJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
