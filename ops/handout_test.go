package ops

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestASummaryIsHandedOutAndVerified at the console: the words are said once,
// and the file is valid until a byte of it is another.
func TestASummaryIsHandedOutAndVerified(t *testing.T) {
	c, caseID := movingCase(t)
	said := c.must(t, ExitOK, "handout", "--dir", "hub", "--as", "asha", "--case", caseID, "--to", "FR", "--languages", "es,fr", "--sections", "medications", "--out", "paper.pdf")
	if !regexp.MustCompile(`(?m)^  ([a-z]{4} ){4}[a-z]{4}$`).MatchString(said) || !strings.Contains(said, "It holds: medications.") {
		t.Errorf("said: %s", said)
	}
	if said := c.must(t, ExitOK, "summary", "verify", "--dir", "hub", "paper.pdf"); strings.TrimSpace(said) != "valid" {
		t.Errorf("the file: %q", said)
	}
	b, err := os.ReadFile(c.env.Path("paper.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(c.env.Path("changed.pdf"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := c.must(t, ExitFault, "summary", "verify", "--dir", "hub", "changed.pdf"); strings.TrimSpace(said) != "changed" {
		t.Errorf("a byte changed: %q", said)
	}
	c.must(t, ExitUsage, "handout", "--dir", "hub", "--as", "asha", "--case", caseID)
	c.must(t, ExitOK, "handout", "--dir", "hub", "--as", "asha", "--case", caseID, "--edition", "nothing")
	c.must(t, ExitFault, "handout", "--dir", "hub", "--as", "asha", "--case", caseID, "--to", "FR", "--edition", "paper", "--out", "again.pdf")
}
