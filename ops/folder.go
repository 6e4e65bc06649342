package ops

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Names in the hub's folder.
const (
	lockName   = "portolan.lock"
	socketName = "hub.sock"
)

// InUseError says that another process has the folder.
type InUseError struct {
	Dir     string
	PID     int    // 0 where it is not known
	Problem string // why its hub could not be asked, "" where nobody tried
}

func (e *InUseError) Error() string {
	s := "the folder " + e.Dir + " is in use"
	if e.PID != 0 {
		s += " by process " + strconv.Itoa(e.PID)
	}
	if e.Problem != "" {
		s += ", and that process does not take the command: " + e.Problem
	}
	return s + ". One process works on a folder at a time."
}

// Folder is a hub's folder that this process holds.
type Folder struct {
	Dir  string
	lock *os.File
}

// TakeFolder makes the folder where it is missing and locks it. The lock is
// the kernel's (flock), so that it ends with the process however that ends.
func TakeFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the hub's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the hub's folder: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, &InUseError{Dir: dir, PID: readPID(f)}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the hub's folder: %w", err), f.Close())
	}
	// The number helps a person to find the process; nothing is decided by it.
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock of the hub's folder: %w", err), f.Close())
	}
	return &Folder{Dir: dir, lock: f}, nil
}

// Release gives the folder back. The lock's file stays: removing it would let
// two processes hold two files of one name.
func (f *Folder) Release() error {
	if err := f.lock.Close(); err != nil {
		return fmt.Errorf("releasing the hub's folder: %w", err)
	}
	return nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(f *os.File) int {
	b, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

// holdsHub says whether a hub was ever made in the folder.
func holdsHub(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "pb_data", "data.db"))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return false, nil
	case errors.Is(err, fs.ErrPermission):
		return false, fmt.Errorf("the folder %s belongs to somebody else: run this as the user who runs the hub: %w", dir, err)
	}
	return false, fmt.Errorf("looking for a hub: %w", err)
}
