package ops

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"portolan/care"
)

// TestTheAuditLogLeavesTheHub: what the operator's commands take out is
// verified on a machine that has nothing but the key.
func TestTheAuditLogLeavesTheHub(t *testing.T) {
	c, caseID := movingCase(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "olu", "--role", "auditor")
	c.secondFactor(t, "olu")
	save := func(name string, args ...string) {
		t.Helper()
		c.must(t, ExitOK, append([]string{"audit"}, args...)...)
		if err := os.WriteFile(c.env.Path(name), []byte(c.out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("log.key", "key", "--dir", "hub")
	save("kept", "checkpoint", "--dir", "hub")
	c.must(t, ExitOK, "audit", "export", "--dir", "hub", "--as", "olu", "--out", "log.ndjson")
	c.must(t, ExitOK, "audit", "prove", "--dir", "hub", "--as", "olu", "--event", "2", "--out", "event.json")
	c.must(t, ExitOK, "audit", "verify", "--dir", "hub", "--checkpoint", "kept")
	if out := c.must(t, ExitOK, "audit", "events", "--dir", "hub", "--as", "olu", "--case", caseID); !strings.Contains(out, "change allowed") || strings.Contains(out, "Marisol") {
		t.Errorf("the events of a case: %s", out)
	}
	if info, err := os.Stat(c.env.Path("log.ndjson")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the exported log: %v %v", info, err)
	}
	// From here on there is no hub.
	if err := os.RemoveAll(c.env.Path("hub")); err != nil {
		t.Fatal(err)
	}
	c.must(t, ExitOK, "audit", "verify", "--export", "log.ndjson", "--key", "log.key")
	c.must(t, ExitOK, "audit", "verify", "--proof", "event.json", "--key", "log.key")
	for _, name := range []string{"log.ndjson", "event.json"} {
		b, err := os.ReadFile(c.env.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		altered := bytes.Replace(b, []byte(`"allowed":true`), []byte(`"allowed":false`), 1)
		if err := os.WriteFile(c.env.Path("altered"), altered, 0o600); err != nil {
			t.Fatal(err)
		}
		flag := map[string]string{"log.ndjson": "--export", "event.json": "--proof"}[name]
		c.must(t, ExitFault, "audit", "verify", flag, "altered", "--key", "log.key")
	}
}

// TestASurvivorReadsWhoSawThem in each language, by what people do and not by
// their names.
func TestASurvivorReadsWhoSawThem(t *testing.T) {
	c, caseID := movingCase(t)
	for language, want := range map[string]string{"en": "They work with you.", "fr": "Cette personne travaille avec vous.", "es": "Trabaja con usted."} {
		out := c.must(t, ExitOK, "audit", "who-saw", "--dir", "hub", "--as", "asha", "--case", caseID, "--language", language)
		if !strings.Contains(out, want) || strings.Contains(out, "asha") || strings.Contains(out, "{") {
			t.Errorf("in %s: %s", language, out)
		}
	}
	c.must(t, ExitUsage, "audit", "who-saw", "--dir", "hub", "--as", "asha", "--case", caseID, "--language", "xx")
	for _, args := range [][]string{{"--as", "bela", "--case", caseID}, {"--as", "asha", "--case", care.HubStaff}} {
		if out := c.must(t, ExitFault, append([]string{"audit", "who-saw", "--dir", "hub"}, args...)...); !strings.Contains(out, care.ErrNotFound.Code) {
			t.Errorf("%v: %s", args, out)
		}
	}
}
