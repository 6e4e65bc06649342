package ops

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/seal"
)

const exportPassphrase = "five plain words drawn today"

// exportable makes a hub with two officers and two people: the first agreed to
// have her medicines exported to France, the other was not asked.
func exportable(t *testing.T) (c *console, ask, export []string) {
	t.Helper()
	dear := seal.PassphraseCost
	seal.PassphraseCost = seal.Cost{Memory: 64, Passes: 1}
	t.Cleanup(func() { seal.PassphraseCost = dear })
	c = newConsole(t)
	for _, login := range []string{"asks", "agrees"} {
		c.must(t, ExitOK, "user", "add", "--dir", "hub", login, "--role", "protection_officer")
	}
	yes, no := c.caseOf(t, "asks", "Heron"), c.caseOf(t, "asks", "Egret")
	var clinic string
	c.hub(t, func(hub *collections.Hub) {
		actor, err := c.actor(t, hub, "asks")
		if err != nil {
			t.Fatal(err)
		}
		medicine := func(id, dose string) collections.Draft {
			return collections.Draft{Collection: "medicines", Case: id, Set: map[string]care.Value{"substance": care.OfText("ibuprofen"), "dose": care.OfText(dose), "status": care.OfText("active")}}
		}
		now, text := hub.Now(), care.OfText
		clinic = hub.NewID()
		if receipts, err := hub.Do(t.Context(), hub.HubActor(), collections.Draft{Collection: "organisations", Record: clinic, Org: actor.Org, Set: map[string]care.Value{
			"name": text("Clinic"), "kind": text("HealthServiceOrganisation"), "country": text("FR")}}); err != nil || collections.Refused(receipts) != nil {
			t.Fatalf("%v %+v", err, receipts)
		}
		receipts, err := hub.Do(t.Context(), actor, medicine(yes, "canaryyes"), medicine(no, "canaryno"), collections.Draft{Collection: "consents", Case: yes, Set: map[string]care.Value{
			"purpose": text("medical_treatment"), "recipient_kind": text("country"), "recipient_country": text("FR"), "categories": care.OfList("health"),
			"actions": care.OfList("export"), "decision": text("permit"), "status": text("given"), "valid_from": care.OfTime(now),
			"expires_at": care.OfTime(now.Add(30 * 24 * time.Hour)), "language": text("es"), "mode": text("written"), "explanation_version": text("1"), "giver": text("self"),
			"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal")}})
		if err == nil {
			err = collections.Refused(receipts)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	what := []string{"--dir", "hub", "--as", "asks", "--purpose", "medical_treatment", "--recipient", "organisation:" + clinic}
	return c, slices.Concat([]string{"export", "ask", "--reason", "supervision"}, what), slices.Concat([]string{"export", "--out", "out.portolan"}, what)
}

// agreed asks for an export at the console, and has the other officer agree.
func (c *console) agreed(t *testing.T, ask []string) {
	t.Helper()
	id := regexp.MustCompile(`user approve (\S+)`).FindStringSubmatch(c.must(t, ExitOK, ask...))
	if id == nil {
		t.Fatal("nobody can be asked")
	}
	c.hub(t, func(hub *collections.Hub) {
		agrees, err := c.actor(t, hub, "agrees")
		if err == nil {
			_, err = hub.DecideApproval(t.Context(), agrees, id[1], true)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

func names(t *testing.T, dir string) (l []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		l = append(l, e.Name())
	}
	return l
}

// TestTheExportCommand: asked for, agreed to, made by a hub that runs, opened
// with its passphrase and with no other; sealed from the first byte, whole under
// its name or not there, also where it was killed.
func TestTheExportCommand(t *testing.T) {
	c, ask, export := exportable(t)
	c.must(t, ExitForbidden, ask...) // there is no second factor
	c.secondFactor(t, "asks")
	if out := c.must(t, ExitFault, export...); !strings.Contains(out, "approval_needed") {
		t.Fatalf("alone: %s", out)
	}
	c.agreed(t, ask)
	c.breaksOff(t, export)
	c.agreed(t, ask)
	c.file(t, ".export-1.part", "what a killed export left")
	c.file(t, ".export-2.part", "what somebody writes")
	busy, err := os.Open(c.env.Path(".export-2.part"))
	if err == nil {
		err = syscall.Flock(int(busy.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	running := c.start(t)
	c.answers(t, "short")
	c.must(t, ExitUsage, export...)
	c.answers(t, exportPassphrase, exportPassphrase)
	said := c.must(t, ExitOK, export...)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "1 records of 1 cases. Left out: 1 cases.") || strings.Contains(said, "canary") {
		t.Errorf("it says %s", said)
	}
	if got := names(t, c.env.WorkDir); !slices.Equal(got, []string{".export-2.part", "hub", "out.portolan"}) {
		t.Errorf("beside the hub lie %v", got)
	}
	busy.Close()
	c.opensExport(t)
	c.agreed(t, ask)
	c.file(t, "out.portolan", "somebody's")
	c.answers(t, exportPassphrase, exportPassphrase)
	c.must(t, ExitFault, export...)
	if b, err := os.ReadFile(c.env.Path("out.portolan")); err != nil || string(b) != "somebody's" {
		t.Errorf("what was there was written over: %v", err)
	}
	c.must(t, ExitUsage, export[:1]...)
	c.must(t, ExitUsage, "export", "open", "out.portolan")
	c.must(t, ExitOK, "verify", "--dir", "hub")
}

// opensExport opens the export that was made, and nothing else.
func (c *console) opensExport(t *testing.T) {
	t.Helper()
	whole, err := os.ReadFile(c.env.Path("out.portolan"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.env.Path("out.portolan")); err != nil || info.Mode().Perm() != 0o600 || bytes.Contains(whole, []byte("canary")) {
		t.Errorf("the file: %v %v", info.Mode(), err)
	}
	open := []string{"export", "open", "out.portolan", "--out", "opened"}
	c.answers(t, "another five plain words today")
	if out := c.must(t, ExitForbidden, open...); !strings.Contains(out, "passphrase_wrong") {
		t.Errorf("another passphrase: %s", out)
	}
	for what, b := range map[string][]byte{"cut": whole[:len(whole)-1], "altered": append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), "no export": []byte("x\n"), "empty": nil, "its head": whole[:300]} {
		c.file(t, "bad", string(b))
		c.answers(t, exportPassphrase)
		if out := c.must(t, ExitFault, "export", "open", "bad", "--out", "opened"); !strings.Contains(out, "export_file") {
			t.Errorf("%s: %s", what, out)
		}
		if _, err := os.Stat(c.env.Path("opened")); err == nil {
			t.Fatalf("%s: something of it lies there", what)
		}
	}
	c.answers(t, exportPassphrase)
	c.must(t, ExitOK, open...)
	b, err := os.ReadFile(c.env.Path("opened/records/000001.jsonl"))
	if err != nil || !strings.Contains(string(b), `"dose":"canaryyes"`) || !strings.Contains(string(b), `"collection":"medicines"`) {
		t.Errorf("opened: %s %v", b, err)
	}
	if got := names(t, c.env.Path("opened/records")); len(got) != 1 || bytes.Contains(b, []byte("canaryno")) || bytes.Contains(b, []byte("Egret")) {
		t.Errorf("whoever was not asked is in it: %v %s", got, b)
	}
}

// breaksOff makes an export that does not come to its end: at no point at which
// it could be killed is there anything under its name, or anything in clear; and
// where it fails, nothing stays at all.
func (c *console) breaksOff(t *testing.T, export []string) {
	t.Helper()
	c.answers(t, exportPassphrase, exportPassphrase)
	ctx, cancel := context.WithCancel(t.Context())
	var labels []string
	c.env.Reached = func(label string) {
		labels = append(labels, label)
		if _, err := os.Stat(c.env.Path("out.portolan")); err == nil {
			t.Errorf("%s: it has its name", label)
		}
		parts, err := filepath.Glob(c.env.Path(".export-*"))
		if err != nil || len(parts) != 1 {
			t.Fatalf("%s: %v %v", label, parts, err)
		}
		if b, err := os.ReadFile(parts[0]); err != nil || bytes.Contains(b, []byte("canary")) || bytes.Contains(b, []byte("ibuprofen")) {
			t.Errorf("%s: it lies there in clear: %v", label, err)
		}
		cancel() // whoever asked hangs up
	}
	if code := Main(ctx, c.env, export); code != ExitFault {
		t.Errorf("exit code %d", code)
	}
	if !slices.Equal(labels, []string{"export wrote a case"}) {
		t.Errorf("reached: %v", labels)
	}
	if got := names(t, c.env.WorkDir); !slices.Equal(got, []string{"hub"}) {
		t.Errorf("beside the hub lie %v", got)
	}
	c.env.Reached = nil
}
