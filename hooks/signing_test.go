package hooks_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	fieldsync "portolan/sync"
)

// tabletScheme begins what tests hand about in the place of a token: whoever
// asks with it signs the request with the key of that replica.
const tabletScheme = "tablet "

// keyring is the keys of the tablets under test, by replica.
var keyring sync.Map

type ringKey struct {
	key  ed25519.PrivateKey
	now  func() time.Time
	mu   sync.Mutex
	last int64
}

// asTablet puts a tablet's key on the ring and gives its pseudo token.
func asTablet(replica string, key ed25519.PrivateKey, now func() time.Time) string {
	keyring.Store(replica, &ringKey{key: key, now: now})
	return tabletScheme + replica
}

// sign is the Authorization of a tablet's request at the next moment.
func (k *ringKey) sign(replica, method, path string, body []byte) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = max(k.last+1, k.now().UnixMilli())
	return fieldsync.RequestOf(replica, method, path, body, k.last).Authorization(k.key)
}

// authorization is the header with which somebody asks: a person's token, a
// tablet's signature, or for realtime a tablet's token of some minutes.
func authorization(base, method, path, token string, body []byte) string {
	replica, ok := strings.CutPrefix(token, tabletScheme)
	if !ok {
		return "Bearer " + token
	}
	at, ok := keyring.Load(replica)
	if !ok {
		panic("a tablet that nobody enrolled: " + replica)
	}
	k := at.(*ringKey)
	if path != "/api/realtime" {
		return k.sign(replica, method, path, body)
	}
	req, err := http.NewRequest("POST", base+"/api/portolan/token", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", k.sign(replica, "POST", "/api/portolan/token", nil))
	resp, err := plain.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var in struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&in); err != nil {
		panic(err)
	}
	return "Bearer " + in.Token
}
