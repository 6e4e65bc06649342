package ops

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"portolan/audit"
	"portolan/care"
	"portolan/collections"
	"portolan/locales"
)

const auditUsage = `verify|export|prove|events|who-saw|checkpoint|key|key rotate [flags]

  verify [--checkpoint FILE …]      checks the whole log against every head that was signed, and
                                    against heads that were kept elsewhere, as on a tablet
  verify --export FILE --key FILE   checks an exported log, with no hub
  verify --proof FILE --key FILE    checks the proof of one event, with no hub
  export --as LOGIN --out FILE      every leaf, with the events that an auditor sees
  prove --as LOGIN --event N --out FILE   the proof that an event is in the log
  events --as LOGIN [--case ID] [--staff ID] [--act A] [--denied] [--before N]   lists events
  who-saw --as LOGIN --case ID [--language L]   who has seen what is known of a person, in their words
  checkpoint                        prints a signed head of the log, to be kept elsewhere
  key                               prints the public key, all that verifying needs
  key rotate                        signs with a new key from now on, and prints it; tablets follow
`

// auditing is one run of the command.
type auditing struct {
	env                    Env
	as, out, export, proof string
	key, language          string
	checkpoints            many
	event                  int64
	query                  collections.EventQuery
}

// Audit looks after the audit log.
func Audit(ctx context.Context, env Env, args []string) int {
	fs := env.flags("audit")
	a := auditing{env: env}
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	fs.StringVar(&a.as, "as", "", "`login` of whoever looks")
	fs.StringVar(&a.out, "out", "", "`file` to write, for its owner alone to read; it must not be there yet")
	fs.StringVar(&a.export, "export", "", "exported log, a `file` (verify)")
	fs.StringVar(&a.proof, "proof", "", "proof of one event, a `file` (verify)")
	fs.StringVar(&a.key, "key", "", "`file` with the public key (verify)")
	fs.Var(&a.checkpoints, "checkpoint", "signed head that was kept elsewhere, a `file`; may be repeated (verify)")
	fs.Int64Var(&a.event, "event", 0, "`number` of the event (prove)")
	fs.StringVar(&a.language, "language", "en", "`language` of the person (who-saw): "+strings.Join(locales.Languages("seen"), ", "))
	fs.StringVar(&a.query.Case, "case", "", "`id` of the case (events, who-saw)")
	fs.StringVar(&a.query.Staff, "staff", "", "`id` of a member of staff (events)")
	fs.StringVar(&a.query.Act, "act", "", "`act`, such as read or print (events)")
	fs.BoolVar(&a.query.Denied, "denied", false, "only what was refused (events)")
	fs.Int64Var(&a.query.Before, "before", 0, "`number` of the event before which to look (events)")
	words, exit, stop := env.parse(fs, args, auditUsage)
	if stop {
		return exit
	}
	if len(words) == 2 && words[0] == "key" {
		words = []string{"key " + words[1]}
	}
	if problem := a.problem(words); problem != "" {
		return env.misused(fs, auditUsage, problem)
	}
	if a.export != "" || a.proof != "" {
		if err := a.verifyFile(); err != nil {
			return env.Fail(err)
		}
		return ExitOK
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	if err := a.run(ctx, hub, words[0]); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

// problem says what makes no sense in the command line, "" where nothing does.
func (a *auditing) problem(words []string) string {
	if len(words) != 1 {
		return "say verify, export, prove, events, who-saw, checkpoint, key or key rotate"
	}
	named := map[string]bool{"export": true, "prove": true, "events": true, "who-saw": true}
	file := map[string]bool{"export": true, "prove": true}
	switch word := words[0]; {
	case !named[word] && word != "verify" && word != "checkpoint" && word != "key" && word != "key rotate":
		return "there is no audit " + word
	case named[word] && a.as == "":
		return "--as says who looks"
	case file[word] && a.out == "":
		return "--out says where to write"
	case word == "prove" && a.event < 1:
		return "--event says which"
	case word == "who-saw" && a.query.Case == "":
		return "--case says whose"
	case (a.export != "" || a.proof != "") && (word != "verify" || a.key == "" || a.export != "" && a.proof != ""):
		return "verify takes --export or --proof, and --key with it"
	}
	return ""
}

func (a *auditing) run(ctx context.Context, hub *collections.Hub, word string) error {
	switch word {
	case "verify":
		return a.verify(ctx, hub)
	case "key":
		_, err := fmt.Fprintln(a.env.Stdout, hub.LogKey())
		return err
	case "key rotate":
		unreached, err := hub.RotateLogKey(ctx)
		if err != nil {
			return err
		}
		for _, folder := range unreached {
			fmt.Fprintf(a.env.Stderr, "NOT REACHED: %s holds the earlier key of the log. Make a backup there: a hub restored from it would raise an alarm on every tablet.\n", folder)
		}
		_, err = fmt.Fprintln(a.env.Stdout, hub.LogKey())
		return err
	case "checkpoint":
		head, err := hub.LogHead(ctx, 0)
		if err == nil {
			_, err = fmt.Fprint(a.env.Stdout, head.Signed)
		}
		return err
	}
	actor, err := a.env.SignIn(ctx, hub, a.as)
	if err != nil {
		return err
	}
	switch word {
	case "events":
		return a.events(ctx, hub, actor)
	case "who-saw":
		return a.whoSaw(ctx, hub, actor)
	case "prove":
		p, err := hub.ProveEvent(ctx, actor, a.event)
		if err != nil {
			return err
		}
		return a.write(func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
	}
	var c audit.Checkpoint
	err = a.write(func(w io.Writer) (err error) {
		c, err = hub.ExportLog(ctx, actor, w)
		return err
	})
	if err == nil {
		fmt.Fprintf(a.env.Stdout, "%d events; verify with: %s audit verify --export %s --key FILE\n", c.Size, a.env.Program, a.out)
	}
	return err
}

// verify checks the log of a hub.
func (a *auditing) verify(ctx context.Context, hub *collections.Hub) error {
	var heads []string
	for _, file := range a.checkpoints {
		b, err := os.ReadFile(a.env.Path(file))
		if err != nil {
			return fmt.Errorf("reading a checkpoint: %w", err)
		}
		heads = append(heads, string(b))
	}
	faults, err := hub.VerifyLog(ctx, a.env.count, heads...)
	return a.env.faults(faults, err)
}

// verifyFile checks what was exported, with the public key alone.
func (a *auditing) verifyFile() error {
	b, err := os.ReadFile(a.env.Path(a.key))
	if err != nil {
		return fmt.Errorf("reading the key: %w", err)
	}
	key, err := audit.NewVerifier(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	f, err := os.Open(a.env.Path(a.export + a.proof))
	if err != nil {
		return fmt.Errorf("reading what was exported: %w", err)
	}
	defer f.Close()
	if a.proof != "" {
		p, c, err := audit.ReadProof(f, key)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.env.Stdout, "Event %d is in the log of %d events that was signed at %s.\n", p.Seq, c.Size, care.FormatTime(c.At))
		return nil
	}
	found, err := audit.VerifyExport(f, key, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.env.Stdout, "%d events, whole and as they were signed at %s: %d that can be read, %d closed.\n",
		found.Checkpoint.Size, care.FormatTime(found.Checkpoint.At), found.Shown, found.Closed)
	return nil
}

// write writes a file whole or not at all, for its owner alone.
func (a *auditing) write(f func(io.Writer) error) error {
	path := a.env.Path(a.out)
	if _, err := os.Stat(path); err == nil {
		return errors.New(path + " is there already")
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".audit-*") // made for its owner alone (0600)
	if err != nil {
		return fmt.Errorf("writing into %s: %w", filepath.Dir(path), err)
	}
	w := bufio.NewWriter(tmp)
	err = f(w)
	if err = errors.Join(err, w.Flush(), tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func (a *auditing) events(ctx context.Context, hub *collections.Hub, actor care.Actor) error {
	page, err := hub.Events(ctx, actor, a.query)
	if err != nil {
		return err
	}
	for _, e := range page.Events {
		fmt.Fprintln(a.env.Stdout, eventLine(e))
	}
	if page.Next > 0 {
		fmt.Fprintf(a.env.Stdout, "There are others: --before %d\n", page.Next)
	}
	return nil
}

// eventLine is an event on one line.
func eventLine(l collections.LoggedEvent) string {
	if l.Event == nil {
		return fmt.Sprintf("%d erased", l.Seq)
	}
	e, outcome := l.Event, "allowed"
	if !e.Allowed {
		outcome = "denied"
	}
	parts := []string{fmt.Sprint(l.Seq), e.At, e.Act, outcome, orDash(e.Staff), orDash(e.Device)}
	for _, o := range e.On {
		parts = append(parts, strings.Join([]string{orDash(o.Case), orDash(o.Collection), orDash(o.Compartment), fmt.Sprint(o.Count), orDash(o.Reason)}, "/"))
	}
	return strings.Join(parts, " ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// whoSaw tells, in a survivor's words, who has seen what is known of them.
// Colleagues are named by what they do: a survivor is owed the kind of person
// and the reason, and staff their safety (R34).
func (a *auditing) whoSaw(ctx context.Context, hub *collections.Hub, actor care.Actor) error {
	list, err := hub.WhoSaw(ctx, actor, a.query.Case)
	if err != nil {
		return err
	}
	text := func(key string) (string, error) {
		words, ok := locales.Text(a.language, key)
		if !ok {
			return "", &care.Error{Code: "language_unsupported", Kind: care.Invalid, Hint: "There are no words for this in that language yet; there are " + strings.Join(locales.Languages("seen"), ", ") + "."}
		}
		return words, nil
	}
	key := "seen.title"
	if len(list) == 0 {
		key = "seen.none"
	}
	title, err := text(key)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.env.Stdout, title)
	for _, s := range list {
		line, err := sightingLine(a.language, s, text)
		if err != nil {
			return err
		}
		fmt.Fprintln(a.env.Stdout, line)
	}
	return nil
}

func sightingLine(language string, s collections.Sighting, text func(string) (string, error)) (string, error) {
	values := map[string]string{"day": s.Day}
	for name, keys := range map[string][]string{"who": s.Who, "how": {s.How}, "what": s.What, "why": s.Why} {
		words := make([]string, len(keys))
		for i, key := range keys {
			var err error
			if words[i], err = text(key); err != nil {
				return "", err
			}
		}
		between := ", "
		if name == "why" {
			between = " "
		}
		values[name] = strings.Join(words, between)
	}
	line, ok := locales.Format(language, "seen.line", values)
	if !ok {
		return "", fmt.Errorf("the catalogue has no line for who saw what in %s", language)
	}
	return line, nil
}
