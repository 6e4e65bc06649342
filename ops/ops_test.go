package ops

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/internal/hubtest"
	"portolan/signin"
	"portolan/tablet"
)

const password = "correct horse battery staple"

// screen is a terminal that a test reads.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// console is one person at one terminal.
type console struct {
	env      Env
	out, err *screen
	vars     map[string]string
	codes    []string // recovery codes on paper, for whoever is asked for one
}

// newConsole stands beside an empty hub in the folder "hub", whose passwords
// cost little.
func newConsole(t *testing.T) *console {
	t.Helper()
	c := newBareConsole(t)
	c.env.WorkDir = filepath.Dir(hubtest.Dir(t))
	return c
}

// newBareConsole stands in an empty folder.
func newBareConsole(t *testing.T) *console {
	t.Helper()
	c := &console{out: new(screen), err: new(screen), vars: map[string]string{PasswordVariable: password, NewPasswordVariable: password, tablet.PassphraseVariable: demoTabletPassphrase}}
	c.env = Env{Stdout: c.out, Stderr: c.err, WorkDir: t.TempDir(), Version: "test", Program: "portolan", Now: time.Now,
		Getenv: c.getenv,
		Ask:    func(context.Context, string) (string, error) { return "", errNoTerminal }}
	return c
}

// getenv is the environment, with the next recovery code in it.
func (c *console) getenv(name string) string {
	if name != CodeVariable || len(c.codes) == 0 {
		return c.vars[name]
	}
	code := c.codes[0]
	c.codes = c.codes[1:]
	return code
}

// secondFactor sets up somebody's, and keeps their recovery codes at hand: an
// authenticator app has one code for half a minute, and a test types faster.
func (c *console) secondFactor(t *testing.T, login string) {
	t.Helper()
	ask := c.env.Ask
	c.env.Ask = func(context.Context, string) (string, error) {
		shown := regexp.MustCompile(`secret ([A-Z2-7]+)`).FindStringSubmatch(c.out.String())
		if shown == nil {
			return "", errNoTerminal
		}
		secret, err := signin.ParseSecret(shown[1])
		return signin.Code(secret, signin.Step(time.Now())), err
	}
	out := c.must(t, ExitOK, "user", "second-factor", "setup", "--dir", "hub", login)
	c.env.Ask, c.codes = ask, nil
	for _, m := range regexp.MustCompile(`(?m)^  ([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})$`).FindAllStringSubmatch(out, -1) {
		c.codes = append(c.codes, m[1])
	}
	if len(c.codes) != 10 {
		t.Fatalf("%d recovery codes: %s", len(c.codes), out)
	}
}

// actor is a member of staff, as they are on record.
func (c *console) actor(t *testing.T, hub *collections.Hub, login string) (care.Actor, error) {
	t.Helper()
	staff, err := hub.StaffOf(t.Context(), login)
	if err != nil {
		return care.Actor{}, err
	}
	return hub.Actor(t.Context(), staff, "")
}

// run types a command and gives its exit code and what it printed since.
func (c *console) run(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	before := len(c.out.String()) + len(c.err.String())
	code = Main(t.Context(), c.env, args)
	all := c.out.String() + c.err.String()
	if before > len(all) {
		before = 0
	}
	return code, c.out.String() + "\n" + c.err.String()
}

func (c *console) must(t *testing.T, want int, args ...string) string {
	t.Helper()
	c.out.b.Reset()
	c.err.b.Reset()
	code, printed := c.run(t, args...)
	if code != want {
		t.Fatalf("portolan %s: exit code %d, want %d:\n%s", strings.Join(args, " "), code, want, printed)
	}
	return printed
}

// start runs a hub in the console's folder "hub", on a port of its own.
func (c *console) start(t *testing.T) *Running {
	t.Helper()
	r, err := Start(t.Context(), c.env, Service{Dir: c.env.Path("hub"), Wire: hooks.Wire{Listen: "127.0.0.1:0"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return r
}

func TestEveryCommandHasHelpAndRefusesNonsense(t *testing.T) {
	c := newBareConsole(t)
	c.must(t, ExitUsage, "sail")
	if out := c.must(t, ExitOK, "--help"); !strings.Contains(out, "serve") {
		t.Errorf("help says %s", out)
	}
	for _, cmd := range Commands() {
		if cmd.Doc == "" || cmd.Run == nil {
			t.Errorf("%s has no words or does nothing", cmd.Name)
		}
		out := c.must(t, ExitOK, cmd.Name, "--help")
		if !strings.Contains(out, "portolan "+cmd.Name) {
			t.Errorf("%s --help says %s", cmd.Name, out)
		}
		if c.err.String() != "" {
			t.Errorf("%s --help writes to standard error: %s", cmd.Name, c.err.String())
		}
		if via := c.must(t, ExitOK, "help", cmd.Name); via != out {
			t.Errorf("help %s differs from %s --help", cmd.Name, cmd.Name)
		}
		c.must(t, ExitUsage, cmd.Name, "--no-such-flag")
	}
	for _, args := range [][]string{
		{"serve", "extra"}, {"serve", "--listen", "nowhere"}, {"serve", "--tls-cert", "x"}, {"user"}, {"user", "add"}, {"user", "list", "x"},
		{"user", "add", "ana"}, {"user", "add", "ana", "--role", "captain"},
		{"user", "add", "ana", "--role", "auditor", "--country", "zz"}, {"user", "add", "ana", "--role", "auditor", "--time-zone", "Mars/One"}, {"device", "list"}, {"device", "revoke", "--as", "ana"},
		{"backup"}, {"restore"}, {"verify", "x"}, {"version", "x"},
	} {
		c.must(t, ExitUsage, args...)
		if entries, err := os.ReadDir(c.env.WorkDir); err != nil || len(entries) > 0 {
			t.Errorf("portolan %s left something behind: %v %v", strings.Join(args, " "), entries, err)
		}
	}
	for _, args := range [][]string{{"verify"}, {"user", "list"}, {"backup", "--out", "x"}} {
		if out := c.must(t, ExitFault, args...); !strings.Contains(out, "no hub") {
			t.Errorf("portolan %v without a hub says %s", args, out)
		}
	}
	// A folder that cannot be looked into is not called empty.
	if out := c.must(t, ExitFault, "verify", "--dir", strings.Repeat("x", 300)); strings.Contains(out, "no hub") {
		t.Errorf("of a folder that it cannot look into it says %s", out)
	}
}

func TestAccountsFromTheConsole(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator", "--country", "ke", "--time-zone", "Africa/Nairobi")
	c.must(t, ExitOK, "user", "add", "ben", "--role", "outreach,health", "--dir", "hub", "--name", "Ben")
	c.must(t, ExitFault, "user", "add", "--dir", "hub", "ana", "--role", "auditor")
	out := c.must(t, ExitOK, "user", "list", "--dir", "hub")
	for _, want := range []string{"ana", "coordinator", "ben", "outreach", "active"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %s:\n%s", want, out)
		}
	}
	if out := c.must(t, ExitForbidden, "device", "code", "--dir", "hub", "--as", "nobody"); strings.Contains(out, "code  ") {
		t.Errorf("a code for nobody: %s", out)
	}
	c.must(t, ExitForbidden, "device", "code", "--dir", "hub", "--as", "ben") // signed in, without the power
	if out := c.must(t, ExitForbidden, "device", "code", "--dir", "hub", "--as", "ana", "--for", "ben"); !strings.Contains(out, "second-factor setup ana") {
		t.Errorf("without the second factor that the role needs: %s", out)
	}
	c.secondFactor(t, "ana")
	out = c.must(t, ExitOK, "device", "code", "--dir", "hub", "--as", "ana", "--for", "ben")
	if !strings.Contains(out, "code    ") {
		t.Errorf("no code: %s", out)
	}
	c.must(t, ExitForbidden, "device", "code", "--dir", "hub", "--as", "ben") // has not the power
	if out := c.must(t, ExitOK, "user", "add", "dina", "--role", "health", "--dir", "hub", "--country", "ug"); !strings.Contains(out, "change nothing") {
		t.Errorf("of a second country it says %s", out)
	}
	c.vars[NewPasswordVariable] = "another long password"
	c.must(t, ExitOK, "user", "password", "--dir", "hub", "ana")
	c.must(t, ExitForbidden, "device", "list", "--dir", "hub", "--as", "ana")
	c.vars[PasswordVariable] = "another long password"
	c.must(t, ExitOK, "device", "list", "--dir", "hub", "--as", "ana")
	c.vars[NewPasswordVariable] = "short"
	c.must(t, ExitUsage, "user", "password", "--dir", "hub", "ana")
	c.must(t, ExitFault, "user", "password", "--dir", "hub", "nobody")
	c.must(t, ExitOK, "user", "disable", "--dir", "hub", "ben")
	c.vars[PasswordVariable] = password
	c.must(t, ExitForbidden, "device", "list", "--dir", "hub", "--as", "ben")
	if out := c.must(t, ExitOK, "verify", "--dir", "hub"); !strings.Contains(out, " changes\n") || !strings.Contains(out, "0 faults") {
		t.Errorf("verify says %s", out)
	}
	delete(c.vars, NewPasswordVariable)
	if out := c.must(t, ExitUsage, "user", "add", "--dir", "hub", "cleo", "--role", "auditor"); !strings.Contains(out, NewPasswordVariable) {
		t.Errorf("without a terminal it says %s", out)
	}
}

func TestCommandsGoThroughTheHubThatRuns(t *testing.T) {
	c := newConsole(t)
	r := c.start(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	if empty, err := r.Hub.Empty(); err != nil || empty {
		t.Fatalf("the running hub does not know the account: %v", err)
	}
	// The password is asked for at the terminal of whoever typed the command.
	delete(c.vars, PasswordVariable)
	asked := ""
	c.env.Ask = func(_ context.Context, prompt string) (string, error) { asked = prompt; return password, nil }
	out := c.must(t, ExitOK, "device", "code", "--dir", "hub", "--as", "ana")
	if !strings.Contains(asked, "ana") || !strings.Contains(out, "address "+r.URL) {
		t.Errorf("asked %q, printed %s", asked, out)
	}
	c.env.Ask = func(context.Context, string) (string, error) { return "", errNoTerminal }
	if out := c.must(t, ExitUsage, "device", "code", "--dir", "hub", "--as", "ana"); !strings.Contains(out, PasswordVariable) {
		t.Errorf("with nobody to ask it says %s", out)
	}
	c.vars[PasswordVariable] = "wrong"
	if out := c.must(t, ExitForbidden, "device", "code", "--dir", "hub", "--as", "ana"); !strings.Contains(c.err.String(), "signin_failed") {
		t.Errorf("a wrong password: %s", out)
	}
	// A relative path is the caller's, not the hub's.
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "here.backup")
	if _, err := os.Stat(filepath.Join(c.env.WorkDir, "here.backup")); err != nil {
		t.Error(err)
	}
	c.must(t, ExitOK, "verify", "--dir", "hub")
	c.must(t, ExitInUse, "serve", "--dir", "hub")
	if !strings.Contains(c.err.String(), "in use by process") {
		t.Errorf("a second hub is told %s", c.err.String())
	}
	if info, err := os.Stat(c.env.Path("hub/hub.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	c.vars[PasswordVariable] = password
	c.must(t, ExitOK, "verify", "--dir", "hub")
}

func TestALongFolderHasASocketToo(t *testing.T) {
	c := newBareConsole(t)
	c.env.WorkDir = filepath.Join(c.env.WorkDir, strings.Repeat("long/", 40))
	c.start(t)
	c.must(t, ExitOK, "user", "list", "--dir", "hub")
}

func TestAHubThatDoesNotAnswerIsSaidSo(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	folder, err := TakeFolder(c.env.Path("hub"))
	if err != nil {
		t.Fatal(err)
	}
	if out := c.must(t, ExitInUse, "verify", "--dir", "hub"); !strings.Contains(out, "does not answer") {
		t.Errorf("it says %s", out)
	}
	if err := folder.Release(); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "verify", "--dir", "hub")
}

// TestTheLockEndsWithItsProcess: a killed hub must not lock its folder.
func TestTheLockEndsWithItsProcess(t *testing.T) {
	if dir := os.Getenv("LOCK_AND_WAIT"); dir != "" {
		if _, err := TakeFolder(dir); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("locked\n")
		select {}
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTheLockEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), "LOCK_AND_WAIT="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line := make([]byte, 7); true {
		if _, err := io.ReadFull(out, line); err != nil || string(line) != "locked\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	_, err = TakeFolder(dir)
	var use *InUseError
	if !errors.As(err, &use) || use.PID != cmd.Process.Pid {
		t.Errorf("a locked folder is taken: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // it was killed
	folder, err := TakeFolder(dir)
	if err != nil {
		t.Fatalf("after its holder was killed: %v", err)
	}
	if err := folder.Release(); err != nil {
		t.Error(err)
	}
}

func TestWhoeverHangsUpEndsTheirCommand(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	c.start(t)
	delete(c.vars, PasswordVariable)
	ctx, cancel := context.WithCancel(t.Context())
	c.env.Ask = func(ctx context.Context, _ string) (string, error) {
		cancel() // Ctrl-C at the question
		<-ctx.Done()
		return "", ctx.Err()
	}
	if code := Main(ctx, c.env, []string{"device", "list", "--dir", "hub", "--as", "ana"}); code != ExitFault {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	c.vars[PasswordVariable] = password
	c.must(t, ExitOK, "device", "list", "--dir", "hub", "--as", "ana")
}

func TestBackupAndRestore(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ben", "--role", "outreach")
	out := c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one.backup")
	c.must(t, ExitOK, "user", "disable", "--dir", "hub", "ben")
	if !strings.Contains(out, "hub.key") {
		t.Errorf("nothing says that the key is not in it: %s", out)
	}
	c.must(t, ExitFault, "backup", "--dir", "hub", "--out", "one.backup")
	if info, err := os.Stat(c.env.Path("one.backup")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	c.must(t, ExitFault, "restore", "--dir", "hub", "one.backup")
	if out := c.must(t, ExitFault, "restore", "--dir", "again", "one.backup"); !strings.Contains(out, "key_file_missing") {
		t.Errorf("a restore without the key: %s", out)
	}
	if _, err := os.Stat(c.env.Path("again/pb_data")); err == nil {
		t.Error("half a restore stays behind")
	}
	copyKey(t, c, "hub/hub.key", "again/hub.key")
	if out := c.must(t, ExitFault, "restore", "--dir", "again", "--ended", "nowhere", "one.backup"); !strings.Contains(out, "ended_list_missing") {
		t.Errorf("without the list of what ended: %s", out)
	}
	if out := c.must(t, ExitOK, "restore", "--dir", "again", "one.backup"); !strings.Contains(out, "ended again: 1\n") {
		t.Errorf("what ended since the backup: %s", out)
	}
	if out := c.must(t, ExitOK, "user", "list", "--dir", "again"); !strings.Contains(out, "ana") || !strings.Contains(out, "left") {
		t.Errorf("the accounts are %s", out)
	}
	if a, b := epoch(t, c, "hub"), epoch(t, c, "again"); a == b {
		t.Error("the restored hub goes on in the old epoch: cursors of the old life would open")
	}
	if left, err := filepath.Glob(c.env.Path("hub/backup-*")); err != nil || len(left) > 0 {
		t.Errorf("the backup left %v behind, %v", left, err)
	}
}

func copyKey(t *testing.T, c *console, from, to string) {
	t.Helper()
	b, err := os.ReadFile(c.env.Path(from))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(c.env.Path(to)), 0o700)
	}
	if err == nil {
		err = os.WriteFile(c.env.Path(to), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func epoch(t *testing.T, c *console, dir string) string {
	t.Helper()
	h, err := collections.Open(collections.Config{Dir: c.env.Path(dir)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return h.Epoch()
}

// TestADamagedHubIsNotBackedUp: attack case 32. A copy of what is damaged
// would take the place of a whole one.
func TestADamagedHubIsNotBackedUp(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	path := c.env.Path("hub/pb_data/data.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var body []byte // as it lies on the disk
	if err := errors.Join(db.QueryRow(`SELECT body FROM changes ORDER BY seq LIMIT 1`).Scan(&body), db.Close()); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, body)
	if at < 0 {
		t.Fatal("the change is not where the test looks for it")
	}
	const page = 4096
	for what, damage := range map[string]func(b []byte){
		"one letter of a change":         func(b []byte) { b[at+1] ^= 1 },
		"a page of nothing":              func(b []byte) { clear(b[5*page : 6*page]) },
		"the end is missing":             func(b []byte) { clear(b[len(b)/2:]) },
		"a page in the place of another": func(b []byte) { copy(b[7*page:8*page], b[9*page:10*page]) },
	} {
		b := bytes.Clone(whole)
		damage(b)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := hubtest.Console(t, "backup", "--dir", c.env.Path("hub"), "--out", c.env.Path("bad.backup"))
		if code == ExitOK {
			t.Errorf("%s: the backup is made: %s", what, out)
			continue
		}
		for _, name := range []string{"bad.backup", "bad.backup.part"} {
			if _, err := os.Stat(c.env.Path(name)); err == nil {
				t.Errorf("%s: the backup left %s", what, name)
			}
		}
		os.Remove(path + "-wal") // of the damaged one
		os.Remove(path + "-shm")
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "good.backup")
}

func TestADamagedBackupIsRefused(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	c.secondFactor(t, "ana")
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one.backup")
	whole, err := os.ReadFile(c.env.Path("one.backup"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x10
	for name, b := range map[string][]byte{"cut short": whole[:len(whole)-20], "half": whole[:len(whole)/2], "one bit": flipped, "nothing": {}, "something else": []byte("hello")} {
		if err := os.WriteFile(c.env.Path("bad.backup"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c.must(t, ExitFault, "restore", "--dir", "target", "--key-file", "hub/hub.key", "bad.backup")
		if _, err := os.Stat(c.env.Path("target/pb_data")); err == nil {
			t.Errorf("%s: half a restore stays behind", name)
		}
	}
	c.must(t, ExitOK, "restore", "--dir", "target", "--key-file", "hub/hub.key", "one.backup")
	c.must(t, ExitFault, "verify", "--dir", "target")
	c.vars[KeyFileVariable] = "hub/hub.key"
	c.must(t, ExitOK, "verify", "--dir", "target")
}
