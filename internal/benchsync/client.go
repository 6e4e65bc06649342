package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// client is a tablet in memory, like the clients of the peers: it decodes every
// line, keeps every register, signs each request, checks the audit log, and
// stores nothing.
type client struct {
	http    *http.Client
	url     string
	key     ed25519.PrivateKey
	replica string
	staff   string
	lease   string
	hubKey  string
	cursor  string
	witness audit.Witness
	signed  int64
	n       uint64
	link    fieldsync.Link
	clock   *fieldsync.Clock

	sent     []json.RawMessage                        // in the last round trip
	answered []fieldsync.Receipt                      // to these, in their order
	records  map[string]map[string]fieldsync.Register // of the collection that is measured
	rows     int                                      // of any collection, in the last answer
	body     int                                      // bytes of the last answer, unpacked
	keep     func(line []byte)                        // sees each row as it came; nil for nobody
	evict    func([]fieldsync.Scope)                  // is told what to destroy; nil for nobody
}

const syncPath = "/api/portolan/sync"

// enrol makes a tablet of the owner of a one-time code, which speaks to the hub
// through by.
func enrol(ctx context.Context, by *http.Transport, url, code string) (*client, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	c := &client{http: &http.Client{Transport: by}, url: url, key: private, clock: fieldsync.NewClock(time.Now),
		records: map[string]map[string]fieldsync.Register{}}
	body, err := json.Marshal(map[string]string{"code": code, "key": base64.RawURLEncoding.EncodeToString(public), "label": "bench", "password": password})
	if err != nil {
		return nil, err
	}
	resp, err := c.post(ctx, "/api/portolan/enrol", body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var e struct {
		Replica string           `json:"replica"`
		Staff   string           `json:"staff"`
		Lease   fieldsync.Lease  `json:"lease"`
		HubKey  fieldsync.HubKey `json:"hub_key"`
		LogKey  string           `json:"log_key"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		return nil, fmt.Errorf("reading the enrolment: %w", err)
	}
	c.replica, c.staff, c.lease, c.hubKey = e.Replica, e.Staff, e.Lease.Until, e.HubKey.ID
	c.witness.Key = e.LogKey
	return c, nil
}

// at goes to the same hub at another address: past the relay, or after a start.
func (c *client) at(url string) *client {
	c.http.CloseIdleConnections()
	c.url = url
	return c
}

// packFrom is from how many bytes on a body is worth compressing.
const packFrom = 512

func (c *client) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	sent, packed := body, len(body) >= packFrom
	if packed {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(body); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		sent = b.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if c.replica != "" {
		c.signed = max(c.signed+1, time.Now().UnixMilli())
		req.Header.Set("Authorization", fieldsync.RequestOf(c.replica, http.MethodPost, path, sent, c.signed).Authorization(c.key))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 where the hub names no time
		return nil, errors.Join(&statusError{path, resp.StatusCode, time.Duration(wait) * time.Second, oneLine(said)}, err)
	}
	return resp, nil
}

// statusError is an answer that is not what was asked for.
type statusError struct {
	path   string
	status int
	wait   time.Duration // after which the hub wants to be asked again
	said   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: status %d: %s", e.path, e.status, e.said)
}

// sync is one round trip with these changes, and takes in what comes.
func (c *client) sync(ctx context.Context, changes ...json.RawMessage) error {
	p := fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: c.replica, Changes: changes, Cursor: c.cursor,
		Lease: c.lease, HubKey: c.hubKey, Seen: uint64(c.witness.Size()), Own: true}
	for _, raw := range changes {
		c.link = fieldsync.NextLink(c.link, raw)
	}
	c.n += uint64(len(changes))
	if p.Last = c.n; len(changes) > 0 {
		p.Link, p.Signature = c.link.String(), fieldsync.Sign(c.key, c.replica, c.n, c.link)
	}
	c.sent, c.answered = changes, make([]fieldsync.Receipt, 0, len(changes))
	resp, err := c.post(ctx, syncPath, p.AppendJSON(nil))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	c.rows, c.body = 0, 0
	ended := false
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	for !ended {
		raw, err := wholeLine(lines)
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		c.body += len(raw) + 1
		l, err := fieldsync.DecodeLine(raw)
		if err != nil {
			return err
		}
		if err := c.take(l, raw); err != nil {
			return err
		}
		ended = l.End != nil
	}
	if len(c.answered) != len(changes) {
		return fmt.Errorf("%d receipts for %d changes", len(c.answered), len(changes))
	}
	_, err = io.Copy(io.Discard, lines) // so that the connection is used again
	return err
}

// wholeLine is valid until the next read.
func wholeLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		line, err = r.ReadBytes('\n')
		line = append(long, line...)
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(line[:len(line)-1]), nil // what is decoded keeps parts of it
}

func (c *client) take(l fieldsync.Line, raw []byte) error {
	for _, r := range l.Receipts {
		var got fieldsync.Receipt
		if err := json.Unmarshal(r, &got); err != nil {
			return err
		}
		if got.Status != fieldsync.StatusApplied {
			return fmt.Errorf("change %d is %s: %+v", got.N, got.Status, got.Held)
		}
		c.answered = append(c.answered, got)
	}
	switch {
	case l.Evict != nil && c.evict != nil:
		c.evict(l.Evict)
	case l.Lease != nil:
		c.lease = l.Lease.Until
	case l.HubKey != nil:
		c.hubKey = l.HubKey.ID
	case l.Log != nil:
		return c.watch(l.Log)
	case l.Mark != "":
		c.cursor = l.Mark // so that a cut answer goes on there
	case l.End != nil:
		c.cursor = l.End.Cursor
	case l.Own != nil:
		return c.own(l.Own)
	case l.Row != nil:
		c.rows++
		if c.keep != nil {
			c.keep(raw)
		}
		if l.Row.Collection != collection {
			break
		}
		fields := c.records[l.Row.Record]
		if fields == nil {
			c.records[l.Row.Record] = l.Row.Fields
			break
		}
		for name, reg := range l.Row.Fields {
			fields[name] = reg
		}
	}
	return nil
}

// own takes the changes that stand as they were sent.
func (c *client) own(stood []fieldsync.Stood) error {
	for _, o := range stood {
		first := c.n - uint64(len(c.sent)) + 1
		if o.N < first || o.N-first >= uint64(len(c.answered)) {
			return fmt.Errorf("change %d was not answered", o.N)
		}
		at := o.N - first
		ch, err := fieldsync.DecodeChange(c.sent[at])
		if err != nil {
			return err
		}
		if c.records[ch.Record] == nil {
			c.records[ch.Record] = map[string]fieldsync.Register{}
		}
		for _, field := range ch.Fields() {
			c.records[ch.Record][field] = ch.Alone(field, c.replica, c.answered[at].Seq, o.Stands[field])
		}
	}
	return nil
}

// watch checks the hub's audit log, as every tablet does.
func (c *client) watch(l *fieldsync.LogHead) (err error) {
	proof := make([]audit.Hash, len(l.Proof))
	for i, text := range l.Proof {
		if proof[i], err = audit.ParseHash(text); err != nil {
			return err
		}
	}
	_, err = c.witness.Take(l.Signed, proof, l.Keys...)
	return err
}

// change is one that the tablet made offline: numbered ahead of what was sent.
func (c *client) change(ahead int, id, caseID string, set map[string]care.Value, add map[string][]string) json.RawMessage {
	salt := make([]byte, fieldsync.SaltBytes)
	rand.Read(salt) // never fails (crypto/rand)
	ch := fieldsync.Change{N: c.n + uint64(ahead) + 1, Collection: collection, Record: id, Case: caseID, Set: set, Add: add,
		Clock: c.clock.Tick(), At: care.FormatTime(time.Now()), Author: c.staff, Schema: care.SchemaVersion, Salt: base64.RawURLEncoding.EncodeToString(salt)}
	for name := range set {
		if dots := c.records[id][name].Dots(); len(dots) > 0 {
			if ch.Base == nil {
				ch.Base = map[string][]fieldsync.Dot{}
			}
			ch.Base[name] = dots
		}
	}
	return fieldsync.EncodeChange(ch)
}

// holds checks that a record is, field for field, what it should be.
func (c *client) holds(i int, plan string, version int) error {
	want, needs := peerRecordOf(i, firstVersion).ours()
	want[versionField] = care.OfText(versionText(version))
	if plan != "" {
		want[planField] = care.OfText(plan)
	}
	want["needs"] = care.OfList(needs...)
	got := c.records[recordID(i)]
	e, _ := care.Find(collection)
	for name, v := range want {
		f, _ := e.Field(name)
		if in := got[name].InForce(f); !bytes.Equal(in, v) {
			return fmt.Errorf("record %d: %s is %s and should be %s", i, name, in, v)
		}
	}
	return nil
}
