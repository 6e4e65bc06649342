package care

import (
	"regexp"
	"slices"
)

// CodeList is the values that a Code or Codes field may take.
type CodeList struct {
	Name    string
	Source  string   // the standard or page that the codes come from; "local" for our own
	Codes   []string // in the order in which they are offered
	Open    bool     // other codes are accepted too, where Pattern allows them
	Pattern string   // what a code outside Codes must look like (RE2, whole string); "" allows any
}

// codeLists is every list. Each group stands in a file of its own, beside the
// entities that use it.
var codeLists = slices.Concat(
	isoCodes,           // codes_iso.go
	htcdsCodes,         // codes_htcds.go
	organisationCodes,  // codes_organisation.go
	caseCodes,          // codes_case.go
	shelterCodes,       // codes_shelter.go
	referralCodes,      // codes_referral.go
	recordCodes,        // codes_record.go
	healthCodes,        // codes_health.go
	legalCodes,         // codes_legal.go
	reintegrationCodes, // codes_reintegration.go
)

// FindCodes looks a code list up by name.
func FindCodes(name string) (*CodeList, bool) {
	l, ok := codesByName[name]
	return l, ok
}

var codesByName = func() map[string]*CodeList {
	m := make(map[string]*CodeList, len(codeLists))
	for _, l := range codeLists {
		m[l.Name] = l
	}
	return m
}()

// Has says whether the list accepts the code.
func (l *CodeList) Has(code string) bool {
	if slices.Contains(l.Codes, code) {
		return true
	}
	if !l.Open || code == "" {
		return false
	}
	return l.Pattern == "" || patterns[l.Pattern].MatchString(code)
}

var patterns = func() map[string]*regexp.Regexp {
	m := map[string]*regexp.Regexp{}
	for _, l := range codeLists {
		if l.Pattern != "" {
			m[l.Pattern] = regexp.MustCompile(`^(?:` + l.Pattern + `)$`)
		}
	}
	return m
}()

// codesOf turns the constants of this package into the codes of a list.
func codesOf[T ~string](l []T) []string {
	c := make([]string, len(l))
	for i, v := range l {
		c[i] = string(v)
	}
	return c
}
