package collections

import (
	"errors"
	"os"
	"syscall"
)

// freeBytes is the room on the disk of a folder that this process may use.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// allocate takes blocks for a file. Where the file system cannot, it says
// errors.ErrUnsupported.
func allocate(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return errors.ErrUnsupported
	}
	return err
}

// keepSize is FALLOC_FL_KEEP_SIZE (linux/falloc.h): blocks behind the end of a
// file, which does not grow by them and fills them before it takes others.
const keepSize = 1

// lacksBehind says whether fewer than half of so many bytes are kept behind the
// end of a file.
func lacksBehind(info os.FileInfo, room int64) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Blocks*512 < s.Size+room/2 // stat(2) counts blocks of 512 bytes
}

// allocateBehind takes blocks behind the end of a file. Where the file system
// has no such thing it does nothing.
func allocateBehind(f *os.File, end, room int64) error {
	err := syscall.Fallocate(int(f.Fd()), keepSize, end, room)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return nil
	}
	return err
}
