package collections

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"portolan/care"
)

// HoldWriter has everybody wait who wants to write.
func HoldWriter(h *Hub) (release func() error) {
	begun, goOn, wrote := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		wrote <- h.writer.write(context.Background(), func(*tx) error {
			close(begun)
			<-goOn
			return nil
		})
	}()
	<-begun
	return func() error {
		close(goOn)
		return <-wrote
	}
}

// AwaitWriters waits until so many wait to write.
func AwaitWriters(h *Hub, n int) {
	for WritersWaiting(h) < n {
		runtime.Gosched()
	}
}

// WritersWaiting is how many wait to write.
func WritersWaiting(h *Hub) int {
	h.writer.queue.mu.Lock()
	defer h.writer.queue.mu.Unlock()
	return len(h.writer.queue.waiting)
}

// togetherHub is a hub that counts its commits.
type togetherHub struct {
	*Hub
	commits int
	tests   int
}

func newTogetherHub(t *testing.T) *togetherHub {
	w := &togetherHub{}
	h, err := Open(Config{Dir: t.TempDir(), Reached: func(label string) {
		if label == "door committed" {
			w.commits++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Hub = h
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// name is how the test at hand calls something in the database.
func (w *togetherHub) name(name string) string { return fmt.Sprintf("test%d%s", w.tests, name) }

func (w *togetherHub) standing(t *testing.T) (names []string) {
	t.Helper()
	rows, err := w.readDB().Query(`SELECT name FROM hub_meta WHERE name LIKE ? ORDER BY name`, w.name("%"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(name, w.name("")))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestWhatWaitsIsCommittedTogether: of many who wait each is answered by
// itself, and what falls of them falls alone.
func TestWhatWaitsIsCommittedTogether(t *testing.T) {
	errFell := errors.New("fell")
	w := newTogetherHub(t)
	leavesOf := func() (n int) {
		if err := w.readDB().QueryRow(`SELECT COUNT(*) FROM audit_leaves`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	insert := func(x *tx, name string) error {
		if err := x.note("2026-11-21T00:00:00.000Z", care.Actor{Staff: care.HubStaff}, event{act: "test", records: []string{name}}); err != nil {
			return err
		}
		_, err := x.exec(`INSERT INTO hub_meta (name, value) VALUES (?, '')`, w.name(name))
		return err
	}
	type one struct {
		name  string
		after func(x *tx) error // what it does beside writing its name
		alone bool
		falls bool
	}
	end := func(x *tx) error { x.end(endedTablet, "a tablet", "", ""); return nil }
	for _, c := range []struct {
		name    string
		all     []one
		commits int
	}{
		{"all stand", []one{{name: "a"}, {name: "b"}, {name: "c"}}, 1},
		{"one falls", []one{{name: "a"}, {name: "b", falls: true, after: func(*tx) error { return errFell }}, {name: "c"}}, 1},
		{"the first falls", []one{{name: "a", falls: true, after: func(*tx) error { return errFell }}, {name: "b"}}, 1},
		{"all fall", []one{{name: "a", falls: true, after: func(*tx) error { return errFell }}, {name: "b", falls: true, after: func(*tx) error { return errFell }}}, 0},
		{"one panics", []one{{name: "a"}, {name: "b", falls: true, after: func(*tx) error { panic("on purpose") }}, {name: "c"}}, 1},
		{"the database ends the transaction", []one{{name: "a"}, {name: "b", falls: true, after: func(x *tx) error {
			_, err := x.exec(`ROLLBACK`)
			return errors.Join(errFell, err)
		}}, {name: "c"}}, 2},
		{"one must be alone", []one{{name: "a"}, {name: "b"}, {name: "c", alone: true}, {name: "d"}, {name: "e"}}, 3},
		{"something ends", []one{{name: "a"}, {name: "b", after: end}, {name: "c", after: end}, {name: "d"}}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.tests, w.commits = w.tests+1, 0
			before := leavesOf()
			release := HoldWriter(w.Hub)
			answers := make(chan string, len(c.all))
			var want []string
			for i, o := range c.all {
				if !o.falls {
					want = append(want, o.name)
				}
				write := w.writer.share
				if o.alone {
					write = w.writer.write
				}
				go func() {
					fell := true
					defer func() {
						if recover() != nil || fell {
							answers <- o.name + " fell"
							return
						}
						answers <- o.name
					}()
					fell = write(context.Background(), func(x *tx) error {
						err := insert(x, o.name)
						if err == nil && o.after != nil {
							err = o.after(x)
						}
						return err
					}) != nil
				}()
				AwaitWriters(w.Hub, i+1)
			}
			if err := release(); err != nil {
				t.Fatal(err)
			}
			w.writer.queue.idle.Wait()
			var stood []string
			for range c.all {
				if a := <-answers; !strings.HasSuffix(a, " fell") {
					stood = append(stood, a)
				}
			}
			slices.Sort(stood)
			if names := w.standing(t); !slices.Equal(names, want) || !slices.Equal(stood, want) {
				t.Errorf("%v stand and %v were told so: %v should", names, stood, want)
			}
			if n := w.commits - 1; n != c.commits {
				t.Errorf("%d commits instead of %d", n, c.commits)
			}
			if faults, err := w.VerifyLog(context.Background(), func(Count) {}); err != nil || len(faults) > 0 {
				t.Errorf("the audit log: %v %v", faults, err)
			}
			if n := leavesOf() - before; n != len(want) {
				t.Errorf("%d leaves of %d", n, len(want))
			}
		})
	}
}

// TestTheQueueIsFairAndBounded: who only reads goes with the next, before those
// with whom it is committed and never before others; and no more wait than may.
func TestTheQueueIsFairAndBounded(t *testing.T) {
	var q queue
	named := map[*writing]string{}
	join := func(name string, j *writing) {
		named[j] = name
		if _, err := q.join(j); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"alone", "push 1", "push 2"} {
		join(name, &writing{shares: name != "alone"})
	}
	join("read", &writing{shares: true, first: true})
	join("alone too", &writing{})
	join("read again", &writing{shares: true, first: true})
	var order []string
	for batch := q.next(); len(batch) > 0; batch = q.next() {
		for _, j := range batch {
			order = append(order, named[j])
		}
		order = append(order, "|")
	}
	if want := []string{"alone", "|", "read again", "read", "push 1", "push 2", "|", "alone too", "|"}; !slices.Equal(order, want) {
		t.Errorf("in the order %q", order)
	}
	for i := range writersWaitingMax {
		join(fmt.Sprint(i), &writing{shares: true})
	}
	if _, err := q.join(&writing{}); !errors.Is(err, ErrBusy) {
		t.Errorf("more than %d wait: %v", writersWaitingMax, err)
	}
	batch := q.next()
	q.back(batch[1:])
	if again := q.next(); len(batch) != togetherMax || len(again) != len(batch)-1 || again[0] != batch[1] {
		t.Errorf("of %d taken %d came back", len(batch), len(again))
	}
}
