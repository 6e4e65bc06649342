package collections

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"portolan/care"
)

// ErrDiskFull says that what was sent could not be kept.
var ErrDiskFull = &care.Error{Code: "disk_full", Kind: care.Full,
	Hint: "The hub's disk is full. Nothing was lost: what was sent is still with whoever sent it. Reading, revoking and erasing go on in the room that the hub laid aside; where they answer this too, that has been used up. Whoever runs the hub makes room; then it takes everything."}

// Room on the disk. A hub that has less than lowRoom takes no more from
// tablets, jobs and uploads, and gives its reserve free: for what must go on,
// such as the audit log of reads, revocations and erasure. It takes more again
// once the reserve could be laid aside anew and there is room besides.
//
// What is given free, whatever else fills the disk can take. So the hub keeps
// three kinds of room: the reserve; blocks behind the end of the files in which
// what must go on is written (ownRoom), which are theirs alone; and a last file
// that is given free for as long as an erasure takes, which writes new ones.
const (
	// Reserve is what a hub that serves lays aside as a file of its own.
	Reserve  = 32 << 20
	lowRoom  = 8 << 20
	lastRoom = 1 << 20

	reserveName = "reserve"
	lastName    = "reserve.erasure"
)

// ownRoom is how many bytes each file has behind its end, by its path in the
// hub's folder. A write-ahead log is begun anew after 1,000 pages of 4 KB; one
// that is longer needs none.
var ownRoom = map[string]int64{
	"pb_data/data.db": 6 << 20, "pb_data/data.db-wal": 8 << 20, "pb_data/data.db-shm": 64 << 10,
	KeysPath: 256 << 10, KeysPath + "-wal": 1 << 20, KeysPath + "-shm": 64 << 10,
	EndedPath: 64 << 10,
}

// disk watches the room on the hub's disk.
type disk struct {
	path string // of the reserve
	size int64  // of the reserve, 0 where none is kept
	rand io.Reader
	own  bool // whether room is kept behind the files, too
	mu   sync.Mutex
	full bool
	lent int // erasures that have the last room
	// files that have room behind their ends, open, by their paths in the folder
	files map[string]*os.File
}

func newDisk(dir string, size int64, rand io.Reader) *disk {
	return &disk{path: filepath.Join(dir, reserveName), size: size, rand: rand, own: size > 0, files: map[string]*os.File{}}
}

// look compares the room there is with the room that there must be, and says
// whether the disk counts as full. became is true at the moment it does.
func (d *disk) look() (full, became bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	free, err := freeBytes(filepath.Dir(d.path))
	if err != nil {
		return d.full, false, fmt.Errorf("looking at the disk: %w", err)
	}
	had, err := d.laidAside()
	if err != nil {
		return d.full, false, err
	}
	switch {
	case free < lowRoom:
		became, err = !d.full, d.release()
		d.full = true
	case had:
		d.full = false
	case free >= d.size+2*lowRoom:
		if err = d.layAside(d.path, d.size); isFull(err) {
			return d.full, false, d.release()
		}
		d.full = err != nil && d.full
	}
	return d.full, became, errors.Join(err, d.keepOwn())
}

// keepOwn takes the room behind the files that must go on, as far as there is
// any, and the last one.
func (d *disk) keepOwn() error {
	if !d.own {
		return nil
	}
	for name, room := range ownRoom {
		if err := d.keepBehind(name, room); err != nil && !isFull(err) && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("laying room aside: %w", err)
		}
	}
	if d.lent > 0 {
		return nil
	}
	if info, err := os.Stat(d.last()); err == nil && info.Size() == lastRoom {
		return nil
	}
	err := d.layAside(d.last(), lastRoom)
	if isFull(err) { // half of it keeps nothing
		err = os.Remove(d.last())
	}
	return err
}

// keepBehind takes blocks behind the end of a file that is there. The file stays
// open: closing it would end SQLite's own locks on it
// (sqlite.org/howtocorrupt.html#posix_close_bug).
func (d *disk) keepBehind(name string, room int64) error {
	path := filepath.Join(filepath.Dir(d.path), name)
	info, err := os.Stat(path)
	if err != nil || !lacksBehind(info, room) {
		return err
	}
	if f := d.files[name]; f != nil {
		if had, err := f.Stat(); err != nil || !os.SameFile(had, info) { // begun anew since, so that nobody has it
			delete(d.files, name)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
		}
	}
	if d.files[name] == nil {
		if d.files[name], err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			delete(d.files, name)
			return err
		}
	}
	return allocateBehind(d.files[name], info.Size(), room)
}

// close lets the files go, once nobody has the databases open.
func (d *disk) close() (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		err = errors.Join(err, f.Close())
	}
	clear(d.files)
	return err
}

func (d *disk) last() string { return filepath.Join(filepath.Dir(d.path), lastName) }

// lend gives the last room free until back is called.
func (d *disk) lend() (back func() error, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lent++
	if err := os.Remove(d.last()); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.lent--
		return nil, fmt.Errorf("giving the last room free: %w", err)
	}
	return func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.lent--
		return d.keepOwn()
	}, nil
}

// ran notes that something could not be written for want of room, which the
// figures need not show: a quota, a limit on the size of files.
func (d *disk) ran() (became bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	became = !d.full
	d.full = true
	return became, errors.Join(d.release(), d.keepOwn())
}

func (d *disk) laidAside() (bool, error) {
	if d.size == 0 {
		return true, nil
	}
	info, err := os.Stat(d.path)
	switch {
	case err == nil:
		return info.Size() == d.size, nil
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	}
	return false, fmt.Errorf("looking at the reserve: %w", err)
}

func (d *disk) release() error {
	if err := os.Remove(d.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("giving the reserve free: %w", err)
	}
	return nil
}

// layAside makes a file of blocks that are really taken: one with a hole keeps
// nothing.
func (d *disk) layAside(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("laying the reserve aside: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = allocate(f, size)
	if errors.Is(err, errors.ErrUnsupported) {
		_, err = io.CopyN(f, d.rand, size) // a file system may store zeros as nothing
	}
	if err != nil {
		return fmt.Errorf("laying the reserve aside: %w", err)
	}
	return nil
}

// isFull says whether an error comes from want of room. SQLite tells a full
// disk, and calls a quota or a limit on file sizes a failed write
// (sqlite.org/rescode.html#full).
func isFull(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, e) {
			return true
		}
	}
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code()&0xff == sqlite3.SQLITE_FULL || s.Code() == sqlite3.SQLITE_IOERR_WRITE)
}

// roomOr gives an error from want of room its name, and frees the reserve.
func (h *Hub) roomOr(err error) error {
	if !isFull(err) {
		return err
	}
	became, releaseErr := h.disk.ran()
	if releaseErr != nil {
		h.log.Error("the disk is full", "error", releaseErr)
	} else if became {
		h.log.Error("the disk is full: the hub takes no more, and goes on reading")
	}
	full := *ErrDiskFull
	full.Err = err
	return &full
}

// DiskFull says whether the hub takes nothing more for want of room.
func (h *Hub) DiskFull() (bool, error) {
	full, became, err := h.disk.look()
	if became {
		h.log.Error("the disk is nearly full: the hub takes no more, and goes on reading")
	}
	return full, err
}

// room refuses what brings new bytes while the disk is full. What must go on
// nevertheless does not ask.
func (h *Hub) room() error {
	switch full, err := h.DiskFull(); {
	case err != nil:
		return err
	case full:
		return ErrDiskFull
	}
	return nil
}

// notLaid says where the last room could not be laid aside again: what it was
// for is done, and the next look tries once more.
func (h *Hub) notLaid(err error) {
	if err != nil {
		h.log.Warn("the room for erasures could not be laid aside again", "error", err)
	}
}
