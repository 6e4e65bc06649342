package care

import "slices"

// Machine is the states that one field of an entity may take, and the steps
// between them. It is data only: conditions on a step are Rules.
type Machine struct {
	Field   string              // the code field that holds the state
	Initial []string            // states in which a record may begin
	Steps   map[string][]string // from a state to the states that may follow
}

// Allows says whether a record may go from one state to another. From "" asks
// whether a record may begin in the state. Staying is always allowed.
func (m *Machine) Allows(from, to string) bool {
	if from == to && from != "" {
		return true
	}
	if from == "" {
		return slices.Contains(m.Initial, to)
	}
	return slices.Contains(m.Steps[from], to)
}
