package collections

// NewID mints the id of a record that the caller must know before the door
// does: an organisation, which belongs to itself.
func (h *Hub) NewID() string { return h.newID() }
