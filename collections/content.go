package collections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"unicode/utf8"

	"portolan/care"
	"portolan/photo"
	"portolan/seal"
)

// ContentBytesMax bounds what one document brings at once.
const ContentBytesMax = 16 << 20

// Errors of documents' bytes.
var (
	ErrContentTooLarge = &care.Error{Code: "document_too_large", Kind: care.TooLarge, Hint: "The file is too large for this way."}
	ErrContentEmpty    = &care.Error{Code: "document_empty", Kind: care.Invalid, Hint: "The file is empty."}
	ErrContentType     = &care.Error{Code: "document_type", Kind: care.Invalid, Hint: "This hub keeps pictures (JPEG, PNG, WebP), PDF, plain text, office files, sound and film; and the file must be what it says it is."}
	ErrContentThere    = &care.Error{Code: "document_written", Kind: care.Conflict, Hint: "This document has its file already, or names another one. A file is not replaced: make a new document."}
	ErrContentOfHub    = &care.Error{Code: "document_of_hub", Kind: care.Unprocessed, Hint: "A summary is made by the hub, from the records."}
	ErrContentHidden   = &care.Error{Code: "evidence_not_shown", Kind: care.Unprocessed, Hint: "Evidence is kept byte for byte and not given out this way; of pictures a copy is shown."}
)

// contentKind is one type of file that is kept, the ending of the name under
// which it leaves, and how its first bytes show that it is that.
type contentKind struct {
	mime, ending string
	is           func(b []byte) bool
}

func begins(marks ...string) func([]byte) bool {
	return func(b []byte) bool {
		return slices.ContainsFunc(marks, func(m string) bool { return bytes.HasPrefix(b, []byte(m)) })
	}
}

func brand(b []byte) bool { return len(b) > 12 && string(b[4:8]) == "ftyp" } // ISO/IEC 14496-12, 4.3

// contentKinds is all that is kept. What a browser would run by itself, as
// HTML and SVG, is not in it; what other programs may run, as PDF and office
// files, leaves only to be saved.
var contentKinds = []contentKind{
	{photo.JPEG, ".jpg", func(b []byte) bool { return photo.Sniff(b) == photo.JPEG }},
	{photo.PNG, ".png", func(b []byte) bool { return photo.Sniff(b) == photo.PNG }},
	{photo.WebP, ".webp", func(b []byte) bool { return photo.Sniff(b) == photo.WebP }},
	{"application/pdf", ".pdf", begins("%PDF-")},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", begins("PK\x03\x04")},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx", begins("PK\x03\x04")},
	{"application/vnd.oasis.opendocument.text", ".odt", begins("PK\x03\x04")},
	{"application/vnd.oasis.opendocument.spreadsheet", ".ods", begins("PK\x03\x04")},
	{"audio/ogg", ".ogg", begins("OggS")},
	{"audio/mpeg", ".mp3", begins("ID3", "\xff\xfb", "\xff\xf3", "\xff\xf2")},
	{"audio/mp4", ".m4a", brand},
	{"video/mp4", ".mp4", brand},
	{"video/webm", ".webm", begins("\x1a\x45\xdf\xa3")},
	{"text/plain", ".txt", plainText},
}

func plainText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsAny(b, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0e\x0f\x1b")
}

// kindOf is the row of a type.
func kindOf(mime string) (contentKind, bool) {
	i := slices.IndexFunc(contentKinds, func(k contentKind) bool { return k.mime == mime })
	if i < 0 {
		return contentKind{}, false
	}
	return contentKinds[i], true
}

// Content is the bytes of a document as they leave the hub. The name is the
// hub's: what somebody called a file may name a person, or a place on a disk.
type Content struct {
	Name, Type string
	Bytes      []byte
}

// Kept says what became of a document's bytes.
type Kept struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Type   string `json:"type"`
}

// document is a record whose bytes somebody brings or wants.
type document struct {
	care.Row
	target   care.Target // where its bytes belong
	evidence bool
}

// document asks whether the actor may do the act to the bytes of a record that
// they may know of. To whom it is denied there is no such document.
func (h *Hub) document(ctx context.Context, a care.Actor, act care.Act, row care.Row) (document, error) {
	c := care.Compartment(row.Text("compartment"))
	if c == "" {
		c = care.General
	}
	d := document{Row: row, evidence: c == care.Evidence, target: care.Target{Collection: "documents", Org: row.Org, Case: row.Case, Compartment: c}}
	decision, name := care.MaySee(a, act, d.target, h.now()), ActFile
	if act == care.Write {
		name = ActUpload
	}
	if err := h.audit(ctx, a, event{act: name, target: d.target, decision: decision, count: 1, records: []string{row.ID}}); err != nil {
		return d, err
	}
	switch {
	case decision.Allowed:
		return d, nil
	case decision.Reason == care.NotAtDesk: // whoever sees its record in an emergency is told why it stays here
		return d, ErrNotAtDesk
	}
	return d, care.ErrNotFound
}

// KeepContent keeps the bytes of a document whose record is there. A picture
// is written anew without what it says besides its pixels; evidence is kept
// byte for byte, and its hash stands with its custody. The same bytes again
// are answered as the first time. The record names the bytes before they are
// on the disk: where the hub dies between the two, they are sent again.
func (h *Hub) KeepContent(ctx context.Context, a care.Actor, id, declared string, r io.Reader) (Kept, error) {
	row, err := h.Read(ctx, a, "documents", id)
	if err != nil {
		return Kept{}, err
	}
	doc, err := h.document(ctx, a, care.Write, row)
	if err != nil {
		return Kept{}, err
	}
	if doc.Text("kind") == "summary" {
		return Kept{}, ErrContentOfHub
	}
	if err := h.room(); err != nil {
		return Kept{}, err
	}
	b, err := io.ReadAll(io.LimitReader(r, ContentBytesMax+1))
	switch {
	case err != nil:
		return Kept{}, err
	case len(b) > ContentBytesMax:
		return Kept{}, ErrContentTooLarge
	case len(b) == 0:
		return Kept{}, ErrContentEmpty
	}
	if !doc.evidence {
		if b, declared, err = h.tame(b, declared); err != nil {
			return Kept{}, err
		}
	}
	kept := Kept{SHA256: sumOf(b), Size: int64(len(b)), Type: declared}
	h.contents.Lock() // two uploads of one document do not meet
	defer h.contents.Unlock()
	if doc.Row, err = h.Read(ctx, a, "documents", id); err != nil {
		return Kept{}, err
	}
	if had := doc.Text("sha256"); had != "" && had != kept.SHA256 {
		return Kept{}, ErrContentThere
	}
	if _, err := os.Stat(h.filePath(id)); err == nil {
		return kept, nil
	}
	if err := h.nameContent(ctx, a, doc, kept); err != nil {
		return Kept{}, err
	}
	if err := h.writeFile(ctx, []seal.Scope{{Org: doc.Org, Case: doc.Case, Compartment: string(doc.target.Compartment)}}, id, b); err != nil {
		return Kept{}, err
	}
	// An erasure takes the record and then the files that it finds: one that
	// came meanwhile goes here.
	if _, there, err := h.rowOf(ctx, "documents", id); err != nil || !there {
		return Kept{}, errors.Join(err, os.Remove(h.filePath(id)), care.ErrNotFound)
	}
	return kept, nil
}

// tame checks that bytes are what they are said to be, and writes a picture
// anew, one at a time: a picture takes much memory.
func (h *Hub) tame(b []byte, declared string) ([]byte, string, error) {
	k, ok := kindOf(declared)
	if !ok || !k.is(b) {
		return nil, "", ErrContentType
	}
	if photo.Sniff(b) == "" {
		return b, declared, nil
	}
	h.pictures.Lock()
	defer h.pictures.Unlock()
	return photo.Clean(b)
}

// nameContent writes into the record which bytes are its own, and, of
// evidence, into its items and the chain of custody.
func (h *Hub) nameContent(ctx context.Context, a care.Actor, doc document, kept Kept) (err error) {
	defer caught(&err)
	facts := map[string]care.Value{"sha256": care.OfText(kept.SHA256), "size": care.OfInt(kept.Size), "mime": care.OfText(kept.Type)}
	missing := func(row care.Row) map[string]care.Value {
		set := map[string]care.Value{}
		for name, v := range facts {
			if !row.Get(name).IsSet() {
				set[name] = v
			}
		}
		return set
	}
	group := h.newID()
	var drafts []Draft
	if set := missing(doc.Row); len(set) > 0 {
		drafts = append(drafts, Draft{Collection: "documents", Record: doc.ID, Group: group, Set: set})
	}
	if doc.evidence {
		more, err := h.custody(ctx, a, doc, kept, missing)
		if err != nil {
			return err
		}
		for i := range more {
			more[i].Group = group
		}
		drafts = append(drafts, more...)
	}
	if len(drafts) == 0 {
		return nil
	}
	receipts, err := h.Do(ctx, a, drafts...)
	if err != nil {
		return fmt.Errorf("naming a document's file: %w", err)
	}
	return Refused(receipts)
}

// custody is what an upload of evidence adds to each item whose file it is:
// the hash, and that the bytes were stored (domain: each handling of evidence
// is an event of its chain).
func (h *Hub) custody(ctx context.Context, a care.Actor, doc document, kept Kept, missing func(care.Row) map[string]care.Value) ([]Draft, error) {
	w := h.world(ctx)
	var drafts []Draft
	for _, item := range w.OfCase("evidence_items", doc.Case) {
		if item.Text("document") != doc.ID {
			continue
		}
		if sum := item.Text("sha256"); sum != "" && sum != kept.SHA256 {
			return nil, ErrContentThere
		}
		last, previous := int64(0), ""
		for _, e := range w.OfCase("custody_events", doc.Case) {
			if n, _ := e.Get("number").Int(); e.Text("item") == item.ID && n > last {
				last, previous = n, e.Text("entry_hash")
			}
		}
		if set := missing(item); len(set) > 0 {
			drafts = append(drafts, Draft{Collection: "evidence_items", Record: item.ID, Set: set})
		}
		event := map[string]care.Value{"item": care.OfText(item.ID), "number": care.OfInt(last + 1), "purpose": care.OfText("stored"),
			"actor": care.OfText(a.Staff), "happened_at": care.OfTime(h.now()), "sha256": care.OfText(kept.SHA256)}
		if previous != "" {
			event["previous_hash"] = care.OfText(previous)
		}
		drafts = append(drafts, Draft{Collection: "custody_events", Record: h.newID(), Case: doc.Case, Org: doc.Org, Set: event})
	}
	return drafts, nil
}

// File gives the bytes of a document: a paper as DocumentFile does, anything
// else to whoever may take along the part of the case that it belongs to: bytes
// leave to be saved, so that an emergency opens the record alone (R30). Of evidence
// it gives a copy of a picture, made for showing, and nothing of what is no
// picture.
func (h *Hub) File(ctx context.Context, a care.Actor, id string) (Content, error) {
	row, err := h.Read(ctx, a, "documents", id)
	if err != nil {
		return Content{}, err
	}
	if row.Text("kind") == "summary" {
		name, b, err := h.paperFile(ctx, a, row)
		return Content{Name: name, Type: "application/pdf", Bytes: b}, err
	}
	doc, err := h.document(ctx, a, care.Carry, row)
	if err != nil {
		return Content{}, err
	}
	return h.content(doc)
}

func (h *Hub) content(doc document) (Content, error) {
	b, err := h.readFile(doc.Org, doc.Case, doc.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Content{}, care.ErrNotFound // nobody has sent it yet
	}
	if err != nil {
		return Content{}, err
	}
	if sumOf(b) != doc.Text("sha256") {
		return Content{}, ErrPaperDamaged
	}
	kind := doc.Text("mime")
	if doc.evidence {
		if photo.Sniff(b) == "" {
			return Content{}, ErrContentHidden
		}
		h.pictures.Lock()
		defer h.pictures.Unlock()
		if b, kind, err = photo.Clean(b); err != nil {
			return Content{}, err
		}
	}
	k, ok := kindOf(kind)
	if !ok {
		k = contentKind{mime: "application/octet-stream", ending: ".bin"}
	}
	return Content{Name: "document" + k.ending, Type: k.mime, Bytes: b}, nil
}
