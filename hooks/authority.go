package hooks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// How long certificates of a hub's own authority are good for. A leaf must
// stay under 825 days, or Apple's systems refuse it (support.apple.com/103769).
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 397 * 24 * time.Hour
	leafRenewal   = 30 * 24 * time.Hour // before its end
	backdating    = 24 * time.Hour      // tablets with a slow clock must not refuse a new certificate
)

// Authority is the hub's own certificate authority, for a hub that has no
// public name: made on first use, pinned by tablets as they enrol.
type Authority struct {
	dir   string
	now   func() time.Time
	hosts func() []string // names and addresses at which the hub is reached now
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu   sync.Mutex
	leaf *tls.Certificate
}

// OpenAuthority reads the authority in a folder, or makes it there. hosts
// gives the names and addresses that the hub goes by at the moment.
func OpenAuthority(dir string, now func() time.Time, hosts func() []string) (*Authority, error) {
	a := &Authority{dir: dir, now: now, hosts: hosts}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the local authority: %w", err)
	}
	cert, key, err := readPair(dir, "authority")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = a.make()
	case err == nil:
		a.cert, a.key = cert, key
	}
	if err != nil {
		return nil, fmt.Errorf("opening the local authority: %w", err)
	}
	if now().After(a.cert.NotAfter) {
		return nil, errors.New("the local authority has expired: remove " + dir + " to make a new one, and enrol the tablets again")
	}
	if cert, key, err := readPair(dir, "hub"); err == nil {
		a.leaf = a.pair(cert, key)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the hub's certificate: %w", err)
	}
	if _, err := a.current(""); err != nil {
		return nil, err
	}
	return a, nil
}

// Fingerprint is the SHA-256 of the authority's certificate (DER), in hex:
// what a tablet pins. The hub sends that certificate last in its chain.
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Certificate is the authority's own certificate as PEM, for whoever installs
// it in a browser.
func (a *Authority) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// TLS is the server's side.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			var reached string
			if addr, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
				reached = addr.IP.String()
			}
			return a.current(reached)
		},
	}
}

// current is the hub's certificate: renewed before its end, and made anew
// where the hub has got another address (DHCP).
func (a *Authority) current(reached string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := []string{reached}
	if reached == "" {
		wanted = a.hosts()
	}
	fresh := a.leaf != nil && a.now().Before(a.leaf.Leaf.NotAfter.Add(-leafRenewal))
	if fresh && covers(a.leaf.Leaf, a.permitted(wanted)) {
		return a.leaf, nil
	}
	if err := a.issue(a.permitted(append(a.hosts(), wanted...))); err != nil {
		return nil, fmt.Errorf("making the hub's certificate: %w", err)
	}
	return a.leaf, nil
}

// permitted leaves out what the authority may not vouch for: one such name
// would spoil the whole certificate.
func (a *Authority) permitted(hosts []string) []string {
	var kept []string
	for _, h := range hosts {
		ip := net.ParseIP(h)
		if ip != nil && slices.ContainsFunc(a.cert.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) }) ||
			ip == nil && slices.ContainsFunc(a.cert.PermittedDNSDomains, func(d string) bool { return h == d || strings.HasSuffix(h, "."+d) }) {
			kept = append(kept, h)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

func covers(cert *x509.Certificate, hosts []string) bool {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			if !slices.ContainsFunc(cert.IPAddresses, ip.Equal) {
				return false
			}
		} else if !slices.Contains(cert.DNSNames, h) {
			return false
		}
	}
	return true
}

// make makes the authority. Name constraints (RFC 5280 §4.2.1.10) keep
// whoever steals its key from vouching for any place but a local network and
// this hub: people are asked to trust it in their browsers.
func (a *Authority) make() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Portolan local authority"},
		NotBefore: a.now().Add(-backdating), NotAfter: a.now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost", "local", "lan", "internal", "home.arpa"},
	}
	for _, cidr := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"} {
		_, n, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		t.PermittedIPRanges = append(t.PermittedIPRanges, n)
	}
	for _, h := range a.hosts() {
		if ip := net.ParseIP(h); ip == nil {
			t.PermittedDNSDomains = append(t.PermittedDNSDomains, h)
		} else if v4 := ip.To4(); v4 != nil {
			t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: v4, Mask: net.CIDRMask(32, 32)})
		} else {
			t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)})
		}
	}
	a.cert, err = sign(t, t, key, key)
	if err != nil {
		return err
	}
	a.key = key
	return writePair(a.dir, "authority", a.cert, key)
}

// issue makes the hub's certificate for the hosts.
func (a *Authority) issue(hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	end := a.now().Add(leafLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Portolan hub"},
		NotBefore: a.now().Add(-backdating), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	cert, err := sign(t, a.cert, key, a.key)
	if err != nil {
		return err
	}
	if err := writePair(a.dir, "hub", cert, key); err != nil {
		return err
	}
	a.leaf = a.pair(cert, key)
	return nil
}

func (a *Authority) pair(cert *x509.Certificate, key *ecdsa.PrivateKey) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key, Leaf: cert}
}

func sign(t, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePair(dir, name string, cert *x509.Certificate, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// Key and certificate in one file, renamed into place: a hub that dies
	// here finds the old pair or the new one, never half of each.
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	path := filepath.Join(dir, name+".pem")
	if err := os.WriteFile(path+".new", both, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readPair(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, name+".pem")
	both, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(both, both)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("reading %s: not an ECDSA key", path)
	}
	return pair.Leaf, key, nil
}

// LocalHosts gives the names and addresses of this machine, and the one that
// the hub was told to listen on.
func LocalHosts(listen string) []string {
	hosts := []string{"localhost"}
	if name, err := os.Hostname(); err == nil && name != "" {
		name = strings.ToLower(name)
		hosts = append(hosts, name)
		if !strings.Contains(name, ".") {
			hosts = append(hosts, name+".local") // mDNS, RFC 6762
		}
	}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				hosts = append(hosts, n.IP.String())
			}
		}
	}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			hosts = append(hosts, strings.ToLower(host))
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
