package tablet

import (
	"context"
	"errors"
	"net"
	"strconv"

	fieldsync "portolan/sync"
)

// How much one push carries. A line that broke before the hub answered is given
// a quarter next time, one that held twice as much: a line that carries only
// paceLeast at a time gets there, and repeats no more than that.
const (
	paceMost  = 256 << 10 // bytes of changes, far under the hub's limits
	paceLeast = 2 << 10
)

// pace is how much the next push may carry.
func (x *tx) pace() (int, error) {
	n, err := x.number(metaPace)
	if err != nil || n < paceLeast {
		return paceMost, err
	}
	return int(min(n, paceMost)), nil
}

func (x *tx) setPace(bytes int) error {
	return x.setMeta(metaPace, strconv.Itoa(max(paceLeast, min(bytes, paceMost))))
}

// quicken notes that the line carried a push, where it was given less than it
// could be.
func (t *Tablet) quicken(ctx context.Context, p fieldsync.Push) error {
	if len(p.Changes) == 0 {
		return nil
	}
	return t.inTx(ctx, func(x *tx) error {
		now, err := x.pace()
		if err != nil || now == paceMost {
			return err
		}
		return x.setPace(2 * now)
	})
}

// noLine says that the hub was not even reached.
func noLine(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// goesOn says whether it is worth trying again at once after the line broke:
// something came of the last round trip, or a smaller push may get through.
func (t *Tablet) goesOn(ctx context.Context, p fieldsync.Push, done Report, cause error) (on bool, err error) {
	if !Unreachable(cause) || ctx.Err() != nil || noLine(cause) {
		return false, nil
	}
	err = t.inTx(ctx, func(x *tx) error {
		cursor, err := x.meta(metaCursor)
		if err != nil || done.Sent > 0 || cursor != p.Cursor {
			on = true
			return err
		}
		now, err := x.pace()
		if err != nil || len(p.Changes)+len(p.Drafts.Put) < 2 || now == paceLeast {
			return err
		}
		on = true
		return x.setPace(now / 4)
	})
	return on && err == nil, err
}
