package collections

// ForgetCase is what an erasure does to the index of names.
func (h *Hub) ForgetCase(caseID string) { h.forgetCase(caseID) }

// ForgetNames is what closing and locking the hub do to it.
func (h *Hub) ForgetNames() { h.forgetNames() }
