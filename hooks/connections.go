package hooks

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Bounds on open connections, before anything was read from them. A shelter
// is one address for all its tablets; whoever opens more hears nothing.
const (
	connectionsMax     = 8192
	connectionsEachMax = 512
)

// connections counts what is open, in all and by address. What comes from a
// trusted proxy, which speaks for many, counts in all alone.
type connections struct {
	max, eachMax int
	proxies      proxies
	mu           sync.Mutex
	open         map[net.Conn]string // the address, "" for a proxy's
	each         map[string]int
}

func newConnections(p proxies) *connections {
	return &connections{max: connectionsMax, eachMax: connectionsEachMax, proxies: p, open: map[net.Conn]string{}, each: map[string]int{}}
}

// state is what http.Server tells of each connection.
func (c *connections) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		who := c.who(conn)
		if len(c.open) >= c.max || who != "" && c.each[who] >= c.eachMax {
			conn.Close() // the server finds it closed and forgets it
			return
		}
		c.open[conn] = who
		if who != "" {
			c.each[who]++
		}
	case http.StateClosed, http.StateHijacked:
		who, ok := c.open[conn]
		if !ok {
			return
		}
		delete(c.open, conn)
		if who == "" {
			return
		}
		if c.each[who]--; c.each[who] == 0 {
			delete(c.each, who)
		}
	}
}

func (c *connections) who(conn net.Conn) string {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || c.proxies.trusts(peer.Addr()) {
		return ""
	}
	return addressKey(peer.Addr().Unmap().String())
}
