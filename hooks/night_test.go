package hooks_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"

	_ "modernc.org/sqlite" // to look at a hub past the program that serves it
)

// How large the night is: `make night` makes it the one of docs/benchmarks.md.
var (
	nightMoves = flag.Int("moves", 8, "how many moves are due in one night")
	nightKills = flag.Int("nights", 1, "how many nights, in each of which the hub is killed once")
	nightSeed  = flag.Uint64("night-seed", 0, "of the moments of the kills; 0 draws one")
)

// leavers are languages and countries of people who leave on one day.
var leavers = [][2]string{{"ar", "FR"}, {"ur", "SA"}, {"my", "TH"}, {"ti", "FR"}, {"uk", "RO"}, {"es", "FR"}, {"km", "TH"}, {"fa", "GB"}}

// One night on which many moves are due: the built program makes every paper,
// none twice, and none is lost where it is killed in the middle.
func TestANightOfMoves(t *testing.T) {
	seed := *nightSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d: %d nights of %d moves", seed, *nightKills, *nightMoves)
	evening := hubtest.Dir(t)
	if !t.Run("evening", func(t *testing.T) { due(t, hubtest.Open(t, evening, hubtest.MachineClock()), *nightMoves) }) {
		return
	}
	var longest time.Duration
	for n := range *nightKills {
		t.Run(fmt.Sprintf("night %d", n+1), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hub")
			if err := errors.Join(os.CopyFS(dir, os.DirFS(evening)), os.Chmod(filepath.Join(dir, collections.KeyFileName), 0o600)); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, night(t, dir, rng, *nightMoves))
			morning(t, hubtest.Open(t, dir, hubtest.MachineClock()), *nightMoves)
		})
	}
	t.Logf("the longest night took %s, from the first start to the last paper, with the start after the kill", longest.Round(time.Millisecond))
}

// due arranges moves that leave within days, each of somebody else.
func due(t *testing.T, h *hubtest.Hub, moves int) {
	t.Helper()
	owner, _ := h.Staff(t, care.Outreach)
	now := h.Clock.Now()
	for n := range moves {
		own, to := leavers[n%len(leavers)][0], leavers[n%len(leavers)][1]
		id, consent, transfer := h.NewID(), h.NewID(), h.NewID()
		of := func(collection, record string, s set) collections.Draft {
			return collections.Draft{Collection: collection, Record: record, Case: id, Set: s}
		}
		h.Must(t, h.HubActor(),
			collections.Draft{Collection: "cases", Record: id, Org: h.Org, Set: set{"status": text("Active"), "owner": text(owner.Staff)}},
			of("survivors", h.NewID(), set{"alias": text(fmt.Sprintf("Nobody %d", n)), "primary_language": text(own), "languages": care.OfList(own), "birth_year": care.OfInt(int64(1975 + n%30))}),
			of("medicines", h.NewID(), set{"substance": text("amoxicillin"), "dose": text(fmt.Sprintf("%d mg", 100+n)), "route": text(care.RouteOral), "frequency": text("TID"), "status": text("active")}),
			of("medicines", h.NewID(), set{"substance": text("ferrous sulfate"), "dose": text("200 mg"), "route": text(care.RouteOral), "frequency": text("QD"), "status": text("active")}),
			of("allergies", h.NewID(), set{"substance": text("penicillin"), "criticality": text("high"), "status": text("active")}),
			of("conditions", h.NewID(), set{"label": text("Asthma"), "code": text("J45"), "code_system": text(care.SystemICD10), "clinical_status": text("active")}),
			of("consents", consent, set{
				"purpose": text(string(care.CrossBorderTransfer)), "recipient_kind": text("country"), "recipient_country": text(to),
				"categories": care.OfList("health", "identity"), "actions": care.OfList("print", "share"), "decision": text("permit"), "status": text("given"),
				"valid_from": care.OfTime(now), "expires_at": care.OfTime(now.Add(60 * 24 * time.Hour)), "language": text(own), "mode": text("written"),
				"explanation_version": text("2026-1"), "giver": text("self"),
				"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal")}),
			of("transfers", transfer, set{"kind": text("transfer"), "status": text("draft"), "destination_country": text(to),
				"departure_at": care.OfTime(now.Add(time.Duration(24+n%96) * time.Hour))}),
			collections.Draft{Collection: "transfers", Record: transfer, Set: set{"status": text("consented")}})
	}
}

// night serves a folder, kills the hub at a moment, and serves it again until
// all papers lie there.
func night(t *testing.T, dir string, rng *rand.Rand, moves int) (took time.Duration) {
	t.Helper()
	began := time.Now()
	first := hubtest.Run(t, dir, hubtest.FreeAddress(t))
	after, pause := rng.IntN(moves), time.Duration(rng.Int64N(int64(30*time.Millisecond)))
	until(t, dir, after)
	hubtest.Wait(t.Context(), pause)
	made := papersIn(t, dir)
	first.Kill(t)
	second := hubtest.Run(t, dir, hubtest.FreeAddress(t))
	until(t, dir, moves)
	took = time.Since(began)
	second.Stop(t)
	worked := time.Duration(0)
	for _, p := range []*hubtest.Process{first, second} {
		worked += p.ProcessState.UserTime() + p.ProcessState.SystemTime()
	}
	t.Logf("killed with %d papers made; all %d after %s, with %s of a processor", made, moves, took.Round(time.Millisecond), worked.Round(time.Millisecond))
	return took
}

// morning looks at what lies there: one whole paper for each move, and one task.
func morning(t *testing.T, h *hubtest.Hub, moves int) {
	t.Helper()
	papers, err := h.PreparedPapers(t.Context(), h.HubActor(), collections.Where{Org: h.Org})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for _, p := range papers {
		of[p.Text("transfer")]++
		if v, _ := p.Get("version").Int(); v != 1 || p.Text("status") != "prepared" {
			t.Errorf("a paper of version %d lies there as %s", v, p.Text("status"))
		}
		if _, b, err := h.DocumentFile(t.Context(), h.HubActor(), p.ID); err != nil || len(b) == 0 {
			t.Errorf("a paper does not open: %v", err)
		}
	}
	if all := papersIn(t, h.Dir()); len(of) != moves || len(papers) != moves || all != moves {
		t.Errorf("%d papers lie there, %d with those that were cancelled, for %d moves; want one for each of %d", len(papers), all, len(of), moves)
	}
	tasks, err := h.PaperTasks(t.Context(), h.HubActor(), collections.Where{Org: h.Org})
	if err != nil || len(tasks) != moves {
		t.Errorf("%d tasks say that a paper is ready, %v; want %d", len(tasks), err, moves)
	}
}

// until waits for papers, as long as more of them come.
func until(t *testing.T, dir string, papers int) {
	t.Helper()
	had, last := -1, time.Now()
	for {
		n := papersIn(t, dir)
		switch {
		case n >= papers:
			return
		case n > had:
			had, last = n, time.Now()
		case time.Since(last) > time.Minute:
			t.Fatalf("there are %d papers, want %d, and no more come", n, papers)
		}
		hubtest.Wait(t.Context(), 10*time.Millisecond)
	}
}

// papersIn counts the papers in a folder that somebody else serves.
func papersIn(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, filepath.FromSlash(collections.DatabasePath))+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM documents WHERE kind = 'summary'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
