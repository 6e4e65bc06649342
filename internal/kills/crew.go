package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // reads the tablets' outboxes

	"portolan/care"
	"portolan/collections"
	"portolan/seal"
	"portolan/tablet"
)

// people work with the hub, each with a tablet; the last one is a guest on the
// first one's case.
const people = 3

const (
	password   = "nobody here is a real person"
	passphrase = "five plain words and then some"
	theOrg     = "01930000-0000-7000-8000-000000000001"
)

var owner = tablet.Owner{Password: password, Passphrase: passphrase}

func login(i int) string      { return fmt.Sprintf("worker-%d", i) }
func caseOf(i int) string     { return fmt.Sprintf("01930000-0000-7000-8000-00000000c%03d", i) }
func survivorOf(i int) string { return fmt.Sprintf("01930000-0000-7000-8000-00000000d%03d", i) }

// crew is one person with a tablet, and which case they work on.
type crew struct {
	tablet *tablet.Tablet
	dir    string
	at     int
	made   int

	url  string
	owes bool   // a restored hub asks for what left the tablet with its scope: it is to be enrolled again
	code string // for that
}

// settle makes the hub, its people and their cases, and enrols their tablets.
func (c *campaign) settle(ctx context.Context) error {
	h, err := c.open()
	if err != nil {
		return err
	}
	err = do(ctx, h, collections.Draft{Collection: "organisations", Record: theOrg, Org: theOrg, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	codes := make([]string, people)
	for i := 0; i < people && err == nil; i++ {
		var staff string
		if staff, err = h.AddAccount(ctx, h.HubActor(), collections.NewAccount{Login: login(i), Password: password, DisplayName: "Invented worker", Roles: []care.Role{care.Outreach}, Org: theOrg}); err != nil {
			break
		}
		err = errors.Join(
			do(ctx, h, collections.Draft{Collection: "cases", Record: caseOf(i), Case: caseOf(i), Org: theOrg, Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(staff)}}),
			do(ctx, h, collections.Draft{Collection: "survivors", Record: survivorOf(i), Case: caseOf(i), Set: map[string]care.Value{"alias": care.OfText("Lis")}}))
		if err == nil {
			codes[i], err = h.NewEnrolment(ctx, h.HubActor(), staff)
		}
	}
	if err = errors.Join(err, h.Close()); err != nil {
		return fmt.Errorf("making a hub: %w", err)
	}
	cmd, in, out, said, err := c.start([]string{"serve"}, "")
	if err != nil {
		return err
	}
	if _, err := out.ReadString('\n'); err != nil {
		return fmt.Errorf("the hub does not start: %s", said)
	}
	for i, code := range codes {
		t := &crew{dir: filepath.Join(c.dir, login(i)), at: i % (people - 1), url: "http://" + c.address} // the guest works on the first case
		if t.tablet, err = tablet.Open(t.dir, time.Now, rand.Reader); err != nil {
			return err
		}
		t.tablet.Cost = seal.Cost{Memory: 64, Passes: 1}
		c.tablets = append(c.tablets, t)
		if err := t.tablet.Enrol(ctx, t.url, code, owner); err != nil {
			return fmt.Errorf("enrolling: %w", err)
		}
		if _, err := t.tablet.Sync(ctx); err != nil {
			return fmt.Errorf("the first sync: %w", err)
		}
	}
	if err := in.Close(); err != nil {
		return err
	}
	_, err = wasKilled(cmd.Wait(), said)
	return err
}

// work enters something and syncs, again and again, until it is told to stop.
// That the hub does not answer is what happens here; that a tablet differs from
// it is a fault.
func (t *crew) work(ctx context.Context, rng *mathrand.Rand, opens bool) error {
	if t.code != "" {
		if err := t.tablet.Enrol(ctx, t.url, t.code, owner); err == nil {
			t.owes = false
		}
		t.code = "" // it may have been used though nobody heard of it
	}
	for ctx.Err() == nil && !t.owes {
		if err := t.enter(ctx, rng, opens); err != nil && ctx.Err() == nil {
			return err
		}
		r, err := t.tablet.Sync(ctx)
		if err == nil && r.Differs {
			return fmt.Errorf("a tablet differs from the hub: %+v", r)
		}
		t.owes = lost(err)
		if code := care.CodeOf(err); code == "chain_broken" || code == "replica_forked" || strings.HasPrefix(code, "audit_") {
			return fmt.Errorf("a tablet cannot go on: %w", err)
		}
	}
	return nil
}

// lost says whether a restored hub knows less of a tablet than it can be given
// back: it asks for what left the tablet with its scope, or does not know it.
func lost(err error) bool {
	return care.CodeOf(err) == "changes_missing" || care.CodeOf(err) == "token_invalid"
}

// enter writes an alias, which others write too, and a note.
func (t *crew) enter(ctx context.Context, rng *mathrand.Rand, opens bool) error {
	t.made++
	alias := map[string]care.Value{"alias": care.OfText(fmt.Sprintf("%s %d", filepath.Base(t.dir), t.made))}
	_, err := t.tablet.Set(ctx, survivorOf(t.at), tablet.Edit{Set: alias})
	if errors.Is(err, tablet.ErrUndecided) {
		err = t.tablet.Resolve(ctx, survivorOf(t.at), "alias", alias["alias"])
	}
	if errors.Is(err, care.ErrNotFound) {
		return nil // evicted
	}
	if err == nil && rng.IntN(2) == 0 {
		_, err = t.tablet.New(ctx, "notes", caseOf(t.at), tablet.Edit{Set: map[string]care.Value{"kind": care.OfText("visit"), "text": care.OfText(strings.Repeat("what was said ", 40))}})
	}
	if err == nil && opens {
		_, err = t.tablet.New(ctx, "cases", "", tablet.Edit{Set: map[string]care.Value{"status": care.OfText("Active")}})
	}
	if errors.Is(err, care.ErrNotFound) {
		return nil
	}
	return err
}

// acknowledged compares the receipts of a tablet with the hub's log: there, with
// the same hash, and the same to the byte. After a restore what comes back has
// another receipt, what is not back yet is still here, and what left the tablet
// with its scope nobody can bring.
func (t *crew) acknowledged(ctx context.Context, h *collections.Hub, restored, ever bool) (n int, err error) {
	self, err := t.tablet.Identity(ctx)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", filepath.Join(t.dir, "tablet.db"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT replica, n, sum, receipt, raw IS NULL FROM outbox WHERE receipt IS NOT NULL`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var replica string
		var number uint64
		var sum, receipt []byte
		var left bool
		if err := rows.Scan(&replica, &number, &sum, &receipt, &left); err != nil {
			return n, err
		}
		n++
		var hash, answered []byte
		err := h.App().NonconcurrentDB().NewQuery(fmt.Sprintf(`SELECT hash, receipt FROM changes WHERE replica = '%s' AND n = %d`, replica, number)).Row(&hash, &answered)
		switch {
		case errors.Is(err, sql.ErrNoRows) && (restored || ever && left):
		case err != nil:
			return n, fmt.Errorf("change %s/%d was acknowledged and is not there: %w", replica, number, err)
		case !bytes.Equal(hash, sum) || !restored && !(ever && (left || replica != self.Replica)) && !bytes.Equal(answered, receipt):
			return n, fmt.Errorf("change %s/%d was acknowledged as another", replica, number)
		}
	}
	return n, rows.Err()
}

// agree lets everybody sync with a hub that nobody kills, and compares.
func (c *campaign) agree(ctx context.Context) error {
	cmd, in, out, said, err := c.start([]string{"serve"}, "")
	if err != nil {
		return err
	}
	if _, err := out.ReadString('\n'); err != nil {
		return fmt.Errorf("the hub does not start: %s", said)
	}
	again := false
	for range 2 {
		for _, t := range c.tablets {
			if t.code != "" {
				if err := t.tablet.Enrol(ctx, t.url, t.code, owner); err != nil {
					return fmt.Errorf("enrolling again: %w", err)
				}
				t.code, t.owes = "", false
			}
			r, err := t.tablet.Sync(ctx)
			if t.owes = lost(err); t.owes {
				again = true
				continue
			}
			if err != nil || r.Differs {
				err = errors.Join(err, in.Close(), cmd.Wait(), errors.New(said.String()))
				return fmt.Errorf("the last sync: %+v, %w", r, err)
			}
		}
	}
	if err := in.Close(); err != nil {
		return err
	}
	if _, err := wasKilled(cmd.Wait(), said); err != nil {
		return err
	}
	if again {
		if err := c.check(ctx); err != nil { // which makes a code
			return err
		}
		return c.agree(ctx)
	}
	c.old = false
	for _, t := range c.tablets {
		if n, err := t.tablet.Unsent(ctx); err != nil || n > 0 {
			return fmt.Errorf("%d changes are not sent, %w", n, err)
		}
	}
	return c.check(ctx)
}
