package ops

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"

	"portolan/collections"
	"portolan/hooks"
)

// TestAHubWithACutListServesNothing until the list is whole again, or two people
// who may approve have said that it goes on.
func TestAHubWithACutListServesNothing(t *testing.T) {
	c := newConsole(t)
	var codes []string
	for _, login := range []string{"ana", "ben"} {
		c.must(t, ExitOK, "user", "add", "--dir", "hub", login, "--role", "protection_officer")
		c.secondFactor(t, login)
		codes = append(codes, c.codes[:3]...)
	}
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "dan", "--role", "outreach")
	c.must(t, ExitOK, "user", "disable", "--dir", "hub", "dan")
	list := c.env.Path("hub/" + collections.EndedPath)
	whole, err := os.ReadFile(list)
	if err == nil {
		err = os.Truncate(list, 0)
	}
	if err != nil || len(whole) == 0 {
		t.Fatalf("%d bytes: %v", len(whole), err)
	}
	serves := func() error {
		t.Helper()
		r, err := Start(t.Context(), c.env, Service{Dir: c.env.Path("hub"), Wire: hooks.Wire{Listen: "127.0.0.1:0"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err == nil {
			err = r.Stop()
		}
		return err
	}
	if err := serves(); !errors.Is(err, collections.ErrEndedListShort) {
		t.Errorf("it serves: %v", err)
	}
	if err := os.WriteFile(list, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := serves(); err != nil {
		t.Errorf("with the list back: %v", err)
	}
	if err := os.Truncate(list, 0); err != nil {
		t.Fatal(err)
	}
	c.codes = []string{codes[0], codes[1]}
	if out := c.must(t, ExitFault, "ended", "--dir", "hub", "--as", "ana", "--and", "ana"); out == "" {
		t.Error("one person twice hears nothing")
	}
	if err := serves(); !errors.Is(err, collections.ErrEndedListShort) {
		t.Errorf("by the word of one: %v", err)
	}
	c.codes = []string{codes[2], codes[4]}
	c.must(t, ExitOK, "ended", "--dir", "hub", "--as", "ana", "--and", "ben")
	if err := serves(); err != nil {
		t.Errorf("after two agreed: %v", err)
	}
}
