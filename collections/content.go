package collections

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
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
	"portolan/strip"
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
	{strip.PDF, ".pdf", begins("%PDF-")},
	{strip.DOCX, ".docx", begins("PK\x03\x04")},
	{strip.XLSX, ".xlsx", begins("PK\x03\x04")},
	{strip.ODT, ".odt", begins("PK\x03\x04")},
	{strip.ODS, ".ods", begins("PK\x03\x04")},
	{strip.Ogg, ".ogg", begins("OggS")},
	{strip.MP3, ".mp3", begins("ID3", "\xff\xfb", "\xff\xf3", "\xff\xf2")},
	{strip.M4A, ".m4a", brand},
	{strip.MP4, ".mp4", brand},
	{strip.WebM, ".webm", begins("\x1a\x45\xdf\xa3")},
	{plainType, ".txt", plainText},
}

// plainType says nothing but its content, and alone stays as it is.
const plainType = "text/plain"

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
// Tag differs with the bytes, and with the part of the case that they belong
// to. Sum is the SHA-256 of the bytes, in hex.
type Content struct {
	Name, Type, Tag, Sum string
	Bytes                interface {
		io.ReadSeeker
		io.Closer
	}
}

// inMemory is bytes that are there whole.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// filed is what became of a document's bytes. It is sealed under the key of the
// part of the case that they belong to, so that nothing of it is left where that
// part is erased alone.
type filed struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Type   string `json:"type"`
}

func factsPlace(document string) seal.Place {
	return seal.Place{Collection: "contents", Record: document, Field: "facts"}
}

// document is a record whose bytes somebody brings or wants.
type document struct {
	care.Row
	target   care.Target // where its bytes belong
	evidence bool
}

// documentOf says where the bytes of a record belong.
func documentOf(row care.Row) document {
	c := care.Compartment(row.Text("compartment"))
	if c == "" {
		c = care.General
	}
	return document{Row: row, evidence: c == care.Evidence, target: care.Target{Collection: "documents", Org: row.Org, Case: row.Case, Compartment: c}}
}

func (d document) scope() seal.Scope {
	return seal.Scope{Org: d.Org, Case: d.Case, Compartment: string(d.target.Compartment)}
}

// document asks whether the actor may do the act to the bytes of a record that
// they may know of. To whom it is denied there is no such document.
func (h *Hub) document(ctx context.Context, a care.Actor, act care.Act, row care.Row) (document, error) {
	d := documentOf(row)
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

// toBring is the document that the actor may bring the bytes of.
func (h *Hub) toBring(ctx context.Context, a care.Actor, id string) (document, error) {
	row, err := h.Read(ctx, a, "documents", id)
	if err != nil {
		return document{}, err
	}
	doc, err := h.document(ctx, a, care.Write, row)
	if err == nil && doc.Text("kind") == "summary" {
		err = ErrContentOfHub
	}
	return doc, err
}

// stillBrings asks again, in the middle of an upload. It is in the audit log
// since its beginning; here a no alone is noted.
func (h *Hub) stillBrings(ctx context.Context, a care.Actor, id string) error {
	row, ok, err := h.rowOf(ctx, "documents", id)
	if err != nil {
		return err
	}
	if !ok {
		return care.ErrNotFound
	}
	bytes := documentOf(row).target
	known := bytes
	known.Compartment = care.General // of the record
	for _, asked := range []struct {
		act    care.Act
		target care.Target
	}{{care.Read, known}, {care.Write, bytes}} {
		d := care.MaySee(a, asked.act, asked.target, h.now())
		if d.Allowed {
			continue
		}
		if err := h.audit(ctx, a, event{act: ActUpload, target: asked.target, decision: d, count: 1, records: []string{id}}); err != nil {
			return err
		}
		return care.ErrNotFound
	}
	return nil
}

// keepContent keeps the bytes of a document whose record is there, without what
// they say besides their content; evidence is kept
// byte for byte, and its hash stands with its custody. The same bytes again
// change nothing, unless they were lost from the disk. The record names the bytes before they are on the disk: where
// the hub dies between the two, this is done again. still says whether they may be
// kept yet, as writeFile asks it. h.contents is held.
func (h *Hub) keepContent(ctx context.Context, a care.Actor, id, declared string, b []byte, still func() error) error {
	doc, err := h.toBring(ctx, a, id)
	if err != nil {
		return err
	}
	if !doc.evidence {
		if b, declared, err = h.tame(b, declared); err != nil {
			return err
		}
	}
	k := filed{SHA256: sumOf(b), Size: int64(len(b)), Type: declared}
	file, had, noted, err := h.filedAs(reader{ctx, h.readDB()}, doc)
	switch {
	case err != nil:
		return err
	case noted && had.SHA256 != k.SHA256:
		return ErrContentThere
	case noted:
		if whole, err := h.holds(doc, file, k); err != nil || whole {
			return err
		}
	}
	if err := h.nameContent(ctx, a, doc, k, noted); err != nil {
		return err
	}
	h.reached("upload named")
	return h.placeContent(ctx, doc, k, b, still)
}

// placeContent writes bytes under the document that is the first of its part
// of the case to bring them, and notes where they lie: the same bytes lie there
// once. In another part they are others, under another key: what is there
// already would be told to whoever may not see it.
func (h *Hub) placeContent(ctx context.Context, doc document, k filed, b []byte, still func() error) error {
	of := doc.scope()
	address := h.mac("content", of.Org, of.Case, of.Compartment, k.SHA256)
	file, whole, err := h.fileAt(ctx, address)
	switch {
	case err != nil:
		return err
	case whole: // or lost, and restored now for everybody whose it is
		whole, err = h.holds(doc, file, k)
	default:
		file = doc.ID
	}
	if err == nil && !whole {
		err = h.writeFile(ctx, []seal.Scope{of}, file, b, still)
	}
	if err != nil {
		return wrap("placing bytes", err)
	}
	h.reached("upload placed")
	facts, err := h.sealFacts(doc, k)
	if err != nil {
		return err
	}
	if err := h.noteContent(ctx, doc.ID, file, address, of.Compartment, facts); err != nil {
		return err
	}
	if _, there, err := h.rowOf(ctx, "documents", doc.ID); err != nil || !there { // one that came meanwhile goes here
		return errors.Join(err, os.Remove(h.filePath(doc.ID)), care.ErrNotFound)
	}
	return nil
}

// holds says whether a file is there and holds these bytes: neither lost from
// the disk nor damaged on it.
func (h *Hub) holds(doc document, file string, k filed) (bool, error) {
	b, err := h.readFile(doc.Org, doc.Case, file)
	var known *care.Error
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &known) && known.Kind == care.Damaged {
		return false, nil
	}
	return err == nil && sumOf(b) == k.SHA256, err
}

// noteContent notes which file holds the bytes of a document, before that is
// answered: from then on it must be there.
func (h *Hub) noteContent(ctx context.Context, document, file, address, compartment string, facts []byte) error {
	return h.writer.write(ctx, func(t *tx) error {
		// An erasure takes the files that it finds, and then records.
		if _, err := os.Stat(h.filePath(file)); err != nil {
			return ErrErased
		}
		_, err := t.exec(`INSERT INTO contents (document, file, address, case_id, compartment, facts) SELECT id, ?, ?, case_id, ?, ? FROM documents WHERE id = ?
			ON CONFLICT (document) DO NOTHING`, // noted before its file was lost
			file, address, compartment, append([]byte{}, facts...), document)
		return wrap("noting where bytes lie", err)
	})
}

// sealFacts seals what the bytes of a document are.
func (h *Hub) sealFacts(doc document, k filed) ([]byte, error) {
	key, err := h.keys.toSeal(doc.scope())
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(k)
	if err != nil {
		return nil, wrap("noting where bytes lie", err)
	}
	return key.box.Seal(nil, h.rand, factsPlace(doc.ID), plain)
}

// filedAs is the file that holds the bytes of a document, its own or that of the
// first that brought them, and what they are. noted is false where nobody has
// brought any, or the part that they belonged to was erased.
func (h *Hub) filedAs(q querier, doc document) (file string, k filed, noted bool, err error) {
	var sealed []byte
	err = q.row(`SELECT file, facts FROM contents WHERE document = ?`, doc.ID).Scan(&file, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", k, false, nil
	}
	if err != nil || len(sealed) == 0 { // a paper, which is what it was made as
		return file, k, err == nil, wrap("reading where bytes lie", err)
	}
	key, err := h.keys.toOpen(sealed, doc.Org, doc.Case)
	if errors.Is(err, ErrErased) {
		return "", k, false, nil
	}
	if err != nil {
		return file, k, false, err
	}
	plain, err := key.box.Open(nil, factsPlace(doc.ID), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &k)
	}
	return file, k, err == nil, wrap("opening what bytes are", err)
}

// fileAt is the file that is noted under an address.
func (h *Hub) fileAt(ctx context.Context, address string) (file string, noted bool, err error) {
	err = reader{ctx, h.readDB()}.row(`SELECT file FROM contents WHERE address = ? LIMIT 1`, address).Scan(&file)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return file, err == nil, wrap("reading where bytes lie", err)
}

// tame checks that bytes are what they are said to be, and takes out of them
// what they say besides their content (R23): a picture is written anew, other
// files are stripped. Plain text says nothing besides.
func (h *Hub) tame(b []byte, declared string) ([]byte, string, error) {
	k, ok := kindOf(declared)
	if !ok || !k.is(b) {
		return nil, "", ErrContentType
	}
	switch {
	case k.mime == plainType:
		return b, k.mime, nil
	case photo.Sniff(b) != "":
		return h.clean(b)
	}
	b, err := strip.File(k.mime, b, func(b []byte) ([]byte, error) {
		clean, _, err := h.clean(b)
		return clean, err
	})
	return b, k.mime, err
}

// nameContent writes into the record that its bytes came, and, of evidence, what
// they are into its items and the chain of custody. again says that they were
// stored before, and lost.
func (h *Hub) nameContent(ctx context.Context, a care.Actor, doc document, k filed, again bool) (err error) {
	defer caught(&err)
	group := h.newID()
	var drafts []Draft
	if !doc.Get("filed_at").IsSet() {
		drafts = append(drafts, Draft{Collection: "documents", Record: doc.ID, Group: group, Set: map[string]care.Value{"filed_at": care.OfTime(h.now())}})
	}
	if doc.evidence {
		more, err := h.custody(ctx, a, doc, k, again)
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
// is an event of its chain). Where the hub died after it had noted that, and
// before it could answer, it is not noted again.
func (h *Hub) custody(ctx context.Context, a care.Actor, doc document, k filed, again bool) ([]Draft, error) {
	w := h.world(ctx)
	facts := map[string]care.Value{"sha256": care.OfText(k.SHA256), "size": care.OfInt(k.Size), "mime": care.OfText(k.Type)}
	var drafts []Draft
	for _, item := range w.OfCase("evidence_items", doc.Case) {
		if item.Text("document") != doc.ID {
			continue
		}
		if sum := item.Text("sha256"); sum != "" && sum != k.SHA256 {
			return nil, ErrContentThere
		}
		last, previous, stored := int64(0), "", false
		for _, e := range w.OfCase("custody_events", doc.Case) {
			if e.Text("item") != item.ID {
				continue
			}
			stored = stored || e.Text("purpose") == "stored" && e.Text("sha256") == k.SHA256
			if n, _ := e.Get("number").Int(); n > last {
				last, previous = n, e.Text("entry_hash")
			}
		}
		set := map[string]care.Value{}
		for name, v := range facts {
			if !item.Get(name).IsSet() {
				set[name] = v
			}
		}
		if len(set) > 0 {
			drafts = append(drafts, Draft{Collection: "evidence_items", Record: item.ID, Set: set})
		}
		if stored && !again {
			continue
		}
		event := map[string]care.Value{"item": care.OfText(item.ID), "number": care.OfInt(last + 1), "purpose": care.OfText("stored"),
			"actor": care.OfText(a.Staff), "happened_at": care.OfTime(h.now()), "sha256": care.OfText(k.SHA256)}
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
		return Content{Name: name, Type: strip.PDF, Sum: sumOf(b), Tag: h.tagOf(documentOf(row), sumOf(b)), Bytes: inMemory{bytes.NewReader(b)}}, err
	}
	doc, err := h.document(ctx, a, care.Carry, row)
	if err != nil {
		return Content{}, err
	}
	c, err := h.content(ctx, doc)
	if errors.Is(err, fs.ErrNotExist) {
		err = care.ErrNotFound // nobody has sent it yet
	}
	return c, err
}

// tagOf is by what a client knows bytes again, and nobody else does.
func (h *Hub) tagOf(doc document, sum string) string {
	of := doc.scope()
	return h.mac("tag", of.Org, of.Case, of.Compartment, sum)
}

func (h *Hub) content(ctx context.Context, doc document) (c Content, err error) {
	file, had, noted, err := h.filedAs(reader{ctx, h.readDB()}, doc)
	if err != nil || !noted {
		return c, errors.Join(err, fs.ErrNotExist)
	}
	c.Type, c.Sum = had.Type, had.SHA256
	if doc.evidence {
		b, err := h.shown(doc, file, had)
		if err != nil {
			return c, err
		}
		if b, c.Type, err = h.clean(b); err != nil {
			return c, err
		}
		c.Sum, c.Bytes = sumOf(b), inMemory{bytes.NewReader(b)}
	} else if c.Bytes, err = h.readPart(doc.Org, doc.Case, file); err != nil {
		return c, err
	}
	k, ok := kindOf(c.Type)
	if !ok {
		k = contentKind{mime: "application/octet-stream", ending: ".bin"}
	}
	c.Name, c.Type, c.Tag = "document"+k.ending, k.mime, h.tagOf(doc, c.Sum)
	return c, nil
}

// shown is the bytes of a picture that is evidence.
func (h *Hub) shown(doc document, file string, had filed) ([]byte, error) {
	b, err := h.readFile(doc.Org, doc.Case, file)
	switch {
	case err != nil:
		return nil, err
	case sumOf(b) != had.SHA256:
		return nil, ErrPaperDamaged
	case photo.Sniff(b) == "":
		return nil, ErrContentHidden
	}
	return b, nil
}

// clean writes a picture anew, one at a time: it takes much memory.
func (h *Hub) clean(b []byte) ([]byte, string, error) {
	h.pictures.Lock()
	defer h.pictures.Unlock()
	return photo.Clean(b)
}
