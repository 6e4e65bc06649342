package fieldsync

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"portolan/care"
)

// RequestScheme begins the Authorization of a request that a tablet signed.
const RequestScheme = "Replica "

// Request is what a tablet signs of one HTTP request: which, of what content,
// when. At is milliseconds since 1970 by the hub's clock as far as the tablet
// knows it, and rises from request to request of a replica.
type Request struct {
	Replica string
	Method  string
	Path    string
	At      int64
	Body    [sha256.Size]byte // SHA-256 of the body's bytes as they are sent
}

// RequestOf is a request with a body as it goes on the wire, nil for none.
func RequestOf(replica, method, path string, body []byte, at int64) Request {
	return Request{Replica: replica, Method: method, Path: path, At: at, Body: sha256.Sum256(body)}
}

// message is the text that is signed.
func (r Request) message() []byte {
	return []byte("portolan request 1\n" + r.Method + "\n" + r.Path + "\n" + r.Replica + "\n" + strconv.FormatInt(r.At, 10) + "\n" + hex.EncodeToString(r.Body[:]) + "\n")
}

// Authorization signs the request and writes the header.
func (r Request) Authorization(key ed25519.PrivateKey) string {
	return RequestScheme + r.Replica + ":" + strconv.FormatInt(r.At, 10) + ":" + hex.EncodeToString(r.Body[:]) + ":" +
		base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, r.message()))
}

// errRequest is the same for everything that is wrong with a header: who
// makes one needs to know no more, and nobody else should.
var errRequest = &care.Error{Code: CodeRequest, Kind: care.Signin, Hint: "The request is not signed in the form of docs/protocol.md."}

// CodeRequest says that the Authorization of a signed request is not in its form.
const CodeRequest = "request_malformed"

// ParseRequest reads the header of a request that came with a method and a
// path, and its signature, which Verify checks.
func ParseRequest(header, method, path string) (r Request, sig []byte, err error) {
	text, ok := strings.CutPrefix(header, RequestScheme)
	parts := strings.Split(text, ":")
	if !ok || len(parts) != 4 || !IsID(parts[0]) {
		return r, nil, errRequest
	}
	r = Request{Replica: parts[0], Method: method, Path: path}
	if r.At, err = strconv.ParseInt(parts[1], 10, 64); err != nil || strconv.FormatInt(r.At, 10) != parts[1] || r.At < 0 {
		return r, nil, errRequest
	}
	body, err := hex.DecodeString(parts[2])
	if err != nil || len(body) != len(r.Body) {
		return r, nil, errRequest
	}
	copy(r.Body[:], body)
	if sig, err = base64.RawURLEncoding.DecodeString(parts[3]); err != nil {
		return r, nil, errRequest
	}
	return r, sig, nil
}

// Verify says whether the signature is that of the key over the request.
func (r Request) Verify(key ed25519.PublicKey, sig []byte) bool {
	return len(key) == ed25519.PublicKeySize && len(sig) == ed25519.SignatureSize && ed25519.Verify(key, r.message(), sig)
}
