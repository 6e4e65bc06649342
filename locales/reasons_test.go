package locales

import (
	"testing"

	"portolan/care"
)

// TestEveryReasonHasWords: whatever the rules hold or decide, a person can
// read why.
func TestEveryReasonHasWords(t *testing.T) {
	reasons := care.RefusalReasons()
	for _, r := range care.Reasons() {
		reasons = append(reasons, string(r))
	}
	for _, lang := range Languages("seen") {
		for _, r := range reasons {
			if _, ok := Text(lang, "reason."+r); !ok {
				t.Errorf("%s has no reason.%s", lang, r)
			}
		}
	}
}
