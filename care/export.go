package care

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// unexported are the parts of a case that are in no export, whatever was
// agreed: what somebody was forced to do or how they stay (R26), and what may
// prove something, which is handed over thing by thing.
var unexported = []Compartment{Legal, Evidence}

// labelNeeds is which category a field with a label needs beside those of its
// part of the case. LabelLegal is not here: what has it is in no export (R26).
var labelNeeds = map[Label]Category{
	LabelLocation: CatLocation, LabelTrafficking: CatTraffickingHistory, LabelSDV: CatTraffickingHistory,
	LabelPSY: CatMentalHealth, LabelSUD: CatMentalHealth, LabelETH: CatMentalHealth,
	LabelSEX: CatSexualReproductive, LabelSTD: CatSexualReproductive, LabelHIV: CatHIV,
}

// placed are the health records that Carried can place by what they say; every
// other one may tell of anything, and needs every category of health.
var placed = []string{"allergies", "conditions", "immunisations", "medicines"}

// Exportable says whether anything of a part of a case may be in an export.
func Exportable(c Compartment) bool { return !slices.Contains(unexported, c) }

// ExportedFields gives the fields of a record that leave in an export, under
// their HTCDS names where they have one, and the parts of the case that they
// are of: what was collected for its purpose (R14), of parts that are carried
// and of which every category was agreed to. ofCase says whether an id is that
// of a record of the same case: no other person's record is named. Nothing
// leaves of a record that Carried refuses.
func ExportedFields(row Row, purpose Purpose, carried map[Compartment]bool, agreed map[Category]bool, ofCase func(id string) bool) (map[string]Value, []Compartment) {
	e, known := Find(row.Collection)
	sections, may := Carried(row)
	if !known || !may {
		return nil, nil
	}
	out, parts := map[string]Value{}, []Compartment(nil)
	for i := range e.Fields {
		f := &e.Fields[i]
		v := row.Get(f.Name)
		if !v.IsSet() || f.Purpose != purpose || !carried[f.Compartment] || !Exportable(f.Compartment) || !ofOne(f, v, ofCase) {
			continue
		}
		needs := CategoriesOf(f.Compartment)
		if f.Compartment == Health && slices.Contains(placed, row.Collection) {
			needs = append([]Category{CatHealth}, CarriedCategories(sections...)...)
		}
		refused := func(c Category) bool { return !agreed[c] }
		if slices.ContainsFunc(needs, refused) || slices.ContainsFunc(f.Labels, func(l Label) bool { return l == LabelLegal || !agreed[labelNeeds[l]] }) {
			continue
		}
		name := f.Name
		if f.HTCDS != "" {
			name = f.HTCDS
		}
		out[name], parts = v, append(parts, f.Compartment)
	}
	return out, parts
}

// ofOne says whether a value names no record of another case.
func ofOne(f *Field, v Value, ofCase func(id string) bool) bool {
	if e, ok := Find(f.Ref); ok && e.Topic != NoTopic {
		return true
	}
	return !slices.ContainsFunc(append(v.List(), v.Text()), func(s string) bool { return ValidID(s) && !ofCase(s) })
}

// ExportTo reads to whom an export goes: organisation:ID. A country is nobody
// in particular: its police could be meant. What else is known of an
// organisation is for the caller to fill in.
func ExportTo(recipient string) (r ShareRequest, ok bool) {
	kind, who, _ := strings.Cut(recipient, ":")
	return ShareRequest{Action: Export, RecipientKind: kind, RecipientOrg: who}, kind == ToOrganisation && ValidID(who)
}

// ExportForPolice says whether an export would be one to police or immigration:
// by its purpose, or by what its recipient is. None is (R1): such a report is
// of one person, by a consent of its own, or by an order.
func ExportForPolice(r ShareRequest) bool {
	return r.Purpose == LawEnforcementReport || slices.Contains(policeKinds, r.RecipientOrgKind)
}

// ExportTerms is what the second person agrees to: purpose, recipient, how
// many cases, and a hash of which. They are in the order of their ids.
func ExportTerms(r ShareRequest, cases []string) string {
	plain := "purpose=" + string(r.Purpose) + ",to=" + r.RecipientKind + ":" + r.RecipientOrg + ",cases=" + strconv.Itoa(len(cases))
	return fmt.Sprintf("%s,sha256=%x", plain, sha256.Sum256([]byte(plain+"\n"+strings.Join(cases, "\n"))))
}
