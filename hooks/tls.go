package hooks

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"portolan/care"
)

// Wire says how the hub is reached over the network.
type Wire struct {
	Listen       string // host:port
	CertFile     string // a certificate and its key, from somebody else
	KeyFile      string
	ACMEHost     string // a public name, for which certificates are fetched by themselves
	InsecureHTTP bool   // plain http to other machines, asked for by name
	TLSDir       string // where the local authority and fetched certificates are kept
	Now          func() time.Time
}

// Line is an open door to the network.
type Line struct {
	Listener    net.Listener
	URL         string // as the person at the console types it
	Fingerprint string // of the local authority, "" where there is none
}

func misuse(hint string) error {
	return &care.Error{Code: "bad_flags", Kind: care.Invalid, Hint: hint}
}

// Check says whether the flags make sense together.
func (w Wire) Check() error {
	if _, _, err := net.SplitHostPort(w.Listen); err != nil {
		return misuse("--listen takes HOST:PORT, such as 127.0.0.1:8090 or 0.0.0.0:8443.")
	}
	ways := 0
	for _, asked := range []bool{w.CertFile != "" || w.KeyFile != "", w.ACMEHost != "", w.InsecureHTTP} {
		if asked {
			ways++
		}
	}
	switch {
	case ways > 1:
		return misuse("--tls-cert with --tls-key, --acme-host and --insecure-http exclude each other.")
	case (w.CertFile == "") != (w.KeyFile == ""):
		return misuse("--tls-cert and --tls-key come together.")
	}
	return nil
}

// Open listens. Plain http is for this machine alone, unless it was asked for
// by name: browsers give a page no service worker and no cryptography over
// plain http to another machine (w3c.github.io/webappsec-secure-contexts).
func (w Wire) Open() (*Line, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	config, authority, err := w.config()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", w.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s already; stop it, or name another address with --listen: %w", w.Listen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s, which --listen names: %w", w.Listen, err)
	}
	line := &Line{Listener: l, URL: "http://" + w.shown(l.Addr())}
	if config != nil {
		line.Listener, line.URL = tls.NewListener(l, config), "https://"+w.shown(l.Addr())
	}
	if authority != nil {
		line.Fingerprint = authority.Fingerprint()
	}
	return line, nil
}

func (w Wire) config() (*tls.Config, *Authority, error) {
	switch {
	case w.CertFile != "":
		files := &certFiles{cert: w.CertFile, key: w.KeyFile}
		if _, err := files.get(nil); err != nil {
			return nil, nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: files.get}, nil, nil
	case w.ACMEHost != "":
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(w.ACMEHost),
			Cache: autocert.DirCache(filepath.Join(w.TLSDir, "acme")),
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}, GetCertificate: m.GetCertificate}, nil, nil
	case w.InsecureHTTP || isLoopback(w.Listen):
		return nil, nil, nil
	}
	a, err := OpenAuthority(w.TLSDir, w.Now, func() []string { return LocalHosts(w.Listen) })
	if err != nil {
		return nil, nil, err
	}
	return a.TLS(), a, nil
}

// shown is the host and port that a person can open: the public name, the
// named address, or this machine's name where the hub listens everywhere.
func (w Wire) shown(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr) // net.Listen("tcp") gives no other
	port := fmt.Sprint(tcp.Port)
	if w.ACMEHost != "" {
		if tcp.Port == 443 {
			return w.ACMEHost
		}
		return net.JoinHostPort(w.ACMEHost, port)
	}
	host, _, _ := net.SplitHostPort(w.Listen) // Check has seen that it splits
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = outwardAddress()
	}
	return net.JoinHostPort(host, port)
}

// outwardAddress is this machine's first address that others can reach.
func outwardAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "localhost"
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "localhost"
}

func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// certFiles is a certificate that somebody else renews: read again when its
// file changes, so that a renewal needs no restart.
type certFiles struct {
	cert, key string
	mu        sync.Mutex
	read      time.Time
	pair      *tls.Certificate
}

func (c *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.read) {
		return c.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.read = &pair, info.ModTime()
			return c.pair, nil
		}
	}
	if c.pair != nil {
		return c.pair, nil // half-written at the moment; the old one still serves
	}
	return nil, fmt.Errorf("reading the TLS certificate: %w", err)
}
