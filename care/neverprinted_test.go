package care

import "testing"

func TestNeverPrinted(t *testing.T) {
	for _, code := range []string{
		"T74.5", "T74.51XA", "T7452XD", "t74.61xs", "T74.62", "T76.51XA", "T76.62XD", "Z04.81", "Z04.82", "Z62.813", "Z91.42", "z9142", "Y07.6", " T74.51XA ", "T74.5-",
	} {
		if !NeverPrinted(code) {
			t.Errorf("%q may be printed", code)
		}
	}
	for _, code := range []string{
		"", "F43.1", "T74.4", "T74.11XA", "T76.1", "Z04.8", "Z04.89", "Z62.81", "Z62.812", "Z91.41", "Z91.4", "Y07.5", "6B40", "77386006", "A15",
	} {
		if NeverPrinted(code) {
			t.Errorf("%q may not be printed", code)
		}
	}
}

// No list offers such a code, so that none is chosen by habit.
func TestNoListOffersWhatIsNeverPrinted(t *testing.T) {
	for _, l := range codeLists {
		for _, c := range l.Codes {
			if l.Name == "condition_codes" && NeverPrinted(c) {
				t.Errorf("%s offers %s", l.Name, c)
			}
		}
	}
}
