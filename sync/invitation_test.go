package fieldsync

import "testing"

// The code of an enrolment stands behind the #, with and without a pinned
// certificate, and is read back as it was; an address alone is no invitation.
func TestInvitation(t *testing.T) {
	for text, want := range map[string]Invitation{
		"https://hub.example#code=7K2M-9QXA":               {"https://hub.example", "7K2M-9QXA"},
		"https://10.0.0.7:8443#sha256=00ff&code=7K2M-9QXA": {"https://10.0.0.7:8443#sha256=00ff", "7K2M-9QXA"},
	} {
		if got := want.String(); got != text {
			t.Errorf("written as %s, want %s", got, text)
		}
		if got, ok := ParseInvitation(" " + text + "\n"); !ok || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, ok)
		}
	}
	for _, no := range []string{"", "https://hub.example", "https://hub.example#sha256=00ff", "https://hub.example#code="} {
		if got, ok := ParseInvitation(no); ok {
			t.Errorf("%q is read as %+v", no, got)
		}
	}
}
