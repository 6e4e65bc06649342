package collections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Bounds of uploads. What is under way lies sealed beside everything else and
// is nobody's yet: it may take neither the disk nor stay.
const (
	UploadTerm     = 14 * 24 * time.Hour // from the last byte that came
	uploadRemember = 24 * time.Hour      // how long one that is whole is known, for whoever missed the answer
	uploadRenewal  = time.Hour           // an end that would move by less stays
	uploadsEachMax = 32                  // under way, of one person
	bytesEachMax   = 128 << 20
	uploadsMax     = 4096 // of everybody
	bytesMax       = 2 << 30
)

// Errors of uploads. None says what was being brought.
var (
	ErrUploadLength   = &care.Error{Code: "upload_length", Kind: care.Invalid, Hint: "Say in Upload-Length how long the file is."}
	ErrUploadMetadata = &care.Error{Code: "upload_metadata", Kind: care.Invalid, Hint: "Upload-Metadata holds document, sha256 (of the whole file, in hex) and filetype, and nothing else: no name of a file."}
	ErrUploadOffset   = &care.Error{Code: "upload_offset", Kind: care.Conflict, Hint: "The file has come further, or less far. Ask with HEAD how far, and go on from there."}
	ErrUploadTaken    = &care.Error{Code: "upload_taken", Kind: care.Conflict, Hint: "Another request goes on with this file. Ask with HEAD how far it has come."}
	ErrUploadHash     = &care.Error{Code: "upload_hash", Kind: care.Unprocessed, Hint: "What came is not the file that was announced: its SHA-256 is another. None of it was kept; begin again."}
	ErrUploadsEach    = &care.Error{Code: "uploads_too_many", Kind: care.Unprocessed, Hint: "You have begun as many files as may be under way. Finish them, or end them with DELETE, first."}
	ErrUploadsFull    = &care.Error{Code: "uploads_full", Kind: care.Busy, Hint: "The hub has as many files under way as it takes. Nothing was lost; try again later."}
)

// Upload is a file that is coming in.
type Upload struct {
	ID       string
	Metadata string // as it was given at the beginning
	Length   int64
	Offset   int64 // how much of it is there; Length only where the document has it
	Expires  time.Time
}

// announced is what was said of a file at the beginning.
type announced struct {
	document, sha256, mime string
	sealed                 *sealedFile // as its tablet sealed it; then nothing else is said
}

// readMetadata reads the tus header Upload-Metadata: pairs of a key and a value
// in base64, with commas between them.
func readMetadata(header string) (a announced, err error) {
	said := map[string]string{}
	for pair := range strings.SplitSeq(header, ",") {
		key, coded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		value, err := base64.StdEncoding.DecodeString(coded)
		if _, twice := said[key]; err != nil || twice {
			return a, ErrUploadMetadata
		}
		said[key] = string(value)
	}
	if _, sealed := said["sealed"]; sealed {
		a.sealed, err = readSealedFile(said)
		return a, err
	}
	a = announced{document: said["document"], sha256: said["sha256"]}
	a.mime, _, _ = strings.Cut(said["filetype"], ";")
	a.mime = strings.ToLower(strings.TrimSpace(a.mime))
	sum, err := hex.DecodeString(a.sha256)
	if !saysOnly(said, "document", "sha256", "filetype") || err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != a.sha256 || !fieldsync.IsID(a.document) {
		return a, ErrUploadMetadata
	}
	return a, nil
}

// saysOnly says whether these keys were said, and no others.
func saysOnly(said map[string]string, keys ...string) bool {
	return len(said) == len(keys) && !slices.ContainsFunc(keys, func(key string) bool {
		_, ok := said[key]
		return !ok
	})
}

// uploadRow is an upload as it is kept.
type uploadRow struct {
	Upload
	document, staff string
	of              seal.Scope
	sealed          []byte
	done            bool
	unsent          bool   // it came sealed by its tablet
	aside           uint64 // the held change with which it waits, once it is whole
}

// uploadTerms is what is sealed of an upload.
type uploadTerms struct {
	Key      []byte      `json:"key"`
	Metadata string      `json:"metadata"`
	File     *unsentFile `json:"file,omitempty"` // of one that its tablet sealed
}

func termsPlace(id string) seal.Place {
	return seal.Place{Collection: "uploads", Record: id, Field: "terms"}
}

const uploadColumns = `SELECT id, document, staff, org, case_id, compartment, length, sealed, expires_at, done_at != '', unsent, aside FROM uploads`

func (u *uploadRow) scan(scan func(...any) error) error {
	var expires string
	err := scan(&u.ID, &u.document, &u.staff, &u.of.Org, &u.of.Case, &u.of.Compartment, &u.Length, &u.sealed, &expires, &u.done, &u.unsent, &u.aside)
	if err == nil {
		u.Expires, err = time.Parse(care.TimeFormat, expires)
	}
	return err
}

// terms opens what is sealed of an upload. Where its case was erased there is
// nothing.
func (h *Hub) terms(u *uploadRow) (t uploadTerms, err error) {
	k, err := h.keys.toOpen(u.sealed, u.of.Org, u.of.Case)
	if err != nil {
		return t, err
	}
	plain, err := k.box.Open(nil, termsPlace(u.ID), u.sealed)
	if err == nil {
		err = json.Unmarshal(plain, &t)
	}
	if err == nil && len(t.Key) != seal.KeyBytes {
		err = seal.ErrFormat
	}
	u.Metadata = t.Metadata
	return t, wrap("opening what an upload is", err)
}

// BeginUpload makes place for a file of a document whose record is there: how
// long it is, its SHA-256 and its type stand in the metadata. The same file of
// the same document, begun by the same person and not whole yet, is gone on
// with.
func (h *Hub) BeginUpload(ctx context.Context, a care.Actor, length int64, metadata string) (Upload, error) {
	said, err := readMetadata(metadata)
	if err != nil {
		return Upload{}, err
	}
	switch {
	case length == 0:
		return Upload{}, ErrContentEmpty
	case length < 0:
		return Upload{}, ErrUploadLength
	case said.sealed != nil:
		return h.beginUnsent(ctx, a, length, metadata, *said.sealed)
	case length > ContentBytesMax:
		return Upload{}, ErrContentTooLarge
	}
	doc, err := h.toBring(ctx, a, said.document)
	if err != nil {
		return Upload{}, err
	}
	_, kept := kindOf(said.mime)
	_, had, noted, err := h.filedAs(reader{ctx, h.readDB()}, doc)
	switch {
	case err != nil:
		return Upload{}, err
	case !doc.evidence && !kept:
		return Upload{}, ErrContentType
	case noted && had.SHA256 != said.sha256 && (doc.evidence || said.mime == plainType): // others are kept without what they say besides
		return Upload{}, ErrContentThere
	}
	if err := h.room(); err != nil {
		return Upload{}, err
	}
	if u, ok, err := h.begun(ctx, a, said.document, length, metadata); ok || err != nil {
		return u, err
	}
	return h.newUpload(ctx, uploadRow{Upload: Upload{Length: length}, document: doc.ID, staff: a.Staff, of: doc.scope()}, uploadTerms{Metadata: metadata})
}

// begun finds the upload of a file that somebody has begun already.
func (h *Hub) begun(ctx context.Context, a care.Actor, document string, length int64, metadata string) (Upload, bool, error) {
	rows, err := reader{ctx, h.readDB()}.rows(uploadColumns+` WHERE staff = ? AND document = ? AND length = ? AND (done_at = '' AND expires_at > ? OR aside > 0)`,
		a.Staff, document, length, care.FormatTime(h.now()))
	if err != nil {
		return Upload{}, false, wrap("reading uploads", err)
	}
	defer rows.Close()
	for rows.Next() {
		var u uploadRow
		if err := u.scan(rows.Scan); err != nil {
			return Upload{}, false, wrap("reading uploads", err)
		}
		if _, err := h.terms(&u); err == nil && u.Metadata == metadata {
			return u.Upload, true, nil
		}
	}
	return Upload{}, false, wrap("reading uploads", rows.Err())
}

// newUpload makes place for an upload under a key of its own.
func (h *Hub) newUpload(ctx context.Context, u uploadRow, t uploadTerms) (Upload, error) {
	now := h.now()
	u.ID, u.Metadata, u.Expires = h.newID(), t.Metadata, now.Add(UploadTerm)
	key, err := seal.NewKey(h.rand)
	if err != nil {
		return u.Upload, err
	}
	above, err := h.keys.toSeal(u.of)
	if err != nil {
		return u.Upload, err
	}
	t.Key = key[:]
	plain, err := json.Marshal(t)
	if err != nil {
		return u.Upload, wrap("beginning an upload", err)
	}
	sealed, err := above.box.Seal(nil, h.rand, termsPlace(u.ID), plain)
	if err != nil {
		return u.Upload, err
	}
	return u.Upload, h.writer.write(ctx, func(t *tx) error {
		// An erasure destroys keys while nobody is at the door.
		if _, err := h.keys.toOpen(sealed, u.of.Org, u.of.Case); err != nil {
			return err
		}
		if err := roomForUpload(t, u); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO uploads (id, document, staff, org, case_id, compartment, length, sealed, made_at, expires_at, unsent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			u.ID, u.document, u.staff, u.of.Org, u.of.Case, u.of.Compartment, u.Length, sealed, care.FormatTime(now), care.FormatTime(u.Expires), u.unsent)
		return wrap("beginning an upload", err)
	})
}

// roomForUpload refuses one upload too many. What was announced counts, not
// what has come. What tablets sealed counts by itself, until it is decided
// about: what waits for others must keep nobody from working on.
func roomForUpload(q querier, u uploadRow) error {
	var n, own int
	var bytes, ownBytes int64
	err := q.row(`SELECT COUNT(*), COALESCE(SUM(length), 0), COALESCE(SUM(staff = ?1), 0), COALESCE(SUM(CASE WHEN staff = ?1 THEN length END), 0)
		FROM uploads WHERE done_at = '' AND unsent = ?2`, u.staff, u.unsent).Scan(&n, &bytes, &own, &ownBytes)
	switch {
	case err != nil:
		return wrap("counting uploads", err)
	case own >= uploadsEachMax || ownBytes+u.Length > bytesEachMax:
		return ErrUploadsEach
	case n >= uploadsMax || bytes+u.Length > bytesMax:
		return ErrUploadsFull
	}
	return nil
}

// Receiving is an upload that one request works on.
type Receiving struct {
	Upload
	h     *Hub
	actor care.Actor
	row   uploadRow
	terms uploadTerms
	p     *partial
	box   *seal.Box
}

// Receive gives the upload of that id to one request: care.ErrNotFound where it
// is not the actor's, they may not write to its document any more, or it is
// over. Whoever worked on it before is interrupted; interrupt does that to the
// caller. Release must be called.
func (h *Hub) Receive(ctx context.Context, a care.Actor, id string, interrupt func()) (r *Receiving, err error) {
	if _, err := h.uploadOf(ctx, a, id); err != nil {
		return nil, err
	}
	p, err := h.partials.claim(ctx, id, interrupt)
	if err != nil {
		return nil, err
	}
	r = &Receiving{h: h, actor: a, p: p}
	defer func() {
		if err != nil {
			h.partials.release(p)
		}
	}()
	if r.row, err = h.uploadOf(ctx, a, id); err != nil { // it may have ended meanwhile
		return nil, err
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if r.row.done || r.row.aside > 0 {
		r.Offset = r.Length
		return r, nil
	}
	if err := r.load(); err != nil {
		return nil, wrap("reading an upload", err)
	}
	r.Offset = r.p.offset
	if r.Offset == r.Length { // the hub died, or had no room, before the document had it
		return r, r.finish(ctx)
	}
	return r, nil
}

// open opens what is sealed of the upload.
func (r *Receiving) open() (err error) {
	r.terms, err = r.h.terms(&r.row)
	if err != nil {
		return err
	}
	r.Upload, r.box = r.row.Upload, seal.NewBox(0, seal.Key(r.terms.Key))
	return nil
}

// uploadOf reads an upload of somebody who may still bring it. What a tablet
// sealed it brings also where its owner may not write any more.
func (h *Hub) uploadOf(ctx context.Context, a care.Actor, id string) (u uploadRow, err error) {
	err = u.scan(reader{ctx, h.readDB()}.row(uploadColumns+` WHERE id = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (u.staff != a.Staff || u.aside == 0 && !u.Expires.After(h.now())) {
		return u, care.ErrNotFound
	}
	if err != nil || u.unsent {
		return u, wrap("reading an upload", err)
	}
	return u, h.stillBrings(ctx, a, u.document)
}

// Release lets others work on the upload.
func (r *Receiving) Release() { r.h.partials.release(r.p) }

// Take takes what a body brings from an offset on, and returns once it is on
// the disk. What came before the body broke off is kept; broken says that it
// did. With the last byte the whole is checked against its hash and becomes the
// document's: where that fails for a reason that stays, the upload is over.
func (r *Receiving) Take(ctx context.Context, offset int64, body io.Reader) (broken, err error) {
	if offset != r.Offset {
		return nil, ErrUploadOffset
	}
	if r.row.done || r.row.aside > 0 {
		return nil, nil
	}
	if err := r.h.room(); err != nil {
		return nil, err
	}
	broken, err = r.keep(body)
	if err != nil {
		return broken, wrap("keeping an upload", r.h.roomOr(err))
	}
	came := r.p.offset > r.Offset
	r.Offset = r.p.offset
	// Who was revoked while it came in is not told that it was taken.
	if _, err := r.now(ctx); err != nil {
		return broken, err
	}
	if r.Offset == r.Length {
		return nil, r.finish(ctx)
	}
	if came {
		err = r.renew(ctx)
	}
	return broken, err
}

// now is who brings it, with the rights of this moment.
func (r *Receiving) now(ctx context.Context) (care.Actor, error) {
	q := reader{context.WithoutCancel(ctx), r.h.readDB()}
	a, err := r.actor, error(nil)
	if r.row.unsent {
		return a, nil
	}
	if !a.IsHub() {
		a, err = r.h.actorNow(q, a)
	}
	if err == nil {
		err = r.h.stillBrings(q.ctx, a, r.row.document)
	}
	return a, err
}

// renew moves the end of an upload on.
func (r *Receiving) renew(ctx context.Context) error {
	until := r.h.now().Add(UploadTerm)
	if until.Sub(r.Expires) < uploadRenewal {
		return nil
	}
	r.Expires = until
	return r.h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE uploads SET expires_at = ? WHERE id = ?`, care.FormatTime(until), r.ID)
		return wrap("renewing an upload", err)
	})
}

// finish checks the whole and makes it the document's. It goes on where whoever
// sent it has hung up.
func (r *Receiving) finish(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	hand := r.hand
	if r.row.unsent {
		hand = r.setAside
	}
	err := hand(ctx)
	var known *care.Error
	if errors.As(err, &known) && slices.Contains([]care.Kind{care.Invalid, care.Conflict, care.TooLarge, care.Unprocessed}, known.Kind) {
		return errors.Join(err, r.Drop(ctx))
	}
	if err != nil || r.row.unsent {
		return err // the bytes wait for another try, or for a person
	}
	r.h.reached("upload kept")
	now := r.h.now()
	r.Expires = now.Add(uploadRemember)
	err = r.h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE uploads SET done_at = ?, expires_at = ? WHERE id = ?`, care.FormatTime(now), care.FormatTime(r.Expires), r.ID)
		return errors.Join(wrap("ending an upload", err), r.owedLess(t))
	})
	if err != nil {
		return err // the next who asks finds the document in order, and ends it
	}
	r.row.done = true
	return r.h.removeUpload(r.ID)
}

// owedLess notes that one of the files came for which the hub waits.
func (r *Receiving) owedLess(t *tx) error {
	_, err := t.exec(`UPDATE device_keys SET files_owed = files_owed - 1 WHERE device = ? AND staff = ? AND files_owed > 0`, r.actor.Device, r.row.staff)
	return wrap("noting what a tablet owes", err)
}

func (r *Receiving) hand(ctx context.Context) error {
	said, err := readMetadata(r.Metadata)
	if err != nil {
		return err
	}
	if hex.EncodeToString(r.p.sum.Sum(nil)) != said.sha256 {
		return ErrUploadHash
	}
	a, err := r.now(ctx)
	if err != nil {
		return err
	}
	r.h.contents.Lock() // one at a time: each is in memory whole
	defer r.h.contents.Unlock()
	b, err := r.whole()
	if err != nil {
		return wrap("reading an upload", err)
	}
	// What began before its part of the case was erased is of what was erased,
	// and is not kept under a key of the time after.
	if err := r.unerased(); err != nil {
		return err
	}
	return r.h.keepContent(ctx, a, r.row.document, said.mime, b, r.unerased)
}

// unerased says whether the upload's key is there still.
func (r *Receiving) unerased() error {
	_, err := r.h.terms(&r.row)
	return err
}

// Drop ends the upload: what has come of it is destroyed, with its key. Of one
// that is whole nothing is: the document has it, or it waits for a person, and
// is not its author's any more.
func (r *Receiving) Drop(ctx context.Context) error {
	if r.row.done || r.row.aside > 0 {
		return nil
	}
	return r.h.destroyUpload(ctx, r.ID)
}
