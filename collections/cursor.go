package collections

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
)

// A cursor is how far a device has come: the hub's sequence number, with a MAC
// over it, the epoch and whose it is. A cursor of another epoch or of somebody
// else does not open; its holder is then sent all that they may see now.

const (
	cursorSeqBytes = 8
	cursorMACBytes = 16
)

func (h *Hub) sealCursor(staff string, seq uint64) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, cursorSeqBytes+cursorMACBytes), seq)
	return base64.RawURLEncoding.EncodeToString(append(b, h.cursorMAC(staff, b)...))
}

func (h *Hub) cursorMAC(staff string, seq []byte) []byte {
	return []byte(h.mac("cursor", h.epoch, staff, string(seq)))[:cursorMACBytes]
}

// openCursor returns the sequence number of a cursor, and whether it is one of
// this hub, this epoch and this person.
func (h *Hub) openCursor(staff, cursor string) (seq uint64, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != cursorSeqBytes+cursorMACBytes || !hmac.Equal(b[cursorSeqBytes:], h.cursorMAC(staff, b[:cursorSeqBytes])) {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}
