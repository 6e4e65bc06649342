package tablet

import (
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Sizes of one push. They are far under the hub's limits, so that a line that
// breaks repeats little.
const (
	pushChanges = 200
	pushBytes   = 256 << 10
)

// openChange is a change of this device that what the hub sent may not hold yet.
type openChange struct {
	fieldsync.Change
	replica  string
	answered bool
	held     []fieldsync.Held
}

// holds says whether the hub kept the change, or what it wrote to a field, aside.
func (c *openChange) holds(field string) bool {
	return slices.ContainsFunc(c.held, func(h fieldsync.Held) bool { return h.Field == "" || h.Field == field })
}

// openChanges reads the changes of a record that are not settled, in order.
func (x *tx) openChanges(record string) ([]openChange, error) {
	var out []openChange
	err := x.each(func(scan func(...any) error) error {
		var replica string
		var raw []byte
		var receipt sql.NullString
		if err := scan(&replica, &raw, &receipt); err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		c, err := fieldsync.DecodeChange(raw)
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		o := openChange{Change: c, replica: replica, answered: receipt.Valid}
		if receipt.Valid {
			var r fieldsync.Receipt
			if err := json.Unmarshal([]byte(receipt.String), &r); err != nil {
				return fmt.Errorf("reading a receipt: %w", err)
			}
			o.held = r.Held
		}
		out = append(out, o)
		return nil
	}, `SELECT replica, raw, receipt FROM outbox WHERE record = ? AND settled = 0 AND raw IS NOT NULL ORDER BY n`, record)
	return out, err
}

// write numbers a change, chains it, and puts it into the outbox and onto what
// is shown, in one transaction with what its author saw.
func (t *Tablet) write(x *tx, r recordRow, c fieldsync.Change) error {
	id, err := x.identity()
	if err != nil {
		return err
	}
	if ended, err := x.meta(metaEnded); err != nil || ended != "" {
		return errors.Join(err, ErrEnded)
	}
	if err := t.observe(x); err != nil {
		return err
	}
	salt := make([]byte, fieldsync.SaltBytes)
	if _, err := io.ReadFull(t.rand, salt); err != nil {
		return fmt.Errorf("salting a change: %w", err)
	}
	c.Collection, c.Record, c.Author = r.collection, r.id, id.Staff
	c.Clock, c.At, c.Schema = t.clock.Tick(), care.FormatTime(t.now()), care.SchemaVersion
	c.Salt = base64.RawURLEncoding.EncodeToString(salt)
	if err := x.post(id.Replica, r, c); err != nil {
		return err
	}
	if err := x.setMeta(metaClock, string(c.Clock)); err != nil {
		return err
	}
	return x.reshowOne(r, c)
}

// post gives a change the replica's next number and link.
func (x *tx) post(replica string, r recordRow, c fieldsync.Change) error {
	n, link, err := x.chain()
	if err != nil {
		return err
	}
	c.N = n + 1
	raw := fieldsync.EncodeChange(c)
	// What the hub would refuse must never stand before other changes in the
	// outbox: it is refused here, while its author can mend it.
	if _, err := fieldsync.DecodeChange(raw); err != nil {
		return err
	}
	link = fieldsync.NextLink(link, raw)
	if err := x.exec(`INSERT INTO outbox (replica, n, record, raw, link) VALUES (?, ?, ?, ?, ?)`, replica, c.N, c.Record, raw, link.String()); err != nil {
		return err
	}
	if e, ok := r.entity(); ok {
		for _, field := range c.Fields() {
			f, ok := e.Field(field)
			if !ok {
				continue
			}
			scope := fieldsync.ScopeOf(e, f, r.org, r.caseID)
			if err := x.exec(`INSERT OR IGNORE INTO outbox_scopes (replica, n, scope) VALUES (?, ?, ?)`, replica, c.N, string(scope)); err != nil {
				return err
			}
		}
	}
	if err := x.setMeta(metaN, strconv.FormatUint(c.N, 10)); err != nil {
		return err
	}
	return x.setMeta(metaLink, link.String())
}

// chain is where the replica's chain ends.
func (x *tx) chain() (n uint64, link fieldsync.Link, err error) {
	last, err := x.meta(metaN)
	if err != nil || last == "" {
		return 0, link, err
	}
	if n, err = strconv.ParseUint(last, 10, 64); err != nil {
		return 0, link, fmt.Errorf("reading the chain: %w", err)
	}
	head, err := x.meta(metaLink)
	if err != nil {
		return 0, link, err
	}
	link, err = fieldsync.ParseLink(head)
	return n, link, err
}

// nextPush takes the first changes without a receipt, or those from a number
// that the hub asks for, as one signed push. rest says that more wait behind.
// A group is never cut: the hub takes it whole or not at all.
func (x *tx) nextPush(replica string, from uint64, key ed25519.PrivateKey) (p fieldsync.Push, rest bool, err error) {
	p = fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: replica, Changes: []json.RawMessage{}}
	if p.Cursor, err = x.meta(metaCursor); err != nil {
		return p, false, err
	}
	if p.Lease, err = x.meta(metaLease); err != nil {
		return p, false, err
	}
	made, err := x.number(metaN)
	if err != nil {
		return p, false, err
	}
	p.Last = uint64(made)
	var last uint64
	var link, group string
	size := 0
	full := errors.New("full")
	err = x.each(func(scan func(...any) error) error {
		var n uint64
		var raw []byte
		var after string
		if err := scan(&n, &raw, &after); err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		c, err := fieldsync.DecodeChange(raw)
		if err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		more := len(p.Changes) >= pushChanges || size+len(raw) > pushBytes
		if len(p.Changes) > 0 && more && (c.Group == "" || c.Group != group) {
			rest = true
			return full
		}
		p.Changes = append(p.Changes, raw)
		size += len(raw)
		last, link, group = n, after, c.Group
		return nil
	}, `SELECT n, raw, link FROM outbox WHERE replica = ? AND raw IS NOT NULL
		AND n >= COALESCE(NULLIF(?, 0), (SELECT MIN(n) FROM outbox WHERE replica = ? AND receipt IS NULL)) ORDER BY n`, replica, from, replica)
	if err != nil && !errors.Is(err, full) {
		return p, false, err
	}
	if last > 0 {
		head, err := fieldsync.ParseLink(link)
		if err != nil {
			return p, false, fmt.Errorf("reading the chain: %w", err)
		}
		p.Link, p.Signature = link, fieldsync.Sign(key, replica, last, head)
	}
	return p, rest, nil
}

// receive keeps the hub's answer to one change and returns it.
func (x *tx) receive(replica string, raw json.RawMessage) (fieldsync.Receipt, error) {
	var r fieldsync.Receipt
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("reading a receipt: %w", err)
	}
	return r, x.exec(`UPDATE outbox SET receipt = ? WHERE replica = ? AND n = ?`, string(raw), replica, r.N)
}

// settle closes the changes that have a receipt: what became of them is in
// what the hub has sent. The bytes of those that touch a scope which this
// device does not hold are destroyed; the hub has them.
func (x *tx) settle() error {
	records, err := x.texts(`SELECT DISTINCT record FROM outbox WHERE settled = 0 AND receipt IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, id := range records {
		if err := x.settleRecord(id); err != nil {
			return err
		}
	}
	if err := x.forget(); err != nil {
		return err
	}
	return x.dropEmpty()
}

func (x *tx) settleRecord(id string) error {
	open, err := x.openChanges(id)
	if err != nil {
		return err
	}
	if err := x.exec(`UPDATE outbox SET settled = 1 WHERE record = ? AND settled = 0 AND receipt IS NOT NULL`, id); err != nil {
		return err
	}
	r, err := x.record(id)
	if errors.Is(err, care.ErrNotFound) {
		return nil // evicted meanwhile
	}
	if err != nil {
		return err
	}
	for _, c := range open {
		if !c.answered {
			continue
		}
		for _, field := range c.Fields() {
			if err := x.refresh(r, field, open, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget destroys the bytes of delivered changes that touch a scope which the
// device does not hold.
func (x *tx) forget() error {
	return x.exec(`UPDATE outbox SET raw = NULL WHERE raw IS NOT NULL AND settled = 1 AND EXISTS (
		SELECT 1 FROM outbox_scopes s WHERE s.replica = outbox.replica AND s.n = outbox.n AND s.scope NOT IN (SELECT scope FROM scopes))`)
}

// dropEmpty removes records of which the device holds no field.
func (x *tx) dropEmpty() error {
	return x.exec(`DELETE FROM records WHERE NOT EXISTS (SELECT 1 FROM fields WHERE fields.record = records.id)`)
}
