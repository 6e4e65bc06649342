package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/gen"
)

// Bounds of a demo.
const (
	demoPeopleDefault = 24
	demoPeopleMax     = 5000
	demoFile          = "demo.json"
)

const demoUsage = `[flags]

Builds a hub with invented people in a folder, lets two tablets work offline on
one case and meet a conflict, prepares and hands out a paper for a person who
moves, and then keeps the hub running. What happened, where to look and who to
log in as is printed and written to demo.json in the folder. A folder that holds
a finished demo is served again. Nobody in it is real, and nothing in it is for
real people: its passwords lie in demo.json.
`

// demoAccount is somebody to log in as.
type demoAccount struct {
	Role     care.Role `json:"role"`
	Login    string    `json:"login"`
	Password string    `json:"password"`
	// TOTPSecret is the second factor of those whose role needs one, in base 32.
	TOTPSecret string `json:"totp_secret,omitempty"`
	staff      string
}

// demoCode is a one-time code with which a tablet can be enrolled.
type demoCode struct {
	Login     string `json:"login"`
	URL       string `json:"url"`
	Code      string `json:"code"`
	ExpiresAt string `json:"expires_at"`
}

// demoSummary is the paper that was made. Paths are relative to the folder.
type demoSummary struct {
	Document string `json:"document"`
	Transfer string `json:"transfer"`
	File     string `json:"file"`
}

// demoResult is demo.json.
type demoResult struct {
	URL             string        `json:"url"`
	Accounts        []demoAccount `json:"accounts"`
	Codes           []demoCode    `json:"enrolment_codes"`
	CaseInConflict  string        `json:"case_in_conflict"`
	CaseMoving      string        `json:"case_moving"`
	CaseMovingOwner string        `json:"case_moving_owner"`
	Summary         demoSummary   `json:"summary"`
	Tablets         []string      `json:"tablets"`
	// TabletPassphrase opens each of them.
	TabletPassphrase string   `json:"tablet_passphrase"`
	Seed             uint64   `json:"seed"`
	Told             []string `json:"told"` // what happened, in sentences
}

// Demo builds and serves a hub with invented people.
func Demo(ctx context.Context, env Env, args []string) int {
	fs := env.flags("demo")
	dir := fs.String("dir", "", "the demo's `folder`; a temporary one where none is named")
	listen := fs.String("listen", DefaultListen, "`address` to listen on")
	key := fs.String("key-file", "", keyFileHelp)
	people := fs.Int("people", demoPeopleDefault, "how many people to invent")
	seed := fs.Uint64("seed", 1, "the `number` from which they are invented")
	words, exit, stop := env.parse(fs, args, demoUsage)
	if stop {
		return exit
	}
	if len(words) > 0 {
		return env.misused(fs, demoUsage, fmt.Sprintf("there is no use for %q", words[0]))
	}
	if *people < 1 || *people > demoPeopleMax {
		return env.misused(fs, demoUsage, fmt.Sprintf("--people is between 1 and %d", demoPeopleMax))
	}
	d := &demo{env: env, dir: env.Path(*dir), keyFile: env.keyFile(*key), people: *people}
	d.Seed = *seed
	if *dir == "" {
		var err error
		if d.dir, err = os.MkdirTemp("", "portolan-demo-"); err != nil {
			return env.Fail(fmt.Errorf("making a folder: %w", err))
		}
	}
	err := d.run(ctx, *listen)
	if err != nil && ctx.Err() != nil && !d.built {
		fmt.Fprintf(env.Stderr, "portolan: stopped before the demo was finished; remove %s, and begin again\n", d.dir)
		return ExitFault
	}
	if err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

// demo is a demo in the making.
type demo struct {
	env     Env
	dir     string
	keyFile string
	people  int
	hub     *Running
	world   *gen.World
	built   bool // the demo is finished, now or by an earlier run
	demoResult
}

var errDemoFolder = &care.Error{Code: "folder_not_a_demo", Kind: care.Conflict,
	Hint: "There is a hub in this folder that is no finished demo. A demo never mixes with real records: name another folder, or remove this one if it is a demo that was broken off."}

func (d *demo) run(ctx context.Context, listen string) (err error) {
	if d.built, err = d.load(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(d.env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	// The hub outlives the order to stop, until nothing here works on it.
	d.hub, err = Start(context.WithoutCancel(ctx), d.env, Service{Dir: d.dir, KeyFile: d.keyFile, Wire: hooks.Wire{Listen: listen}, Log: log})
	if err != nil {
		return err
	}
	if !d.built {
		if err := d.build(ctx); err != nil {
			return errors.Join(err, d.hub.Stop())
		}
	}
	d.URL = d.hub.URL
	if err := d.codes(ctx); err != nil {
		return errors.Join(err, d.hub.Stop())
	}
	if err := d.save(); err != nil {
		return errors.Join(err, d.hub.Stop())
	}
	d.built = true
	d.tell()
	return d.keep(ctx)
}

// codesAgain is how often the codes in demo.json are made anew, so that those
// there are never too old.
const codesAgain = collections.EnrolmentTerm - 2*time.Minute

// keep serves until the hub stops.
func (d *demo) keep(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- d.hub.Wait() }()
	tick := time.NewTicker(codesAgain)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return d.hub.Stop()
		case <-tick.C:
			err := d.codes(ctx)
			if err == nil {
				err = d.save()
			}
			if err != nil && ctx.Err() == nil {
				return errors.Join(err, d.hub.Stop())
			}
		}
	}
}

// load reads a finished demo, and says whether there is one.
func (d *demo) load() (bool, error) {
	b, err := os.ReadFile(filepath.Join(d.dir, demoFile))
	if errors.Is(err, fs.ErrNotExist) {
		if there, err := holdsHub(d.dir); err != nil || !there {
			return false, err
		}
		return false, errDemoFolder
	}
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", demoFile, err)
	}
	var r demoResult
	if err := json.Unmarshal(b, &r); err != nil {
		return false, fmt.Errorf("reading %s: %w", demoFile, err)
	}
	d.demoResult = r
	return true, nil
}

// save writes demo.json whole or not at all.
func (d *demo) save() error {
	b, err := json.MarshalIndent(d.demoResult, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", demoFile, err)
	}
	path := filepath.Join(d.dir, demoFile)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", demoFile, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing %s: %w", demoFile, err)
	}
	return nil
}

// build makes everything that the demo shows.
func (d *demo) build(ctx context.Context) error {
	steps := []struct {
		doing string
		do    func(context.Context) error
	}{
		{"Staff, houses and the service directory", d.surroundings},
		{"Invented people and their records", d.invent},
		{"Two tablets enrol and sync", d.tablets},
		{"Both go offline and edit one case, then come back", d.conflict},
		{"A person is about to move: records made offline", d.moving},
		{"The paper is prepared and handed out", d.paper},
	}
	for i, s := range steps {
		fmt.Fprintf(d.env.Stdout, "[%d/%d] %s …\n", i+1, len(steps), s.doing)
		err := s.do(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("demo, %q: %w", s.doing, err)
		}
	}
	return nil
}

// note is something that happened, for the person who watches.
func (d *demo) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	d.Told = append(d.Told, line)
	fmt.Fprintln(d.env.Stdout, "      "+line)
}

func (d *demo) tell() {
	// Building needed the memory of three passphrases and a thousand people;
	// what keeps serving does not.
	debug.FreeOSMemory()
	out := d.env.Stdout
	fmt.Fprintf(out, "\nThe demo is up: %s\nIts folder: %s (all of this is in %s there)\n\n", d.URL, d.dir, demoFile)
	fmt.Fprintf(out, "  case in conflict  %s\n  case moving       %s (owner %s)\n  paper handed out  %s\n\n",
		d.CaseInConflict, d.CaseMoving, d.CaseMovingOwner, filepath.Join(d.dir, d.Summary.File))
	fmt.Fprint(out, "Log in as:\n")
	secret := ""
	for _, a := range d.Accounts {
		fmt.Fprintf(out, "  %-20s %-16s %s", a.Role, a.Login, a.Password)
		if a.TOTPSecret != "" {
			fmt.Fprintf(out, "  and a code of %s", a.TOTPSecret)
			secret = a.TOTPSecret
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "\nWhoever has a power signs in with a second factor too. The code of the moment:\n  %s totp %s\n", d.env.Program, secret)
	fmt.Fprintf(out, "\nOpen the app in a browser on this machine: %s\nIt asks for one of these codes, and for the password of whoever it is for. Take one of its own for each browser and person:\n", d.URL)
	for _, c := range d.Codes {
		fmt.Fprintf(out, "  %-20s %s\n", c.Login, c.Code)
	}
	fmt.Fprint(out, "\nOr enrol a tablet for the command line, in another terminal (a code lives ten minutes; demo.json always has fresh ones):\n")
	for _, c := range d.Codes {
		fmt.Fprintf(out, "  %s tablet --dir my-tablet enrol %s %s   # as %s, whose password it asks for\n", d.env.Program, c.URL, c.Code, c.Login)
	}
	fmt.Fprintf(out, "  %s tablet --dir my-tablet sync\n\nLook into the demo's own, whose passphrase is %q:\n", d.env.Program, d.TabletPassphrase)
	for _, t := range d.Tablets {
		fmt.Fprintf(out, "  %s tablet --dir %s conflicts\n", d.env.Program, filepath.Join(d.dir, t))
	}
	fmt.Fprintf(out, "\nOr, also while the hub runs:\n  %s verify --dir %s\n  %s summary --dir %s --as %s --case %s --out paper.pdf\n",
		d.env.Program, d.dir, d.env.Program, d.dir, d.CaseMovingOwner, d.CaseMoving)
	fmt.Fprint(out, "\n"+keyWarning(d.hub.Hub))
	fmt.Fprint(out, "\nNobody in it is real. Stop it with Ctrl-C.\n")
}
