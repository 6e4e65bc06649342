package ops

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
)

// movingCase makes a hub with an owner, a stranger and a case about to move.
func movingCase(t *testing.T) (c *console, caseID string) {
	t.Helper()
	c = newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "asha", "--role", "outreach")
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "bela", "--role", "health")
	caseID = "01930000-0000-7000-8000-0000000000c1"
	text := care.OfText
	c.hub(t, func(h *collections.Hub) {
		ctx := context.Background()
		owner, err := c.actor(t, h, "asha")
		if err != nil {
			t.Fatal(err)
		}
		now := h.Now()
		do := func(drafts ...collections.Draft) {
			t.Helper()
			receipts, err := h.Do(ctx, owner, drafts...)
			if err == nil {
				err = collections.Refused(receipts)
			}
			if err != nil {
				t.Fatal(err)
			}
			if owner, err = h.Actor(ctx, owner.Staff, ""); err != nil {
				t.Fatal(err)
			}
		}
		do(collections.Draft{Collection: "cases", Record: caseID, Set: map[string]care.Value{"status": text("Active"), "owner": text(owner.Staff)}})
		do(collections.Draft{Collection: "survivors", Case: caseID, Set: map[string]care.Value{"alias": text("Marisol"), "primary_language": text("es"), "languages": care.OfList("es")}},
			collections.Draft{Collection: "medicines", Case: caseID, Set: map[string]care.Value{"substance": text("ibuprofen"), "dose": text("417 mg"), "status": text("active")}},
			collections.Draft{Collection: "consents", Case: caseID, Set: map[string]care.Value{
				"purpose": text("cross_border_transfer"), "recipient_kind": text("country"), "recipient_country": text("FR"), "categories": care.OfList("health", "identity"),
				"actions": care.OfList("print", "share"), "decision": text("permit"), "status": text("given"), "valid_from": care.OfTime(now),
				"expires_at": care.OfTime(now.Add(30 * 24 * time.Hour)), "language": text("es"), "mode": text("written"), "explanation_version": text("1"), "giver": text("self"),
				"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal")}})
	})
	return c, caseID
}

func TestTheSummaryCommand(t *testing.T) {
	c, caseID := movingCase(t)
	args := func(more ...string) []string {
		return append([]string{"summary", "--dir", "hub", "--case", caseID}, more...)
	}
	out := c.env.Path("paper.pdf")
	said := c.must(t, ExitOK, args("--as", "asha", "--to", "fr", "--languages", "es,en", "--out", "paper.pdf")...)
	b, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(b, []byte("%PDF-")) {
		t.Fatalf("the file: %d bytes, %v", len(b), err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	for _, secret := range []string{"Marisol", "417", "ibuprofen"} {
		if strings.Contains(said, secret) {
			t.Errorf("the command prints %q: %s", secret, said)
		}
	}
	c.must(t, ExitOK, args("--as", "asha", "--to", "FR", "--languages", "ar,fr", "--paper", "Letter", "--large", "--out", "letter.pdf")...)
	if letter, err := os.ReadFile(c.env.Path("letter.pdf")); err != nil || bytes.Equal(b, letter) {
		t.Errorf("on Letter, in Arabic, in large letters: the same bytes, or %v", err)
	}
	c.must(t, ExitOK, args("--as", "asha", "--to", "FR", "--languages", "ar,fr", "--edition", "text", "--out", "summary.txt")...)
	if plain, err := os.ReadFile(c.env.Path("summary.txt")); err != nil || !strings.Contains(string(plain), "\u2066417\u00A0mg\u2069") || !strings.Contains(string(plain), "Médicaments") {
		t.Errorf("to read out: %q, %v", plain, err)
	}
	pages := c.must(t, ExitOK, args("--as", "asha", "--to", "FR", "--languages", "ar,fr", "--edition", "picture", "--page", "2", "--width", "400", "--out", "page.png")...)
	if picture, err := os.ReadFile(c.env.Path("page.png")); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) || !strings.Contains(pages, "page 2 of 2") {
		t.Errorf("a picture of the second page: %d bytes, %v, %s", len(picture), err, pages)
	}
	told := c.must(t, ExitOK, args("--as", "asha", "--to", "FR", "--languages", "ar,fr", "--edition", "phone", "--out", "phone.pdf")...)
	words := strings.TrimSpace(told[strings.LastIndex(strings.TrimSpace(told), "\n")+1:])
	text, err := exec.Command("pdftotext", "-upw", words, c.env.Path("phone.pdf"), "-").Output()
	if err != nil || !strings.Contains(string(text), "417 mg") {
		t.Errorf("with the words %q poppler reads %d bytes, %v", words, len(text), err)
	}
	if out, err := exec.Command("pdftotext", c.env.Path("phone.pdf"), "-").Output(); err == nil || len(out) > 0 {
		t.Error("the edition for a telephone opens without words")
	}
	// Again, into the same file, through a hub that runs.
	running := c.start(t)
	c.must(t, ExitOK, args("--as", "asha", "--to", "FR", "--languages", "es", "--out", "paper.pdf")...)
	if again, err := os.ReadFile(out); err != nil || bytes.Equal(b, again) {
		t.Errorf("the second summary: the same bytes, or %v", err)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestTheSummaryCommandRefuses(t *testing.T) {
	c, caseID := movingCase(t)
	args := func(more ...string) []string { return append([]string{"summary", "--dir", "hub"}, more...) }
	for _, r := range []struct {
		name string
		exit int
		says string
		args []string
	}{
		{"another language", ExitUsage, "German (de)", []string{"--as", "asha", "--case", caseID, "--to", "FR", "--languages", "de,en"}},
		{"three languages", ExitUsage, "one or two", []string{"--as", "asha", "--case", caseID, "--languages", "es,en,fr"}},
		{"no country of this world", ExitUsage, "ISO 3166", []string{"--as", "asha", "--case", caseID, "--to", "XX"}},
		{"a page of a file", ExitUsage, "--edition picture", []string{"--as", "asha", "--case", caseID, "--page", "2"}},
		{"a paper that no printer has", ExitUsage, "A4 or Letter", []string{"--as", "asha", "--case", caseID, "--paper", "A3"}},
		{"nobody", ExitUsage, "--as", []string{"--case", caseID}},
		{"no case named", ExitUsage, "--case", []string{"--as", "asha"}},
		{"a wrong login", ExitForbidden, "signin_failed", []string{"--as", "nobody", "--case", caseID}},
		{"a case of others", ExitFault, "not_found", []string{"--as", "bela", "--case", caseID, "--to", "FR", "--languages", "es"}},
		{"no such case", ExitFault, "not_found", []string{"--as", "bela", "--case", "01930000-0000-7000-8000-0000000000ff", "--to", "FR", "--languages", "es"}},
		{"no agreement for the country", ExitFault, "summary_not_agreed", []string{"--as", "asha", "--case", caseID, "--to", "DE", "--languages", "es"}},
		{"nobody knows where to", ExitFault, "summary_not_agreed", []string{"--as", "asha", "--case", caseID, "--languages", "es"}},
	} {
		said := c.must(t, r.exit, args(append(r.args, "--out", "refused.pdf")...)...)
		if !strings.Contains(said, r.says) {
			t.Errorf("%s: %s, want %q in it", r.name, said, r.says)
		}
		if _, err := os.Stat(c.env.Path("refused.pdf")); err == nil {
			t.Fatalf("%s: a file was written", r.name)
		}
	}
	c.must(t, ExitUsage, args("--as", "asha", "--case", caseID, "--out", ".")...)
	c.hub(t, func(h *collections.Hub) {
		owner, err := c.actor(t, h, "asha")
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := h.Do(context.Background(), owner, collections.Draft{Collection: "medicines", Case: caseID, Set: map[string]care.Value{
			"substance": care.OfText("cetirizine"), "instructions": care.OfText("as the police doctor said"), "status": care.OfText("active")}})
		if err = errors.Join(err, collections.Refused(receipts)); err != nil {
			t.Fatal(err)
		}
	})
	said := c.must(t, ExitFault, args("--as", "asha", "--case", caseID, "--to", "FR", "--languages", "es", "--out", "refused.pdf")...)
	if !strings.Contains(said, "say in other words: police") || strings.Contains(said, "doctor") {
		t.Errorf("the worker is told %q, want the word alone", said)
	}
	c.vars[PasswordVariable] = "wrong horse"
	c.must(t, ExitForbidden, args("--as", "asha", "--case", caseID, "--to", "FR", "--out", "refused.pdf")...)
}
