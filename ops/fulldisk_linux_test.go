package ops_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// The test's own program is run again with these in its environment: it makes
// a small disk, copies a hub there and becomes the program under test.
const (
	smallDiskAt   = "SMALL_DISK_AT"   // where it is mounted
	smallDiskFrom = "SMALL_DISK_FROM" // the hub that is copied there
	smallDiskSize = 96 << 20
	fullPatience  = 30 * time.Second // how long a hub may take before the test gives up
)

func init() {
	at := os.Getenv(smallDiskAt)
	if at == "" {
		return
	}
	if err := becomeOnSmallDisk(at, os.Getenv(smallDiskFrom), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func becomeOnSmallDisk(at, from string, command []string) error {
	// Mounts of this process alone, which end with it.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", smallDiskSize)); err != nil {
		return fmt.Errorf("mounting a small disk: %w", err)
	}
	if err := os.CopyFS(filepath.Join(at, "hub"), os.DirFS(from)); err != nil {
		return fmt.Errorf("copying the hub: %w", err)
	}
	if err := os.Unsetenv(smallDiskAt); err != nil {
		return err
	}
	return syscall.Exec(command[0], command, os.Environ())
}

// smallDisk is a hub that serves from a small disk of its own.
type smallDisk struct {
	hub     *exec.Cmd
	seen    string // its folder, as the test sees it
	address string
	said    *bytes.Buffer
}

// startOnSmallDisk runs the hub on a tmpfs: as root by a mount of its own, as
// anybody else in a user namespace (user_namespaces(7)). Where neither is
// allowed the error says so.
func startOnSmallDisk(t *testing.T, bin, from, address string) (*smallDisk, error) {
	t.Helper()
	at := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ways := []*syscall.SysProcAttr{
		{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}},
		{Cloneflags: syscall.CLONE_NEWNS},
	}
	var failed error
	for _, way := range ways {
		d := &smallDisk{address: address, said: &bytes.Buffer{}}
		d.hub = exec.Command(self, bin, "serve", "--dir", filepath.Join(at, "hub"), "--listen", address)
		d.hub.Env = append(os.Environ(), smallDiskAt+"="+at, smallDiskFrom+"="+from)
		d.hub.SysProcAttr, d.hub.Stdout, d.hub.Stderr = way, d.said, d.said
		if err := d.hub.Start(); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		ended := make(chan error, 1)
		go func() { ended <- d.hub.Wait() }()
		if up(t, address, ended) {
			t.Cleanup(func() {
				_ = d.hub.Process.Kill()
				<-ended
			})
			d.seen = filepath.Join("/proc", fmt.Sprint(d.hub.Process.Pid), "root", at, "hub")
			return d, nil
		}
		failed = errors.Join(failed, errors.New(d.said.String()))
	}
	return nil, failed
}

// up waits until the hub answers, or has ended.
func up(t *testing.T, address string, ended chan error) bool {
	t.Helper()
	for deadline := time.Now().Add(fullPatience); time.Now().Before(deadline); {
		if answer, err := http.Get("http://" + address + "/api/portolan/health"); err == nil {
			answer.Body.Close()
			return true
		}
		select {
		case err := <-ended:
			ended <- err
			return false
		default:
		}
		hubtest.Wait(t.Context(), 5*time.Millisecond)
	}
	t.Fatal("the hub neither answers nor ends")
	return false
}

// answers asks the hub and gives status and code, or what was made: a token, an id.
func (d *smallDisk) answers(t *testing.T, method, path, token string, body any) (int, string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://"+d.address+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, d.said)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Code, Token, ID string }
	_ = json.Unmarshal(b, &p) // a stream is no object, and has no code
	return resp.StatusCode, p.Code + p.Token + p.ID
}

// fill leaves so many bytes free on the small disk.
func (d *smallDisk) fill(t *testing.T, leave int64) {
	t.Helper()
	ballast := filepath.Join(filepath.Dir(d.seen), "ballast")
	if err := os.WriteFile(ballast, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.seen, &s); err != nil {
		t.Fatal(err)
	}
	size := int64(s.Bavail)*int64(s.Bsize) - leave
	if size <= 0 {
		t.Fatalf("only %d bytes were free", size+leave)
	}
	f, err := os.OpenFile(ballast, os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		t.Fatal(err)
	}
}

// pushUntilFull pushes until the hub says that it has no room, and gives the
// batch that it did not take.
func pushUntilFull(t *testing.T, d *killedTablet) []json.RawMessage {
	t.Helper()
	for range 200 {
		batch := d.write(200)
		err := d.push(batch)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "507") || !strings.Contains(err.Error(), `"disk_full"`) {
			t.Fatalf("on a full disk a push is %v", err)
		}
		return batch
	}
	t.Fatal("the disk does not fill up")
	return nil
}

// letterOnWay is a file that comes to a small disk by tus.
type letterOnWay struct {
	d           *smallDisk
	token, path string
	words       []byte
}

// ask sends a request of tus, with the words from an offset on where there is one.
func (l *letterOnWay) ask(t *testing.T, method, path string, from, to int, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+l.d.address+path, bytes.NewReader(l.words[from:to]))
	if err != nil {
		t.Fatal(err)
	}
	header = append(header, "Authorization", "Bearer "+l.token, "Tus-Resumable", "1.0.0")
	if to > from {
		header = append(header, "Content-Type", "application/offset+octet-stream", "Upload-Offset", fmt.Sprint(from))
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s of a file: %v\n%s", method, err, l.d.said)
	}
	defer resp.Body.Close()
	var p struct{ Code string }
	_ = json.NewDecoder(resp.Body).Decode(&p) // there is none where it went well
	return resp, p.Code
}

func (l *letterOnWay) begin(t *testing.T, document string) (*http.Response, string) {
	t.Helper()
	return l.ask(t, "POST", "/api/portolan/uploads", 0, 0, "Upload-Length", fmt.Sprint(len(l.words)),
		"Upload-Metadata", hubtest.FileSaid(document, "text/plain", l.words))
}

// halfBrought begins a file and brings half of it.
func (l *letterOnWay) halfBrought(t *testing.T, document string) {
	t.Helper()
	begun, code := l.begin(t, document)
	if l.path = begun.Header.Get("Location"); begun.StatusCode != http.StatusCreated {
		t.Fatalf("beginning a file: %d %s", begun.StatusCode, code)
	}
	if resp, code := l.ask(t, "PATCH", l.path, 0, len(l.words)/2); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("half a file: %d %s", resp.StatusCode, code)
	}
}

// waits checks that a full disk takes no more of a file and begins no other,
// and forgets nothing of what it has.
func (l *letterOnWay) waits(t *testing.T, other string) {
	t.Helper()
	half := len(l.words) / 2
	if resp, code := l.ask(t, "PATCH", l.path, half, len(l.words)); resp.StatusCode != http.StatusInsufficientStorage || code != "disk_full" {
		t.Errorf("going on with a file on a full disk: %d %s", resp.StatusCode, code)
	}
	if resp, code := l.begin(t, other); resp.StatusCode != http.StatusInsufficientStorage || code != "disk_full" {
		t.Errorf("beginning one on a full disk: %d %s", resp.StatusCode, code)
	}
	if resp, _ := l.ask(t, "HEAD", l.path, 0, 0); resp.StatusCode != http.StatusOK || resp.Header.Get("Upload-Offset") != fmt.Sprint(half) {
		t.Errorf("what is there of it: %d, %s", resp.StatusCode, resp.Header.Get("Upload-Offset"))
	}
}

// goesOn brings the rest.
func (l *letterOnWay) goesOn(t *testing.T) {
	t.Helper()
	if resp, code := l.ask(t, "PATCH", l.path, len(l.words)/2, len(l.words)); resp.StatusCode != http.StatusNoContent {
		t.Errorf("a file, with room again: %d %s", resp.StatusCode, code)
	}
}

// TestAFullDiskTakesNothingAndReadsOn: attack case 28, with a disk that is
// really full. Pushes and files answer 507 and stay on the tablet, reading with its
// audit and an erasure by two people go on in what the hub laid aside, also once
// something else has taken all that was given free, health is red, and nothing
// that was acknowledged is lost; when there is room again, everything is taken.
func TestAFullDiskTakesNothingAndReadsOn(t *testing.T) {
	bin, from, address := hubtest.Program(t), filepath.Join(t.TempDir(), "hub"), hubtest.FreeAddress(t)
	tablets := enrolForKilling(t, from, "http://"+address)
	asks, decides := officersWithCodes(t, from)
	d, err := startOnSmallDisk(t, bin, from, address)
	if err != nil {
		t.Logf("no small disk may be mounted here, so a limit on file sizes stands for it: %v", err)
		fullByLimit(t, bin, from, address, tablets)
		return
	}
	reserve := filepath.Join(d.seen, "reserve")
	if _, err := os.Stat(reserve); err != nil {
		t.Errorf("no reserve: %v", err)
	}
	if status, _ := d.answers(t, "GET", "/api/portolan/health", "", nil); status != http.StatusOK {
		t.Errorf("health before: %d", status)
	}
	first, other := tablets[0], tablets[1]
	signIn := func() string {
		status, desk := d.answers(t, "POST", "/api/collections/accounts/auth-with-password", "", map[string]string{"identity": "worker-1", "password": hubtest.Password})
		if status != http.StatusOK {
			t.Fatalf("signing in: %d %s", status, desk)
		}
		return desk
	}
	letter := &letterOnWay{d: d, token: signIn(), words: bytes.Repeat([]byte("what the clinic wrote. "), 4000)}
	letter.halfBrought(t, letterIn(other.caseID))
	d.fill(t, 9<<20)
	batch := pushUntilFull(t, first)
	if _, err := os.Stat(reserve); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the reserve is still kept: %v", err)
	}
	for path, want := range map[string]string{"/api/portolan/health": "", "/api/health": "hub_failing"} {
		if status, code := d.answers(t, "GET", path, "", nil); status != http.StatusServiceUnavailable || code != want {
			t.Errorf("%s of a full hub: %d %s", path, status, code)
		}
	}
	desk := signIn()
	letter.waits(t, letterIn(other.caseID))
	for i := range 200 { // each is in the audit log
		if status, code := d.answers(t, "POST", "/api/portolan/records/cases", desk, map[string]string{"id": other.caseID}); status != http.StatusOK {
			t.Fatalf("reading, time %d: %d %s", i, status, code)
		}
	}
	if err := other.push([]json.RawMessage{}); err != nil {
		t.Errorf("a pull: %v", err)
	}
	// Now something else takes every byte that was given free. What is the hub's
	// own it cannot take: reading goes on, and so does an erasure by two people.
	d.fill(t, 0)
	for i := range 200 {
		if status, code := d.answers(t, "POST", "/api/portolan/records/cases", desk, map[string]string{"id": other.caseID}); status != http.StatusOK {
			t.Fatalf("reading with nothing left, time %d: %d %s", i, status, code)
		}
	}
	gone := tablets[2]
	d.erases(t, asks, decides, gone.caseID)
	if status, code := d.answers(t, "POST", "/api/portolan/records/cases", desk, map[string]string{"id": other.caseID}); status != http.StatusOK {
		t.Errorf("reading after an erasure with nothing left: %d %s", status, code)
	}
	if err := first.push(batch); err == nil || !strings.Contains(err.Error(), "disk_full") {
		t.Errorf("pushing again with nothing left: %v", err)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(d.seen), "ballast")); err != nil {
		t.Fatal(err)
	}
	if err := first.push(batch); err != nil {
		t.Errorf("with room again: %v", err)
	}
	letter.goesOn(t)
	if status, code := d.answers(t, "GET", "/api/health", "", nil); status != http.StatusOK {
		t.Errorf("health afterwards: %d %s", status, code)
	}
	if _, err := os.Stat(reserve); err != nil {
		t.Errorf("the reserve was not laid aside again: %v", err)
	}
	whole := filepath.Join(t.TempDir(), "hub")
	if err := d.hub.Process.Signal(syscall.SIGSTOP); err != nil { // nothing is written while it is copied
		t.Fatal(err)
	}
	copyHub(t, d.seen, whole)
	mustVerify(t, bin, whole)
	allPresent(t, whole, tablets[:2])
}

// officersWithCodes adds two protection officers, and gives a login and a
// recovery code of each.
func officersWithCodes(t *testing.T, dir string) (asks, decides [2]string) {
	t.Helper()
	inner, err := collections.Open(collections.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := &hubtest.Hub{Hub: inner, Org: killedOrg, Clock: hubtest.NewClock()}
	h.Clock.Move(time.Since(h.Clock.Now())) // the program's clock is the real one
	for login, who := range map[string]*[2]string{"officer-1": &asks, "officer-2": &decides} {
		staff, err := h.AddAccount(t.Context(), h.HubActor(), collections.NewAccount{Login: login, Password: hubtest.Password,
			DisplayName: "Invented officer", Roles: []care.Role{care.ProtectionOfficer}, Org: h.Org})
		if err != nil {
			t.Fatal(err)
		}
		*who = [2]string{login, h.SetUpTOTP(t, h.Reload(t, staff), login)[0]}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return asks, decides
}

// erases has two people erase a case by the hub's routes.
func (d *smallDisk) erases(t *testing.T, asks, decides [2]string, caseID string) {
	t.Helper()
	in := func(who [2]string) string {
		status, token := d.answers(t, "POST", "/api/collections/accounts/auth-with-password", "",
			map[string]string{"identity": who[0], "password": hubtest.Password, "code": who[1]})
		if status != http.StatusOK {
			t.Fatalf("signing in on a full disk: %d %s", status, token)
		}
		return token
	}
	one, two := in(asks), in(decides)
	status, id := d.answers(t, "POST", "/api/portolan/approvals", one,
		map[string]string{"act": "erase", "collection": "cases", "record": caseID, "reason": "person_asked"})
	if status != http.StatusOK {
		t.Fatalf("asking for an erasure on a full disk: %d %s", status, id)
	}
	if status, code := d.answers(t, "POST", "/api/portolan/approvals/"+id+"/decide", two, map[string]bool{"agree": true}); status != http.StatusOK {
		t.Fatalf("agreeing on a full disk: %d %s", status, code)
	}
	if status, code := d.answers(t, "POST", "/api/portolan/cases/"+caseID+"/erase", one, map[string]string{}); status != http.StatusOK {
		t.Errorf("erasing on a full disk: %d %s", status, code)
	}
}

// copyHub copies a hub's folder without its lock, socket and reserve.
func copyHub(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.Mkdir(to, 0o700)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "reserve") || e.Name() == "portolan.lock" {
			continue
		}
		there, here := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.IsDir():
			err = errors.Join(err, os.CopyFS(here, os.DirFS(there)))
		case e.Type().IsRegular():
			b, readErr := os.ReadFile(there)
			err = errors.Join(err, readErr, os.WriteFile(here, b, 0o600))
		}
	}
	if err != nil {
		t.Fatalf("copying the hub: %v", err)
	}
}

// allPresent checks that everything acknowledged is there.
func allPresent(t *testing.T, dir string, tablets []*killedTablet) {
	t.Helper()
	if n, _ := present(t, dir, tablets); n == 0 {
		t.Error("nothing was acknowledged: the test proves nothing")
	}
}

// limitFiles bounds the size of files that a running process may write
// (prlimit(2)).
func limitFiles(t *testing.T, pid int, size uint64) {
	t.Helper()
	limitProcess(t, pid, syscall.RLIMIT_FSIZE, syscall.Rlimit{Cur: size, Max: size})
}

func limitProcess(t *testing.T, pid, what int, limit syscall.Rlimit) {
	t.Helper()
	_, _, no := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(what), uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if no != 0 {
		t.Fatalf("limiting a process: %v", no)
	}
}

// TestAHubWithoutFileDescriptorsLosesNothing: attack case 29. While none are
// left the hub may refuse; it acknowledges nothing that it did not keep, and
// goes on once there are some.
func TestAHubWithoutFileDescriptorsLosesNothing(t *testing.T) {
	bin, dir, address := hubtest.Program(t), filepath.Join(t.TempDir(), "hub"), hubtest.FreeAddress(t)
	d := enrolForKilling(t, dir, "http://"+address)[0]
	hub := hubtest.Run(t, dir, address)
	if err := d.push(d.write(5)); err != nil {
		t.Fatal(err)
	}
	taken, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(hub.Process.Pid), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(len(taken)) + 3
	limitProcess(t, hub.Process.Pid, syscall.RLIMIT_NOFILE, syscall.Rlimit{Cur: most, Max: 4096})
	var held []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nX-A: ")
		held = append(held, conn)
	}
	client := &http.Client{Timeout: time.Second}
	if answer, err := client.Get("http://" + address + "/api/portolan/health"); err == nil {
		answer.Body.Close() // it came before the others
	}
	for _, conn := range held {
		conn.Close()
	}
	limitProcess(t, hub.Process.Pid, syscall.RLIMIT_NOFILE, syscall.Rlimit{Cur: 4096, Max: 4096})
	batch := d.write(5)
	for deadline := time.Now().Add(fullPatience); ; hubtest.Wait(t.Context(), 5*time.Millisecond) {
		err := d.push(batch)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the hub does not go on: %v", err)
		}
	}
	hub.Kill(t)
	mustVerify(t, bin, dir)
	allPresent(t, dir, []*killedTablet{d})
}

// fullByLimit is the same with a limit on the size of files, which anybody may
// set for themselves: no room is a write that fails.
func fullByLimit(t *testing.T, bin, dir, address string, tablets []*killedTablet) {
	t.Helper()
	hub := hubtest.Run(t, dir, address)
	largest := int64(0)
	for _, name := range []string{"data.db", "data.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, "pb_data", name)); err == nil {
			largest = max(largest, info.Size())
		}
	}
	limitFiles(t, hub.Process.Pid, uint64(largest)+4<<20)
	pushUntilFull(t, tablets[0])
	d := &smallDisk{hub: hub.Cmd, address: address, said: &bytes.Buffer{}}
	if status, _ := d.answers(t, "GET", "/api/portolan/health", "", nil); status != http.StatusServiceUnavailable && status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	hub.Kill(t)
	mustVerify(t, bin, dir)
	allPresent(t, dir, tablets[:1])
}
