package tablet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Files of documents on their way up, from when they are attached until the hub
// has them whole, and on their way down, until they are given out. Nothing else
// of a file stays on a tablet. What comes down lies in pieces, each sealed under
// the key of its scope (sealPiece, openPiece). What goes up lies sealed under a
// key of its own, which stands twice: in what is known of the file, under the
// key of its scope, and sealed to the hub. Once the scope is evicted nobody here
// reads it, and it is delivered as it lies.

// Sizes of files.
const (
	filePiece = 64 << 10
	fileMost  = 16 << 20 // what a hub takes
)

// Errors of files.
var (
	ErrNoDocument = &care.Error{Code: "document_unknown", Kind: care.Invalid, Hint: "A file belongs to a document that is here: make it first, with new documents."}
	ErrFileSize   = &care.Error{Code: "document_too_large", Kind: care.TooLarge, Hint: "A file has from one byte to 16 MB."}
	ErrFileDiffer = &care.Error{Code: "file_differs", Kind: care.Busy, Hint: "What came is not the file that the record names. Nothing of it is kept; ask for it again."}
)

// transit is a file that is here.
type transit struct {
	Document string          `json:"-"`
	Scope    fieldsync.Scope `json:"-"`
	Up       bool            `json:"-"`
	SHA256   string          `json:"sha256,omitempty"` // of the whole
	Type     string          `json:"type,omitempty"`
	Size     int64           `json:"size,omitempty"`
	Key      []byte          `json:"key,omitempty"`   // under which one that goes up lies
	Place    string          `json:"place,omitempty"` // of the upload at the hub
	Tag      string          `json:"tag,omitempty"`   // of one that comes down

	shut bool // this device cannot read it: it knows nothing of the above but which it is
	sealedFile
}

// sealedFile is what is known of a file that goes up by whoever cannot read it.
type sealedFile struct {
	box, hubKey []byte // what is sealed to the hub, and to which key of it
	of          string // the replica under which it was
	length      int64  // as it lies
	place       string // of the upload of it as it lies
}

func piecePlace(document string, at int64) seal.Place {
	return seal.Place{Collection: "files", Record: document, Field: strconv.FormatInt(at, 10)}
}

// factsPlace is where what is known of a file stands: before its first byte.
func factsPlace(document string) seal.Place { return piecePlace(document, -1) }

// sealPiece seals bytes of a file, or what is known of it, under the key of its
// scope.
func (x *tx) sealPiece(s fieldsync.Scope, at seal.Place, plain []byte) ([]byte, error) {
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, err
	}
	box, err := x.t.keys.of(x.ctx, s)
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, x.t.rand, at, plain)
}

func (x *tx) openPiece(s fieldsync.Scope, at seal.Place, sealed []byte) ([]byte, error) {
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, err
	}
	box := x.t.keys.scopes[s]
	if box == nil {
		return nil, errNoKey
	}
	return box.Open(nil, at, sealed)
}

// homeOf is the scope that the file of a document belongs to.
func (x *tx) homeOf(document string) (fieldsync.Scope, Record, error) {
	r, err := x.show(document)
	if err != nil {
		return "", r, err
	}
	if r.Collection != "documents" {
		return "", r, ErrNoDocument
	}
	c := care.Compartment(r.Get("compartment").Text())
	if c == "" {
		c = care.General
	}
	return fieldsync.CaseScope(r.Case, c), r, nil
}

func (x *tx) saveTransit(f transit) error {
	plain, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keeping a file: %w", err)
	}
	facts, err := x.sealPiece(f.Scope, factsPlace(f.Document), plain)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO files (document, up, scope, facts, sealed, hub_key, sealed_of, length) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (document, up) DO UPDATE SET facts = excluded.facts`, f.Document, f.Up, string(f.Scope), facts, f.box, string(f.hubKey), f.of, f.length)
}

// savePiece keeps bytes of a file that comes down, from a place on.
func (x *tx) savePiece(f transit, at int64, plain []byte) error {
	sealed, err := x.sealPiece(f.Scope, piecePlace(f.Document, at), plain)
	if err != nil {
		return err
	}
	return x.layPiece(f, at, len(plain), sealed)
}

func (x *tx) layPiece(f transit, at int64, length int, sealed []byte) error {
	return x.exec(`INSERT INTO file_pieces (document, up, at, length, sealed) VALUES (?, ?, ?, ?, ?)`, f.Document, f.Up, at, length, sealed)
}

// dropFile destroys what is here of a file that goes up, or comes down.
func (x *tx) dropFile(document string, up bool) error {
	return errors.Join(x.exec(`DELETE FROM file_pieces WHERE document = ? AND up = ?`, document, up), x.exec(`DELETE FROM files WHERE document = ? AND up = ?`, document, up))
}

// transits lists files, those that nobody here can read any more as shut.
func (x *tx) transits(where string, args ...any) (list []transit, err error) {
	var facts [][]byte
	err = x.each(func(scan func(...any) error) error {
		var f transit
		var b []byte
		if err := scan(&f.Document, &f.Scope, &f.Up, &b, &f.box, &f.hubKey, &f.of, &f.length, &f.place); err != nil {
			return fmt.Errorf("reading the tablet's files: %w", err)
		}
		list, facts = append(list, f), append(facts, b)
		return nil
	}, `SELECT document, scope, up, facts, sealed, hub_key, sealed_of, length, place FROM files WHERE `+where+` ORDER BY document, up`, args...)
	for i := range list {
		f := &list[i]
		if f.shut = facts[i] == nil || x.t.keys.lockedBy() != nil || x.t.keys.scopes[f.Scope] == nil; f.shut || err != nil {
			continue
		}
		var plain []byte
		if plain, err = x.openPiece(f.Scope, factsPlace(f.Document), facts[i]); err == nil {
			err = json.Unmarshal(plain, f)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the tablet's files: %w", err)
	}
	return list, nil
}

// FilesWaiting counts the files that the hub does not have yet.
func (t *Tablet) FilesWaiting(ctx context.Context) (int, error) {
	var n uint64
	err := t.inTx(ctx, func(x *tx) (err error) {
		n, err = x.filesWaiting()
		return err
	})
	return int(n), err
}

func (x *tx) filesWaiting() (n uint64, err error) {
	if err := x.tx.QueryRowContext(x.ctx, `SELECT COUNT(*) FROM files WHERE up`).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the tablet's files: %w", err)
	}
	return n, nil
}

// Attach keeps the file of a document that is here, sealed, until the hub has
// it. It goes up with the next sync, after what was written. A file that was
// attached before and has not gone up yet is replaced.
func (t *Tablet) Attach(ctx context.Context, document, mime string, src io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(src, fileMost+1))
	if err != nil {
		return fmt.Errorf("reading a file: %w", err)
	}
	if len(b) == 0 || len(b) > fileMost {
		return ErrFileSize
	}
	return t.inTx(ctx, func(x *tx) error {
		if err := x.writable(); err != nil {
			return err
		}
		f, sealed, err := x.sealFile(document, mime, b)
		if err != nil {
			return err
		}
		if err := errors.Join(x.dropFile(document, true), x.saveTransit(f)); err != nil {
			return err
		}
		for at := 0; at < len(sealed); at += filePiece {
			piece := sealed[at:min(len(sealed), at+filePiece)]
			if err := x.layPiece(f, int64(at), len(piece), piece); err != nil {
				return err
			}
		}
		return nil
	})
}

// sealFile seals a file of a document that is here under a key of its own, and
// that to the hub.
func (x *tx) sealFile(document, mime string, b []byte) (f transit, sealed []byte, err error) {
	scope, r, err := x.homeOf(document)
	if err != nil {
		return f, nil, err
	}
	id, err := x.identity()
	if err != nil {
		return f, nil, err
	}
	key, err := seal.NewKey(x.t.rand)
	if err != nil {
		return f, nil, err
	}
	sum := sha256.Sum256(b)
	f = transit{Document: document, Scope: scope, Up: true, SHA256: hex.EncodeToString(sum[:]), Type: mime, Size: int64(len(b)), Key: key[:]}
	f.of, f.length = id.Replica, seal.FileBytes(f.Size)
	var out bytes.Buffer
	if err := seal.NewBox(0, key).SealFile(&out, bytes.NewReader(b), x.t.rand, f.lies()); err != nil {
		return f, nil, err
	}
	return f, out.Bytes(), x.sealToHub(&f, r, id.Staff)
}

// lies is the place to which a file that goes up, and what is sealed of it to
// the hub, are bound (docs/protocol.md).
func (f *transit) lies() seal.Place {
	return seal.Place{Collection: "unsent_files", Record: f.of, Field: f.Document}
}

// sealToHub seals a file's key to the hub, with what it must know of the file
// once nobody here reads it any more.
func (x *tx) sealToHub(f *transit, r Record, staff string) error {
	if err := x.t.observe(x); err != nil {
		return err
	}
	clock := x.t.clock.Tick()
	if err := x.setMeta(metaClock, string(clock)); err != nil {
		return err
	}
	_, part, _ := strings.Cut(string(f.Scope), "/")
	plain, err := fieldsync.UnsentFile{Document: f.Document, Case: r.Case, Compartment: care.Compartment(part), SHA256: f.SHA256, Type: f.Type,
		Size: f.Size, Key: f.Key, Author: staff, Clock: clock}.Encode()
	if err != nil {
		return err
	}
	var to fieldsync.HubKey
	if err := x.metaJSON(metaHubKey, &to); err != nil {
		return err
	}
	public, err := base64.RawURLEncoding.DecodeString(to.Public)
	if err != nil {
		return errAnswer
	}
	f.hubKey = []byte(to.ID)
	f.box, err = seal.SealIntake(public, f.lies(), plain)
	return err
}

// lying reads a file that goes up as it lies, and holds the store for one piece
// at a time.
type lying struct {
	t   *Tablet
	ctx context.Context
	f   transit
}

// ReadAt reads as it lies, from any byte on.
func (l *lying) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		var from int64
		var piece []byte
		err := l.t.inTx(l.ctx, func(x *tx) error {
			return x.tx.QueryRowContext(l.ctx, `SELECT at, sealed FROM file_pieces WHERE document = ? AND up AND at <= ? AND at + length > ?`,
				l.f.Document, at+int64(n), at+int64(n)).Scan(&from, &piece)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return n, io.EOF
		}
		if err != nil {
			return n, fmt.Errorf("reading the tablet's files: %w", err)
		}
		n += copy(b[n:], piece[at+int64(n)-from:])
	}
	return n, nil
}

// plain reads the file itself, from any byte on.
func (l *lying) plain() (*seal.FileReader, error) {
	return seal.NewBox(0, seal.Key(l.f.Key)).ReadFile(l, l.f.length, l.f.lies())
}

// pieces reads a file that came down, from a place on, and holds the store for
// one piece at a time.
type pieces struct {
	t    *Tablet
	ctx  context.Context
	f    transit
	at   int64
	held bytes.Reader
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.held.Len() == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n, err := p.held.Read(b)
	p.at += int64(n)
	return n, err
}

func (p *pieces) next() error {
	return p.t.inTx(p.ctx, func(x *tx) error {
		found := false
		var from int64
		var sealed []byte
		err := x.each(func(scan func(...any) error) error {
			found = true
			return scan(&from, &sealed)
		}, `SELECT at, sealed FROM file_pieces WHERE document = ? AND NOT up AND at <= ? AND at + length > ?`, p.f.Document, p.at, p.at)
		if err != nil {
			return fmt.Errorf("reading the tablet's files: %w", err)
		}
		if !found {
			return io.EOF
		}
		plain, err := x.openPiece(p.f.Scope, piecePlace(p.f.Document, from), sealed)
		if err == nil {
			p.held.Reset(plain[p.at-from:])
		}
		return err
	})
}
