package care

import "strings"

// neverPrinted are codes that by themselves say that a person was exploited:
// whoever reads one on a paper at a border, in a pharmacy or in a court file
// knows. They are kept in the record and never printed or exported by default
// (R17).
//
// ICD-10-CM, CDC/NCHS, chapters 19 to 21, since October 2018: forced sexual
// and labour exploitation, confirmed (T74.5-, T74.6-) and suspected (T76.5-,
// T76.6-), examination after it (Z04.81, Z04.82), personal history of it
// (Z62.813 in childhood, Z91.42), and multiple perpetrators (Y07.6).
var neverPrinted = []string{
	"T745", "T746", "T765", "T766", "Z0481", "Z0482", "Z62813", "Z9142", "Y076",
}

// NeverPrinted says whether a code must stay out of everything printed or
// exported unless a person decides otherwise. It takes a code as written
// anywhere: with or without the point, in either case, with the characters for
// encounter and age behind it.
func NeverPrinted(code string) bool {
	plain := strings.ToUpper(strings.NewReplacer(".", "", " ", "", "-", "").Replace(code))
	for _, c := range neverPrinted {
		if strings.HasPrefix(plain, c) {
			return true
		}
	}
	return false
}
