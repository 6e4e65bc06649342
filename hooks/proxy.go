package hooks

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about a client's address is taken.
//
// PocketBase's own setting would believe the header from anybody
// (core/event_request.go, RealIP), so the address is settled here, before it
// sees the request, and the headers are removed.
type proxies []netip.Prefix

var forwardingHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "Fly-Client-Ip", "True-Client-Ip"}

func (p proxies) resolve(r *http.Request) *http.Request {
	client := p.client(r)
	r = r.Clone(r.Context())
	if client != "" {
		r.RemoteAddr = net.JoinHostPort(client, "0")
	}
	for _, h := range forwardingHeaders {
		r.Header.Del(h)
	}
	return r
}

// client is the rightmost address that no trusted proxy vouches for itself
// by, "" where the connection's own stands.
func (p proxies) client(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.trusts(peer.Addr()) {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return ""
		}
		if !p.trusts(hop) {
			return hop.Unmap().String()
		}
	}
	return ""
}

func (p proxies) trusts(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func parseProxies(cidrs []string) (proxies, error) {
	var p proxies
	for _, c := range cidrs {
		n, err := netip.ParsePrefix(c)
		if err != nil {
			a, addrErr := netip.ParseAddr(c)
			if addrErr != nil {
				return nil, misuse("--trusted-proxy takes a network or an address, such as 10.0.0.0/8 or 127.0.0.1.")
			}
			n = netip.PrefixFrom(a, a.BitLen())
		}
		p = append(p, n.Masked())
	}
	return p, nil
}
