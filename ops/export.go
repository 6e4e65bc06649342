package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"portolan/care"
	"portolan/collections"
)

const exportUsage = `[ask] --as LOGIN --purpose P --recipient R [--case ID]… [--reason W] [--out FILE] [--dir D]
       portolan export open FILE --out FOLDER

Takes the records of many people out of the hub, for one purpose and one
recipient: of each case what whoever signs in may take along and the survivor
agreed to have exported, as lines of JSON, in one file under a passphrase that is
asked for. The recipient is organisation:ID of the directory, and neither police nor immigration.

  ask   asks a second person for exactly that; somebody else agrees with
        "portolan user approve ID --as THEIR-LOGIN", and within 24 hours the same
        command without the word makes the export, once
  open  opens an export with its passphrase, in a folder that it makes; it needs no hub
`

// exportFolder is what the archive of an export has.
const exportFolder = "records"

// Export takes records of many people out of the hub, or opens what was taken.
func Export(ctx context.Context, env Env, args []string) int {
	flags := env.flags("export")
	dir := flags.String("dir", DefaultDir, "the hub's `folder`")
	login := flags.String("as", "", "`login` of whoever takes the records out")
	purpose := flags.String("purpose", "", "what for: a `purpose` that a consent names, such as medical_treatment")
	recipient := flags.String("recipient", "", "to `whom`: organisation:ID of the directory")
	reason := flags.String("reason", "", "`why` the second person is asked (ask): "+strings.Join(care.ApprovalReasons, ", "))
	out := flags.String("out", "", "`file` to write, or folder to open it in; it must not be there yet")
	var cases []string
	flags.Func("case", "`id` of one case, as often as there are; without any, every case that this person may take along", func(id string) error {
		cases = append(cases, id)
		return nil
	})
	words, exit, stop := env.parse(flags, args, exportUsage)
	if stop {
		return exit
	}
	act := ""
	if len(words) > 0 {
		act = words[0]
	}
	problem := ""
	switch {
	case act == "open" && len(words) == 2 && *out != "":
		return env.openExport(ctx, env.Path(words[1]), env.Path(*out))
	case act == "open":
		problem = "open takes the FILE of one export, and --out names a folder"
	case len(words) > 1 || act != "" && act != "ask":
		problem = fmt.Sprintf("%q is no part of it", words[len(words)-1])
	case *login == "" || *purpose == "" || *recipient == "":
		problem = "say with --as who takes the records out, with --purpose what for, with --recipient to whom"
	case act == "ask" && *reason == "":
		problem = "say with --reason why a second person is asked"
	case act == "" && *out == "":
		problem = "say with --out where to write"
	}
	if problem != "" {
		return env.misused(flags, exportUsage, problem)
	}
	order := collections.ExportOrder{Purpose: care.Purpose(*purpose), Recipient: *recipient, Cases: cases}
	if err := env.exportFrom(ctx, *dir, *login, act, *reason, *out, order); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

// exportFrom asks for an export, or makes it.
func (e Env) exportFrom(ctx context.Context, dir, login, act, reason, out string, o collections.ExportOrder) error {
	hub, done, err := e.OpenHub(ctx, dir)
	if err != nil {
		return err
	}
	defer done()
	actor, err := e.SignIn(ctx, hub, login)
	if err != nil {
		return err
	}
	if act == "ask" {
		p, err := hub.AskExport(ctx, actor, o, reason)
		if err == nil {
			fmt.Fprintf(e.Stdout, "Asked for: %s\nIt can be made once somebody else agrees: %s user approve %s --as THEIR-LOGIN\n", p.Terms, e.Program, p.ID)
		}
		return err
	}
	if err := hub.ExportApproved(ctx, actor, o); err != nil {
		return err
	}
	passphrase, err := e.newPassphrase(ctx, "the export")
	if err != nil {
		return err
	}
	made, err := e.export(ctx, hub, actor, o, e.Path(out), passphrase)
	if err != nil {
		return fmt.Errorf("making the export: %w", err)
	}
	fmt.Fprintf(e.Stdout, "Written: %d records of %d cases. Left out: %d cases.\n", made.Records, made.Cases, made.LeftOut)
	fmt.Fprintln(e.Stderr, "Tell the passphrase to whoever receives it by another way than the file. It is kept nowhere.")
	return nil
}

// exportPart is the name of an export that is not whole.
const exportPart = ".export-*.part"

// sweepExports removes what exports left in a folder that were killed: whoever
// still writes one holds its lock, which ends with the process (flock(2)).
func sweepExports(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if is, _ := filepath.Match(exportPart, e.Name()); !is || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, openErr := os.Open(path)
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			err = errors.Join(err, os.Remove(path))
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("removing what a killed export left: %w", err)
	}
	return nil
}

// export writes an export under its name, whole or not at all. Nothing of it
// is ever on the disk in clear.
func (e Env) export(ctx context.Context, hub *collections.Hub, actor care.Actor, o collections.ExportOrder, out, passphrase string) (made collections.Exported, err error) {
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		return made, errors.Join(errors.New("there is something of the name of --out already"), err)
	}
	if err := sweepExports(filepath.Dir(out)); err != nil {
		return made, err
	}
	f, err := os.CreateTemp(filepath.Dir(out), exportPart) // for its owner alone (0600)
	if err != nil {
		return made, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return made, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if made, err = e.sealExport(ctx, hub, actor, o, f, passphrase); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		e.reach("export is whole")
		err = collections.RenameSynced(f.Name(), out)
	}
	if err != nil {
		return made, errors.Join(err, os.Remove(f.Name()))
	}
	return made, nil
}

// sealExport writes what an export holds, sealed on its way.
func (e Env) sealExport(ctx context.Context, hub *collections.Hub, actor care.Actor, o collections.ExportOrder, to io.Writer, passphrase string) (made collections.Exported, err error) {
	m := Manifest{Format: manifestFormat, Made: care.FormatTime(e.Now()), Version: e.Version, Schema: care.SchemaVersion, Sealed: true}
	seal := func(archive io.Reader) error { return hub.SealExport(to, archive, passphrase) }
	_, err = sealedArchive(m, e.Now(), seal, func(a *archiveWriter) error {
		n := 0
		var err error
		made, err = hub.Export(ctx, actor, o, func(lines []byte) error {
			n++
			defer e.reach("export wrote a case")
			return a.copy(fmt.Sprintf("%s/%06d.jsonl", exportFolder, n), int64(len(lines)), bytes.NewReader(lines))
		})
		return err
	})
	return made, err
}

// openExport opens an export into a folder that is not there yet.
func (e Env) openExport(ctx context.Context, file, dir string) int {
	f, err := os.Open(file)
	if err != nil {
		return e.Fail(fmt.Errorf("opening the export: %w", err))
	}
	defer f.Close()
	passphrase, err := e.Ask(ctx, "Passphrase of the export: ")
	if err != nil {
		return e.Fail(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return e.Fail(fmt.Errorf("making the folder to open the export in: %w", err))
	}
	m, err := openSealed(dir, func(archive io.Writer) error { return collections.OpenExport(archive, f, passphrase) }, exportFolder)
	if errors.Is(err, errNotBackup) || errors.Is(err, errAltered) {
		err = collections.ErrExportFile
	}
	if err != nil {
		return e.Fail(errors.Join(err, os.RemoveAll(dir)))
	}
	fmt.Fprintf(e.Stdout, "Opened: %d files of %s in %s. They are not sealed any more.\n", len(m.Files), m.Made, filepath.Join(dir, exportFolder))
	return ExitOK
}
