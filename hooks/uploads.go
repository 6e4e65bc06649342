package hooks

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// Files come in by tus 1.0 (tus.io/protocols/resumable-upload), so that a line
// that breaks repeats nothing that the hub has, and any client of tus works.
const (
	uploadsPath   = "/api/portolan/uploads"
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,checksum,expiration,termination"
	tusSums       = "sha1,sha256"
	tusPiece      = "application/offset+octet-stream"
	// wholeMax is the most that a request may bring whose body counts whole or
	// not at all, since it is signed or has a checksum of its own.
	wholeMax = 1 << 20
)

// What only HTTP knows.
const (
	noRange     care.Kind = "range"        // 416
	notPrepared care.Kind = "precondition" // 412
	wrongMedia  care.Kind = "media_type"   // 415
	wrongSum    care.Kind = "checksum"     // 460, which tus gave its meaning
)

const statusWrongSum = 460

// Errors of tus. Those of files are the hub's own.
var (
	errTusVersion  = &care.Error{Code: "tus_version", Kind: notPrepared, Hint: "Send Tus-Resumable: 1.0.0."}
	errTusPiece    = &care.Error{Code: "tus_content_type", Kind: wrongMedia, Hint: "Send Content-Type: application/offset+octet-stream."}
	errTusNumber   = badBody("tus_header", "Upload-Offset or Upload-Checksum is missing, or is not as tus 1.0 writes it.")
	errTusSum      = &care.Error{Code: "tus_checksum", Kind: wrongSum, Hint: "What came is not what Upload-Checksum says. Nothing of it was kept; send it again."}
	errPieceLong   = &care.Error{Code: "upload_too_long", Kind: care.TooLarge, Hint: "This is more than is left of the file. Nothing of it was kept."}
	errPieceSigned = &care.Error{Code: "upload_piece_too_large", Kind: care.TooLarge, Hint: "A body that is signed or has a checksum counts whole or not at all: at most 1 MB at once."}
)

// spoken says which tus is spoken, and refuses any other.
func spoken(e *core.RequestEvent) error {
	h := e.Response.Header()
	h.Set("Tus-Resumable", tusVersion)
	if e.Request.Header.Get("Tus-Resumable") != tusVersion {
		h.Set("Tus-Version", tusVersion)
		return errTusVersion
	}
	if e.Request.Header.Get("Content-Encoding") != "" {
		return errBodyPacked
	}
	return nil
}

// tusOptions says what of tus the hub can do.
func (f *Front) tusOptions(e *core.RequestEvent, _ care.Actor) error {
	h := e.Response.Header()
	for name, value := range map[string]string{"Tus-Resumable": tusVersion, "Tus-Version": tusVersion, "Tus-Extension": tusExtensions,
		"Tus-Checksum-Algorithm": tusSums, "Tus-Max-Size": strconv.Itoa(collections.ContentBytesMax)} {
		h.Set(name, value)
	}
	e.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// beginUpload makes place for the file of a document, and takes the beginning
// of it where the body has that.
func (f *Front) beginUpload(e *core.RequestEvent, a care.Actor) error {
	if err := spoken(e); err != nil {
		return err
	}
	if e.Request.ContentLength != 0 && !isPiece(e.Request) {
		return errTusPiece
	}
	length, err := number(e.Request, "Upload-Length")
	if err != nil {
		return collections.ErrUploadLength
	}
	u, err := f.hub.BeginUpload(e.Request.Context(), a, length, e.Request.Header.Get("Upload-Metadata"))
	if err != nil {
		return err
	}
	h := e.Response.Header()
	if e.Request.ContentLength != 0 {
		// What is there already of a file that was begun before is passed over.
		if u, err = f.receive(e, a, u.ID, func(r *collections.Receiving, body io.Reader) (int64, error) {
			_, err := io.CopyN(io.Discard, body, r.Offset)
			return r.Offset, err
		}); err != nil {
			return err
		}
		h.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
	}
	h.Set("Location", uploadsPath+"/"+u.ID)
	expires(h, u)
	e.Response.WriteHeader(http.StatusCreated)
	return nil
}

// uploadState says how far a file has come.
func (f *Front) uploadState(e *core.RequestEvent, a care.Actor) error {
	if err := spoken(e); err != nil {
		return err
	}
	r, err := f.hub.Receive(e.Request.Context(), a, e.Request.PathValue("id"), func() {})
	if err != nil {
		return err
	}
	defer r.Release()
	h := e.Response.Header()
	h.Set("Upload-Offset", strconv.FormatInt(r.Offset, 10))
	h.Set("Upload-Length", strconv.FormatInt(r.Length, 10))
	h.Set("Upload-Metadata", r.Metadata)
	expires(h, r.Upload)
	e.Response.WriteHeader(http.StatusOK)
	return nil
}

// takePiece takes the next bytes of a file.
func (f *Front) takePiece(e *core.RequestEvent, a care.Actor) error {
	if err := spoken(e); err != nil {
		return err
	}
	if !isPiece(e.Request) {
		return errTusPiece
	}
	offset, err := number(e.Request, "Upload-Offset")
	if err != nil {
		return err
	}
	u, err := f.receive(e, a, e.Request.PathValue("id"), func(r *collections.Receiving, _ io.Reader) (int64, error) {
		if offset != r.Offset {
			return 0, collections.ErrUploadOffset
		}
		if e.Request.ContentLength > r.Length-offset {
			return 0, errPieceLong
		}
		return offset, nil
	})
	if err != nil {
		return err
	}
	h := e.Response.Header()
	h.Set("Upload-Offset", strconv.FormatInt(u.Offset, 10))
	expires(h, u)
	e.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// endUpload destroys what has come of a file.
func (f *Front) endUpload(e *core.RequestEvent, a care.Actor) error {
	if err := spoken(e); err != nil {
		return err
	}
	r, err := f.hub.Receive(e.Request.Context(), a, e.Request.PathValue("id"), func() {})
	if err != nil {
		return err
	}
	defer r.Release()
	if err := r.Drop(e.Request.Context()); err != nil {
		return err
	}
	e.Response.WriteHeader(http.StatusNoContent)
	return nil
}

// receive takes a body into an upload, from where from says that it begins.
func (f *Front) receive(e *core.RequestEvent, a care.Actor, id string, from func(*collections.Receiving, io.Reader) (int64, error)) (u collections.Upload, err error) {
	ctx := e.Request.Context()
	sent := newPatient(e.Response, e.Request, rawBody(e), collections.ContentBytesMax)
	if g, ok := e.Response.(*cuttable); ok {
		g.stops(func() { sent.stop(0) })
	}
	r, err := f.hub.Receive(ctx, a, id, func() { sent.stop(arrived) })
	if err != nil {
		return u, err
	}
	defer r.Release()
	// After the turn: whoever was interrupted has given their place back.
	release, err := f.uploads.take(ctx, a)
	if err != nil {
		return u, err
	}
	defer release()
	body, err := proved(e.Request, sent)
	if err != nil {
		return u, err
	}
	offset, err := from(r, body)
	if err == io.EOF { // all of it was there
		return r.Upload, nil
	}
	if err == nil {
		_, err = r.Take(ctx, offset, body)
	}
	switch {
	case err != nil || sent.broken == nil:
	case errors.Is(sent.broken, errStopped):
		err = collections.ErrUploadTaken
	default:
		err = errBodyBroken
	}
	return r.Upload, err
}

// proved gives the body as it comes or, where the tablet signed it or it has a
// checksum, whole and found to be the one.
func proved(r *http.Request, body *patient) (io.Reader, error) {
	signed, isSigned := r.Context().Value(signedBody{}).([sha256.Size]byte)
	said := r.Header.Get("Upload-Checksum")
	if !isSigned && said == "" {
		return body, nil
	}
	b, err := io.ReadAll(io.LimitReader(body, wholeMax+1))
	switch {
	case err != nil:
		return nil, errBodyBroken
	case len(b) > wholeMax:
		return nil, errPieceSigned
	case isSigned && sha256.Sum256(b) != signed:
		return nil, errBodySigned
	case said != "":
		if err := sumIs(said, b); err != nil {
			return nil, err
		}
	}
	return bytes.NewReader(b), nil
}

// sumIs checks bytes against a checksum as tus writes it. SHA-1 is what every
// client of it knows; it is no more here than a look for faults of the line.
func sumIs(said string, b []byte) error {
	name, coded, _ := strings.Cut(said, " ")
	var sum hash.Hash
	switch name {
	case "sha1":
		sum = sha1.New()
	case "sha256":
		sum = sha256.New()
	}
	want, err := base64.StdEncoding.DecodeString(coded)
	if sum == nil || err != nil {
		return errTusNumber
	}
	sum.Write(b)
	if subtle.ConstantTimeCompare(sum.Sum(nil), want) != 1 {
		return errTusSum
	}
	return nil
}

func isPiece(r *http.Request) bool { return r.Header.Get("Content-Type") == tusPiece }

// number reads a header that counts bytes.
func number(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseUint(r.Header.Get(name), 10, 53)
	if err != nil {
		return 0, errTusNumber
	}
	return int64(n), nil
}

func expires(h http.Header, u collections.Upload) {
	h.Set("Upload-Expires", u.Expires.UTC().Format(http.TimeFormat))
}

// overridden is the request as its sender means it, where a proxy on the way
// lets no PATCH or DELETE through (tus 1.0, X-HTTP-Method-Override).
func overridden(r *http.Request) *http.Request {
	m := r.Header.Get("X-HTTP-Method-Override")
	if r.Method == http.MethodPost && (m == http.MethodPatch || m == http.MethodDelete) && strings.HasPrefix(r.URL.Path, uploadsPath+"/") {
		r = r.Clone(r.Context())
		r.Method = m
	}
	return r
}
