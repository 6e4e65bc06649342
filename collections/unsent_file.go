package collections

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"strings"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// A file that its tablet cannot read any more comes as it was sealed there:
// under a key of its own, which is sealed to the hub beside what the hub must
// know of it. It never becomes a document's by itself, but waits for a person
// (aside.go), and comes also from who may not write there any more, or not know
// of the document: so nothing that is answered depends on what is there.

// HeldFile is why the change that names such a file is held.
const HeldFile = "file_sealed"

// sealedFile is what is said of such a file at the beginning.
type sealedFile struct {
	replica, document string // under which it was sealed
	key               string // of the hub, to which
	box               []byte
}

func readSealedFile(said map[string]string) (*sealedFile, error) {
	replica, document, _ := strings.Cut(said["of"], "/")
	if !saysOnly(said, "sealed", "key", "of") || !fieldsync.IsID(replica) || !fieldsync.IsID(document) {
		return nil, ErrUploadMetadata
	}
	return &sealedFile{replica, document, said["key"], []byte(said["sealed"])}, nil
}

func unsentFilePlace(replica, document string) seal.Place {
	return seal.Place{Collection: "unsent_files", Record: replica, Field: document}
}

// unsentFile is such a file as it is kept with its upload.
type unsentFile struct {
	Replica string `json:"replica"`
	Said    []byte `json:"said"` // what its tablet sealed of it
}

// openUnsentFile opens what a tablet sealed of a file. It must be of whoever
// brings it: what lies sealed on a tablet that was lost is not opened for its
// finder.
func (h *Hub) openUnsentFile(ctx context.Context, staff string, s sealedFile) (f fieldsync.UnsentFile, kept unsentFile, err error) {
	plain, err := h.openSealed(ctx, s.key, unsentFilePlace(s.replica, s.document), s.box)
	if err != nil {
		return f, kept, err
	}
	if f, err = fieldsync.DecodeUnsentFile(plain); err != nil || f.Document != s.document || f.Author != staff {
		return f, kept, ErrUnsent
	}
	return f, unsentFile{s.replica, plain}, nil
}

// beginUnsent makes place for a file that its tablet sealed.
func (h *Hub) beginUnsent(ctx context.Context, a care.Actor, length int64, metadata string, s sealedFile) (Upload, error) {
	if length > seal.FileBytes(ContentBytesMax) {
		return Upload{}, ErrContentTooLarge
	}
	f, kept, err := h.openUnsentFile(ctx, a.Staff, s)
	if err != nil {
		return Upload{}, err
	}
	if length != seal.FileBytes(f.Size) {
		return Upload{}, ErrUploadLength
	}
	if err := h.room(); err != nil {
		return Upload{}, err
	}
	of, err := h.homeOfFile(ctx, a, f)
	if err != nil {
		return Upload{}, err
	}
	part := care.Compartment(of.Compartment)
	if h.erased.covers(of.Case, part, f.Clock) {
		return Upload{}, ErrErased
	}
	target := care.Target{Collection: "documents", Org: of.Org, Case: of.Case, Compartment: part}
	if err := h.audit(ctx, a, event{act: ActUpload, target: target, decision: care.Decision{Allowed: true, Reason: HeldFile}, count: 1, records: []string{f.Document}}); err != nil {
		return Upload{}, err
	}
	if u, ok, err := h.begun(ctx, a, f.Document, length, metadata); ok || err != nil {
		return u, err
	}
	return h.newUpload(ctx, uploadRow{Upload: Upload{Length: length}, document: f.Document, staff: a.Staff, of: of, unsent: true}, uploadTerms{Metadata: metadata, File: &kept})
}

// homeOfFile says where a file that a tablet sealed is kept, and with what it
// ends: with its document, where the hub has that or a held change of it, else
// with the case that its author named.
func (h *Hub) homeOfFile(ctx context.Context, a care.Actor, f fieldsync.UnsentFile) (of seal.Scope, err error) {
	org, caseID, err := homeOf(reader{ctx, h.readDB()}, f.Document, a.Org, f.Case)
	if err != nil {
		return of, err
	}
	of = seal.Scope{Org: org, Case: caseID, Compartment: string(f.Compartment)}
	row, there, err := h.rowOf(ctx, "documents", f.Document)
	if there {
		of.Compartment = documentOf(row).scope().Compartment
	}
	return of, err
}

// homeOf is the organisation and case of a record: of the first change that
// says so, or those that are claimed for it.
func homeOf(q querier, record, org, claimed string) (string, string, error) {
	var homeOrg, caseID string
	err := q.row(`SELECT org, case_id FROM changes WHERE record = ? AND case_id != '' ORDER BY seq LIMIT 1`, record).Scan(&homeOrg, &caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return org, claimed, nil
	}
	return homeOrg, caseID, wrap("looking for the change's case", err)
}

// setAside checks the whole of a file that its tablet sealed, and has it wait
// for a person, with a held change that names it. h.contents is taken: one at a
// time is in memory whole.
func (r *Receiving) setAside(ctx context.Context) error {
	r.h.contents.Lock()
	defer r.h.contents.Unlock()
	f, _, err := r.opened()
	if err != nil {
		return err
	}
	err = r.h.enter(ctx, r.h.HubActor(), func(s *session) error {
		if s.h.erased.covers(r.row.of.Case, care.Compartment(r.row.of.Compartment), f.Clock) {
			return ErrErased
		}
		if err := r.unerased(); err != nil { // whatever its author's clock says
			return err
		}
		// In nobody's rights: it says who brought it, and is applied by no one.
		author := care.Actor{Staff: r.row.staff, Org: r.actor.Org, Device: r.actor.Device}
		c, err := s.hubChange(author, Draft{Collection: "documents", Record: f.Document, Case: r.row.of.Case, Org: r.row.of.Org,
			Set: map[string]care.Value{"filed_at": care.OfTime(s.now)}})
		if err != nil {
			return err
		}
		receipt, err := s.take(c, whole(HeldFile))
		if err != nil {
			return err
		}
		result, err := s.t.exec(`UPDATE uploads SET aside = ? WHERE id = ?`, receipt.Seq, r.ID)
		if err != nil {
			return wrap("setting a file aside", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, care.ErrNotFound)
		}
		r.row.aside = receipt.Seq
		return r.owedLess(s.t)
	})
	if err == nil {
		r.h.reached("upload aside")
	}
	return err
}

// opened gives what a tablet sealed: what it says of the file, and its bytes.
func (r *Receiving) opened() (f fieldsync.UnsentFile, b []byte, err error) {
	if r.terms.File == nil {
		return f, nil, seal.ErrFormat
	}
	sealed, err := r.whole()
	if err != nil {
		return f, nil, wrap("reading an upload", err)
	}
	if f, err = fieldsync.DecodeUnsentFile(r.terms.File.Said); err != nil {
		return f, nil, err
	}
	var out bytes.Buffer
	err = seal.NewBox(0, seal.Key(f.Key)).OpenFile(&out, bytes.NewReader(sealed), unsentFilePlace(r.terms.File.Replica, f.Document))
	if err != nil || sumOf(out.Bytes()) != f.SHA256 || int64(out.Len()) != f.Size {
		return f, nil, ErrUnsent
	}
	return f, out.Bytes(), nil
}
