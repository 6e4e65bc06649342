package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/hooks"
	"portolan/ops"
)

// The child: a hub in a process of its own, started as `portolan serve` starts
// it, that makes what is measured when it is told to on its standard input.
// What is measured goes over HTTP alone.

const (
	workerLogin = "worker" // is on the cases of T1 to T3
	crowdLogin  = "crowd"  // is on those of T4
	password    = "nobody here is a real person"
	grantTerm   = 30 * 24 * time.Hour
	seedBatch   = 500 // drafts in a transaction
)

// order is a line of the child's standard input.
type order struct {
	Do     string `json:"do"` // see child.obey
	From   int    `json:"from,omitempty"`
	Count  int    `json:"count,omitempty"`
	Step   int    `json:"step,omitempty"`
	Login  string `json:"login,omitempty"`
	File   string `json:"file,omitempty"`
	Number int    `json:"number,omitempty"`

	Crew   *crew     `json:"crew,omitempty"`
	Record string    `json:"record,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// report is the line of its standard output that answers it.
type report struct {
	URL   string   `json:"url,omitempty"`
	Codes []string `json:"codes,omitempty"`
	Fault string   `json:"fault,omitempty"`
}

type child struct {
	ctx     context.Context
	hub     *collections.Hub
	profile *os.File
}

// runHub serves the hub in dir until its standard input ends.
func runHub(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	env, err := ops.NewEnv("bench")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := ops.Start(ctx, env, ops.Service{Dir: dir, Wire: hooks.Wire{Listen: "127.0.0.1:0"}, Log: log})
	if err != nil {
		return err
	}
	c := &child{ctx: ctx, hub: r.Hub}
	answer := json.NewEncoder(out)
	err = answer.Encode(report{URL: r.URL})
	for lines := bufio.NewScanner(in); err == nil && lines.Scan(); {
		var o order
		if err = json.Unmarshal(lines.Bytes(), &o); err != nil {
			break
		}
		did, fault := c.obey(o)
		if fault != nil {
			did.Fault = fault.Error()
		}
		err = answer.Encode(did)
	}
	return errors.Join(err, r.Stop())
}

func (c *child) obey(o order) (report, error) {
	switch o.Do {
	case "surroundings":
		return report{}, c.surroundings()
	case "records":
		return report{}, c.records(o.From, o.Count)
	case "news":
		return report{}, c.news(o.Count, o.Step, o.Number)
	case "crew":
		return report{}, c.crew(*o.Crew)
	case "stir":
		return report{}, c.stir(o.Record, o.Number)
	case "grant":
		return report{}, c.grant(o.Record, o.Until)
	case "codes":
		return c.codes(o.Login, o.Count)
	case "settle":
		debug.FreeOSMemory()
		return report{}, nil
	case "profile":
		return report{}, c.profileInto(o.File)
	}
	return report{}, fmt.Errorf("no such order: %q", o.Do)
}

// do takes drafts through the door in the hub's name; none may be held.
func (c *child) do(drafts []collections.Draft) error {
	for len(drafts) > 0 {
		n := min(seedBatch, len(drafts))
		receipts, err := c.hub.Do(c.ctx, c.hub.HubActor(), drafts[:n]...)
		if err == nil {
			err = collections.Refused(receipts)
		}
		if err != nil {
			return err
		}
		drafts = drafts[n:]
	}
	return nil
}

// organisation makes it, and the services that records refer to.
func (c *child) organisation() error {
	text := care.OfText
	drafts := []collections.Draft{{Collection: "organisations", Record: orgID, Org: orgID, Set: map[string]care.Value{
		"name": text("Harbour House"), "kind": text("NGO"), "country": text("KE"), "time_zone": text("Africa/Nairobi")}}}
	if err := c.do(drafts); err != nil {
		return err
	}
	drafts = nil
	for i := range serviceCount {
		drafts = append(drafts, collections.Draft{Collection: "services", Record: serviceID(i), Org: orgID, Set: map[string]care.Value{
			"organisation": text(orgID), "name": text(fmt.Sprintf("sh%d", i)), "kind": text("shelter"), "status": text("open")}})
	}
	return c.do(drafts)
}

// surroundings makes the organisation, and two workers with their cases.
func (c *child) surroundings() error {
	text := care.OfText
	if err := c.organisation(); err != nil {
		return err
	}
	var drafts []collections.Draft
	for i, login := range []string{workerLogin, crowdLogin} {
		staff, err := c.hub.AddAccount(c.ctx, c.hub.HubActor(), collections.NewAccount{
			Login: login, Password: password, DisplayName: "Invented " + login, Roles: []care.Role{care.Outreach}, Org: orgID})
		if err != nil {
			return err
		}
		for n := range caseCount {
			id := caseID(i*caseCount + n)
			drafts = append(drafts, collections.Draft{Collection: "cases", Record: id, Case: id, Org: orgID, Set: map[string]care.Value{
				"status": text("Active"), "opened_on": text(time.Now().UTC().Format(time.DateOnly))}},
				collections.Draft{Collection: "grants", Case: id, Set: map[string]care.Value{"staff": text(staff), "compartment": text(string(care.General)),
					"status": text("active"), "until": care.OfTime(time.Now().Add(grantTerm))}})
		}
	}
	return c.do(drafts)
}

// records makes those that a tablet pulls first.
func (c *child) records(from, count int) error {
	drafts := make([]collections.Draft, 0, count)
	for i := from; i < from+count; i++ {
		set, needs := peerRecordOf(i, firstVersion).ours()
		drafts = append(drafts, collections.Draft{Collection: collection, Record: recordID(i), Case: caseOf(i), Set: set, Add: map[string][]string{"needs": needs}})
	}
	return c.do(drafts)
}

// news changes the version of every step-th record.
func (c *child) news(count, step, version int) error {
	drafts := make([]collections.Draft, count)
	for i := range drafts {
		drafts[i] = collections.Draft{Collection: collection, Record: recordID(i * step), Set: map[string]care.Value{versionField: care.OfText(versionText(version))}}
	}
	return c.do(drafts)
}

func (c *child) codes(login string, count int) (r report, err error) {
	staff, err := c.hub.StaffOf(c.ctx, login)
	if err != nil {
		return r, err
	}
	for range count {
		code, err := c.hub.NewEnrolment(c.ctx, c.hub.HubActor(), staff)
		if err != nil {
			return r, err
		}
		r.Codes = append(r.Codes, code)
	}
	return r, nil
}

// profileInto writes where the processor's time goes into a file from now on,
// and ends the one before it; "" ends it only.
func (c *child) profileInto(file string) (err error) {
	if c.profile != nil {
		pprof.StopCPUProfile()
		if err := c.profile.Close(); err != nil {
			return err
		}
		c.profile = nil
	}
	if file == "" {
		return nil
	}
	if c.profile, err = os.Create(file); err != nil {
		return err
	}
	return pprof.StartCPUProfile(c.profile)
}

// oneLine is a text for an error's message.
func oneLine(b []byte) string { return string(bytes.TrimSpace(b[:min(len(b), 300)])) }
