package collections

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/care"
	"portolan/seal"
)

// KeepKey writes the key file anew for the root key that the hub has: under a
// passphrase, or in clear where none is given: never what custodians keep
// together (ErrRootInClear), of whom one at a console would need no other.
func (h *Hub) KeepKey(ctx context.Context, passphrase string) error {
	if h.Locked() {
		return ErrLocked
	}
	if split, err := h.TakesShares(ctx); err != nil || split && passphrase == "" {
		return errors.Join(err, ErrRootInClear)
	}
	h.keys.mu.RLock()
	root := h.keys.rootKey
	h.keys.mu.RUnlock()
	text, err := h.keyFileText(root, passphrase)
	if err != nil {
		return err
	}
	return writeKeyFile(h.keyFile, text)
}

// SplitKey splits the root key into shares of which need open it, and notes
// that it did. The key file stays; RemoveKeyFile takes it away.
func (h *Hub) SplitKey(ctx context.Context, shares, need int) ([]seal.Share, error) {
	if h.Locked() {
		return nil, ErrLocked
	}
	h.keys.mu.RLock()
	root := h.keys.rootKey
	h.keys.mu.RUnlock()
	out, err := seal.Split(h.rand, root, shares, need)
	if err != nil {
		return nil, err
	}
	return out, h.noteCustody(ctx, h.keys.db, root, shares, need)
}

// noteCustody notes that a root key was split.
func (h *Hub) noteCustody(ctx context.Context, db execer, root seal.Key, shares, need int) error {
	b, err := json.Marshal(Custody{Shares: shares, Need: need, At: care.FormatTime(h.now()), Root: fmtKeyID(seal.RootBox(root).ID())})
	if err != nil {
		return wrap("noting who keeps the key", err)
	}
	return setFact(ctx, db, "custody", b)
}

// RemoveKeyFile takes the key file away, once somebody has given shares that
// open the hub: from then on it starts locked.
func (h *Hub) RemoveKeyFile(ctx context.Context, shares []seal.Share) error {
	f, err := h.keys.facts(ctx)
	if err != nil {
		return err
	}
	if _, err := h.combine(ctx, shares); err != nil {
		return err
	}
	if !f.split() {
		return seal.ErrShares
	}
	return h.dropKeyFile()
}

func (h *Hub) dropKeyFile() error {
	if err := os.Remove(h.keyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("removing the key file", err)
	}
	return nil
}

// factShed names the root key whose key file goes because the next one was
// split as it was made. It stands from the change of the root until the file
// is gone, so that a hub that is killed in between does not find a wrong key.
const factShed = "shed"

// shedKeyFile takes away the key file of a root that is not in force any more.
func (h *Hub) shedKeyFile(ctx context.Context) error {
	if err := h.dropKeyFile(); err != nil {
		return err
	}
	_, err := h.keys.db.ExecContext(ctx, `DELETE FROM facts WHERE name = ?`, factShed)
	return wrap("writing about the keys", err)
}

// KeyState is what may be known of the hub's keys without any of them.
type KeyState struct {
	Locked  bool
	Root    string // id of the root key
	File    string // where the key file is looked for
	Kind    string // "plain", "passphrase", "missing" or "damaged"
	Custody Custody
	Stale   bool // the shares are of an earlier root key and open nothing
	Epochs  int  // key keys
	Keys    int  // data keys
	Left    int  // what a rotation has left to do
	Epoch   int  // the newest
	// Rotated is when a key of an epoch was last made, "" before the first.
	Rotated   string
	Copies    int // folders of backups with a copy of the keys
	Unreached int // of these, where none is now
	Waiting   int // pushes that came while the hub was locked
	Refused   int // of these, what the door refused
}

// KeyState tells how the keys stand.
func (h *Hub) KeyState(ctx context.Context) (s KeyState, err error) {
	f, err := h.keys.facts(ctx)
	if err != nil {
		return s, err
	}
	s = KeyState{Locked: h.Locked(), Root: f.root, File: h.keyFile, Kind: "plain", Custody: f.custody, Stale: f.custody.Shares > 0 && !f.split()}
	switch file, err := readKeyFile(h.keyFile); {
	case errors.Is(err, fs.ErrNotExist):
		s.Kind = "missing"
	case err != nil:
		s.Kind = "damaged"
	case file.locked != nil:
		s.Kind = "passphrase"
	}
	if err := h.keys.db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM keks), (SELECT COUNT(*) FROM deks)`).Scan(&s.Epochs, &s.Keys); err != nil {
		return s, wrap("counting keys", err)
	}
	if s.Left, err = h.keys.toRewrap(ctx); err != nil {
		return s, err
	}
	if err := h.keys.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(epoch), 0), COALESCE(MAX(CASE WHEN epoch > 1 THEN made_at END), '') FROM keks`).Scan(&s.Epoch, &s.Rotated); err != nil {
		return s, wrap("reading the keys", err)
	}
	folders, err := h.keyBackupFolders(ctx)
	if err != nil {
		return s, err
	}
	for _, folder := range folders {
		s.Copies++
		if _, err := os.Stat(filepath.Join(folder, KeyBackupName)); err != nil {
			s.Unreached++
		}
	}
	err = reader{ctx, h.readDB()}.row(`SELECT COUNT(*) FILTER (WHERE refused = ''), COUNT(*) FILTER (WHERE refused != '') FROM intake`).Scan(&s.Waiting, &s.Refused)
	return s, wrap("reading the intake", err)
}
