package hooks

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// dial shakes hands with a line as a client that trusts roots only.
func dial(t *testing.T, line *Line, host string, roots *x509.CertPool, at time.Time) (tls.ConnectionState, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", line.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: host, Time: func() time.Time { return at }})
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

func open(t *testing.T, w Wire) *Line {
	t.Helper()
	if w.TLSDir == "" {
		w.TLSDir = t.TempDir()
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	line, err := w.Open()
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go srv.Serve(line.Listener)
	t.Cleanup(func() { srv.Close() })
	return line
}

func pool(t *testing.T, a *Authority) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(a.Certificate()) {
		t.Fatal("the authority's certificate cannot be read")
	}
	return p
}

func TestLocalAuthorityShakesHands(t *testing.T) {
	dir := t.TempDir()
	line := open(t, Wire{Listen: "0.0.0.0:0", TLSDir: dir})
	if !strings.HasPrefix(line.URL, "https://") || len(line.Fingerprint) != 64 {
		t.Fatalf("the line is %+v", line)
	}
	a, err := OpenAuthority(dir, time.Now, func() []string { return LocalHosts("0.0.0.0:0") })
	if err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint() != line.Fingerprint {
		t.Error("opened again, the authority is another one")
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		state, err := dial(t, line, host, pool(t, a), time.Now())
		if err != nil {
			t.Errorf("as %s: %v", host, err)
			continue
		}
		last := state.PeerCertificates[len(state.PeerCertificates)-1]
		sum := sha256.Sum256(last.Raw)
		if hex.EncodeToString(sum[:]) != line.Fingerprint {
			t.Error("the last certificate of the chain is not the one that tablets pin")
		}
	}
	if _, err := dial(t, line, "elsewhere.example", pool(t, a), time.Now()); err == nil {
		t.Error("the certificate passes for another host")
	}
	if _, err := dial(t, line, "localhost", x509.NewCertPool(), time.Now()); err == nil {
		t.Error("a client that does not know the authority took its certificate")
	}
	for _, name := range []string{"authority.pem", "hub.pem"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v", name, err, info.Mode())
		}
	}
}

func TestAuthorityRenewsBeforeTheEnd(t *testing.T) {
	now := time.Now()
	a, err := OpenAuthority(t.TempDir(), func() time.Time { return now }, func() []string { return []string{"localhost"} })
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.current("")
	if err != nil {
		t.Fatal(err)
	}
	now = first.Leaf.NotAfter.Add(-leafRenewal + time.Minute)
	second, err := a.current("")
	if err != nil {
		t.Fatal(err)
	}
	if second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 || !second.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Error("near its end the certificate was not renewed")
	}
	third, err := a.current("")
	if err != nil || third.Leaf.SerialNumber.Cmp(second.Leaf.SerialNumber) != 0 {
		t.Errorf("a fresh certificate was renewed again (%v)", err)
	}
}

func TestAuthorityFollowsANewAddress(t *testing.T) {
	hosts := []string{"localhost", "192.168.1.20"}
	a, err := OpenAuthority(t.TempDir(), time.Now, func() []string { return hosts })
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.current("192.168.7.99")
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.Leaf.VerifyHostname("192.168.7.99"); err != nil {
		t.Error(err)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool(t, a)}); err != nil {
		t.Error(err)
	}
}

// Whoever steals the authority's key must not be able to pass for a bank.
func TestAuthorityVouchesForLocalPlacesOnly(t *testing.T) {
	a, err := OpenAuthority(t.TempDir(), time.Now, func() []string { return []string{"localhost", "hub.local"} })
	if err != nil {
		t.Fatal(err)
	}
	if err := a.issue([]string{"bank.example"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.leaf.Leaf.Verify(x509.VerifyOptions{Roots: pool(t, a), DNSName: "bank.example"}); err == nil {
		t.Error("clients take a certificate of the local authority for any name")
	}
	if err := a.issue([]string{"8.8.8.8"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.leaf.Leaf.Verify(x509.VerifyOptions{Roots: pool(t, a), DNSName: "8.8.8.8"}); err == nil {
		t.Error("clients take a certificate of the local authority for any address")
	}
	// A hub with a public address for which it may not vouch stays usable.
	if _, err := a.current(""); err != nil {
		t.Fatal(err)
	}
	cert, err := a.current("8.8.8.8")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: pool(t, a), DNSName: "localhost"}); err != nil {
		t.Error(err)
	}
}

func TestCertificateFromFilesIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(a *Authority) {
		t.Helper()
		leaf, err := a.current("")
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]})
		for name, b := range map[string][]byte{"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), "cert.pem": cert} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	authority := func() *Authority {
		a, err := OpenAuthority(t.TempDir(), time.Now, func() []string { return []string{"localhost"} })
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first, second := authority(), authority()
	write(first)
	line := open(t, Wire{Listen: "127.0.0.1:0", CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")})
	if !strings.HasPrefix(line.URL, "https://") || line.Fingerprint != "" {
		t.Errorf("the line is %+v", line)
	}
	if _, err := dial(t, line, "localhost", pool(t, first), time.Now()); err != nil {
		t.Error(err)
	}
	write(second)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "cert.pem"), later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, line, "localhost", pool(t, second), time.Now()); err != nil {
		t.Error("a renewed certificate is not taken up:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, line, "localhost", pool(t, second), time.Now()); err != nil {
		t.Error("a half-written certificate ended the service:", err)
	}
}

func TestPlainHTTPOnLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		wire  Wire
		plain bool
	}{
		{Wire{Listen: "127.0.0.1:0"}, true},
		{Wire{Listen: "localhost:0"}, true},
		{Wire{Listen: "0.0.0.0:0"}, false},
		{Wire{Listen: ":0"}, false},
		{Wire{Listen: "0.0.0.0:0", InsecureHTTP: true}, true},
	} {
		line := open(t, c.wire)
		if got := strings.HasPrefix(line.URL, "http://"); got != c.plain {
			t.Errorf("%+v gives %s", c.wire, line.URL)
		}
		conn, err := net.Dial("tcp", line.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		n, _ := conn.Read(answer)
		conn.Close()
		// Go answers plain http on a TLS port with 400 or closes.
		if served := string(answer[:n]) == "HTTP/1.1 404"; served != c.plain {
			t.Errorf("%+v answers plain http with %q", c.wire, answer[:n])
		}
	}
}

func TestPublicNamesGetCertificatesForThatNameOnly(t *testing.T) {
	w := Wire{Listen: "127.0.0.1:0", ACMEHost: "hub.example.org", TLSDir: t.TempDir(), Now: time.Now}
	config, authority, err := w.config()
	if err != nil || authority != nil {
		t.Fatalf("config: %v, %v", authority, err)
	}
	_, err = config.GetCertificate(&tls.ClientHelloInfo{ServerName: "other.example.org"})
	if err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("asked for another name, it says %v", err)
	}
	if err := autocert.HostWhitelist(w.ACMEHost)(t.Context(), "hub.example.org"); err != nil {
		t.Error(err)
	}
}

func TestFlagsThatExcludeEachOtherAreRefused(t *testing.T) {
	for _, w := range []Wire{
		{Listen: "no port"},
		{Listen: ":1", CertFile: "c"},
		{Listen: ":1", KeyFile: "k"},
		{Listen: ":1", CertFile: "c", KeyFile: "k", ACMEHost: "h"},
		{Listen: ":1", ACMEHost: "h", InsecureHTTP: true},
	} {
		if err := w.Check(); err == nil {
			t.Errorf("%+v is taken", w)
		}
	}
}

func TestAnExpiredAuthorityIsSaidToBe(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	hosts := func() []string { return []string{"localhost"} }
	if _, err := OpenAuthority(dir, func() time.Time { return now }, hosts); err != nil {
		t.Fatal(err)
	}
	now = now.Add(authorityLife + time.Hour)
	if _, err := OpenAuthority(dir, func() time.Time { return now }, hosts); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("it says %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "authority.pem"), []byte(rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(dir, time.Now, hosts); err == nil {
		t.Error("a damaged authority was replaced in silence: every tablet would be locked out")
	}
}
