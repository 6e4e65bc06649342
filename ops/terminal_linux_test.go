package ops

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"portolan/internal/hubtest"
)

// terminal is a pseudo-terminal of its own (pty(7)): what a program opens as
// /dev/tty, and whoever sits before it.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	const unlock = 0x40045431 // TIOCSPTLCK (asm-generic/ioctls.h)
	var number, locked int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCGPTN: &number, unlock: &locked} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// TestARestoreByCustodians: a backup of a hub without a key file comes back
// with the program as it is built, and with the shares that two people type;
// with too few nothing does.
func TestARestoreByCustodians(t *testing.T) {
	c := newConsole(t)
	c.must(t, ExitOK, "user", "add", "--dir", "hub", "ana", "--role", "coordinator")
	shares := splitKey(t, c)
	c.must(t, ExitOK, "backup", "--dir", "hub", "--out", "one.backup")
	if err := os.Remove(c.env.Path("hub/hub.key")); err != nil {
		t.Fatal(err)
	}
	bin := hubtest.Program(t)
	for name, x := range map[string]struct {
		typed []string
		exit  int
		says  string
	}{
		"one share twice": {[]string{shares[0], shares[0]}, ExitUsage, "shares_do_not_fit"},
		"two of three":    {[]string{shares[2], shares[0]}, ExitOK, "restored"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := strings.ReplaceAll(name, " ", "-")
			person, program := terminal(t)
			restore := exec.Command(bin, "restore", "--dir", dir, "--shares", "one.backup")
			restore.Dir, restore.Stdin = c.env.WorkDir, program
			restore.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			var out bytes.Buffer
			restore.Stdout, restore.Stderr = &out, &out
			if err := restore.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewReader(person)
			for _, share := range x.typed {
				for asked := ""; !strings.HasSuffix(asked, ": "); { // the prompt ends, and nothing is echoed
					b, err := said.ReadByte()
					if err != nil {
						t.Fatalf("after %q: %v\n%s", asked, err, out.String())
					}
					asked += string(b)
				}
				if _, err := fmt.Fprintln(person, share); err != nil {
					t.Fatal(err)
				}
			}
			err := restore.Wait()
			if restore.ProcessState.ExitCode() != x.exit || !strings.Contains(out.String(), x.says) {
				t.Errorf("exit %d (%v): %s", restore.ProcessState.ExitCode(), err, out.String())
			}
			_, there := os.Stat(c.env.Path(dir + "/pb_data"))
			if (there == nil) != (x.exit == ExitOK) {
				t.Errorf("a hub is there: %v", there == nil)
			}
		})
	}
}
