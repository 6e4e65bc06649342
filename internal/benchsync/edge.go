package main

import (
	"bytes"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The line that the issue of sync names: EDGE.
const (
	edgeRate      = 64_000 / 8 // bytes a second, each way
	edgeDelay     = 400 * time.Millisecond
	edgeLoss      = 0.02
	edgeSegment   = 1400 // bytes
	edgeCut       = 30 * time.Second
	edgeInFlight  = 16 // segments that the line holds back before whoever sends waits
	edgeHandshake = 2  // round trips before the first byte: TCP's and TLS 1.3's
)

// edge is a relay that passes bytes as such a line does. Where netem is there,
// it would do the same below TCP; this needs no rights. A lost segment comes one
// round trip later, and what follows waits for it, as with TCP's fast
// retransmission (RFC 5681, 3.2).
type edge struct {
	l        net.Listener
	to       string
	shaped   atomic.Bool // as a line without bounds until it is set
	up, down lane
	asked    atomic.Int64 // requests of the sync
	cuts     atomic.Int64

	mu   sync.Mutex
	open map[net.Conn]bool
	done chan struct{}
}

// lane is one direction, shared by all connections.
type lane struct {
	bytes atomic.Int64
	mu    sync.Mutex
	free  time.Time // when what was sent before has left
}

func newEdge(to string) (*edge, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &edge{l: l, to: to, open: map[net.Conn]bool{}, done: make(chan struct{})}
	go e.run()
	go e.cutting()
	return e, nil
}

func (e *edge) url() string { return "http://" + e.l.Addr().String() }

func (e *edge) close() error {
	close(e.done)
	e.cut()
	return e.l.Close()
}

func (e *edge) cutting() {
	tick := time.NewTicker(edgeCut)
	defer tick.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-tick.C:
			if e.shaped.Load() {
				e.cut()
			}
		}
	}
}

func (e *edge) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.open) > 0 {
		e.cuts.Add(1)
	}
	for c := range e.open {
		c.Close() // whoever reads finds it out
	}
	clear(e.open)
}

func (e *edge) run() {
	for {
		c, err := e.l.Accept()
		if err != nil {
			return // closed
		}
		go e.pass(c)
	}
}

func (e *edge) pass(client net.Conn) {
	server, err := net.Dial("tcp", e.to)
	if err != nil {
		client.Close()
		return
	}
	if t, is := server.(*net.TCPConn); is {
		// What the kernel holds here is on no line.
		if err := t.SetReadBuffer(4 * edgeSegment); err != nil {
			client.Close()
			server.Close()
			return
		}
	}
	e.mu.Lock()
	e.open[client], e.open[server] = true, true
	e.mu.Unlock()
	begin := time.Now()
	if e.shaped.Load() {
		begin = begin.Add(edgeHandshake * 2 * edgeDelay)
	}
	var both sync.WaitGroup
	both.Go(func() { e.carry(server, client, &e.up, begin, true) })
	both.Go(func() { e.carry(client, server, &e.down, begin, false) })
	both.Wait()
	e.mu.Lock()
	delete(e.open, client)
	delete(e.open, server)
	e.mu.Unlock()
}

type segment struct {
	bytes []byte
	at    time.Time
}

// carry takes bytes from one side and gives them to the other when the line
// would have brought them.
func (e *edge) carry(to, from net.Conn, l *lane, begin time.Time, up bool) {
	flight := make(chan segment, edgeInFlight)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for s := range flight {
			time.Sleep(time.Until(s.at))
			if _, err := to.Write(s.bytes); err != nil {
				break
			}
		}
		to.Close()
		from.Close()
		for range flight { // cut: nothing arrives any more
		}
	}()
	last := begin
	for {
		b := make([]byte, edgeSegment)
		n, err := from.Read(b)
		if n > 0 {
			if up && bytes.HasPrefix(b[:n], []byte("POST /api/portolan/sync ")) {
				e.asked.Add(1)
			}
			l.bytes.Add(int64(n))
			last = e.arrival(l, n, last)
			flight <- segment{b[:n], last}
		}
		if err != nil {
			break
		}
	}
	close(flight)
	<-gone
}

func (e *edge) arrival(l *lane, n int, last time.Time) time.Time {
	if !e.shaped.Load() {
		return time.Now()
	}
	l.mu.Lock()
	l.free = later(l.free, time.Now()).Add(time.Duration(n) * time.Second / edgeRate)
	at := l.free.Add(edgeDelay)
	l.mu.Unlock()
	if rand.Float64() < edgeLoss {
		at = at.Add(2 * edgeDelay)
	}
	return later(at, last)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
