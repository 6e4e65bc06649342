package ops

import (
	"errors"
	"os"
	"strings"
	"testing"

	"portolan/collections"
	"portolan/internal/hubtest"
)

// shutOut is a hub with a backup, and with people who were shut out since: one
// left, of the other the password was changed.
func shutOut(t *testing.T) *console {
	t.Helper()
	c := newConsole(t)
	c.vars[PasswordVariable] = hubtest.Password
	for _, login := range []string{"ana", "ben", "dan"} {
		c.must(t, ExitOK, "user", "add", "--dir", "hub", login, "--role", "outreach")
	}
	if err := os.Mkdir(c.env.Path("backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "backups/one")
	copyKey(t, c, "backups/ended.list", "then/ended.list")
	copyKey(t, c, "backups/ended.head", "then/ended.head")
	c.must(t, ExitOK, "user", "disable", "--dir", "hub", "ben")
	c.vars[NewPasswordVariable] = "another long password"
	c.must(t, ExitOK, "user", "password", "--dir", "hub", "dan")
	return c
}

// TestACutListOfWhatEndedIsFound: whoever holds the folder of backups cannot
// have a restore forget who was shut out: the list is as long as the audit log's
// signed head says, or nothing is restored.
func TestACutListOfWhatEndedIsFound(t *testing.T) {
	c := shutOut(t)
	read := func(name string) string {
		b, err := os.ReadFile(c.env.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	list := read("backups/ended.list")
	first, _, _ := strings.Cut(list, "\n")
	other := newBareConsole(t)
	other.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "outreach")
	other.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one")
	foreign, err := os.ReadFile(other.env.Path("ended.head"))
	if err != nil {
		t.Fatal(err)
	}
	c.file(t, "foreign.head", string(foreign))
	c.file(t, "cut.list", "")
	c.file(t, "half.list", first+"\n")
	c.file(t, "padded.list", first+"\n"+strings.ReplaceAll(first, `"n":1`, `"n":2`)+"\n")
	restore := func(more ...string) []string {
		return append(append([]string{"restore", "--dir", "again", "--key-file", "hub/hub.key"}, more...), "backups/one")
	}
	for says, words := range map[string][]string{
		"ended_list_cut: none of it": restore("--ended", "cut.list"), "ended_list_cut: half": restore("--ended", "half.list"),
		"ended_list_cut: made up to its length":                restore("--ended", "padded.list"),
		"ended_list_cut: both of then, and one kept elsewhere": restore("--ended", "then/ended.list", "--head", "then/ended.head", "--head", "backups/ended.head"),
		"ended_head_unknown: another hub's":                    restore("--head", "foreign.head"),
		"ended_head_missing: it is nowhere":                    restore("--head", "nowhere"),
	} {
		code, what, _ := strings.Cut(says, ": ")
		if out := c.must(t, ExitFault, words...); !strings.Contains(out, code) {
			t.Errorf("%s: %s", what, out)
		}
		if there, err := holdsHub(c.env.Path("again")); there || err != nil {
			t.Errorf("%s: a hub came back: %v", what, err)
		}
	}
	c.must(t, ExitOK, "restore", "--dir", "alone", "--key-file", "hub/hub.key", "--ended", "then/ended.list", "--without-head", "backups/one")
	c.must(t, ExitOK, restore()...)
	copyKey(t, c, "hub/hub.key", "again/hub.key")
	c.hubIn(t, "again", func(hub *collections.Hub) {
		for login, good := range map[string]bool{"ana": true, "ben": false, "dan": false} {
			_, err := hub.SignIn(t.Context(), collections.Credentials{Login: login, Password: hubtest.Password})
			if good != (err == nil) || !good && !errors.Is(err, collections.ErrSignIn) {
				t.Errorf("%s with the password of then: %v", login, err)
			}
		}
	})
}
