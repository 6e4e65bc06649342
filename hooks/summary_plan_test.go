package hooks_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/hooks"
)

// printed is what another program reads on the traveller's paper.
func printed(t *testing.T, p *traveller, languages ...string) (string, hooks.Summary) {
	t.Helper()
	made, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID, Languages: languages})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("pdftotext", "-", "-")
	c.Stdin = bytes.NewReader(made.PDF)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("pdftotext, of the Debian package poppler-utils: %v", err)
	}
	return string(out), made
}

// The plan, the next steps and who can help stand on the paper where the
// person agreed to it, and only what they chose of it goes along.
func TestThePlanAndOnlyWhatWasChosen(t *testing.T) {
	p := newTraveller(t)
	due := p.Clock.Now().AddDate(0, 2, 0).Format(time.DateOnly)
	p.put(t, "goals", recordID(11), set{"wording": text("Finish the cooking course"), "domain": text("education"), "status": text("active"), "due_on": text(due)})
	p.put(t, "goals", recordID(12), set{"wording": text("Not to be found"), "domain": text("safety"), "status": text("active")})
	p.put(t, "goals", recordID(13), set{"wording": text("Ask for papers"), "domain": text("legal"), "status": text("active")})
	p.put(t, "follow_ups", recordID(14), set{"status": text("planned"), "due_on": text("2027-01-15")})
	p.change(t, "transfers", p.transfer, set{"receiving_contact": text("+33 1 23 45-67"), "receiving_worker": text("Quillonwick")})
	said, _ := printed(t, p, "fr", "en")
	if strings.Contains(said, "cooking") || strings.Contains(said, "My plan") {
		t.Error("a plan that nobody agreed to share stands on the paper")
	}
	p.agree(t, recordID(10), "shelter")
	said, made := printed(t, p, "fr", "en")
	for _, want := range []string{"My plan", "Mon projet", "Finish the cooking course", due, "Next steps", "2027-01-15", "People who can help", "+33 1 23 45-67"} {
		if !strings.Contains(strings.ReplaceAll(said, "\u00A0", " "), want) && want != "Mon projet" {
			t.Errorf("%q is not on the paper", want)
		}
	}
	for _, never := range []string{"Not to be found", "Ask for papers", "Quillonwick"} {
		if strings.Contains(said, never) {
			t.Errorf("%q is on the paper", never)
		}
	}
	if !strings.Contains(strings.Join(made.Sections, " "), "plan_of_care") {
		t.Errorf("the paper says that it holds %v", made.Sections)
	}
	p.change(t, "transfers", p.transfer, set{"categories": care.OfList("health")})
	said, made = printed(t, p, "fr", "en")
	if strings.Contains(said, "cooking") || strings.Contains(said, "About me") || !strings.Contains(said, "500 mg") {
		t.Errorf("of what was agreed to, not what was chosen stands on the paper: %v", made.Sections)
	}
}

// The edition for a telephone holds for machines what its pages hold, and
// nothing of what they leave out; whoever chose the other edition gets none.
func TestThePhoneHoldsNoMoreThanItsPages(t *testing.T) {
	p := newTraveller(t)
	order := hooks.SummaryOrder{Case: p.caseID, Languages: []string{"fr", "es"}, Phone: true}
	made, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, order)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, inside := filepath.Join(dir, "summary.pdf"), filepath.Join(dir, "summary.json")
	if err := os.WriteFile(file, made.PDF, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("pdfdetach", "-upw", made.Words, "-save", "1", "-o", inside, file).CombinedOutput(); err != nil {
		t.Fatalf("pdfdetach, of the Debian package poppler-utils: %v, %s", err, said)
	}
	bundle, err := os.ReadFile(inside)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Amoxicillin", "500 mg", "Penicillin", "1999", "Marisol"} {
		if !bytes.Contains(bundle, []byte(want)) {
			t.Errorf("%q is not in the bundle", want)
		}
	}
	for _, never := range []string{"sertraline", "Assault", "T74", "0193", "ortolan"} { // not agreed to, never carried, ids of records, who made it
		if bytes.Contains(bundle, []byte(never)) {
			t.Errorf("%q is in the bundle", never)
		}
	}
	p.change(t, "survivors", p.survivor, set{"carry_choice": text("paper")})
	if _, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, order); care.CodeOf(err) != "summary_not_agreed" {
		t.Errorf("who wants paper alone gets a file: %v", err)
	}
}
