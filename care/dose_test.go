package care

import "testing"

func TestParseDose(t *testing.T) {
	for _, c := range []struct {
		dose, number, unit string
		ok                 bool
	}{
		{"500 mg", "500", "mg", true},
		{"1 {tablet}", "1", "{tablet}", true},
		{"0.5 mg", "0.5", "mg", true},
		{"two tablets", "", "", false},
		{"500mg", "", "", false},
		{".5 mg", "", "", false},
		{"5. mg", "", "", false},
		{"-5 mg", "", "", false},
		{"5 furlongs", "", "", false},
		{"", "", "", false},
	} {
		number, unit, ok := ParseDose(c.dose)
		if number != c.number || unit != c.unit || ok != c.ok {
			t.Errorf("ParseDose(%q) = %q %q %v, want %q %q %v", c.dose, number, unit, ok, c.number, c.unit, c.ok)
		}
	}
}
