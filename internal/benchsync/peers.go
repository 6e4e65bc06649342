package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// peer is somebody else's sync, run by the script that was made for it.
type peer struct {
	name   string // for people
	word   string // what run.sh calls it
	bench  string // its client
	result string
	pull   string // the call that pulls what is new, in its client
}

var peers = []peer{
	{"PocketBase 0.39", "pb", "pb/bench.cjs", "pocketbase_updated_poll_rest.json", "pull(P,'cases',st)"},
	{"PouchDB 9", "pouch", "pouch/bench.cjs", "pouchdb_express_leveldb.json", "local.replicate.from(remote,o)"},
}

// copyPeers copies the peers' folder: they are built and write beside their
// sources.
func copyPeers(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copying the peers: %w", err)
	}
	return filepath.WalkDir(to, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o700)
	})
}

// widen has a peer's client measure what it leaves out: a pull of nothing new,
// and the bytes of both directions. Nothing else of it changes.
func (p peer) widen(dir string) error {
	file := filepath.Join(dir, p.bench)
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(b)
	bytesOf := func(w string) string {
		return fmt.Sprintf("{const d=s();row.%s_down_kb=d.down/1024;row.%s_up_kb=d.up/1024}", w, w)
	}
	for _, change := range [][2]string{
		{"row.t1_down_kb=s().down/1024;", bytesOf("t1")},
		{"row.t2_down_kb=s().down/1024;", bytesOf("t2")},
		{"row.t3_up_kb=s().up/1024;", bytesOf("t3")},
		{"===2,'inc');", "===2,'inc');s=px.snap();await C.timedc(row,'t0_nothing',()=>" + p.pull + ");" + bytesOf("t0")},
	} {
		if change[0] == "row.t1_down_kb=s().down/1024;" && strings.Contains(text, "t1_up_kb:") {
			continue // counts both already
		}
		if strings.Count(text, change[0]) != 1 {
			return fmt.Errorf("%s does not hold %q once: it is not the one that was read", p.bench, change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// measure runs the peer's script, and reads its medians.
func (p peer) measure(ctx context.Context, dir string, n, runs int) (figures, error) {
	if err := p.widen(dir); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(dir, "run.sh"), p.word)
	cmd.Env = append(os.Environ(), "N="+strconv.Itoa(n), "RUNS="+strconv.Itoa(runs), "GOFLAGS=-mod=mod", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run.sh %s: %w", p.word, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "results", p.result))
	if err != nil {
		return nil, err
	}
	var r struct {
		Median figures `json:"median"`
		Runs   int     `json:"runs"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	if r.Runs != runs {
		return nil, errors.New(p.result + " is of another run")
	}
	return r.Median, nil
}
