package collections

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
)

// cursor is how far a device has come. What is sealed of it goes to the device
// and comes back (sealCursor): the numbers, with a MAC over them, the epoch and
// whose they are. A cursor of another epoch or of somebody else does not open;
// its holder is then sent all that they may see now.
//
// In the middle of an answer the device has come to a place between two rows:
// newly granted scopes come first, by their rank (todays) and then in the order
// in which they were granted, and in each the records in the order of their
// ids. What stands before that place is as new as entering or newer, so that it
// is enough to send later what changed since then.
type cursor struct {
	seq  uint64 // the scopes that it had at base are complete up to this number
	base uint64 // the number up to which it was told what it gained and lost

	// While it gains scopes; zero otherwise.
	entering uint64 // what it gained is at least as new as this number
	told     uint64 // the number up to which it was told what it lost
	today    uint64 // today.mark of the order in which they are sent; zero where rankToday has none
	rank     rank   // of the scope that is being sent
	access   int64  // that scope (scope_access.id), zero for none yet; those before it were sent
	record   string // the last record of that scope that was sent, "" for none yet, wholeScope for all
}

// wholeScope is behind every record of a scope: ids begin with a hex digit.
const wholeScope = "~"

// Sizes of a cursor.
const (
	cursorNumberBytes = 8
	cursorNumbers     = 6 // of one that is in a scope
	cursorMACBytes    = 16
	rankBits          = 2 // of the number of the scope
)

// since is the number up to which the device was told what it lost.
func (c cursor) since() uint64 { return max(c.base, c.told) }

// reordered is the cursor of a device that came to its place by another list of
// today: it holds what would have come before that without one, and goes on
// without one. The rest is sent, some of it again. So it gets on also where each
// answer is cut and today's work changes in between.
func (c cursor) reordered() cursor {
	c.today = 0
	if c.rank == rankToday {
		c.rank, c.access, c.record = rankRest, 0, ""
	}
	return c
}

// behind says whether a scope comes before the place.
func (c cursor) behind(e entered) bool {
	return e.rank < c.rank || e.rank == c.rank && e.access < c.access
}

// had says whether the device holds something of a scope that its owner may
// see since from. What was granted since it was told last it does not have,
// wherever that belongs in the order.
func (c cursor) had(e entered) bool {
	if e.from <= c.base {
		return true
	}
	return c.entering != 0 && e.from <= c.told && (c.behind(e) || c.at(e) && c.record != "")
}

// at says whether the scope is the one that is being sent.
func (c cursor) at(e entered) bool { return e.rank == c.rank && e.access == c.access }

// completeTo is the number up to which a scope that the device holds is
// complete, and the record up to which it holds it.
func (c cursor) completeTo(e entered) (seq uint64, record string) {
	switch {
	case e.from <= c.base:
		return c.seq, wholeScope
	case c.behind(e):
		return c.entering, wholeScope
	}
	return c.entering, c.record
}

// sealCursor writes a cursor of the one person for their devices.
func (h *Hub) sealCursor(staff string, c cursor) string {
	b := binary.BigEndian.AppendUint64(nil, c.seq)
	if c.base != c.seq || c.entering != 0 {
		b = binary.BigEndian.AppendUint64(b, c.base)
	}
	if c.entering != 0 {
		b = binary.BigEndian.AppendUint64(b, c.entering)
		b = binary.BigEndian.AppendUint64(b, c.told)
		b = binary.BigEndian.AppendUint64(b, c.today)
		b = binary.BigEndian.AppendUint64(b, uint64(c.access)<<rankBits|uint64(c.rank))
		b = append(b, c.record...)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, h.cursorMAC(staff, b)...))
}

func (h *Hub) cursorMAC(staff string, numbers []byte) []byte {
	return []byte(h.mac("cursor", h.epoch, staff, string(numbers)))[:cursorMACBytes]
}

// openCursor reads a cursor, and says whether it is one of this hub, this epoch
// and this person.
func (h *Hub) openCursor(staff, sealed string) (c cursor, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) < cursorNumberBytes+cursorMACBytes {
		return c, false
	}
	b, mac := b[:len(b)-cursorMACBytes], b[len(b)-cursorMACBytes:]
	if !hmac.Equal(mac, h.cursorMAC(staff, b)) {
		return c, false
	}
	number := func() uint64 {
		n := binary.BigEndian.Uint64(b)
		b = b[cursorNumberBytes:]
		return n
	}
	c.seq = number()
	c.base = c.seq
	if len(b) > 0 {
		c.base = number()
	}
	if len(b) > 0 {
		if len(b) < (cursorNumbers-2)*cursorNumberBytes {
			return cursor{}, false // of a hub before there was a list of today
		}
		c.entering, c.told, c.today = number(), number(), number()
		place := number()
		c.rank, c.access = rank(place&(1<<rankBits-1)), int64(place>>rankBits)
		c.record = string(b)
	}
	return c, true
}
