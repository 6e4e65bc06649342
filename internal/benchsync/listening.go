package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	listeningTeams = 50  // people, one a team, among whom the tablets are shared out
	listeningFew   = 100 // tablets that listen while the rest is not there yet
	wakeRounds     = 30  // wake-ups of each kind that are measured
	wakePause      = 300 * time.Millisecond
	quietChanges   = 300 // changes that concern nobody who listens
	wakePatience   = 30 * time.Second
)

// listener is a tablet's realtime connection.
type listener struct {
	conn net.Conn
	id   string
	came chan time.Time
}

// listen opens PocketBase's stream and subscribes to the wake-up.
func (c *client) listen(s *scale, i int) (*listener, error) {
	address, err := url.Parse(c.url)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{LocalAddr: addressOf(i)}).DialContext(s.ctx, "tcp", address.Host)
	if err != nil {
		return nil, err
	}
	l := &listener{conn: conn, came: make(chan time.Time, 4*wakeRounds)}
	if _, err := fmt.Fprintf(conn, "GET /api/realtime HTTP/1.1\r\nHost: %s\r\n\r\n", address.Host); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	lines := bufio.NewReaderSize(conn, 1<<10)
	for l.id == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if id, is := strings.CutPrefix(line, "id:"); is {
			l.id = strings.TrimSpace(id)
		}
	}
	go func() {
		defer close(l.came)
		for {
			line, err := lines.ReadSlice('\n')
			if err != nil {
				return // hung up, by either side
			}
			if bytes.HasPrefix(line, []byte("event:wake")) {
				l.came <- time.Now()
			}
		}
	}()
	return l, c.subscribe(s, l)
}

func (c *client) subscribe(s *scale, l *listener) error {
	resp, err := c.post(s.ctx, "/api/portolan/token", []byte("{}"))
	if err != nil {
		return err
	}
	var token struct{ Token string }
	err = json.NewDecoder(resp.Body).Decode(&token)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"clientId": l.id, "subscriptions": []string{"wake"}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, c.url+"/api/realtime", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token.Token)
	if resp, err = c.http.Do(req); err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	err = errors.Join(err, resp.Body.Close())
	if err == nil && resp.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("subscribing: status %d: %s", resp.StatusCode, oneLine(said))
	}
	c.http.CloseIdleConnections() // the stream alone stays
	return err
}

// listening has many tablets listen, and measures what wakes them.
func (s *scale) listening() error {
	each := s.listeners / listeningTeams
	w := crew{Staff: listeningTeams, Team: 1, Cases: 1, Rows: 1, First: crowdFirst, Term: grantTerm}
	if err := s.made(w); err != nil {
		return err
	}
	tablets, err := s.enrol(w, each)
	if err != nil {
		return err
	}
	all := make([]*listener, len(tablets))
	connect := func(from, to int) error {
		const workers = 32
		return atOnce(workers, func(k int) (err error) {
			for i := from + k; i < to && err == nil; i += workers {
				all[i], err = tablets[i].listen(s, i)
			}
			return err
		})
	}
	// The last team's tablets come last: nobody is there for what only concerns it.
	few, rest := min(listeningFew, each), len(all)-each
	alone := w.recordIn(w.Staff-1, 0, 0)
	if err := connect(0, few); err != nil {
		return err
	}
	costFew, err := s.quiet(alone)
	if err != nil {
		return err
	}
	before, err := s.settled()
	if err != nil {
		return err
	}
	if err := connect(few, rest); err != nil {
		return err
	}
	after, err := s.settled()
	if err != nil {
		return err
	}
	costMany, err := s.quiet(alone)
	if err != nil {
		return err
	}
	if err := connect(rest, len(all)); err != nil {
		return err
	}
	s.row(fmt.Sprintf("Resident memory of the hub for each of %d realtime connections, garbage collected", rest-few), fmt.Sprintf("%.0f KB", float64(after-before)/1024/float64(rest-few)), "≤ 64 KB")
	s.row(fmt.Sprintf("A change of which nobody who listens is told, with %d and with %d listening", few, rest), fmt.Sprintf("%.2f ms, %.2f ms", ms(costFew), ms(costMany)), "the same")
	concerned, err := s.woken(all[:each], recordID(w.recordIn(0, 0, 0)))
	if err != nil {
		return err
	}
	s.row(fmt.Sprintf("Wake-up of the %d of %d whom a change concerns, from before it is made", each, len(all)), spread(concerned), "p99 ≤ 250 ms")
	everybody, err := s.woken(all, "")
	if err != nil {
		return err
	}
	s.row(fmt.Sprintf("Wake-up of all %d by one change", len(all)), spread(everybody), "p99 ≤ 250 ms")
	for _, l := range all {
		if err := l.conn.Close(); err != nil {
			return err
		}
	}
	return nil
}

// settled is the hub's resident memory, once what nobody needs has gone back.
func (s *scale) settled() (int, error) {
	if _, err := s.hub.tell(order{Do: "settle"}); err != nil {
		return 0, err
	}
	return memoryOf(s.hub.cmd.Process.Pid, "VmRSS")
}

// quiet is what a change costs that concerns nobody who listens.
func (s *scale) quiet(record int) (time.Duration, error) {
	began := time.Now()
	for i := range quietChanges {
		if _, err := s.hub.tell(order{Do: "stir", Record: recordID(record), Number: int(began.UnixMicro()) + i}); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / quietChanges, nil
}

// woken is how long each wake-up took to reach each of those it is for.
func (s *scale) woken(who []*listener, record string) (took []time.Duration, err error) {
	for range wakeRounds {
		began := time.Now()
		if _, err := s.hub.tell(order{Do: "stir", Record: record, Number: int(began.UnixMicro())}); err != nil {
			return nil, err
		}
		patience := time.After(wakePatience)
		for i, l := range who {
			select {
			case at, open := <-l.came:
				if !open {
					return nil, fmt.Errorf("tablet %d was hung up on", i)
				}
				took = append(took, at.Sub(began))
			case <-patience:
				return nil, fmt.Errorf("tablet %d was not woken", i)
			}
		}
		// Not within the time in which commits share a wake-up.
		if err := pauseFor(s.ctx, wakePause); err != nil {
			return nil, err
		}
	}
	return took, nil
}
