package hooks

import "time"

// Stall sets how long a realtime connection may take nothing.
func (f *Front) Stall(d time.Duration) { f.stall = d }

// Listening counts realtime connections, and those whose owner is not known.
func (f *Front) Listening() (connections, guests int) {
	f.wake.mu.Lock()
	defer f.wake.mu.Unlock()
	return len(f.wake.byID), f.wake.guests
}
