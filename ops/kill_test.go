package ops_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
	fieldsync "portolan/sync"
)

// How the hub is killed: as often as issue and design ask, at moments that
// fall before, into and after a push.
const (
	kills        = 20
	killTablets  = 3
	killAfterMax = 150 * time.Millisecond
)

// TestKilledHubLosesNothingAcknowledged builds the program, lets tablets push
// to it and kills it with -9 at random moments. Each time verify finds no
// fault; at the end every change whose receipt reached a tablet is in the log,
// byte for byte, with that receipt, and can be read.
func TestKilledHubLosesNothingAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	bin, dir := hubtest.Program(t), filepath.Join(t.TempDir(), "hub")
	address := hubtest.FreeAddress(t)
	tablets := enrolForKilling(t, dir, "http://"+address)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var pushing sync.WaitGroup
	for i := range killTablets {
		pushing.Go(func() { tablets[i].pushUntil(ctx, t) })
	}
	for range kills {
		hub := hubtest.Run(t, dir, address)
		hubtest.Wait(ctx, time.Duration(random.Int64N(int64(killAfterMax))))
		hub.Kill(t)
		mustVerify(t, bin, dir)
	}
	hub := hubtest.Run(t, dir, address)
	stop()
	pushing.Wait()
	hub.Stop(t)
	mustVerify(t, bin, dir)
	acknowledgedArePresent(t, dir, tablets)
}

func TestMain(m *testing.M) { os.Exit(hubtest.Main(m)) }

func mustVerify(t *testing.T, bin, dir string) {
	t.Helper()
	if out, err := exec.Command(bin, "verify", "--dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("verify after a kill: %v\n%s", err, out)
	}
}

// killedTablet is a tablet that keeps its own ledger of what it was told.
type killedTablet struct {
	url, replica  string
	asked         int64
	staff, caseID string
	key           ed25519.PrivateKey
	clock         *fieldsync.Clock
	n             uint64
	link          fieldsync.Link
	cursor        string
	made          map[uint64]json.RawMessage // by number
	records       map[uint64]string          // by number
	receipts      map[uint64]json.RawMessage // by number: acknowledged
	cut           int                        // pushes that broke off
}

// enrolForKilling makes a hub with a case for each of its tablets.
func enrolForKilling(t *testing.T, dir, url string) []*killedTablet {
	t.Helper()
	h, err := collections.Open(collections.Config{Dir: dir})
	if err != nil {
		t.Fatalf("making a hub: %v", err)
	}
	defer h.Close()
	const org = killedOrg
	must := func(a care.Actor, d collections.Draft) {
		receipts, err := h.Do(t.Context(), a, d)
		if err == nil {
			err = collections.Refused(receipts)
		}
		if err != nil {
			t.Fatalf("filling a hub: %v", err)
		}
	}
	must(h.HubActor(), collections.Draft{Collection: "organisations", Record: org, Org: org, Set: map[string]care.Value{
		"name": care.OfText("Harbour House"), "kind": care.OfText("NGO"), "country": care.OfText("KE"), "time_zone": care.OfText("Africa/Nairobi")}})
	var tablets []*killedTablet
	for i := range killTablets {
		staff, err := h.AddAccount(t.Context(), h.HubActor(), collections.NewAccount{Login: fmt.Sprintf("worker-%d", i),
			Password: killedPassword, DisplayName: "Invented worker", Roles: []care.Role{care.Outreach}, Org: org})
		if err != nil {
			t.Fatalf("adding an account: %v", err)
		}
		worker, err := h.Actor(t.Context(), staff, "")
		if err != nil {
			t.Fatalf("loading a worker: %v", err)
		}
		caseID := fmt.Sprintf("01930000-0000-7000-8000-00000000c%03d", i)
		must(worker, collections.Draft{Collection: "cases", Record: caseID, Case: caseID, Set: map[string]care.Value{
			"status": care.OfText("Active"), "owner": care.OfText(staff)}})
		must(h.HubActor(), collections.Draft{Collection: "documents", Record: letterIn(caseID), Case: caseID, Org: org, Set: map[string]care.Value{
			"kind": care.OfText("letter"), "status": care.OfText("kept")}})
		tablets = append(tablets, enrolKilled(t, h, staff, caseID, url))
	}
	return tablets
}

// letterIn is the document of a case.
func letterIn(caseID string) string { return strings.Replace(caseID, "c", "d", 1) }

// killedOrg is the organisation of these hubs.
const killedOrg = "01930000-0000-7000-8000-000000000001"

// killedPassword is every worker's.
const killedPassword = "correct horse battery staple"

func enrolKilled(t *testing.T, h *collections.Hub, staff, caseID, url string) *killedTablet {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	code, err := h.NewEnrolment(t.Context(), h.HubActor(), staff)
	if err != nil {
		t.Fatalf("making a code: %v", err)
	}
	e, err := h.Enrol(t.Context(), code, collections.Credentials{Password: "correct horse battery staple"}, public, "a tablet")
	if err != nil {
		t.Fatalf("enrolling: %v", err)
	}
	return &killedTablet{url: url + "/api/portolan/sync", replica: e.Replica, staff: staff, caseID: caseID, key: private,
		clock: fieldsync.NewClock(time.Now), made: map[uint64]json.RawMessage{}, records: map[uint64]string{}, receipts: map[uint64]json.RawMessage{}}
}

// pushUntil writes notes and pushes them, again where the line or the hub
// broke, until it is told to stop and nothing is unsent.
func (d *killedTablet) pushUntil(ctx context.Context, t *testing.T) {
	var batch []json.RawMessage
	for ctx.Err() == nil || len(batch) > 0 {
		if len(batch) == 0 {
			batch = d.write(1 + int(d.n%23))
		}
		switch err := d.push(batch); {
		case err == nil:
			batch = nil
		case errors.Is(err, errDown):
			hubtest.Wait(context.Background(), 5*time.Millisecond)
		case errors.Is(err, errCut):
			d.cut++
			if _, told := d.receipts[d.n]; told {
				batch = nil // the receipts had come before the line broke
			}
		default:
			t.Errorf("pushing: %v", err)
			return
		}
	}
}

// write makes n notes.
func (d *killedTablet) write(n int) []json.RawMessage {
	var batch []json.RawMessage
	for range n {
		d.n++
		salt := make([]byte, fieldsync.SaltBytes)
		salt[0], salt[1] = byte(d.n), byte(d.n>>8)
		c := fieldsync.Change{N: d.n, Collection: "notes", Record: noteID(d.replica, d.n), Case: d.caseID, Author: d.staff,
			Set:   map[string]care.Value{"kind": care.OfText("general"), "text": care.OfText(noteText(d.n))},
			Clock: d.clock.Tick(), At: care.FormatTime(time.Now()), Schema: care.SchemaVersion, Salt: base64.RawURLEncoding.EncodeToString(salt)}
		raw := json.RawMessage(fieldsync.EncodeChange(c))
		d.made[d.n], d.records[d.n] = raw, c.Record
		d.link = fieldsync.NextLink(d.link, raw)
		batch = append(batch, raw)
	}
	return batch
}

// noteID is a UUIDv7 of its own for each replica and number.
func noteID(replica string, n uint64) string {
	return fmt.Sprintf("01930000-0000-7%s-8%s-%012x", replica[len(replica)-3:], replica[len(replica)-6:len(replica)-3], n)
}

func noteText(n uint64) string { return fmt.Sprintf("note number %d", n) }

// A push whose answer did not come whole, of which nothing is known; and one
// that nobody took.
var (
	errCut  = errors.New("the line broke")
	errDown = errors.New("the hub is down")
)

// push sends a batch that ends with change d.n and keeps its receipts.
func (d *killedTablet) push(batch []json.RawMessage) error {
	body, err := json.Marshal(fieldsync.Push{Version: fieldsync.ProtocolVersion, Replica: d.replica, Changes: batch, Link: d.link.String(),
		Signature: fieldsync.Sign(d.key, d.replica, d.n, d.link), Cursor: d.cursor})
	if err != nil {
		return fmt.Errorf("writing a push: %w", err)
	}
	r, err := http.NewRequest("POST", d.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	d.asked = max(d.asked+1, time.Now().UnixMilli())
	r.Header.Set("Authorization", fieldsync.RequestOf(d.replica, "POST", "/api/portolan/sync", body, d.asked).Authorization(d.key))
	answer, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errDown
	}
	if err != nil {
		return errCut
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusServiceUnavailable {
		return errDown
	}
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body)
		if bytes.Contains(said, []byte(`"clock_off"`)) {
			return errDown // signed before this hub began: it is signed again
		}
		return fmt.Errorf("answered %d %s", answer.StatusCode, said)
	}
	return d.receive(answer.Body)
}

// receive reads the answer line by line; a receipt counts as soon as its line
// is whole, whatever becomes of the rest.
func (d *killedTablet) receive(body io.Reader) error {
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return errCut // the last line says that it is the last
		}
		var in struct {
			Receipts []json.RawMessage `json:"receipts"`
			End      *fieldsync.End    `json:"end"`
		}
		if err := json.Unmarshal(line, &in); err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		for _, raw := range in.Receipts {
			if err := d.keep(raw); err != nil {
				return err
			}
		}
		if in.End != nil {
			d.cursor = in.End.Cursor
			return nil
		}
	}
}

func (d *killedTablet) keep(raw json.RawMessage) error {
	var r fieldsync.Receipt
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("reading a receipt: %w", err)
	}
	if r.Status != fieldsync.StatusApplied {
		return fmt.Errorf("change %d was not applied: %s", r.N, raw)
	}
	if before, told := d.receipts[r.N]; told && !bytes.Equal(before, raw) {
		return fmt.Errorf("change %d had the receipt %s and has now %s", r.N, before, raw)
	}
	d.receipts[r.N] = raw
	return nil
}

func acknowledgedArePresent(t *testing.T, dir string, tablets []*killedTablet) {
	t.Helper()
	acknowledged, cut := present(t, dir, tablets)
	t.Logf("%d changes acknowledged, %d pushes cut, %d kills", acknowledged, cut, kills)
	if acknowledged < kills || cut == 0 {
		t.Errorf("%d changes acknowledged and %d pushes cut: the test proves nothing", acknowledged, cut)
	}
}

// present looks for every acknowledged change in the log, byte for byte, and
// for what it wrote; it counts them, and the pushes that broke off.
func present(t *testing.T, dir string, tablets []*killedTablet) (acknowledged, cut int) {
	t.Helper()
	h, err := collections.Open(collections.Config{Dir: dir})
	if err != nil {
		t.Fatalf("opening the hub again: %v", err)
	}
	defer h.Close()
	// Read past the program under test.
	db, err := sql.Open("sqlite", filepath.Join(dir, "pb_data", "data.db"))
	if err != nil {
		t.Fatalf("opening the database: %v", err)
	}
	defer db.Close()
	for _, d := range tablets {
		worker, err := h.Actor(t.Context(), d.staff, "")
		if err != nil {
			t.Fatalf("loading a worker: %v", err)
		}
		for n, receipt := range d.receipts {
			acknowledged++
			var hash, stored []byte // verify found that what is sealed has this hash
			if err := db.QueryRow(`SELECT hash, receipt FROM changes WHERE replica = ? AND n = ?`, d.replica, n).Scan(&hash, &stored); err != nil {
				t.Errorf("change %d was acknowledged and is gone: %v", n, err)
				continue
			}
			if sum := sha256.Sum256(d.made[n]); !bytes.Equal(hash, sum[:]) || !bytes.Equal(stored, receipt) {
				t.Errorf("change %d is kept with %s; answered was %s, and it is not what was sent", n, stored, receipt)
			}
			row, err := h.Read(t.Context(), worker, "notes", d.records[n])
			if err != nil || row.Text("text") != noteText(n) {
				t.Errorf("note %d reads %q: %v", n, row.Text("text"), err)
			}
		}
		cut += d.cut
	}
	return acknowledged, cut
}
