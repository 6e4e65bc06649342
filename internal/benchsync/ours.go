package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"portolan/care"
	"portolan/tablet"
)

// hubProcess is the child, as this process sees it.
type hubProcess struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	told *json.Encoder
	said *bufio.Scanner
	url  string
}

func startHub(ctx context.Context, dir string) (*hubProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &hubProcess{cmd: exec.CommandContext(ctx, self, "hub", dir)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.told, p.said = json.NewEncoder(p.in), bufio.NewScanner(out)
	r, err := p.hear()
	p.url = r.URL
	return p, err
}

func (p *hubProcess) hear() (r report, err error) {
	if !p.said.Scan() {
		return r, errors.Join(errors.New("the hub has ended"), p.said.Err())
	}
	if err := json.Unmarshal(p.said.Bytes(), &r); err != nil {
		return r, err
	}
	if r.Fault != "" {
		return r, errors.New(r.Fault)
	}
	return r, nil
}

func (p *hubProcess) tell(o order) (report, error) {
	if err := p.told.Encode(o); err != nil {
		return report{}, err
	}
	r, err := p.hear()
	if err != nil {
		err = fmt.Errorf("%s: %w", o.Do, err)
	}
	return r, err
}

func (p *hubProcess) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// ours is one run against a hub of its own.
type ours struct {
	ctx      context.Context
	n        int
	dir      string
	profiles string // folder for the hub's profiles; "" for none

	hub   *hubProcess
	relay *relay
	lines [][]byte // what a first pull brought, for the floor

	cold, warm, durable figures
}

func (o *ours) run() (err error) {
	o.cold, o.warm, o.durable = figures{}, figures{}, figures{}
	if o.hub, err = startHub(o.ctx, filepath.Join(o.dir, "hub")); err != nil {
		return err
	}
	for _, order := range []order{{Do: "surroundings"}, {Do: "records", Count: o.n}, {Do: "records", From: crowdFirst, Count: crowdRecords}} {
		if _, err := o.hub.tell(order); err != nil {
			return errors.Join(err, o.hub.stop())
		}
	}
	tablets, err := o.enrol(workerLogin, 3)
	if err != nil {
		return errors.Join(err, o.hub.stop())
	}
	// Cold: the hub has just started, and nobody has pulled since.
	if err := o.hub.stop(); err != nil {
		return err
	}
	if o.hub, err = startHub(o.ctx, filepath.Join(o.dir, "hub")); err != nil {
		return err
	}
	return errors.Join(o.workloads(tablets), o.hub.stop())
}

func (o *ours) enrol(login string, count int) ([]*client, error) {
	r, err := o.hub.tell(order{Do: "codes", Login: login, Count: count})
	if err != nil {
		return nil, err
	}
	var all []*client
	for _, code := range r.Codes {
		c, err := enrol(o.ctx, &http.Transport{}, o.hub.url, code)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (o *ours) workloads(tablets []*client) (err error) {
	address, err := url.Parse(o.hub.url)
	if err != nil {
		return err
	}
	if o.relay, err = newRelay(address.Host); err != nil {
		return err
	}
	defer o.relay.close() // nothing is on its way any more
	if err := o.first(o.cold, tablets[0].at(o.relay.url())); err != nil {
		return fmt.Errorf("%s, cold: %w", first, err)
	}
	w := tablets[1].at(o.relay.url())
	for _, step := range []struct {
		name string
		do   func(*client) error
	}{{first, func(c *client) error { return o.first(o.warm, c) }}, {news, o.news}, {nothing, o.nothing}, {push, o.push}} {
		if err := o.profiled(step.name, func() error { return step.do(w) }); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if err := o.crowd(); err != nil {
		return fmt.Errorf("%s: %w", crowd, err)
	}
	// What the floor copies is what a tablet is sent, line by line.
	tablets[2].at(o.hub.url).keep = func(line []byte) { o.lines = append(o.lines, line) }
	if err := tablets[2].sync(o.ctx); err != nil {
		return err
	}
	if err := o.durably(); err != nil {
		return fmt.Errorf("the durable tablet: %w", err)
	}
	return nil
}

func (o *ours) profiled(name string, work func() error) error {
	if o.profiles == "" {
		return work()
	}
	if _, err := o.hub.tell(order{Do: "profile", File: filepath.Join(o.profiles, name+".pprof")}); err != nil {
		return err
	}
	end, err := o.ownProfile("client-" + name)
	if err != nil {
		return err
	}
	err = errors.Join(work(), end())
	_, ended := o.hub.tell(order{Do: "profile"})
	return errors.Join(err, ended)
}

// ownProfile is that of the tablets, which work in this process.
func (o *ours) ownProfile(name string) (end func() error, err error) {
	if o.profiles == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Join(o.profiles, name+".pprof"))
	if err != nil {
		return nil, err
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, pprof.StartCPUProfile(f)
}

func (o *ours) meter(into figures) meter { return meter{o.hub.cmd.Process.Pid, o.relay, into} }

// expect checks how many records a tablet holds, and each of them, field for
// field.
func (o *ours) expect(c *client, count int, what func(i int) (plan string, version int)) error {
	if len(c.records) != count {
		return fmt.Errorf("%d records instead of %d", len(c.records), count)
	}
	for i := range count {
		plan, version := what(i)
		if err := c.holds(i, plan, version); err != nil {
			return err
		}
	}
	return nil
}

func (o *ours) first(into figures, c *client) error {
	if err := o.meter(into).measure(first, func() error { return c.sync(o.ctx) }); err != nil {
		return err
	}
	into["t1_rows"] = float64(c.rows)
	return o.expect(c, o.n, func(int) (string, int) { return "", firstVersion })
}

// step is which records the news are about: every step-th.
func (o *ours) step() int { return o.n / newsChanges }

func (o *ours) news(c *client) error {
	if _, err := o.hub.tell(order{Do: "news", Count: newsChanges, Step: o.step(), Number: newsVersion}); err != nil {
		return err
	}
	if err := o.meter(o.warm).measure(news, func() error { return c.sync(o.ctx) }); err != nil {
		return err
	}
	return o.expect(c, o.n, o.afterNews)
}

func (o *ours) afterNews(i int) (string, int) {
	if i%o.step() == 0 && i/o.step() < newsChanges {
		return "", newsVersion
	}
	return "", firstVersion
}

func (o *ours) nothing(c *client) error {
	err := o.meter(o.warm).measure(nothing, func() error { return c.sync(o.ctx) })
	o.warm["t0_body_b"] = float64(c.body)
	return err
}

// edited are the records of T3.
func (o *ours) edited(i int) int { return (o.n/2 + i) % o.n }

func offlinePlan(i int) string { return "edited offline " + peerRecordOf(i, firstVersion).plan }

func (o *ours) push(c *client) error {
	edits := make([]json.RawMessage, pushedEdits)
	for i := range edits {
		edits[i] = c.change(i, recordID(o.edited(i)), "", offlineEdit(o.edited(i)), nil)
	}
	err := o.meter(o.warm).measure(push, func() error {
		for from := 0; from < len(edits); from += pushMax {
			if err := c.sync(o.ctx, edits[from:min(from+pushMax, len(edits))]...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.expect(c, o.n, func(i int) (string, int) {
		if (i-o.n/2+o.n)%o.n < pushedEdits {
			return offlinePlan(i), offlineVersion
		}
		return o.afterNews(i)
	})
}

// pushMax is how many changes go in one round trip, as at the peers.
const pushMax = 500

func offlineEdit(i int) map[string]care.Value {
	return map[string]care.Value{planField: care.OfText(offlinePlan(i)), versionField: care.OfText(versionText(offlineVersion))}
}

// crowd is T4, past the relay as at the peers.
func (o *ours) crowd() error {
	all, err := o.enrol(crowdLogin, crowdClients)
	if err != nil {
		return err
	}
	m := o.meter(o.warm)
	m.relay = nil
	err = o.profiled(crowd, func() error {
		return m.measure(crowd, func() error {
			return atOnce(crowdClients, func(k int) error { return o.oneOfCrowd(k, all[k]) })
		})
	})
	if err != nil {
		return err
	}
	if err := all[0].sync(o.ctx); err != nil {
		return err
	}
	if len(all[0].records) != crowdRecords+crowdClients*crowdEach {
		return fmt.Errorf("%d records after all have pushed", len(all[0].records))
	}
	return nil
}

func (o *ours) oneOfCrowd(k int, c *client) error {
	if _, err := c.syncPatiently(o.ctx, nil); err != nil {
		return err
	}
	if len(c.records) < crowdRecords {
		return fmt.Errorf("%d records", len(c.records))
	}
	made := make([]json.RawMessage, crowdEach)
	for j := range made {
		i := crowdNewFirst + k*crowdEach + j
		set, needs := peerRecordOf(i, firstVersion).ours()
		made[j] = c.change(j, recordID(i), caseOf(i), set, map[string][]string{"needs": needs})
	}
	_, err := c.syncPatiently(o.ctx, made)
	return err
}

// durably does T1 to T3 with the Go tablet and its sealed store on the disk.
func (o *ours) durably() error {
	r, err := o.hub.tell(order{Do: "codes", Login: workerLogin, Count: 1})
	if err != nil {
		return err
	}
	t, err := tablet.Open(filepath.Join(o.dir, "tablet"), time.Now, rand.Reader)
	if err != nil {
		return err
	}
	defer t.Close() // its folder goes with the run
	if err := t.Enrol(o.ctx, o.relay.url(), r.Codes[0], tablet.Owner{Password: password, Passphrase: password}); err != nil {
		return err
	}
	sync := func(workload string) (done tablet.Report, err error) {
		ended, err := o.ownProfile("tablet-" + workload)
		if err != nil {
			return done, err
		}
		err = o.meter(o.durable).measure(workload, func() error {
			done, err = t.Sync(o.ctx)
			return err
		})
		err = errors.Join(err, ended())
		if err == nil && done.Differs {
			err = errors.New("the digests differ")
		}
		return done, err
	}
	if _, err := sync(first); err != nil {
		return err
	}
	if counts, err := t.Counts(o.ctx); err != nil || counts[collection] != o.n {
		return errors.Join(fmt.Errorf("%d records instead of %d", counts[collection], o.n), err)
	}
	if _, err := o.hub.tell(order{Do: "news", Count: newsChanges, Step: o.step(), Number: newsVersion + 1}); err != nil {
		return err
	}
	for _, workload := range []string{news, nothing} {
		if _, err := sync(workload); err != nil {
			return err
		}
	}
	for i := range pushedEdits {
		set := offlineEdit(o.edited(i))
		set[planField] = care.OfText("again " + offlinePlan(o.edited(i)))
		if _, err := t.Set(o.ctx, recordID(o.edited(i)), tablet.Edit{Set: set}); err != nil {
			return err
		}
	}
	done, err := sync(push)
	if err == nil && (done.Sent < pushedEdits || done.Held > 0) {
		err = fmt.Errorf("%+v", done)
	}
	return err
}
