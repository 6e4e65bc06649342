package ops

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// atFolder calls f with a name of the socket that fits into the 108 bytes
// which the kernel has for it (unix(7)), however long the folder's own is.
func atFolder(dir string, f func(path string) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return f("/proc/self/fd/" + strconv.Itoa(int(d.Fd())) + "/" + socketName)
}

func listenSocket(dir string) (l *net.UnixListener, err error) {
	if err := removeSocket(filepath.Join(dir, socketName)); err != nil {
		return nil, err
	}
	// Whoever connects between its making and its chmod is still asked who
	// they are (samePerson).
	err = atFolder(dir, func(path string) error {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false) // that path ends here; the next start clears it away
		return os.Chmod(path, 0o600)
	})
	return l, err
}

func dialSocket(dir string) (c *net.UnixConn, err error) {
	err = atFolder(dir, func(path string) error {
		c, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	return c, err
}

var errStranger = errors.New("a command from another user of this machine was refused")

// samePerson lets only the user who runs the hub command it (SO_PEERCRED,
// unix(7)); root may, as root may read the memory of the hub anyway.
func samePerson(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("asking who commands: %w", err)
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return fmt.Errorf("asking who commands: %w", err)
	}
	if credErr != nil {
		return fmt.Errorf("asking who commands: %w", credErr)
	}
	if int(cred.Uid) != os.Getuid() && cred.Uid != 0 {
		return errStranger
	}
	return nil
}
