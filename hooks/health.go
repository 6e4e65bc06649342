package hooks

import (
	"context"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/collections"
)

// Health is what everybody may know of the hub: whether it is well. It counts
// nothing.
type Health struct {
	Status  string `json:"status"` // ok; locked: it waits for its key; or failing, with HTTP 503
	Version string `json:"version"`
	Schema  int    `json:"schema"`
	Uptime  int64  `json:"uptime"` // seconds
}

// HealthDetails is what those who work with the hub may know besides.
type HealthDetails struct {
	Health
	Database string `json:"database"` // ok, or failing: it does not answer
	Checks   string `json:"checks"`   // ok, damaged, failed, or none yet
	Checked  string `json:"checked,omitempty"`
	Disk     string `json:"disk"`   // ok or full
	Free     int64  `json:"free"`   // bytes
	Backup   string `json:"backup"` // ok, old or none
	BackedUp string `json:"backed_up,omitempty"`
	// ChangeLog says whether its numbers are dense: ok, damaged, or none yet.
	ChangeLog string     `json:"change_log"`
	Keys      *KeyHealth `json:"keys,omitempty"` // for the power operate
}

// KeyHealth is how the hub's keys stand; it names no key and no place.
type KeyHealth struct {
	State     string `json:"state"` // ok, locked, or rotating
	File      string `json:"file"`  // plain, passphrase, missing or damaged
	Shares    int    `json:"shares,omitempty"`
	Need      int    `json:"need,omitempty"`
	Stale     bool   `json:"stale,omitempty"` // the shares are of an earlier root key and open nothing
	Epoch     int    `json:"epoch"`
	Rotated   string `json:"rotated,omitempty"` // when the last epoch began
	Copies    int    `json:"copies"`            // folders of backups with a copy of the keys
	Unreached int    `json:"unreached"`         // of these, where none is now
	Waiting   int    `json:"waiting"`           // pushes that came while the hub was locked
	Refused   int    `json:"refused"`
}

const (
	healthTimeout = 2 * time.Second
	backupOld     = 8 * 24 * time.Hour // somebody should make one a week
	firstCheck    = 10 * time.Minute   // after the start; the quick one runs at once
)

var errFailing = &care.Error{Code: "hub_failing", Kind: care.Busy, Hint: "The hub is not well. Whoever runs it sees why at /api/portolan/health/details."}

func (f *Front) healthNow(ctx context.Context) HealthDetails {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	now := f.hub.Now()
	h := f.hub.Health(ctx)
	d := HealthDetails{Health: Health{Status: "ok", Version: f.cfg.Version, Schema: care.SchemaVersion, Uptime: int64(now.Sub(f.started) / time.Second)},
		Database: "ok", Checks: "ok", ChangeLog: "ok", Disk: "ok", Free: h.Free, Backup: "ok"}
	if f.hub.Locked() {
		d.Status = "locked"
	}
	if !h.Good() {
		d.Status = "failing"
	}
	if !h.Database {
		d.Database = "failing"
	}
	if h.Full {
		d.Disk = "full"
	}
	switch {
	case h.Quick.Log > 0:
		d.ChangeLog = "damaged"
	case h.Quick.At.IsZero() || h.Quick.Failed:
		d.ChangeLog = "none"
	}
	checked := h.Whole
	if checked.At.IsZero() || !h.Quick.Good() {
		checked = h.Quick
	}
	switch {
	case checked.Faults > 0:
		d.Checks = "damaged"
	case checked.Failed:
		d.Checks = "failed"
	case checked.At.IsZero():
		d.Checks = "none"
	}
	if !checked.At.IsZero() {
		d.Checked = care.FormatTime(checked.At)
	}
	switch {
	case h.Backup.IsZero():
		d.Backup = "none"
	case now.Sub(h.Backup) > backupOld:
		d.Backup = "old"
	}
	if !h.Backup.IsZero() {
		d.BackedUp = care.FormatTime(h.Backup)
	}
	return d
}

// health tells everybody whether the hub is well.
func (f *Front) health(e *core.RequestEvent, _ care.Actor) error {
	h := f.healthNow(e.Request.Context()).Health
	writeJSON(e.Response, e.Request, healthStatus(h), h)
	return nil
}

// healthDetails tells those who are signed in why it is not.
func (f *Front) healthDetails(e *core.RequestEvent, a care.Actor) error {
	d := f.healthNow(e.Request.Context())
	if a.Can(care.MayOperate) {
		keys, err := f.keyHealth(e.Request.Context())
		if err != nil {
			return err
		}
		d.Keys = &keys
	}
	writeJSON(e.Response, e.Request, healthStatus(d.Health), d)
	return nil
}

func (f *Front) keyHealth(ctx context.Context) (KeyHealth, error) {
	s, err := f.hub.KeyState(ctx)
	k := KeyHealth{State: "ok", File: s.Kind, Shares: s.Custody.Shares, Need: s.Custody.Need, Stale: s.Stale, Epoch: s.Epoch, Rotated: s.Rotated,
		Copies: s.Copies, Unreached: s.Unreached, Waiting: s.Waiting, Refused: s.Refused}
	switch {
	case s.Locked:
		k.State = "locked"
	case s.Left > 0:
		k.State = "rotating"
	}
	return k, err
}

func healthStatus(h Health) int {
	if h.Status == "failing" {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// stockHealth keeps PocketBase's own answer to monitors, which is always yes,
// from being given while the hub is not well.
func (f *Front) stockHealth(r *http.Request, door route) error {
	if door.path == "/api/health" && f.healthNow(r.Context()).Status == "failing" {
		return errFailing
	}
	return nil
}

// checkUp looks at the database at once, and at everything once a day, beside
// the hub's work.
func (f *Front) checkUp(ctx context.Context) {
	f.hub.CheckUp(ctx, false)
	tick := time.NewTicker(tendTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if now := f.hub.Now(); now.Sub(f.started) >= firstCheck && now.Sub(f.hub.LastCheck()) >= collections.CheckEvery {
				f.hub.CheckUp(ctx, false)
				f.hub.CheckUp(ctx, true)
			}
		}
	}
}
