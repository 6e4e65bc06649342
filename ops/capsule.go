package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"portolan/capsule"
	"portolan/hooks"
)

const capsuleUsage = `open [flags] FILE|-

Opens the code on a paper with the words that the person says, and shows what it
holds and whether a trusted hub signed it. FILE is a picture of the code (PNG or
JPEG), or a text file with what a scanner read; - reads either from standard input.
The words are asked for. With --import it becomes a case of whoever opens it.
`

// WordsVariable names the environment variable that is taken for the words of
// a code instead of asking.
const WordsVariable = "PORTOLAN_WORDS"

// Capsule opens the code on a paper, for a member of staff who signs in.
func Capsule(ctx context.Context, env Env, args []string) int {
	fs := env.flags("capsule")
	dir := fs.String("dir", DefaultDir, "the hub's `folder`")
	as := fs.String("as", "", "`login` of the member of staff")
	taken := fs.Bool("import", false, "take it in as a new case")
	words, exit, stop := env.parse(fs, args, capsuleUsage)
	switch {
	case stop:
		return exit
	case len(words) != 2 || words[0] != "open":
		return env.misused(fs, capsuleUsage, "say open and name the file")
	case *as == "":
		return env.misused(fs, capsuleUsage, "say with --as who opens it")
	}
	text, err := env.codeIn(words[1])
	if err != nil {
		return env.Fail(err)
	}
	// A running hub has other standard input: it is told what was read.
	env.command = []string{"capsule", "open", "--dir", *dir, "--as", *as, "--import=" + strconv.FormatBool(*taken), "--", text}
	hub, done, err := env.OpenHub(ctx, *dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	actor, err := env.SignIn(ctx, hub, *as)
	if err != nil {
		return env.Fail(err)
	}
	said, err := env.words(ctx)
	if err != nil {
		return env.Fail(err)
	}
	opened, err := hooks.OpenCapsule(ctx, hub, actor, text, said)
	if err != nil {
		return env.Fail(err)
	}
	env.showCapsule(opened)
	if *taken {
		if err := opened.Import(ctx, hub, actor); err != nil {
			return env.Fail(err)
		}
		env.showImported(*opened.Imported)
	}
	if opened.Verdict != capsule.Valid {
		return ExitFault
	}
	return ExitOK
}

func (e Env) words(ctx context.Context) (string, error) {
	if w := e.Getenv(WordsVariable); w != "" {
		return w, nil
	}
	return e.Ask(ctx, "The words that the person says: ")
}

// textBytesMax is more than any code holds as text.
const textBytesMax = 64 << 10

// codeIn is the text of a code: in a picture, or as a scanner read it.
func (e Env) codeIn(name string) (string, error) {
	if capsule.Is(name) {
		return name, nil
	}
	from := e.Stdin
	if name != "-" {
		f, err := os.Open(e.Path(name))
		if err != nil {
			var p *os.PathError
			if errors.As(err, &p) {
				err = p.Err
			}
			return "", fmt.Errorf("opening %s: %w", name, err)
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, capsule.PictureBytesMax+1))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) <= textBytesMax && capsule.Is(string(b)) {
		return string(b), nil
	}
	return capsule.ReadPicture(bytes.NewReader(b))
}

// verdicts in words, for the console.
var verdicts = map[capsule.Verdict]string{
	capsule.Valid:   "valid: a trusted hub signed it, and it is as it was signed",
	capsule.Changed: "CHANGED: it says that a trusted hub signed it, and the signature is not right",
	capsule.Unknown: "UNKNOWN: nobody whom this hub trusts signed it",
}

func (e Env) showCapsule(o hooks.OpenedCapsule) {
	fmt.Fprintf(e.Stdout, "%s\n", verdicts[o.Verdict])
	if o.Hub != "" {
		fmt.Fprintf(e.Stdout, "signed by    %s\n", o.Hub)
	}
	fmt.Fprintf(e.Stdout, "as of        %s\nlanguages    %s\n", o.Record.Day, strings.Join(o.Record.Languages, ", "))
	if o.Record.Country != "" {
		fmt.Fprintf(e.Stdout, "made for     %s\n", o.Record.Country)
	}
	for _, cat := range slices.Sorted(maps.Keys(o.Record.Agreed)) {
		fmt.Fprintf(e.Stdout, "agreed       %s until %s\n", cat, o.Record.Agreed[cat])
	}
	for _, k := range capsule.Kinds {
		for _, set := range o.Record.Entries[k.Collection] {
			fmt.Fprintln(e.Stdout, k.Collection)
			for _, field := range k.Fields {
				if v := set[field]; v != nil {
					fmt.Fprintf(e.Stdout, "  %-22s %s\n", field, strings.Trim(string(v), `"`))
				}
			}
		}
	}
	for title, l := range map[string][]string{"The paper says more of": o.Record.LeftOut, "Not shown to your role": o.Hidden} {
		if len(l) > 0 {
			fmt.Fprintf(e.Stdout, "%s: %s\n", title, strings.Join(l, ", "))
		}
	}
}

func (e Env) showImported(i hooks.ImportedCapsule) {
	fmt.Fprintf(e.Stdout, "Case %s\n  taken      %d%s\n  kept aside %d%s\n  held       %d%s\n  unchanged  %d\n", i.Case,
		sum(i.Taken), listed(i.Taken), sum(i.Aside), listed(i.Aside), sum(i.Held), listed(i.Held), i.Unchanged)
	for _, other := range i.Alike {
		fmt.Fprintf(e.Stdout, "  Case %s is of somebody with such a name: look whether it is the same person, and merge the two if so.\n", other)
	}
}
