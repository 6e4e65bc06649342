package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay stands between a client and a server and counts what passes: all bytes
// of TCP payload, headers included, as proxy of common.cjs does.
type relay struct {
	l        net.Listener
	to       string
	up, down atomic.Int64
}

func newRelay(to string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{l: l, to: to}
	go r.run()
	return r, nil
}

func (r *relay) url() string { return "http://" + r.l.Addr().String() }

func (r *relay) close() error { return r.l.Close() }

func (r *relay) run() {
	for {
		c, err := r.l.Accept()
		if err != nil {
			return // closed
		}
		go r.pass(c)
	}
}

func (r *relay) pass(client net.Conn) {
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		client.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.copy(server, client, &r.up) })
	both.Go(func() { r.copy(client, server, &r.down) })
	both.Wait()
}

// copy ends both sides with the first that ends.
func (r *relay) copy(to, from net.Conn, count *atomic.Int64) {
	io.Copy(to, counted{from, count}) // however it ends, the other side is told
	to.Close()
	from.Close()
}

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
