package tablet

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portolan/care"
)

// Patience with the line.
const (
	dialTimeout   = 15 * time.Second
	headerTimeout = 2 * time.Minute // a first answer may have to wait behind a large push
	stallTimeout  = time.Minute     // without one byte of an answer
	gzipFrom      = 512             // bytes of a body below which compression gains nothing
	problemMax    = 64 << 10        // bytes of an error's body
)

// Errors of reaching the hub.
var (
	errURL         = &care.Error{Code: "url_malformed", Kind: care.Invalid, Hint: "The hub's address is https://host[:port], with #sha256=… as on its code where the hub made its own certificate."}
	errPlain       = &care.Error{Code: "url_plain_http", Kind: care.Invalid, Hint: "Plain http only on this machine (or with --plain-http, in a network that is protected otherwise)."}
	errUnreachable = &care.Error{Code: "hub_unreachable", Kind: care.Busy, Hint: "The hub cannot be reached now. Everything is kept; sync again when there is a network."}
	errBroken      = &care.Error{Code: "answer_broken_off", Kind: care.Busy, Hint: "The line broke during the answer. What came is kept; sync again."}
	errFingerprint = &care.Error{Code: "certificate_unknown", Kind: care.Signin, Hint: "This is not the hub that this tablet was enrolled at: its certificate has another fingerprint. Nothing was sent."}
	errCertificate = &care.Error{Code: "certificate_refused", Kind: care.Signin, Hint: "No known authority vouches for the hub's certificate, or it has run out, or this device's clock is wrong. Nothing was sent. A hub that made its own certificate is enrolled at with the whole address, with its #sha256=…."}
	errAnswer      = &care.Error{Code: "answer_unknown", Kind: care.Busy, Hint: "What answers at this address is no hub, or something on the way changed the answer. Nothing was lost."}
)

// Unreachable says whether an error means no more than that there is no line
// to the hub now.
func Unreachable(err error) bool {
	code := care.CodeOf(err)
	return code == errUnreachable.Code || code == errBroken.Code
}

// address is where a hub is, and by which certificate it is known.
type address struct {
	base        *url.URL
	fingerprint string // SHA-256 of a certificate, hex; "" where a public authority vouches
}

// parseAddress reads https://host:port#sha256=<hex>.
func parseAddress(s string, plainHTTP bool) (address, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Path != "" && u.Path != "/") {
		return address{}, errURL
	}
	a := address{}
	if u.Fragment != "" {
		hexed, ok := strings.CutPrefix(u.Fragment, "sha256=")
		a.fingerprint = strings.ToLower(strings.ReplaceAll(hexed, ":", ""))
		if b, err := hex.DecodeString(a.fingerprint); !ok || err != nil || len(b) != sha256.Size {
			return address{}, errURL
		}
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && a.fingerprint == "" && (plainHTTP || isLoopback(u.Hostname())):
	case u.Scheme == "http":
		return address{}, errPlain
	default:
		return address{}, errURL
	}
	a.base = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return a, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// line is a connection to one hub.
type line struct {
	at     address
	sign   *signer // nil before the tablet is enrolled
	token  string  // of some minutes, for realtime
	client *http.Client
}

func newLine(at address, sign *signer, now func() time.Time) *line {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
	}
	if at.fingerprint != "" {
		// The fingerprint takes the place of the public authorities: verify
		// checks the chain that the standard verification would have.
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
			VerifyConnection: func(s tls.ConnectionState) error { return verifyPinned(at, s, now()) }}
	}
	// A signature goes to the hub that gave it, and nowhere that it points to.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &line{at: at, sign: sign, client: &http.Client{Transport: t, CheckRedirect: stay}}
}

// verifyPinned accepts a server whose own certificate has the fingerprint, or
// whose chain leads to a certificate with it that the server sent along (the
// hub's local authority).
func verifyPinned(at address, s tls.ConnectionState, now time.Time) error {
	certs := s.PeerCertificates
	i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
		sum := sha256.Sum256(c.Raw)
		return hex.EncodeToString(sum[:]) == at.fingerprint
	})
	if i < 0 {
		return errFingerprint
	}
	if i == 0 {
		return nil // the TLS handshake has proved that the server holds its key
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(certs[i])
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	if _, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: at.base.Hostname(), CurrentTime: now}); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: certs, Err: err}
	}
	return nil
}

func (l *line) close() { l.client.CloseIdleConnections() }

// ask sends a request and returns the answer to a success. Everything else
// becomes an error; the body of a success stays open.
func (l *line) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := l.askOnce(ctx, method, path, body)
		if err == nil || l.sign == nil || try == signTries {
			return resp, err
		}
		again, noted := l.sign.again(ctx, err)
		if noted != nil || !again {
			return nil, errors.Join(err, noted)
		}
	}
}

func (l *line) askOnce(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := l.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	return l.do(ctx, req)
}

// do sends a request and returns the answer to a success, as ask does.
func (l *line) do(ctx context.Context, req *http.Request) (*http.Response, error) {
	resp, err := l.client.Do(req)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errFingerprint):
		return nil, errFingerprint
	case errors.As(err, &certificate):
		return nil, errCertificate
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, unreachable(err)
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, problemOf(resp)
}

// unreachable keeps the cause without the request's address.
func unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	e := *errUnreachable
	e.Err = err
	return &e
}

func (l *line) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	var sent []byte
	gzipped := len(body) >= gzipFrom
	if sent = body; gzipped {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(body); err != nil {
			return nil, fmt.Errorf("compressing a push: %w", err)
		}
		if err := z.Close(); err != nil {
			return nil, fmt.Errorf("compressing a push: %w", err)
		}
		sent = b.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, method, l.at.base.String()+path, bytes.NewReader(sent))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if gzipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	switch {
	case path == realtimePath && l.token != "":
		req.Header.Set("Authorization", "Bearer "+l.token)
	case path != realtimePath && l.sign != nil:
		signed, err := l.sign.authorization(ctx, method, path, sent)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", signed)
	}
	return req, nil
}

// HubError is the hub's answer when it is no success.
type HubError struct {
	Said     *care.Error
	Wait     time.Duration // for how long the hub asks to be left alone
	Now      int64         // its time in milliseconds, where the request's was wrong
	After    int64         // after which the next request is to be signed
	Expected uint64        // from which number it wants changes again, 0 where it does not say
}

func (e *HubError) Error() string { return e.Said.Error() }

// Unwrap gives the error with its code.
func (e *HubError) Unwrap() error { return e.Said }

// kinds is what a status means to the tablet.
var kinds = map[int]care.Kind{
	http.StatusBadRequest: care.Invalid, http.StatusUnauthorized: care.Signin, http.StatusForbidden: care.Signin,
	http.StatusNotFound: care.NotFound, http.StatusConflict: care.Conflict, http.StatusRequestEntityTooLarge: care.TooLarge,
	http.StatusUnprocessableEntity: care.Unprocessed, http.StatusTooManyRequests: care.Busy, http.StatusServiceUnavailable: care.Busy,
}

// bare is what a status says that comes without a body.
var bare = map[int]string{
	http.StatusUnauthorized: "token_invalid", http.StatusNotFound: "not_found", http.StatusConflict: "upload_taken",
	http.StatusTooManyRequests: "too_many_requests", http.StatusServiceUnavailable: "hub_busy", http.StatusInsufficientStorage: "disk_full",
}

// problemOf reads an error's body. What is not in the hub's form does not come
// from a hub, and means nothing for what is stored here.
func problemOf(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, problemMax))
	if err != nil {
		return unreachable(err)
	}
	var p struct {
		Code     string `json:"code"`
		Hint     string `json:"hint"`
		Message  string `json:"message"`
		Expected uint64 `json:"expected"`
		Now      int64  `json:"now"`
		After    int64  `json:"after"`
	}
	if resp.Request != nil && resp.Request.Method == http.MethodHead { // has no body
		body = []byte(`{"code":"` + bare[resp.StatusCode] + `"}`)
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		e := *errAnswer
		e.Err = errors.New("status " + strconv.Itoa(resp.StatusCode))
		return &e
	}
	kind, ok := kinds[resp.StatusCode]
	if !ok {
		kind = care.Busy
	}
	if p.Hint == "" {
		p.Hint = p.Message
	}
	e := &HubError{Said: &care.Error{Code: printable(p.Code), Kind: kind, Hint: printable(p.Hint)}, Expected: p.Expected, Now: p.Now, After: p.After}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.Wait = time.Duration(s) * time.Second
	}
	return e
}

// stalled cuts a stream on which nothing comes for as long as limit.
type stalled struct {
	r     io.Reader
	limit time.Duration
	timer *time.Timer
}

func newStalled(r io.Reader, limit time.Duration, cut func()) *stalled {
	return &stalled{r, limit, time.AfterFunc(limit, cut)}
}

func (s *stalled) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.timer.Reset(s.limit)
	return n, err
}

func (s *stalled) stop() { s.timer.Stop() }
