package care

import "slices"

// Comparator says which of two values of a Safer field protects the person.
type Comparator struct {
	// Order lists values as text from the least to the most protective. A
	// value that it does not list has no order against any other.
	Order []string
	// Dates orders dates and times: "earliest" when the earlier protects (a
	// consent's end, a deadline), "latest" when the later does.
	Dates string
}

// HasOrder says whether the comparator can order anything at all. Where it
// cannot (two safe phone numbers), neither of two values is used until a
// person decides.
func (c Comparator) HasOrder() bool { return len(c.Order) > 0 || c.Dates != "" }

// Compare tells which of a and b protects more: positive for a, negative for
// b, 0 for equal; ok is false where there is no order between them.
func (c Comparator) Compare(a, b Value) (order int, ok bool) {
	if a.Equal(b) {
		return 0, true
	}
	if c.Dates != "" {
		return c.compareDates(a, b)
	}
	i, j := slices.Index(c.Order, c.text(a)), slices.Index(c.Order, c.text(b))
	if i < 0 || j < 0 {
		return 0, false
	}
	return i - j, true
}

func (c Comparator) text(v Value) string {
	if t := v.Text(); t != "" {
		return t
	}
	if a := v.Absent(); a != "" {
		return string(a)
	}
	return string(v) // true, false and numbers as they are written
}

func (c Comparator) compareDates(a, b Value) (int, bool) {
	s, okA := a.Time()
	t, okB := b.Time()
	if !okA || !okB {
		return 0, false
	}
	d := s.Compare(t)
	if c.Dates == "earliest" {
		d = -d
	}
	return d, true
}
