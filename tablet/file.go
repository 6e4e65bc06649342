package tablet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// Files of documents on their way up, from when they are attached until the hub
// has them whole, and on their way down, until they are given out. Nothing else
// of a file stays on a tablet. Their bytes lie in pieces, each sealed under the
// key of its scope; sealPiece and openPiece are the one place.

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
	SHA256   string          `json:"sha256,omitempty"` // of one that goes up
	Type     string          `json:"type,omitempty"`
	Size     int64           `json:"size,omitempty"`
	Place    string          `json:"place,omitempty"` // of the upload at the hub
	Tag      string          `json:"tag,omitempty"`   // of one that comes down
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
	return x.exec(`INSERT INTO files (document, scope, up, facts) VALUES (?, ?, ?, ?) ON CONFLICT (document) DO UPDATE SET facts = excluded.facts`,
		f.Document, string(f.Scope), f.Up, facts)
}

// savePiece keeps bytes of a file from a place on.
func (x *tx) savePiece(f transit, at int64, plain []byte) error {
	sealed, err := x.sealPiece(f.Scope, piecePlace(f.Document, at), plain)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO file_pieces (document, at, length, sealed) VALUES (?, ?, ?, ?)`, f.Document, at, len(plain), sealed)
}

// dropFile destroys what is here of a file.
func (x *tx) dropFile(document string) error {
	return errors.Join(x.exec(`DELETE FROM file_pieces WHERE document = ?`, document), x.exec(`DELETE FROM files WHERE document = ?`, document))
}

// lose notes which files that have not gone up are about to be destroyed, so
// that whoever attached them is told: nobody else has them.
func (x *tx) lose(where string, args ...any) error {
	going, err := x.texts(`SELECT document FROM files WHERE up AND `+where+` ORDER BY document`, args...)
	if err != nil || len(going) == 0 {
		return err
	}
	var lost []string
	if err := x.metaJSON(metaLost, &lost); err != nil {
		return err
	}
	return x.setMetaJSON(metaLost, append(lost, going...))
}

// tellLost gives what lose noted, once.
func (t *Tablet) tellLost(ctx context.Context) (lost []string, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if err := x.metaJSON(metaLost, &lost); err != nil || len(lost) == 0 {
			return err
		}
		return x.setMeta(metaLost, "")
	})
	return lost, err
}

// transits lists the files that go up, or the one of a document.
func (x *tx) transits(where string, args ...any) (list []transit, err error) {
	type row struct {
		f     transit
		facts []byte
	}
	var rows []row
	err = x.each(func(scan func(...any) error) error {
		var r row
		if err := scan(&r.f.Document, &r.f.Scope, &r.f.Up, &r.facts); err != nil {
			return fmt.Errorf("reading the tablet's files: %w", err)
		}
		rows = append(rows, r)
		return nil
	}, `SELECT document, scope, up, facts FROM files WHERE `+where+` ORDER BY document`, args...)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		plain, err := x.openPiece(r.f.Scope, factsPlace(r.f.Document), r.facts)
		if err == nil {
			err = json.Unmarshal(plain, &r.f)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the tablet's files: %w", err)
		}
		list = append(list, r.f)
	}
	return list, nil
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
	sum := sha256.Sum256(b)
	return t.inTx(ctx, func(x *tx) error {
		if err := x.writable(); err != nil {
			return err
		}
		scope, _, err := x.homeOf(document)
		if err != nil {
			return err
		}
		f := transit{Document: document, Scope: scope, Up: true, SHA256: hex.EncodeToString(sum[:]), Type: mime, Size: int64(len(b))}
		if err := errors.Join(x.dropFile(document), x.saveTransit(f)); err != nil {
			return err
		}
		for at := 0; at < len(b); at += filePiece {
			if err := x.savePiece(f, int64(at), b[at:min(len(b), at+filePiece)]); err != nil {
				return err
			}
		}
		return nil
	})
}

// pieces reads a file that is here, from a place on, and holds the store for
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
		}, `SELECT at, sealed FROM file_pieces WHERE document = ? AND at <= ? AND at + length > ?`, p.f.Document, p.at, p.at)
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
