package hooks_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portolan/care"
	"portolan/hooks"
)

// A name in other letters stands as it is written, with its romanised form
// beside it for a reader who does not know them.
func TestANameInOtherLettersStandsAsWritten(t *testing.T) {
	p := newTraveller(t)
	p.put(t, "identities", recordID(9), set{"given_name": text("ليلى"), "family_name": text("خليل"), "romanised_name": text("Layla Khalil")})
	made, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("pdftotext", "-", "-")
	c.Stdin = bytes.NewReader(made.PDF)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("pdftotext, of the Debian package poppler-utils: %v", err)
	}
	for _, want := range []string{"ليلى", "خليل", "Layla Khalil"} {
		if strings.Count(string(out), want) != 2 {
			t.Errorf("%q does not stand in both columns of %s", want, out)
		}
	}
}

// What no font in the program has is set in a font of the hub's folder, once
// it is there; letters of which nobody has a list of words stay refused.
func TestFontsOfTheHubsFolder(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "medicines", p.medicine, set{"instructions": text("ᚑᚌᚐᚋ")})
	make := func() error {
		_, err := hooks.MakeSummary(context.Background(), p.Hub.Hub, p.owner, hooks.SummaryOrder{Case: p.caseID})
		return err
	}
	if err := make(); care.CodeOf(err) != "summary_text" || !strings.Contains(err.Error(), "U+1691 is in no font") {
		t.Errorf("%v, want it refused for its letter", err)
	}
	font, err := os.ReadFile("../pdf/typeset/testdata/Ogham-Regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(p.Hub.Dir(), hooks.FontsDir)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "Ogham-Regular.ttf"), font, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := make(); care.CodeOf(err) != "summary_text_language" {
		t.Errorf("%v, want it refused because no list holds such words", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "Broken.ttf"), font[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := make(); err == nil || !strings.Contains(err.Error(), "Broken") {
		t.Errorf("%v, want the broken font named", err)
	}
}
