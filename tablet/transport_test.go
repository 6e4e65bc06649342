package tablet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"portolan/care"
)

// issue makes a certificate, signed by a parent or by itself.
func issue(t *testing.T, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func TestPinnedCertificates(t *testing.T) {
	start := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "local authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: start, NotAfter: start.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign}
	root, rootKey := issue(t, authority, nil, nil)
	stranger, strangerKey := issue(t, authority, nil, nil)
	host := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "hub"}, NotBefore: start, NotAfter: start.AddDate(0, 3, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	elsewhere := *host
	elsewhere.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	leaf, leafKey := issue(t, host, root, rootKey)
	forged, forgedKey := issue(t, host, stranger, strangerKey)
	moved, movedKey := issue(t, &elsewhere, root, rootKey)

	for _, c := range []struct {
		name  string
		chain []*x509.Certificate
		key   *ecdsa.PrivateKey
		pin   string
		now   time.Time
		code  string // "" for success
	}{
		{"the authority is pinned", []*x509.Certificate{leaf, root}, leafKey, fingerprint(root), start.AddDate(0, 1, 0), ""},
		{"the hub's own certificate is pinned", []*x509.Certificate{leaf}, leafKey, fingerprint(leaf), start.AddDate(0, 1, 0), ""},
		{"another authority", []*x509.Certificate{forged, stranger}, forgedKey, fingerprint(root), start.AddDate(0, 1, 0), "certificate_unknown"},
		{"the authority sent along and not the signer", []*x509.Certificate{forged, root}, forgedKey, fingerprint(root), start.AddDate(0, 1, 0), "certificate_refused"},
		{"run out", []*x509.Certificate{leaf, root}, leafKey, fingerprint(root), start.AddDate(1, 0, 0), "certificate_refused"},
		{"for another address", []*x509.Certificate{moved, root}, movedKey, fingerprint(root), start.AddDate(0, 1, 0), "certificate_refused"},
		{"nothing pinned", []*x509.Certificate{leaf, root}, leafKey, "", start.AddDate(0, 1, 0), "certificate_refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			var raw [][]byte
			for _, x := range c.chain {
				raw = append(raw, x.Raw)
			}
			s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: raw, PrivateKey: c.key}}}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			defer s.Close()
			url := "https://" + s.Listener.Addr().String()
			if c.pin != "" {
				url += "#sha256=" + c.pin
			}
			at, err := parseAddress(url, false)
			if err != nil {
				t.Fatal(err)
			}
			l := newLine(at, nil, func() time.Time { return c.now })
			defer l.close()
			resp, err := l.ask(t.Context(), "GET", "/", nil)
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil) != (c.code == "") || err != nil && care.CodeOf(err) != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}
