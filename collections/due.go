package collections

import (
	"context"
	"database/sql"
	"time"

	"portolan/care"
)

// NextEnd is when the next access of anybody is over, so that it can be ended
// at that moment and not when somebody next asks; zero where nothing ends.
func (h *Hub) NextEnd(ctx context.Context) (time.Time, error) {
	var text sql.NullString
	err := reader{ctx, h.readDB()}.row(`SELECT MIN(until_time) FROM scope_access WHERE until_seq IS NULL AND until_time != ''`).Scan(&text)
	if err != nil || text.String == "" {
		return time.Time{}, wrap("reading who sees what", err)
	}
	at, err := time.Parse(care.TimeFormat, text.String)
	return at, wrap("reading when access ends", err)
}

// EndsMoved tells, with one value at most until it is read, that a commit gave
// or prolonged access that ends: NextEnd may be another.
func (h *Hub) EndsMoved() <-chan struct{} { return h.endsMoved }

func (h *Hub) endsHaveMoved() {
	select {
	case h.endsMoved <- struct{}{}:
	default: // it is said already
	}
}
