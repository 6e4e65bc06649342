package collections

import "maps"

// ending is whose access became less in one transaction. What is being sent to
// them at that moment was decided before it.
type ending struct {
	devices map[string]bool // revoked
	staff   map[string]bool // lost a scope
}

func newEnding() ending { return ending{map[string]bool{}, map[string]bool{}} }

func (e ending) clone() ending { return ending{maps.Clone(e.devices), maps.Clone(e.staff)} }

// OnEnd adds a listener that hears, after each commit and before whoever asked
// for it is answered, which tablets were revoked and who lost a scope. It is
// called outside the transaction.
func (h *Hub) OnEnd(f func(devices, staff []string)) {
	h.wakeMu.Lock()
	defer h.wakeMu.Unlock()
	h.endings = append(h.endings, f)
}

func (h *Hub) tellEnded(e ending) {
	if len(e.devices)+len(e.staff) == 0 {
		return
	}
	h.wakeMu.Lock()
	listeners := h.endings
	h.wakeMu.Unlock()
	for _, f := range listeners {
		f(keysOf(e.devices), keysOf(e.staff))
	}
}

func keysOf(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
