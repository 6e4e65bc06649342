package collections

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"portolan/care"
)

// ActTrust is a change of the list of hubs whose signature counts here.
const ActTrust = "trust"

// TrustedHub is a hub whose signature counts here. Who works with whom is
// nobody's affair, so the list lies sealed with the keys.
type TrustedHub struct {
	Name    string `json:"name"`
	Key     string `json:"key"`               // Ed25519, base64url without padding
	Address string `json:"address,omitempty"` // where it says whether a paper was taken back, "" where it is not reached
	AddedBy string `json:"added_by"`
	AddedAt string `json:"added_at"`
}

// trusted keeps changes of the list apart.
type trusted struct{ changing sync.Mutex }

const (
	trustName     = "trust"
	signingName   = "capsule"
	trustedMax    = 500
	trustNameMax  = 200
	trustPlaceMax = 300
)

// Errors of trust.
var (
	ErrTrustFull    = &care.Error{Code: "trust_full", Kind: care.Conflict, Hint: "The list of trusted hubs is full. Remove those that are no longer needed."}
	ErrTrustKnown   = &care.Error{Code: "trust_known", Kind: care.Conflict, Hint: "This key is trusted already, or it is this hub's own."}
	ErrTrustInvalid = &care.Error{Code: "trust_invalid", Kind: care.Invalid, Hint: "A trusted hub has a name of at most 200 bytes, a key, and an address that begins with https:// or none."}
)

// SigningKey is the key with which this hub signs what people carry. It is made
// on first use and lies sealed with the other keys.
func (h *Hub) SigningKey(ctx context.Context) (ed25519.PrivateKey, error) {
	seed, err := h.keys.meta(ctx, signingName, func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(h.rand)
		return key.Seed(), err
	})
	if err != nil {
		return nil, fmt.Errorf("opening the key that signs what is carried: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("opening the key that signs what is carried: it has %d bytes", len(seed))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// TrustedHubs lists the hubs whose signature counts here, by name. Every member
// of staff may know: a tablet takes the list along.
func (h *Hub) TrustedHubs(ctx context.Context) ([]TrustedHub, error) {
	b, err := h.keys.meta(ctx, trustName, func() ([]byte, error) { return []byte("[]"), nil })
	if err != nil {
		return nil, fmt.Errorf("reading the trusted hubs: %w", err)
	}
	var l []TrustedHub
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, fmt.Errorf("reading the trusted hubs: %w", err)
	}
	return l, nil
}

// Trust adds a hub to the list. It takes the power approve; that its
// fingerprint was compared is for whoever calls this to see to.
func (h *Hub) Trust(ctx context.Context, a care.Actor, add TrustedHub) error {
	key, err := base64.RawURLEncoding.Strict().DecodeString(add.Key)
	if err != nil || len(key) != ed25519.PublicKeySize || add.Name == "" || len(add.Name) > trustNameMax || len(add.Address) > trustPlaceMax {
		return ErrTrustInvalid
	}
	own, err := h.SigningKey(ctx)
	if err != nil {
		return err
	}
	return h.changeTrust(ctx, a, func(l []TrustedHub) ([]TrustedHub, error) {
		if own.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(key)) || slices.ContainsFunc(l, func(t TrustedHub) bool { return t.Key == add.Key }) {
			return nil, ErrTrustKnown
		}
		if len(l) >= trustedMax {
			return nil, ErrTrustFull
		}
		add.AddedBy, add.AddedAt = a.Staff, h.nowText()
		return append(l, add), nil
	})
}

// Distrust takes a hub off the list: what it signed is unknown from now on. It
// takes the power approve.
func (h *Hub) Distrust(ctx context.Context, a care.Actor, key string) error {
	return h.changeTrust(ctx, a, func(l []TrustedHub) ([]TrustedHub, error) {
		at := slices.IndexFunc(l, func(t TrustedHub) bool { return t.Key == key })
		if at < 0 {
			return nil, care.ErrNotFound
		}
		return slices.Delete(l, at, at+1), nil
	})
}

func (h *Hub) changeTrust(ctx context.Context, a care.Actor, change func([]TrustedHub) ([]TrustedHub, error)) error {
	target := care.Target{Collection: "organisations", Org: a.Org, Topic: care.Directory, Compartment: care.General}
	if !a.Can(care.MayApprove) {
		return h.refuse(ctx, a, ActTrust, target)
	}
	h.trusted.changing.Lock()
	defer h.trusted.changing.Unlock()
	l, err := h.TrustedHubs(ctx)
	if err != nil {
		return err
	}
	if l, err = change(l); err != nil {
		return err
	}
	slices.SortFunc(l, func(x, y TrustedHub) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Key, y.Key)) })
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the trusted hubs: %w", err)
	}
	// Noted first: a change that then fails is one that was allowed.
	if err := h.Audit(ctx, a, ActTrust, target, care.Decision{Allowed: true, Reason: "power_approve"}); err != nil {
		return err
	}
	return h.keys.setMeta(ctx, trustName, b)
}
