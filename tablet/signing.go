package tablet

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strconv"
	"time"

	fieldsync "portolan/sync"
)

// signTries is how often a request is signed again because the hub named
// another time.
const signTries = 3

// Errors of the hub about the time of a request.
const (
	codeClockOff = "clock_off"
	codeReplayed = "request_replayed"
)

// signer signs requests with the replica's key. Their times rise, over all
// processes and restarts of this store.
type signer struct {
	t       *Tablet
	replica string
	key     ed25519.PrivateKey
}

// authorization signs a request as it goes on the wire.
func (s *signer) authorization(ctx context.Context, method, path string, sent []byte) (string, error) {
	var at int64
	err := s.t.inTx(ctx, func(x *tx) error {
		last, err := x.number(metaSigned)
		if err != nil {
			return err
		}
		at = max(last+1, s.t.now().Add(s.t.shift).UnixMilli(), 1)
		return x.setMeta(metaSigned, strconv.FormatInt(at, 10))
	})
	if err != nil {
		return "", err
	}
	return fieldsync.RequestOf(s.replica, method, path, sent, at).Authorization(s.key), nil
}

// again takes over the hub's time where that is what it asks for, and says
// whether the request is worth another try. What was entered keeps the times
// that it has.
func (s *signer) again(ctx context.Context, err error) (bool, error) {
	var h *HubError
	if !errors.As(err, &h) || h.Now == 0 || h.Said.Code != codeClockOff && h.Said.Code != codeReplayed {
		return false, nil
	}
	return true, s.t.inTx(ctx, func(x *tx) error {
		s.t.shift = time.UnixMilli(h.Now).Sub(s.t.now()).Round(time.Millisecond)
		if err := x.setMeta(metaShift, strconv.FormatInt(s.t.shift.Milliseconds(), 10)); err != nil {
			return err
		}
		return x.setMeta(metaSigned, strconv.FormatInt(h.After, 10))
	})
}

// number reads a number of the table meta, 0 where there is none.
func (x *tx) number(key string) (int64, error) {
	v, err := x.meta(key)
	if err != nil || v == "" {
		return 0, err
	}
	return strconv.ParseInt(v, 10, 64)
}
