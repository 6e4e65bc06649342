package collections

import (
	"context"
	"crypto/hmac"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"portolan/care"
)

// EndedPath is the list of what ended (linelist.go): tablets, second factors,
// recovery codes, accounts, roles, grants, consents. A copy of the database
// from before must not open again what somebody closed.
const EndedPath = "ended.list"

// Ended is one line of the list.
type Ended struct {
	N     uint64 `json:"n"` // numbers only grow; the database knows up to which it has them
	At    string `json:"at"`
	What  string `json:"what"`
	ID    string `json:"id"`
	Case  string `json:"case,omitempty"`
	Value string `json:"value,omitempty"`
	// MAC is the hub's, over the rest: a list that was cut is not made up to the
	// length that the audit log's signed heads tell by lines of somebody else's.
	MAC string `json:"mac,omitempty"`
}

// EndedHeadPath is beside backups the newest signed head of the audit log, which
// tells how long the list was.
const EndedHeadPath = "ended.head"

// What ended. Those with a dot are a field of a record and what stands there
// from then on.
const (
	endedTablet   = "tablet"
	endedFactor   = "second_factor"
	endedCode     = "recovery_code"
	endedCodes    = "recovery_codes" // all that a member of staff had
	endedPassword = "password"       // another was set
	endedRoles    = "staff.roles"    // to those that Value lists
)

// metaEnded is up to which line of the list the database has what ended.
const metaEnded = "ended_n"

// metaEndedFrom is behind which line the list must be whole.
const metaEndedFrom = "ended_from"

// Errors of the list.
var (
	ErrEndedList = &care.Error{Code: "ended_list_damaged", Kind: care.Damaged,
		Hint: "The list of what ended is damaged. Put the copy back that lies beside the backups; without it a tablet that was revoked, or a consent that was withdrawn, could come back."}
	ErrEndedListCut = &care.Error{Code: "ended_list_cut", Kind: care.Damaged,
		Hint: "The list of what ended is shorter than the hub had signed, or not the hub's. Take the newest copy that there is. Where there is none, --without-head goes on, and whoever was shut out since has to be shut out again by hand."}
	ErrEndedHead = &care.Error{Code: "ended_head_unknown", Kind: care.Damaged,
		Hint: "The signed head of the audit log that lies beside the list of what ended is not this hub's, so that nothing proves that the list is whole. It is ended.head beside the backups; --head names another, and --without-head goes on without."}
	ErrEndedListOld = &care.Error{Code: "ended_list_old", Kind: care.Damaged,
		Hint: "The list of what ended is older than the backup. Take the newest copy that there is: beside the backups, or in the folder of the hub that was lost."}
)

// ErrEndedListShort says that the hub's own list does not have all that its
// database had listed: somebody cut it, or put an older one in its place.
var ErrEndedListShort = &care.Error{Code: "ended_list_short", Kind: care.Damaged,
	Hint: "The list of what ended has fewer lines than the hub has written, so that a later restore would open again what was closed. Nothing is served. Put the copy back that lies beside the backups (ended.list); where there is none, two people who approve go on without it: `portolan ended`."}

// EndedShort says whether the hub's own list lacks any of what its database had
// listed, but for what two people, or a restore, went on without. A locked hub
// knows its own lines from no others.
func (h *Hub) EndedShort(ctx context.Context) (bool, error) {
	if h.Locked() {
		return false, nil
	}
	return h.endedShort(ctx)
}

func (h *Hub) endedShort(ctx context.Context) (bool, error) {
	q := reader{ctx, h.readDB()}
	from, err := metaNumber(q, metaEndedFrom)
	if err != nil {
		return false, err
	}
	known, err := metaNumber(q, metaEnded)
	if err != nil || known <= from {
		return false, err
	}
	list, err := ReadEnded(h.ended.path) // after the number: it only grows
	return !h.wholeBetween(list, from, known), err
}

// GoOnWithShortList has two people who approve say that the hub goes on with the
// list that there is: what it lacks ends by no restore again.
func (h *Hub) GoOnWithShortList(ctx context.Context, one, other care.Actor) error {
	if one.Staff == other.Staff || one.IsHub() || other.IsHub() || !one.Can(care.MayApprove) || !other.Can(care.MayApprove) {
		return ErrApprovalNeeded
	}
	return h.writer.write(ctx, func(t *tx) error {
		for _, who := range []care.Actor{one, other} {
			if err := t.note(h.nowText(), who, event{act: ActRestore, decision: care.Decision{Allowed: true, Reason: "ended_list_short", Basis: who.Staff}}); err != nil {
				return err
			}
		}
		return h.fromHere(t)
	})
}

// fromHere notes that of the list nothing earlier is missed any more.
func (h *Hub) fromHere(t *tx) error {
	known, err := metaNumber(t, metaEnded)
	if err != nil {
		return err
	}
	return t.setMetaNumber(metaEndedFrom, max(known, h.ended.last))
}

// ReadEnded reads a list; none is as good as an empty one.
func ReadEnded(path string) ([]Ended, error) {
	return readLines(path, func(e Ended) bool { return e.N > 0 && e.What != "" && e.ID != "" }, ErrEndedList)
}

// AddEnded adds the lines of a list to another, durably, as far as it does not
// have them.
func AddEnded(from, to string) error {
	lines, err := ReadEnded(from)
	if err != nil {
		return err
	}
	list, err := ReadEnded(to)
	if err != nil {
		return err
	}
	had := make(map[Ended]bool, len(list))
	for _, e := range list {
		had[e] = true
	}
	for _, e := range lines {
		if !had[e] {
			list = append(list, e)
		}
	}
	return writeLines(to, list)
}

// endedList is the hub's own list, at which one transaction at a time writes.
type endedList struct {
	path string
	last uint64 // the last number given
	size int64  // of the file
	was  int64  // before the transaction at hand
	gave uint64 // the last number before it

	mac     func(Ended) string // set before anything ends
	copying sync.Mutex         // one copy beside the backups at a time
}

// open reads the list that lies in the hub's folder. A line that was never
// finished goes: what is added stands on lines of its own.
func (l *endedList) open(dir string) error {
	l.path = filepath.Join(dir, EndedPath)
	list, err := ReadEnded(l.path)
	if err != nil {
		return err
	}
	whole, err := linesOf(list)
	if err != nil {
		return err
	}
	for _, e := range list {
		l.last = max(l.last, e.N)
	}
	l.size = int64(len(whole))
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeLines(l.path, list) // a full disk has no room for a new file
	case err == nil && info.Size() != l.size:
		err = writeLines(l.path, list)
	}
	return wrap("reading a list", err)
}

// end notes that something ends in this transaction. It is in the list, on the
// disk, before the transaction is committed: a hub that is killed in between
// ends it when it is next opened.
func (t *tx) end(what, id, caseID, value string) {
	if !t.again {
		t.ended = append(t.ended, Ended{What: what, ID: id, Case: caseID, Value: value})
	}
}

// list writes down what a transaction ends.
func (w *writer) list(t *tx, now string) error {
	l := w.ended
	if l.was, l.gave = l.size, l.last; len(t.ended) == 0 {
		return nil
	}
	known, err := metaNumber(t, metaEnded)
	if err != nil {
		return err
	}
	last := max(l.last, known)
	for i := range t.ended {
		last++
		t.ended[i].N, t.ended[i].At = last, now
		t.ended[i].MAC = l.mac(t.ended[i])
	}
	if err := t.setMetaNumber(metaEnded, last); err != nil {
		return err
	}
	lines, err := linesOf(t.ended)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return wrap("writing down what ended", err)
	}
	_, err = f.WriteAt([]byte(lines), l.size)
	err = errors.Join(err, f.Sync(), f.Close())
	if l.size == 0 {
		err = errors.Join(err, syncDir(filepath.Dir(l.path)))
	}
	if err != nil {
		w.unlist()
		return wrap("writing down what ended", err)
	}
	l.last, l.size = last, l.size+int64(len(lines))
	w.keys.reached("ending listed")
	return nil
}

// endedMAC is what makes a line the hub's own.
func (h *Hub) endedMAC(e Ended) string {
	return h.mac("ended", strconv.FormatUint(e.N, 10), e.At, e.What, e.ID, e.Case, e.Value)
}

// wholeTo says whether a list has every line of the hub's up to a number.
func (h *Hub) wholeTo(list []Ended, n uint64) bool { return h.wholeBetween(list, 0, n) }

// wholeBetween says whether it has every one behind a number up to another.
func (h *Hub) wholeBetween(list []Ended, from, n uint64) bool {
	own := make(map[uint64]bool, len(list))
	for _, e := range list {
		if e.N > from && e.N <= n && hmac.Equal([]byte(e.MAC), []byte(h.endedMAC(e))) {
			own[e.N] = true
		}
	}
	return uint64(len(own)) == n-from
}

// unlist takes back what a transaction wrote that failed. What cannot be taken
// back ends when the hub is next opened: nobody was told that it did not.
func (w *writer) unlist() {
	if err := os.Truncate(w.ended.path, w.ended.was); err == nil {
		w.ended.size, w.ended.last = w.ended.was, w.ended.gave
	} else if info, err := os.Stat(w.ended.path); err == nil {
		w.ended.size = info.Size()
	}
}

// metaNumber reads a number that the hub knows of itself; 0 where there is none.
func metaNumber(q querier, name string) (n uint64, err error) {
	var text string
	if err := q.row(`SELECT COALESCE(MAX(value), '0') FROM hub_meta WHERE name = ?`, name).Scan(&text); err != nil {
		return 0, wrap("reading about the hub", err)
	}
	n, err = strconv.ParseUint(text, 10, 64)
	return n, wrap("reading about the hub", err)
}

func (t *tx) setMetaNumber(name string, n uint64) error {
	_, err := t.exec(`INSERT INTO hub_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, strconv.FormatUint(n, 10))
	return wrap("writing about the hub", err)
}

// carryEnded brings the copies of the list that lie beside backups in step with
// it, before whoever ended something is answered. A folder that is not there
// now gets it with the next backup.
func (h *Hub) carryEnded(ctx context.Context) {
	folders, err := h.keyBackupFolders(ctx)
	for _, folder := range folders {
		if _, there := os.Stat(filepath.Join(folder, KeyBackupName)); there == nil {
			err = errors.Join(err, h.copyEnded(ctx, folder))
		}
	}
	if err != nil {
		h.log.Warn("the list of what ended could not be written beside the backups", "error", err)
	}
}

// copyEnded brings the copy of the list in a folder in step, and then puts a
// signed head beside it that tells no more than is there.
func (h *Hub) copyEnded(ctx context.Context, folder string) error {
	h.ended.copying.Lock()
	defer h.ended.copying.Unlock()
	head, err := h.LogHead(ctx, 0)
	if err == nil {
		err = AddEnded(h.ended.path, filepath.Join(folder, EndedPath))
	}
	if err == nil {
		err = replaceFile(filepath.Join(folder, EndedHeadPath), []byte(head.Signed))
	}
	return wrap("copying the list of what ended", err)
}
