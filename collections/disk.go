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
	Hint: "The hub's disk is full. Nothing was lost: what was sent is still with whoever sent it. Reading goes on. Whoever runs the hub makes room; then it takes everything."}

// Room on the disk. A hub that has less than lowRoom takes no more from
// tablets, jobs and uploads, and gives its reserve free: for what must go on,
// such as the audit log of reads, revocations and erasure. It takes more again
// once the reserve could be laid aside anew and there is room besides.
const (
	// Reserve is what a hub that serves lays aside.
	Reserve = 32 << 20
	lowRoom = 8 << 20

	reserveName = "reserve"
)

// disk watches the room on the hub's disk.
type disk struct {
	path string // of the reserve
	size int64  // of the reserve, 0 where none is kept
	rand io.Reader
	mu   sync.Mutex
	full bool
}

func newDisk(dir string, size int64, rand io.Reader) *disk {
	return &disk{path: filepath.Join(dir, reserveName), size: size, rand: rand}
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
		if err = d.layAside(); isFull(err) {
			return d.full, false, d.release()
		}
		d.full = err != nil && d.full
	}
	return d.full, became, err
}

// ran notes that something could not be written for want of room, which the
// figures need not show: a quota, a limit on the size of files.
func (d *disk) ran() (became bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	became = !d.full
	d.full = true
	return became, d.release()
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

// layAside makes the reserve of blocks that are really taken: a file with a
// hole keeps nothing.
func (d *disk) layAside() (err error) {
	f, err := os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("laying the reserve aside: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = allocate(f, d.size)
	if errors.Is(err, errors.ErrUnsupported) {
		_, err = io.CopyN(f, d.rand, d.size) // a file system may store zeros as nothing
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
