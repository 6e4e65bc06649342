package hooks

import (
	"context"
	"crypto/ed25519"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
)

// ErrHeard says that what was heard is not the key's fingerprint.
var ErrHeard = &care.Error{Code: "fingerprint_differs", Kind: care.Unprocessed,
	Hint: "The digits are not those of this key. Have them read to you again, by somebody whose voice you know. Nothing was trusted."}

// KnownHub is a hub whose signature counts, with its fingerprint.
type KnownHub struct {
	collections.TrustedHub
	Fingerprint string `json:"fingerprint"`
}

// Trust adds a hub to the list of those that are trusted, once somebody has
// heard its fingerprint from a person there.
func Trust(ctx context.Context, hub *collections.Hub, a care.Actor, name, key, address, heard string) (KnownHub, error) {
	public, err := capsule.ParseKey(key)
	if err != nil {
		return KnownHub{}, err
	}
	if address != "" && !strings.HasPrefix(address, "https://") {
		return KnownHub{}, collections.ErrTrustInvalid
	}
	is := capsule.Fingerprint(public)
	if digits(heard) != digits(is) {
		return KnownHub{}, ErrHeard
	}
	add := collections.TrustedHub{Name: strings.TrimSpace(name), Key: capsule.FormatKey(public), Address: address}
	return KnownHub{add, is}, hub.Trust(ctx, a, add)
}

// digits leaves out how somebody wrote them down.
func digits(heard string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, heard)
}

// OwnHub is this hub's key, for others to trust.
func OwnHub(ctx context.Context, hub *collections.Hub) (KnownHub, error) {
	key, err := hub.SigningKey(ctx)
	if err != nil {
		return KnownHub{}, err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return KnownHub{}, capsule.ErrKey
	}
	return KnownHub{collections.TrustedHub{Key: capsule.FormatKey(public)}, capsule.Fingerprint(public)}, nil
}

// KnownHubs lists the trusted hubs.
func KnownHubs(ctx context.Context, hub *collections.Hub) ([]KnownHub, error) {
	l, err := hub.TrustedHubs(ctx)
	if err != nil {
		return nil, err
	}
	known := make([]KnownHub, 0, len(l))
	for _, t := range l {
		public, err := capsule.ParseKey(t.Key)
		if err != nil {
			return nil, err
		}
		known = append(known, KnownHub{t, capsule.Fingerprint(public)})
	}
	return known, nil
}

// believed is whose signature counts: this hub's own, first, and those of the
// list.
func believed(ctx context.Context, hub *collections.Hub) (hubs []KnownHub, keys []ed25519.PublicKey, err error) {
	own, err := OwnHub(ctx, hub)
	if err != nil {
		return nil, nil, err
	}
	others, err := KnownHubs(ctx, hub)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range append([]KnownHub{own}, others...) {
		public, err := capsule.ParseKey(k.Key)
		if err != nil {
			return nil, nil, err
		}
		hubs, keys = append(hubs, k), append(keys, public)
	}
	return hubs, keys, nil
}

func (f *Front) trustedHubs(e *core.RequestEvent, _ care.Actor) error {
	ctx := e.Request.Context()
	own, err := OwnHub(ctx, f.hub)
	if err != nil {
		return err
	}
	others, err := KnownHubs(ctx, f.hub)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Own  hubKey     `json:"own"`
		Hubs []KnownHub `json:"hubs"`
	}{hubKey{own.Key, own.Fingerprint}, others})
}

type hubKey struct {
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
}

func (f *Front) trustHub(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Name    string `json:"name"`
		Key     string `json:"key"`
		Address string `json:"address"`
		Heard   string `json:"heard"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	added, err := Trust(e.Request.Context(), f.hub, a, in.Name, in.Key, in.Address, in.Heard)
	if err != nil {
		return err
	}
	return reply(e, struct {
		Trusted string `json:"trusted"`
	}{added.Key})
}

func (f *Front) distrustHub(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Key string `json:"key"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	if err := f.hub.Distrust(e.Request.Context(), a, in.Key); err != nil {
		return err
	}
	return reply(e, struct {
		Distrusted string `json:"distrusted"`
	}{in.Key})
}
