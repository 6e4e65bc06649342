package fieldsync

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// TestStringsAreReadByteByByte puts each kind of byte at each place of strings
// of several lengths: what is read by whole words must be what encoding/json
// reads, or be refused.
func TestStringsAreReadByteByByte(t *testing.T) {
	for _, one := range []string{"a", "\x7f", "é", "م", "\U0001F9ED", `\"`, `\\`, `\n`, `\u00e9`, "\x00", "\x1f", "\n", "\xff", "\xc3", `"`} {
		for length := range 20 {
			for at := range length + 1 {
				text := strings.Repeat("x", at) + one + strings.Repeat("~", length-at)
				raw := `{"mark":"` + text + `"}`
				var want struct{ Mark string }
				err := json.Unmarshal([]byte(raw), &want)
				l, got := DecodeLine([]byte(raw))
				// encoding/json puts U+FFFD for what is not UTF-8.
				if refused := err != nil || strings.Contains(want.Mark, "\ufffd"); refused != (got != nil) {
					t.Fatalf("%s: %v", strconv.Quote(raw), got)
				} else if !refused && l.Mark != want.Mark {
					t.Fatalf("%s was read as %q", strconv.Quote(raw), l.Mark)
				}
			}
		}
	}
}
