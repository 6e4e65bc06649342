package ops

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
)

const handOutUsage = `--as LOGIN --case ID --out FILE [flags]

Hands a summary out, with the person there: as they choose it, with the words
that open it, which are shown once and kept nowhere, and with a code on the paper
for the next helper. What was given, to whom, when and under which consent is
recorded. Where a draft lies ready for the case, it is confirmed or changed;
otherwise one is made. --edition nothing records that the person carries none.
`

// HandOutSummary hands a summary out, as a member of staff who signs in.
func HandOutSummary(ctx context.Context, env Env, args []string) int {
	fs := env.flags("handout")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	login := fs.String("as", "", "`login` of the member of staff")
	var o hooks.HandOutOrder
	fs.StringVar(&o.Case, "case", "", "`id` of the case")
	fs.StringVar(&o.Country, "to", "", "receiving `country`, two letters of ISO 3166-1; where it is left out, that of the draft or of the case's next move")
	fs.StringVar(&o.Edition, "edition", "", "`edition`: paper, phone, both, or nothing; where it is left out, what the person chose before, and paper otherwise")
	sections := fs.String("sections", "", "`sections` that the person ticked, as allergies,medications,legal; the first sheet alone where none are named")
	languages := fs.String("languages", "", "the person's own `language`, then the receiving country's, as es,en")
	fs.BoolVar(&o.Plain, "plain", false, "paper without a code")
	out := fs.String("out", "", "`file` to write, for its owner alone to read; of both editions the one for a telephone beside it, with -2 in its name")
	words, exit, stop := env.parse(fs, args, handOutUsage)
	switch {
	case stop:
		return exit
	case len(words) > 0:
		return env.misused(fs, handOutUsage, fmt.Sprintf("%q is one word too many", words[0]))
	case *login == "" || o.Case == "" || *out == "" && o.Edition != "nothing":
		return env.misused(fs, handOutUsage, "--as says who does this, --case whose it is, --out where to write")
	}
	o.Sections, o.Languages = listOf(*sections), listOf(*languages)
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *login)
	if err != nil {
		return env.Fail(err)
	}
	if o.Paper, err = readyFor(ctx, hub, actor, o.Case); err != nil {
		return env.Fail(err)
	}
	given, err := hooks.HandOut(ctx, hub, actor, o)
	if err != nil {
		return env.failTelling(err)
	}
	if err := env.giveOut(given, *out); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func listOf(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, ",")
}

// readyFor is the draft that lies ready for a case, the newest of several.
func readyFor(ctx context.Context, hub *collections.Hub, a care.Actor, caseID string) (string, error) {
	ready, err := hub.List(ctx, a, collections.Query{Collection: "documents", Case: caseID, Where: map[string]string{"kind": "summary", "status": "prepared"}})
	if err != nil || len(ready) == 0 {
		return "", err
	}
	return slices.MaxFunc(ready, func(a, b care.Row) int {
		return cmp.Compare(a.Text("prepared_at"), b.Text("prepared_at"))
	}).ID, nil
}

// giveOut writes the files and says the words.
func (e Env) giveOut(given hooks.HandedOut, out string) error {
	if len(given.Files) == 0 {
		fmt.Fprintln(e.Stdout, "It is recorded that the person carries none.")
		return nil
	}
	for i, f := range given.Files {
		name := e.Path(out)
		if i > 0 {
			ext := filepath.Ext(name)
			name = strings.TrimSuffix(name, ext) + "-2" + ext
		}
		if err := writePrivate(name, f.Data); err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "Written, for %s: %s, %d bytes in %s.\n", f.Edition, filepath.Base(name), len(f.Data), strings.Join(given.Languages, " and "))
	}
	fmt.Fprintf(e.Stdout, "It holds: %s. Handed out by you, now.\n", strings.Join(given.Sections, ", "))
	if len(given.LeftOut) > 0 {
		fmt.Fprintf(e.Stdout, "The code had no room for: %s. The paper tells of it.\n", strings.Join(given.LeftOut, ", "))
	}
	if given.Words != "" {
		fmt.Fprintf(e.Stdout, "It opens with these words and no others. Say them to the person; they are kept nowhere:\n  %s\n", given.Words)
	}
	return nil
}
