package collections

import (
	"context"
	"database/sql"
	"errors"

	"portolan/care"
)

// DeviceEnrolled says whether a tablet's token is good now: neither revoked
// nor expired.
func (h *Hub) DeviceEnrolled(ctx context.Context, device string) (bool, error) {
	var one int
	err := reader{ctx, h.readDB()}.row(`SELECT 1 FROM device_tokens WHERE device = ? AND revoked_at = '' AND expires_at > ?`,
		device, care.FormatTime(h.now())).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap("reading a token", err)
}

// StaffOf is the id of the account with a login, care.ErrNotFound where there
// is none.
func (h *Hub) StaffOf(ctx context.Context, login string) (string, error) {
	var id string
	err := reader{ctx, h.readDB()}.row(`SELECT id FROM `+AccountsCollection+` WHERE login = ?`, login).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", care.ErrNotFound
	}
	return id, wrap("looking for the login", err)
}
