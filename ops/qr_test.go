package ops

import (
	"bytes"
	"strings"
	"testing"

	"rsc.io/qr"

	fieldsync "portolan/sync"
)

// What is drawn is the code of the text, module for module, within an edge of
// four, as it is read back from the half blocks.
func TestTheDrawnCodeIsTheText(t *testing.T) {
	text := fieldsync.Invitation{Hub: "https://10.0.0.7:8443#sha256=" + strings.Repeat("0f", 32), Code: "7K2M-9QXA-3WJT-B"}.String()
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := drawQR(&b, text); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(b.String())
	lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
	if len(lines) != (code.Size+2*quiet+1)/2 {
		t.Fatalf("%d lines for a code of %d modules", len(lines), code.Size)
	}
	for i, l := range lines {
		for x, r := range []rune(l) {
			for half, black := range []bool{r == '█' || r == '▀', r == '█' || r == '▄'} {
				if y := 2*i + half; black != code.Black(x-quiet, y-quiet) {
					t.Fatalf("module %d,%d is drawn wrong", x-quiet, y-quiet)
				}
			}
		}
	}
}
