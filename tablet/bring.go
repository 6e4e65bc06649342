package tablet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"portolan/care"
)

const (
	uploadsPath = "/api/portolan/uploads"
	pieceType   = "application/offset+octet-stream"
	// A piece that broke off without anything of it having come is given a
	// quarter next time: something on the way gathers whole requests.
	bringLeast = 4 << 10
	vainMost   = 8 // tries in a row of which nothing came
)

// FileFault is why a file did not go up. It stays here and is tried again.
type FileFault struct {
	Document string `json:"document"`
	Code     string `json:"code"`
}

// bringFiles sends the files that wait, one after the other, each from where
// the hub has it. What the hub refuses keeps no other from going; where the
// line is away the rest waits.
func (t *Tablet) bringFiles(ctx context.Context, l *line, report *Report) error {
	var waiting []transit
	err := t.inTx(ctx, func(x *tx) (err error) {
		if ended, err := x.meta(metaEnded); err != nil || ended != "" || x.t.keys.lockedBy() != nil {
			return err
		}
		waiting, err = x.transits(`up`)
		return err
	})
	for i := 0; err == nil && i < len(waiting); i++ {
		err = t.bring(ctx, l, waiting[i])
		var said *HubError
		switch {
		case err == nil:
			report.Files++
			err = t.inTx(ctx, func(x *tx) error { return x.dropFile(waiting[i].Document) })
		case errors.As(err, &said) && said.Said.Kind != care.Busy && said.Said.Kind != care.Signin:
			report.FileFaults = append(report.FileFaults, FileFault{waiting[i].Document, said.Said.Code})
			err = nil
		}
	}
	report.FilesWaiting = len(waiting) - report.Files
	if report.Files > 0 {
		err = errors.Join(err, t.scrub(ctx))
	}
	return err
}

// bring sends one file until the hub has it whole. It gives up where the line
// is away, or carried nothing several times.
func (t *Tablet) bring(ctx context.Context, l *line, f transit) error {
	piece, reached, vain := f.Size, int64(-1), 0
	for {
		offset, err := t.bringOnce(ctx, l, &f, &piece)
		switch {
		case err == nil && offset == f.Size:
			return nil
		case err != nil && !elsewhere(err) && (!Unreachable(err) || ctx.Err() != nil || noLine(err)):
			return err
		case offset > reached:
			reached, vain = offset, 0
		default:
			if vain++; vain == vainMost {
				return err
			}
			piece = max(bringLeast, piece/4)
		}
	}
}

// bringOnce asks how far a file has come and sends the next piece of it.
func (t *Tablet) bringOnce(ctx context.Context, l *line, f *transit, piece *int64) (offset int64, err error) {
	if f.Place == "" {
		if err := t.beginBringing(ctx, l, f); err != nil {
			return -1, err
		}
	}
	resp, err := l.askFile(ctx, "HEAD", f.Place, nil, 0)
	if missing(err) { // it has ended: the hub was restored, or two weeks went by
		f.Place = ""
		return -1, t.beginBringing(ctx, l, f)
	}
	if err != nil {
		return -1, err
	}
	offset, err = offsetIn(resp)
	if err != nil || offset >= f.Size {
		return offset, err
	}
	n := min(*piece, f.Size-offset)
	body := io.LimitReader(&pieces{t: t, ctx: ctx, f: *f, at: offset}, n)
	resp, err = l.askFile(ctx, "PATCH", f.Place, body, n, "Content-Type", pieceType, "Upload-Offset", strconv.FormatInt(offset, 10))
	if err != nil {
		return offset, err
	}
	*piece *= 2
	return offsetIn(resp)
}

// elsewhere says that the hub has come further with a file than we knew, or is
// still busy with the request whose line broke.
func elsewhere(err error) bool {
	var said *HubError
	return errors.As(err, &said) && (said.Said.Code == "upload_offset" || said.Said.Code == "upload_taken")
}

func missing(err error) bool {
	var said *HubError
	return errors.As(err, &said) && said.Said.Kind == care.NotFound
}

// offsetIn reads how far the hub has a file.
func offsetIn(resp *http.Response) (int64, error) {
	resp.Body.Close() // it has none
	n, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 {
		return -1, errAnswer
	}
	return n, nil
}

// beginBringing makes place for a file at the hub, and notes where.
func (t *Tablet) beginBringing(ctx context.Context, l *line, f *transit) error {
	code := base64.StdEncoding.EncodeToString
	resp, err := l.askFile(ctx, "POST", uploadsPath, nil, 0, "Upload-Length", strconv.FormatInt(f.Size, 10),
		"Upload-Metadata", "document "+code([]byte(f.Document))+",sha256 "+code([]byte(f.SHA256))+",filetype "+code([]byte(f.Type)))
	if err != nil {
		return err
	}
	resp.Body.Close() // it has none
	f.Place = resp.Header.Get("Location")
	if !strings.HasPrefix(f.Place, uploadsPath+"/") {
		return errAnswer
	}
	return t.inTx(ctx, func(x *tx) error { return x.saveTransit(*f) })
}

// askFile sends a request about a file, with a token, which is fetched anew
// where it is over: such requests are not signed, so that every byte counts.
func (l *line) askFile(ctx context.Context, method, path string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	for fresh := false; ; fresh = true {
		if l.token == "" || fresh {
			if err := l.fetchToken(ctx); err != nil {
				return nil, err
			}
		}
		req, err := http.NewRequestWithContext(ctx, method, l.at.base.String()+path, body)
		if err != nil {
			return nil, fmt.Errorf("making a request: %w", err)
		}
		req.ContentLength = length
		req.Header.Set("Authorization", "Bearer "+l.token)
		req.Header.Set("Tus-Resumable", "1.0.0")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := l.do(ctx, req)
		var said *HubError
		if body == nil && !fresh && errors.As(err, &said) && said.Said.Kind == care.Signin {
			continue
		}
		return resp, err
	}
}

// Fetch gives out the file of a document that is here: the attached one, or the
// hub's. What of it came before the line broke is kept, and not asked for again.
func (t *Tablet) Fetch(ctx context.Context, document string, to io.Writer) error {
	var f transit
	var want string
	err := t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		scope, r, err := x.homeOf(document)
		if err != nil {
			return err
		}
		if r.Get("compartment").Text() != string(care.Evidence) { // of evidence a copy comes, made for showing
			want = r.Get("sha256").Text()
		}
		f = transit{Document: document, Scope: scope}
		there, err := x.transits(`document = ?`, document)
		if len(there) > 0 {
			f = there[0]
		}
		return err
	})
	if err == nil && !f.Up {
		err = t.take(ctx, &f, want)
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, &pieces{t: t, ctx: ctx, f: f}); err != nil {
		return fmt.Errorf("giving a file out: %w", err)
	}
	if f.Up {
		return nil
	}
	if err := t.inTx(ctx, func(x *tx) error { return x.dropFile(document) }); err != nil {
		return err
	}
	return t.scrub(ctx)
}

// take has the whole of a file come down.
func (t *Tablet) take(ctx context.Context, f *transit, want string) error {
	l, _, _, err := t.reach(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	for vain := 0; vain < vainMost; {
		came, whole, err := t.takeOnce(ctx, l, f)
		if err != nil && !Unreachable(err) || ctx.Err() != nil {
			return err
		}
		if whole {
			return t.checkFile(ctx, f, want)
		}
		if vain++; came {
			vain = 0
		} else if vain == vainMost || noLine(err) {
			return err
		}
	}
	return nil
}

// takeOnce asks for what is missing of a file, and keeps what comes.
func (t *Tablet) takeOnce(ctx context.Context, l *line, f *transit) (came, whole bool, err error) {
	var have int64
	err = t.inTx(ctx, func(x *tx) error {
		return x.tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(at + length), 0) FROM file_pieces WHERE document = ?`, f.Document).Scan(&have)
	})
	if err != nil || f.Tag != "" && have == f.Size {
		return false, err == nil, err
	}
	var header []string
	if f.Tag != "" {
		header = []string{"Range", "bytes=" + strconv.FormatInt(have, 10) + "-", "If-Range", f.Tag}
	}
	resp, err := l.askFile(ctx, "GET", "/api/portolan/documents/"+f.Document+"/file", nil, 0, header...)
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent { // the first time, or of other bytes
		have = 0
		f.Tag, f.Size = resp.Header.Get("Etag"), resp.ContentLength
		if f.Tag == "" || f.Size < 0 || f.Size > fileMost {
			return false, false, errAnswer
		}
		if err := t.inTx(ctx, func(x *tx) error { return errors.Join(x.dropFile(f.Document), x.saveTransit(*f)) }); err != nil {
			return false, false, err
		}
	}
	buf := make([]byte, filePiece)
	for have < f.Size {
		n, readErr := io.ReadFull(resp.Body, buf[:min(filePiece, f.Size-have)])
		if n > 0 {
			came = true
			if err := t.inTx(ctx, func(x *tx) error { return x.savePiece(*f, have, buf[:n]) }); err != nil {
				return came, false, err
			}
			have += int64(n)
		}
		if readErr != nil {
			e := *errBroken
			e.Err = readErr
			return came, false, &e
		}
	}
	return came, true, nil
}

// checkFile looks whether what came is what the record names.
func (t *Tablet) checkFile(ctx context.Context, f *transit, want string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, &pieces{t: t, ctx: ctx, f: *f}); err != nil {
		return fmt.Errorf("checking a file: %w", err)
	}
	if want == "" || hex.EncodeToString(sum.Sum(nil)) == want {
		return nil
	}
	return errors.Join(ErrFileDiffer, t.inTx(ctx, func(x *tx) error { return x.dropFile(f.Document) }))
}
