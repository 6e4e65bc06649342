package fieldsync

import (
	"bytes"
	"strings"
	"testing"

	"portolan/care"
)

func sampleFile() UnsentFile {
	return UnsentFile{Document: replicaA, Case: replicaA, Compartment: care.Evidence, SHA256: strings.Repeat("0f", 32), Type: "image/jpeg",
		Size: 70 << 10, Key: bytes.Repeat([]byte{7}, 32), Author: replicaA, Clock: "0195d4a2b3c40001"}
}

// TestAnUnsentFileIsReadStrictly: it comes back as it was written, and nothing
// else is taken for one.
func TestAnUnsentFileIsReadStrictly(t *testing.T) {
	good, err := sampleFile().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeUnsentFile(good); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	for from, to := range map[string]string{
		`"size":71680`: `"size":0`, `"filetype":"image/jpeg",`: ``, `"case":"` + replicaA + `"`: `"case":"x"`, `"evidence"`: `"attic"`,
		`0f0f"`: `0F0f"`, `"BwcH`: `"BwcH====`, `4a2b3c40001`: `4A2B3C40001`, `"by":"`: `"by":"0`, `{"document"`: `{"more":1,"document"`, `"t":"`: `"t":"x","t":"`,
	} {
		bad := strings.Replace(string(good), from, to, 1)
		if bad == string(good) {
			t.Errorf("%s is not in %s", from, good)
		}
		if f, err := DecodeUnsentFile([]byte(bad)); err == nil || care.CodeOf(err) == "internal" {
			t.Errorf("%s: %+v, %v", bad, f, err)
		}
	}
}
