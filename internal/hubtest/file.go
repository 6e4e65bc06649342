package hubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"portolan/care"
)

// FileSaid is what is said of a file when it is begun (Upload-Metadata).
func FileSaid(document, mime string, b []byte) string {
	sum := sha256.Sum256(b)
	code := base64.StdEncoding.EncodeToString
	return "document " + code([]byte(document)) + ",sha256 " + code([]byte(hex.EncodeToString(sum[:]))) + ",filetype " + code([]byte(mime))
}

// Bring brings the file of a document, as far as sent: all of it makes it the
// document's.
func (h *Hub) Bring(t testing.TB, a care.Actor, document, mime string, b []byte, sent int) {
	t.Helper()
	u, err := h.BeginUpload(t.Context(), a, int64(len(b)), FileSaid(document, mime, b))
	if err != nil {
		t.Fatalf("beginning an upload: %v", err)
	}
	r, err := h.Receive(t.Context(), a, u.ID, func() {})
	if err != nil {
		t.Fatalf("going on with an upload: %v", err)
	}
	defer r.Release()
	if _, err := r.Take(t.Context(), r.Offset, bytes.NewReader(b[r.Offset:sent])); err != nil || r.Offset != int64(sent) {
		t.Fatalf("%d bytes of %d are there: %v", r.Offset, sent, err)
	}
}
