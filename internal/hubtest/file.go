package hubtest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
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

// SealedFile is a file as a tablet seals it to the hub: what is said of it at
// the beginning, and its bytes.
func SealedFile(t testing.TB, to *fieldsync.HubKey, replica string, f fieldsync.UnsentFile, b []byte) (said string, sealed []byte) {
	t.Helper()
	place := seal.Place{Collection: "unsent_files", Record: replica, Field: f.Document}
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	f.Key, f.SHA256, f.Size = key[:], hex.EncodeToString(sum[:]), int64(len(b))
	plain, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	public, err := base64.RawURLEncoding.DecodeString(to.Public)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.SealIntake(public, place, plain)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := seal.NewBox(0, key).SealFile(&out, bytes.NewReader(b), rand.Reader, place); err != nil {
		t.Fatal(err)
	}
	code := base64.StdEncoding.EncodeToString
	return "of " + code([]byte(replica+"/"+f.Document)) + ",key " + code([]byte(to.ID)) + ",sealed " + code(box), out.Bytes()
}
