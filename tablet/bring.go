package tablet

import (
	"bytes"
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
	// What is signed counts whole or not at all, and is at most so long.
	signedMost = 1 << 20
)

// FileFault is why a file did not go up. It stays here and is tried again.
type FileFault struct {
	Document string `json:"document"`
	Code     string `json:"code"`
}

// consignment is a file as it goes to the hub: as it was attached, or, where
// nobody here reads it any more or the hub knows no such document from this
// person, as it lies.
type consignment struct {
	transit
	sealed bool
	signed bool // the hub has ended this tablet: what it delivers is signed
}

func (c *consignment) bytes() int64 {
	if c.sealed {
		return c.length
	}
	return c.Size
}

// at is what the hub calls it.
func (c *consignment) at() *string {
	if c.sealed {
		return &c.sealedFile.place
	}
	return &c.Place
}

// said is what the hub is told of it, in the form of tus.
func (c *consignment) said() string {
	code := base64.StdEncoding.EncodeToString
	if c.sealed {
		return "of " + code([]byte(c.of+"/"+c.Document)) + ",key " + code(c.hubKey) + ",sealed " + code(c.box)
	}
	return "document " + code([]byte(c.Document)) + ",sha256 " + code([]byte(c.SHA256)) + ",filetype " + code([]byte(c.Type))
}

// from reads it from a byte on.
func (c *consignment) from(l *lying, offset int64) (io.Reader, error) {
	if c.sealed {
		return io.NewSectionReader(l, offset, c.length-offset), nil
	}
	r, err := l.plain()
	if err == nil {
		_, err = r.Seek(offset, io.SeekStart)
	}
	return r, err
}

// bringFiles sends the files that wait, one after the other, each from where
// the hub has it. What the hub refuses keeps no other from going; where the
// line is away the rest waits.
func (t *Tablet) bringFiles(ctx context.Context, l *line, report *Report) error {
	var waiting []transit
	var ended string
	err := t.inTx(ctx, func(x *tx) (err error) {
		if ended, err = x.meta(metaEnded); err == nil {
			waiting, err = x.transits(`up`)
		}
		return err
	})
	gone := 0
	for i := 0; err == nil && i < len(waiting); i++ {
		f := waiting[i]
		c := consignment{transit: f, sealed: f.shut || f.place != "", signed: ended != ""}
		if err = t.bring(ctx, l, &c); missing(err) && !c.sealed {
			c.sealed = true // the hub keeps its document aside too, or access ended a moment ago
			err = t.bring(ctx, l, &c)
		}
		var said *HubError
		switch {
		case err == nil:
			report.Files++
			if c.sealed {
				report.FilesAside++
			}
		case care.CodeOf(err) == codeErased:
			report.FilesErased = append(report.FilesErased, f.Document)
		case errors.As(err, &said) && said.Said.Kind != care.Busy && said.Said.Kind != care.Signin:
			report.FileFaults = append(report.FileFaults, FileFault{f.Document, said.Said.Code})
			err = nil
			continue
		default:
			continue // the line is away
		}
		gone++
		err = t.inTx(ctx, func(x *tx) error { return x.dropBrought(f) })
	}
	report.FilesWaiting = len(waiting) - gone
	if gone > 0 {
		err = errors.Join(err, t.scrub(ctx))
	}
	return err
}

// dropBrought destroys a file that the hub has, unless another one was attached
// in its place meanwhile.
func (x *tx) dropBrought(f transit) error {
	same, err := x.texts(`SELECT document FROM files WHERE document = ? AND up AND sealed = ?`, f.Document, f.box)
	if err != nil || len(same) == 0 {
		return err
	}
	return x.dropFile(f.Document, true)
}

// codeErased is the hub's answer about what was erased: nobody may keep it.
const codeErased = "erased"

// bring sends one file until the hub has it whole. It gives up where the line
// is away, or carried nothing several times.
func (t *Tablet) bring(ctx context.Context, l *line, c *consignment) error {
	piece, reached, vain := c.bytes(), int64(-1), 0
	for {
		offset, err := t.bringOnce(ctx, l, c, &piece)
		switch {
		case err == nil && offset == c.bytes():
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
func (t *Tablet) bringOnce(ctx context.Context, l *line, c *consignment, piece *int64) (offset int64, err error) {
	if *c.at() == "" {
		if err := t.beginBringing(ctx, l, c); err != nil {
			return -1, err
		}
	}
	resp, err := l.askFile(ctx, c.signed, "HEAD", *c.at(), nil, 0)
	if missing(err) { // it has ended: the hub was restored, or two weeks went by
		*c.at() = ""
		return -1, t.beginBringing(ctx, l, c)
	}
	if err != nil {
		return -1, err
	}
	offset, err = offsetIn(resp)
	if err != nil || offset >= c.bytes() {
		return offset, err
	}
	n := min(*piece, c.bytes()-offset)
	if c.signed {
		n = min(n, signedMost)
	}
	body, err := c.from(&lying{t, ctx, c.transit}, offset)
	if err != nil {
		return offset, err
	}
	resp, err = l.askFile(ctx, c.signed, "PATCH", *c.at(), io.LimitReader(body, n), n, "Content-Type", pieceType, "Upload-Offset", strconv.FormatInt(offset, 10))
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
func (t *Tablet) beginBringing(ctx context.Context, l *line, c *consignment) error {
	resp, err := l.askFile(ctx, c.signed, "POST", uploadsPath, nil, 0, "Upload-Length", strconv.FormatInt(c.bytes(), 10), "Upload-Metadata", c.said())
	if err != nil {
		return err
	}
	resp.Body.Close() // it has none
	place := resp.Header.Get("Location")
	if !strings.HasPrefix(place, uploadsPath+"/") {
		return errAnswer
	}
	*c.at() = place
	return t.inTx(ctx, func(x *tx) error {
		if c.sealed {
			return x.exec(`UPDATE files SET place = ? WHERE document = ? AND up`, place, c.Document)
		}
		return x.saveTransit(c.transit)
	})
}

// askFile sends a request about a file, with a token, which is fetched anew
// where it is over: such requests are not signed, so that every byte counts. A
// tablet that has ended is given no token, and signs.
func (l *line) askFile(ctx context.Context, signed bool, method, path string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	if signed {
		return l.askSigned(ctx, method, path, body, length, header...)
	}
	for fresh := false; ; fresh = true {
		if l.token == "" || fresh {
			if err := l.fetchToken(ctx); err != nil {
				return nil, err
			}
		}
		resp, err := l.askAs(ctx, "Bearer "+l.token, method, path, body, length, header...)
		var said *HubError
		if body == nil && !fresh && errors.As(err, &said) && said.Said.Kind == care.Signin {
			continue
		}
		return resp, err
	}
}

// askSigned sends a request about a file as every other of a tablet is sent:
// its body counts whole or not at all.
func (l *line) askSigned(ctx context.Context, method, path string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	sent := make([]byte, length)
	if length > 0 {
		if _, err := io.ReadFull(body, sent); err != nil {
			return nil, fmt.Errorf("reading a file: %w", err)
		}
	}
	for try := 1; ; try++ {
		by, err := l.sign.authorization(ctx, method, path, sent)
		if err != nil {
			return nil, err
		}
		resp, err := l.askAs(ctx, by, method, path, bytes.NewReader(sent), length, header...)
		if err == nil || try == signTries {
			return resp, err
		}
		again, noted := l.sign.again(ctx, err)
		if noted != nil || !again {
			return nil, errors.Join(err, noted)
		}
	}
}

func (l *line) askAs(ctx context.Context, by, method, path string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.at.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	if length == 0 {
		req.Body = nil
	}
	req.ContentLength = length
	req.Header.Set("Authorization", by)
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return l.do(ctx, req)
}

// Fetch gives out the file of a document that is here: the attached one, or the
// hub's. What of it came before the line broke is kept, and not asked for again.
func (t *Tablet) Fetch(ctx context.Context, document string, to io.Writer) error {
	var f transit
	err := t.inTx(ctx, func(x *tx) error {
		if err := x.readable(); err != nil {
			return err
		}
		scope, _, err := x.homeOf(document)
		if err != nil {
			return err
		}
		f = transit{Document: document, Scope: scope}
		there, err := x.transits(`document = ?`, document)
		for _, one := range there { // the attached one comes last
			if !one.shut {
				f = one
			}
		}
		return err
	})
	if err == nil && f.Up {
		return t.giveOut(ctx, f, to)
	}
	if err == nil {
		err = t.take(ctx, &f)
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, &pieces{t: t, ctx: ctx, f: f}); err != nil {
		return fmt.Errorf("giving a file out: %w", err)
	}
	if err := t.inTx(ctx, func(x *tx) error { return x.dropFile(document, false) }); err != nil {
		return err
	}
	return t.scrub(ctx)
}

// giveOut gives out a file that was attached and has not gone up.
func (t *Tablet) giveOut(ctx context.Context, f transit, to io.Writer) error {
	r, err := (&lying{t, ctx, f}).plain()
	if err == nil {
		_, err = io.Copy(to, r)
	}
	if err != nil {
		return fmt.Errorf("giving a file out: %w", err)
	}
	return nil
}

// take has the whole of a file come down.
func (t *Tablet) take(ctx context.Context, f *transit) error {
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
			return t.checkFile(ctx, f)
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
		return x.tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(at + length), 0) FROM file_pieces WHERE document = ? AND NOT up`, f.Document).Scan(&have)
	})
	if err != nil || f.Tag != "" && have == f.Size {
		return false, err == nil, err
	}
	var header []string
	if f.Tag != "" {
		header = []string{"Range", "bytes=" + strconv.FormatInt(have, 10) + "-", "If-Range", f.Tag}
	}
	resp, err := l.askFile(ctx, false, "GET", "/api/portolan/documents/"+f.Document+"/file", nil, 0, header...)
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent { // the first time, or of other bytes
		have = 0
		f.Tag, f.Size = resp.Header.Get("Etag"), resp.ContentLength
		sum, err := digestIn(resp)
		if f.SHA256 = sum; err != nil {
			return false, false, err
		}
		if f.Tag == "" || f.Size < 0 || f.Size > fileMost {
			return false, false, errAnswer
		}
		if err := t.inTx(ctx, func(x *tx) error { return errors.Join(x.dropFile(f.Document, false), x.saveTransit(*f)) }); err != nil {
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

// digestIn reads what the whole of a file must be (RFC 9530).
func digestIn(resp *http.Response) (string, error) {
	coded, ok := strings.CutPrefix(resp.Header.Get("Repr-Digest"), "sha-256=:")
	sum, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(coded, ":"))
	if !ok || err != nil || len(sum) != sha256.Size {
		return "", errAnswer
	}
	return hex.EncodeToString(sum), nil
}

// checkFile looks whether what came is what the hub said that it would be.
func (t *Tablet) checkFile(ctx context.Context, f *transit) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, &pieces{t: t, ctx: ctx, f: *f}); err != nil {
		return fmt.Errorf("checking a file: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) == f.SHA256 {
		return nil
	}
	return errors.Join(ErrFileDiffer, t.inTx(ctx, func(x *tx) error { return x.dropFile(f.Document, false) }))
}
