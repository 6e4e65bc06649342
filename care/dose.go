package care

import (
	"slices"
	"strings"
)

// ParseDose reads a dose such as "500 mg" or "1 {tablet}" into its decimal
// number and UCUM unit. A dose in other words is still a dose: ok is false and
// it is shown as it stands.
func ParseDose(dose string) (number, unit string, ok bool) {
	number, unit, found := strings.Cut(dose, " ")
	if !found || !isDecimal(number) {
		return "", "", false
	}
	units, _ := FindCodes("units")
	if !slices.Contains(units.Codes, unit) {
		return "", "", false
	}
	return number, unit, true
}

// isDecimal says whether s is digits with at most one point inside them.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || point && fraction == "" {
		return false
	}
	return strings.Trim(whole+fraction, "0123456789") == ""
}
