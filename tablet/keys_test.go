package tablet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"

	"portolan/seal"
	fieldsync "portolan/sync"
)

// TestNeitherPassphraseNorLeaseOpensTheStoreAlone: not the root that the
// passphrase opens with another lease or none, not the lease with another
// root; and a lease that says that it lasts longer is none.
func TestNeitherPassphraseNorLeaseOpensTheStoreAlone(t *testing.T) {
	ctx := context.Background()
	k, err := openKeys(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer k.db.Close()
	var devices [2]*device
	for i := range devices {
		root, err := seal.NewKey(rand.Reader)
		if err == nil {
			devices[i], err = deviceOf(root)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mine, other := devices[0], devices[1]
	lease := make([]byte, seal.KeyBytes)
	if _, err := rand.Read(lease); err != nil {
		t.Fatal(err)
	}
	const until = "2026-12-20T08:00:00.000Z"
	if err := k.begin(ctx, mine, fieldsync.Lease{Key: base64.RawURLEncoding.EncodeToString(lease), Until: until}); err != nil {
		t.Fatal(err)
	}
	if err := k.open(ctx); err != nil || k.store == nil {
		t.Fatalf("both together: %v", err)
	}
	var wrapped, sealedLease []byte
	if err := k.db.QueryRow(`SELECT wrapped, sealed FROM stores JOIN leases USING (device)`).Scan(&wrapped, &sealedLease); err != nil {
		t.Fatal(err)
	}
	opens := func(d *device, lease []byte) error {
		box, err := d.unlocking(lease)
		if err != nil {
			t.Fatal(err)
		}
		_, err = box.Unwrap(mine.storeName(), wrapped)
		return err
	}
	if err := opens(mine, lease); err != nil {
		t.Errorf("both together: %v", err)
	}
	for what, err := range map[string]error{
		"the root without a lease":  opens(mine, nil),
		"the root with another one": opens(mine, make([]byte, seal.KeyBytes)),
		"the lease without a root":  opens(other, lease),
	} {
		if !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := other.box.Open(nil, other.leasePlace(until), sealedLease); err == nil {
		t.Error("the lease opens without the root")
	}
	if err := k.exec(ctx, `UPDATE leases SET until = '2036-12-20T08:00:00.000Z'`); err != nil {
		t.Fatal(err)
	}
	if err := k.open(ctx); err != nil || k.store != nil {
		t.Errorf("a lease that was made longer opens the store: %v", err)
	}
}
