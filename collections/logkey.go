package collections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"portolan/audit"
	"portolan/care"
)

// ActLogKey is a change of the key that signs the audit log.
const ActLogKey = "audit_key"

// logKeys is the key that signs the audit log, and those that signed it before.
// Each named the next in its last head: whoever knows one follows to the newest.
type logKeys struct {
	mu       sync.RWMutex // held for reading while a head is signed
	signer   *audit.Signer
	verifier *audit.Verifier
	former   []formerKey
}

// formerKey is a key that signs no more, with its last head.
type formerKey struct {
	Public string `json:"public"`
	Signed string `json:"signed"`
	last   audit.Checkpoint
}

const logKeyName = "audit"

// openLogKey opens the key that signs the log, and makes it on first use. It
// lies with the other keys, sealed: its secret half, in the second line its
// public half, and in the third those that came before.
func (h *Hub) openLogKey(ctx context.Context) error {
	b, err := h.keys.meta(ctx, logKeyName, func() ([]byte, error) {
		secret, public, err := audit.NewKey(h.rand, "portolan.audit/"+h.replica)
		return []byte(secret + "\n" + public), err
	})
	if err == nil {
		h.logKeys.mu.Lock()
		defer h.logKeys.mu.Unlock()
		err = h.logKeys.read(string(b))
	}
	if err != nil {
		return fmt.Errorf("opening the key of the audit log: %w", err)
	}
	return nil
}

func (k *logKeys) read(text string) (err error) {
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) < 2 {
		return audit.ErrKey
	}
	signer, err := audit.NewSigner(lines[0], lines[1])
	if err != nil {
		return err
	}
	verifier, err := audit.NewVerifier(lines[1])
	if err != nil {
		return err
	}
	var former []formerKey
	if len(lines) == 3 {
		if err := json.Unmarshal([]byte(lines[2]), &former); err != nil {
			return err
		}
	}
	for i := range former {
		v, err := audit.NewVerifier(former[i].Public)
		if err != nil {
			return err
		}
		if former[i].last, err = v.Open(former[i].Signed); err != nil {
			return err
		}
	}
	k.signer, k.verifier, k.former = signer, verifier, former
	return nil
}

// LogKey is the public key of the audit log: all that verifying it needs.
func (h *Hub) LogKey() string {
	h.logKeys.mu.RLock()
	defer h.logKeys.mu.RUnlock()
	return h.logKeys.verifier.Public()
}

// open reads a head of the log that this hub signed, with whichever key it had
// then. A key that has handed over signs nothing that came after.
func (k *logKeys) open(signed string) (audit.Checkpoint, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c, err := k.verifier.Open(signed)
	for i := 0; err != nil && i < len(k.former); i++ {
		v, bad := audit.NewVerifier(k.former[i].Public)
		if bad != nil {
			return c, bad
		}
		last := k.former[i].last
		if c, err = v.Open(signed); err == nil && c.Epoch == last.Epoch && c.Size > last.Size {
			err = audit.ErrSignature
		}
	}
	return c, err
}

// handovers are the heads in which a key named the next, for a witness that
// last saw the log at a size.
func (k *logKeys) handovers(seen int64, epoch string) (list []string) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, f := range k.former {
		if f.last.Epoch != epoch || seen <= f.last.Size {
			list = append(list, f.Signed)
		}
	}
	return list
}

// ErrLogKeys says that the key of the audit log was changed as often as
// witnesses follow.
var ErrLogKeys = &care.Error{Code: "audit_keys_many", Kind: care.Conflict, Hint: "The key of the audit log was changed as often as tablets follow. Nothing was changed."}

// RotateLogKey changes the key that signs the audit log. The old key signs one
// last head, which names the new one, and is destroyed. It returns the folders
// of backups in which the copy of the keys could not be brought in step.
func (h *Hub) RotateLogKey(ctx context.Context) (unreached []string, err error) {
	if h.Locked() {
		return nil, ErrLocked
	}
	if err := h.changeLogKey(ctx); err != nil {
		return nil, err
	}
	noted := h.audit(ctx, h.HubActor(), event{act: ActLogKey, decision: care.Decision{Allowed: true, Reason: "changed"}})
	if err := errors.Join(noted, h.SignLog(ctx, true)); err != nil {
		return nil, err
	}
	return h.renewKeyBackups(ctx)
}

func (h *Hub) changeLogKey(ctx context.Context) error {
	k := &h.logKeys
	k.mu.Lock() // nothing is signed with the old key after its last head
	defer k.mu.Unlock()
	if len(k.former) >= audit.HandoversMax {
		return ErrLogKeys
	}
	secret, public, err := audit.NewKey(h.rand, k.signer.Origin())
	if err != nil {
		return err
	}
	last, err := h.signHead(reader{ctx, h.readDB()}, 0, public)
	if err != nil {
		return err
	}
	former, err := json.Marshal(append(k.former[:len(k.former):len(k.former)], formerKey{Public: k.verifier.Public(), Signed: last.Signed}))
	if err != nil {
		return fmt.Errorf("changing the key of the audit log: %w", err)
	}
	text := secret + "\n" + public + "\n" + string(former)
	if err := h.keys.setMeta(ctx, logKeyName, []byte(text)); err != nil {
		return err
	}
	return k.read(text)
}
