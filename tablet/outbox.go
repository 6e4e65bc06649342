package tablet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// pushChanges is how many changes one push carries at most; see also pace.
const pushChanges = 200

// openChange is a change of this device that what the hub sent may not hold yet.
type openChange struct {
	fieldsync.Change
	replica  string
	answered bool
	seq      uint64 // the hub's number, where that was asked for
	held     []fieldsync.Held
}

// holds says whether the hub kept the change, or what it wrote to a field, aside.
func (c *openChange) holds(field string) bool {
	return slices.ContainsFunc(c.held, func(h fieldsync.Held) bool { return h.Field == "" || h.Field == field })
}

// openChanges reads the changes of a record that are not settled, in order.
func (x *tx) openChanges(record string) ([]openChange, error) {
	if !x.looked {
		if err := x.tx.QueryRowContext(x.ctx, `SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE settled = 0)`).Scan(&x.quiet); err != nil {
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		x.looked = true
	}
	if x.quiet {
		return nil, nil
	}
	var out []openChange
	err := x.each(func(scan func(...any) error) error {
		var replica string
		var n uint64
		var sealed []byte
		var scopes string
		var receipt sql.NullString
		if err := scan(&replica, &n, &sealed, &scopes, &receipt); err != nil {
			return fmt.Errorf("reading the outbox: %w", err)
		}
		_, c, err := x.openChange(replica, n, scopes, sealed)
		if err != nil {
			return err
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
	}, `SELECT replica, n, raw, `+scopesColumn+`, receipt FROM outbox WHERE record = ? AND settled = 0 AND raw IS NOT NULL ORDER BY n`, record)
	return out, err
}

// answeredChange reads a change that the hub answered, with its record and the
// one scope that it wrote to; care.ErrNotFound where there is none such.
func (x *tx) answeredChange(replica string, n uint64) (c openChange, r recordRow, scope fieldsync.Scope, err error) {
	var sealed, receipt []byte
	var scopes string
	err = x.each(func(scan func(...any) error) error {
		return scan(&sealed, &scopes, &receipt)
	}, `SELECT raw, `+scopesColumn+`, receipt FROM outbox WHERE replica = ? AND n = ? AND raw IS NOT NULL AND receipt IS NOT NULL`, replica, n)
	if err != nil {
		return c, r, "", err
	}
	in := scopesIn(scopes)
	if len(in) != 1 {
		return c, r, "", care.ErrNotFound
	}
	scope = in[0]
	var answer fieldsync.Receipt
	if err := json.Unmarshal(receipt, &answer); err != nil {
		return c, r, scope, fmt.Errorf("reading a receipt: %w", err)
	}
	if _, c.Change, err = x.openChange(replica, n, scopes, sealed); err != nil {
		return c, r, scope, err
	}
	c.replica, c.answered, c.seq = replica, true, answer.Seq
	r, err = x.record(c.Record)
	return c, r, scope, err
}

// write numbers a change, chains it, and puts it into the outbox and onto what
// is shown, in one transaction with what its author saw.
func (t *Tablet) write(x *tx, r recordRow, c fieldsync.Change) error {
	id, err := x.identity()
	if err != nil {
		return err
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
	if err := x.post(id.Replica, scopesOf(r, c), c); err != nil {
		return err
	}
	if err := x.setMeta(metaClock, string(c.Clock)); err != nil {
		return err
	}
	return x.reshowOne(r, c)
}

// scopesOf lists the scopes that a change writes to, each once.
func scopesOf(r recordRow, c fieldsync.Change) []fieldsync.Scope {
	var scopes []fieldsync.Scope
	e, ok := r.entity()
	if !ok {
		return nil
	}
	for _, field := range c.Fields() {
		if f, ok := e.Field(field); ok {
			scopes = append(scopes, fieldsync.ScopeOf(e, f, r.org, r.caseID))
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// post gives a change the replica's next number and link.
func (x *tx) post(replica string, scopes []fieldsync.Scope, c fieldsync.Change) error {
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
	sealed, err := x.sealChange(replica, c.N, scopes, raw)
	if err != nil {
		return err
	}
	p := parcel{record: c.Record, raw: sealed, scopes: scopes}
	p.Sealed = fieldsync.Sealed{N: c.N, Of: fieldsync.DotOf(replica, c.N), Sum: sha256.Sum256(raw)}
	var to fieldsync.HubKey
	if err := x.metaJSON(metaHubKey, &to); err != nil {
		return err
	}
	public, err := base64.RawURLEncoding.DecodeString(to.Public)
	if err != nil {
		return errAnswer
	}
	p.Key = to.ID
	if p.Box, err = seal.SealIntake(public, unsentPlace(p.Of), raw); err != nil {
		return err
	}
	return x.putOut(replica, p, link)
}

// unsentPlace is where what is sealed to the hub belongs (docs/protocol.md).
func unsentPlace(of fieldsync.Dot) seal.Place {
	return seal.Place{Collection: "unsent", Record: of.Replica(), Field: strconv.FormatUint(of.N(), 10)}
}

// parcel is one row of the outbox: what goes to the hub, and what this device
// can still read of it.
type parcel struct {
	fieldsync.Sealed
	record string
	raw    []byte // sealed under the keys of its scopes, nil where one is destroyed
	scopes []fieldsync.Scope
}

// putOut appends a parcel to the outbox and to the chain.
func (x *tx) putOut(replica string, p parcel, link fieldsync.Link) error {
	link, x.quiet = fieldsync.LinkOver(link, p.Sum), false
	if err := x.exec(`INSERT INTO outbox (replica, n, record, raw, sum, link, sealed, hub_key, sealed_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		replica, p.N, p.record, p.raw, p.Sum[:], link.String(), p.Box, p.Key, string(p.Of)); err != nil {
		return err
	}
	for _, scope := range p.scopes {
		if err := x.exec(`INSERT INTO outbox_scopes (replica, n, scope) VALUES (?, ?, ?)`, replica, p.N, string(scope)); err != nil {
			return err
		}
	}
	if err := x.setMeta(metaN, strconv.FormatUint(p.N, 10)); err != nil {
		return err
	}
	return x.setMeta(metaLink, link.String())
}

func changePlace(replica string, n uint64) seal.Place {
	return seal.Place{Collection: "outbox", Record: replica, Field: strconv.FormatUint(n, 10)}
}

// sealChange seals a change under the key of each scope that it writes to, one
// inside the other: once one of them is destroyed nobody here reads it.
func (x *tx) sealChange(replica string, n uint64, scopes []fieldsync.Scope, raw []byte) ([]byte, error) {
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		return nil, errNoKey // never in clear
	}
	sealed := raw
	for _, s := range scopes {
		box, err := x.t.keys.of(x.ctx, s)
		if err != nil {
			return nil, err
		}
		if sealed, err = box.Seal(nil, x.t.rand, changePlace(replica, n), sealed); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

// scopesColumn selects the scopes that a row of the outbox writes to.
const scopesColumn = `COALESCE((SELECT GROUP_CONCAT(scope, ' ') FROM outbox_scopes s WHERE s.replica = outbox.replica AND s.n = outbox.n), '')`

func scopesIn(column string) []fieldsync.Scope {
	var scopes []fieldsync.Scope
	for _, s := range strings.Fields(column) {
		scopes = append(scopes, fieldsync.Scope(s))
	}
	slices.Sort(scopes)
	return scopes
}

// openChange opens a change of this device: its bytes, and what they say.
func (x *tx) openChange(replica string, n uint64, scopes string, sealed []byte) ([]byte, fieldsync.Change, error) {
	if err := x.t.keys.lockedBy(); err != nil {
		return nil, fieldsync.Change{}, err
	}
	raw := sealed
	for _, s := range slices.Backward(scopesIn(scopes)) {
		box := x.t.keys.scopes[s]
		if box == nil {
			return nil, fieldsync.Change{}, errNoKey
		}
		var err error
		if raw, err = box.Open(nil, changePlace(replica, n), raw); err != nil {
			return nil, fieldsync.Change{}, fmt.Errorf("reading the outbox: %w", err)
		}
	}
	c, err := fieldsync.DecodeChange(raw)
	if err != nil {
		return nil, c, fmt.Errorf("reading the outbox: %w", err)
	}
	return raw, c, nil
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
// that the hub asks for, as one signed push: each as its author wrote it, or,
// where this device cannot read it any more, as it was sealed to the hub. bare
// leaves all of them out, to be given a lease first. rest says that more wait
// behind. A group is never cut: the hub takes it whole or not at all.
func (x *tx) nextPush(replica string, from uint64, bare bool, key ed25519.PrivateKey) (p fieldsync.Push, rest bool, err error) {
	p = fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: replica, Changes: []json.RawMessage{}, Own: true}
	if p.Cursor, err = x.meta(metaCursor); err != nil {
		return p, false, err
	}
	if p.Lease, err = x.t.keys.lease(x.ctx); err != nil {
		return p, false, err
	}
	var to fieldsync.HubKey
	if err := x.metaJSON(metaHubKey, &to); err != nil {
		return p, false, err
	}
	p.HubKey = to.ID
	made, err := x.number(metaN)
	if err != nil {
		return p, false, err
	}
	p.Last = uint64(made)
	if p.Files, err = x.filesWaiting(); err != nil {
		return p, false, err
	}
	pushBytes, err := x.pace()
	if err != nil {
		return p, false, err
	}
	if bare {
		p.Drafts, _, err = x.draftsOut(true, pushBytes)
		return p, true, err
	}
	var last uint64
	var link, group string
	size := 0
	err = x.each(func(scan func(...any) error) error {
		raw, n, after, g, err := x.outgoing(replica, scan)
		if err != nil {
			return err
		}
		if last > 0 && n != last+1 {
			rest = true // numbers of a push follow one another; what is between has left this device
			return errFull
		}
		more := len(p.Changes) >= pushChanges || size+len(raw) > pushBytes
		if len(p.Changes) > 0 && more && (g == "" || g != group) {
			rest = true
			return errFull
		}
		p.Changes = append(p.Changes, raw)
		size += len(raw)
		last, link, group = n, after, g
		return nil
	}, `SELECT n, raw, `+scopesColumn+`, sum, link, sealed, hub_key, sealed_of FROM outbox WHERE replica = ? AND (raw IS NOT NULL OR sealed IS NOT NULL)
		AND n >= COALESCE(NULLIF(?, 0), (SELECT MIN(n) FROM outbox WHERE replica = ? AND receipt IS NULL)) ORDER BY n`, replica, from, replica)
	if err != nil && !errors.Is(err, errFull) {
		return p, false, err
	}
	if last > 0 {
		head, err := fieldsync.ParseLink(link)
		if err != nil {
			return p, false, fmt.Errorf("reading the chain: %w", err)
		}
		p.Link, p.Signature = link, fieldsync.Sign(key, replica, last, head)
	}
	// Forms go after what was saved.
	more := false
	if p.Drafts, more, err = x.draftsOut(rest, pushBytes-size); err != nil {
		return p, false, err
	}
	return p, rest || more, nil
}

var errFull = errors.New("full")

// outgoing reads a row of the outbox as it goes into a push. What this device
// writes has no groups, so that those of what it cannot read are not missed.
func (x *tx) outgoing(replica string, scan func(...any) error) (raw []byte, n uint64, link, group string, err error) {
	var stored, sum, box []byte
	var scopes, key, of string
	if err := scan(&n, &stored, &scopes, &sum, &link, &box, &key, &of); err != nil {
		return nil, 0, "", "", fmt.Errorf("reading the outbox: %w", err)
	}
	if stored != nil {
		raw, c, err := x.openChange(replica, n, scopes, stored)
		if err == nil || box == nil {
			return raw, n, link, c.Group, err
		}
	}
	c := fieldsync.Sealed{N: n, Of: fieldsync.Dot(of), Key: key, Sum: [sha256.Size]byte(sum), Box: box}
	return c.AppendJSON(nil), n, link, "", nil
}

// receive keeps the hub's answer to one change and returns it.
func (x *tx) receive(replica string, raw json.RawMessage) (fieldsync.Receipt, error) {
	var r fieldsync.Receipt
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("reading a receipt: %w", err)
	}
	return r, x.exec(`UPDATE outbox SET receipt = ?, sealed = NULL WHERE replica = ? AND n = ?`, string(raw), replica, r.N)
}

// settle closes the changes that have a receipt: what became of them is in
// what the hub has sent. The bytes of those that touch a scope which this
// device does not hold are destroyed; the hub has them.
func (x *tx) settle() error {
	// Of most nothing is shown any more: what the hub sent took its place.
	if err := x.exec(`UPDATE outbox SET settled = 1 WHERE settled = 0 AND receipt IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM pieces WHERE record = outbox.record AND local IS NOT NULL)`); err != nil {
		return err
	}
	records, err := x.texts(`SELECT DISTINCT record FROM outbox WHERE settled = 0 AND receipt IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, id := range records {
		if err := x.settleRecord(id); err != nil {
			return err
		}
	}
	return x.forget()
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
	h, err := x.holding(id)
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.answered {
			h.refresh(r, c.Fields(), open, true)
		}
	}
	return x.keep(h)
}

// forget destroys the bytes of delivered changes that touch a scope which the
// device does not hold.
func (x *tx) forget() error {
	return x.exec(`UPDATE outbox SET raw = NULL WHERE raw IS NOT NULL AND settled = 1 AND EXISTS (
		SELECT 1 FROM outbox_scopes s WHERE s.replica = outbox.replica AND s.n = outbox.n AND s.scope NOT IN (SELECT scope FROM scopes))`)
}
