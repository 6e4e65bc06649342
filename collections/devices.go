package collections

import (
	"context"

	"portolan/care"
)

// DeviceEnrolled says whether a tablet's token is good now: neither revoked
// nor expired.
func (h *Hub) DeviceEnrolled(ctx context.Context, device string) (bool, error) {
	return h.enrolled(reader{ctx, h.readDB()}, device)
}

func (h *Hub) enrolled(q querier, device string) (good bool, err error) {
	err = q.row(`SELECT EXISTS (SELECT 1 FROM device_tokens WHERE device = ? AND revoked_at = '' AND expires_at > ?)`,
		device, care.FormatTime(h.now())).Scan(&good)
	return good, wrap("reading a token", err)
}
