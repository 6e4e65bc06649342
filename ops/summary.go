package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/pdf"
)

var summaryUsage = `--as LOGIN --case ID --out FILE [flags]

Makes the care summary of a case, as the member of staff who signs in: what
they may not see and what the person did not agree to share is not in it. The
languages are the person's own and the receiving country's, one or two; where
none are named they come from the case and its next move. There are words in
` + strings.Join(pdf.Languages(), ", ") + `.
The password is asked for, or taken from PORTOLAN_PASSWORD.

  summary verify FILE   says whether a summary is valid, changed, unknown or withdrawn
`

// Summary writes a care summary to a file, or says whether one can be trusted.
func Summary(ctx context.Context, env Env, args []string) int {
	if len(args) > 0 && args[0] == "verify" {
		return verifySummary(ctx, env, args[1:])
	}
	fs := env.flags("summary")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	login := fs.String("as", "", "`login` of the member of staff")
	order := hooks.SummaryOrder{}
	fs.StringVar(&order.Case, "case", "", "`id` of the case")
	fs.StringVar(&order.Country, "to", "", "receiving `country`, two letters of ISO 3166-1; where it is left out, that of the case's next move")
	languages := fs.String("languages", "", "the person's own `language`, then the receiving country's, as es,en")
	fs.StringVar(&order.Paper, "paper", "", "`size` of the paper, A4 or Letter; where it is left out, what the organisation's country prints on")
	fs.BoolVar(&order.Large, "large", false, "large letters")
	fs.BoolVar(&order.Pictures, "pictures", false, "pictures beside the words")
	sections := fs.String("sections", "", "`sections` that the person ticked, as allergies,medications; all that they agreed to where none are named")
	edition := fs.String("edition", "paper", "`edition`: paper; phone, which opens with words that are shown once; text, to read out; or picture, one page as a PNG")
	fs.IntVar(&order.Page, "page", 0, "`number` of the page that the picture shows, 1 where it is left out")
	fs.IntVar(&order.Width, "width", 0, "width of the picture in `pixels`, 827 where it is left out")
	out := fs.String("out", "", "`file` to write, for its owner alone to read")
	words, exit, stop := env.parse(fs, args, summaryUsage)
	if stop {
		return exit
	}
	order.Phone, order.Reading = *edition == "phone", *edition == "text"
	switch *edition {
	case "paper", "phone", "text":
		if order.Page != 0 || order.Width != 0 {
			return env.misused(fs, summaryUsage, "--page and --width are of --edition picture")
		}
	case "picture":
		order.Page = cmp.Or(order.Page, 1)
	default:
		return env.misused(fs, summaryUsage, "--edition is paper, phone, text or picture")
	}
	order.Languages, order.Sections = listOf(*languages), listOf(*sections)
	if problem := summaryProblem(words, *login, *out, &order); problem != "" {
		return env.misused(fs, summaryUsage, problem)
	}
	if info, err := os.Stat(env.Path(*out)); err == nil && info.IsDir() {
		return env.misused(fs, summaryUsage, "--out is a folder; name the file to write in it")
	}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *login)
	if err != nil {
		return env.Fail(err)
	}
	made, err := hooks.MakeSummary(ctx, hub, actor, order)
	if err != nil {
		return env.failTelling(err)
	}
	if err := writePrivate(env.Path(*out), made.PDF); err != nil {
		return env.Fail(err)
	}
	fmt.Fprintf(env.Stdout, "Written: %d bytes in %s, %d sections, agreed until %s.\n", len(made.PDF),
		strings.Join(made.Languages, " and "), len(made.Sections), made.Until.Format("2006-01-02"))
	if made.Pages > 0 {
		fmt.Fprintf(env.Stdout, "It is page %d of %d.\n", order.Page, made.Pages)
	}
	if made.Words != "" {
		fmt.Fprintf(env.Stdout, "It opens with these words and no others. Say them to the person; they are kept nowhere:\n  %s\n", made.Words)
	}
	return ExitOK
}

// failTelling is Fail with the words that must not stand on paper, for the one
// who signed in, who may read the text anyway.
func (e Env) failTelling(err error) int {
	var telling *pdf.WordsError
	if errors.As(err, &telling) {
		fmt.Fprintf(e.Stderr, "portolan: say in other words: %s\n", strings.Join(telling.Words, ", "))
	}
	return e.Fail(err)
}

// summaryProblem says what makes no sense in the command line, "" where
// nothing does.
func summaryProblem(words []string, login, out string, order *hooks.SummaryOrder) string {
	switch {
	case len(words) > 0:
		return fmt.Sprintf("%q is one word too many", words[0])
	case login == "":
		return "say with --as who makes the summary"
	case order.Case == "":
		return "say with --case whose summary to make"
	case out == "":
		return "say with --out where to write"
	}
	if err := order.Check(); err != nil {
		return hintOf(err)
	}
	return ""
}

func hintOf(err error) string {
	var known *care.Error
	if errors.As(err, &known) {
		return known.Hint
	}
	return err.Error()
}

// writePrivate writes a file that only its owner may read, whole or not at
// all; one of that name is replaced in the moment in which the new one is
// whole.
func writePrivate(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".summary-*") // made for its owner alone (0600)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err // the name of the unfinished file says nothing to anybody
		}
		return fmt.Errorf("writing the summary into %s: %w", filepath.Dir(path), err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = collections.RenameSynced(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the summary: %w", err), os.Remove(f.Name()))
	}
	return nil
}
