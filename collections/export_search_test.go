package collections

// ForgetNames is what closing and locking the hub do to the index of names.
func (h *Hub) ForgetNames() { h.forgetNames() }

// NamesKept is how many records and words the index holds.
func (h *Hub) NamesKept() (records, words int) { return h.finder.index.Size() }
