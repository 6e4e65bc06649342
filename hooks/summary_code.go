package hooks

import (
	"crypto/rand"
	"slices"
	"time"

	"portolan/capsule"
	"portolan/care"
	"portolan/locales"
)

// set is the fields of a record.
type set = map[string]care.Value

// singles are collections of which a person has one record, so that what
// several sections say of it stands together.
var singles = []string{"survivors", "identities", "cases", "transfers"}

// note takes down for the code what a section of the pages says, and no more.
func (t *teller) note(collection string, fields set) {
	at := -1
	if slices.Contains(singles, collection) {
		at = slices.IndexFunc(t.record, func(e capsule.Entry) bool { return e.Collection == collection })
	}
	if at < 0 {
		at = len(t.record)
		t.record = append(t.record, capsule.Entry{Collection: collection, Set: set{}})
	}
	for name, v := range fields {
		if v.IsSet() && v.Absent() == "" && string(v) != `""` && string(v) != "[]" {
			t.record[at].Set[name] = v
		}
	}
	if len(t.record[at].Set) == 0 {
		t.record = slices.Delete(t.record, at, at+1)
	}
}

// code makes the text of the code that ends the paper, of what stands on its
// pages. It is read back before it is printed.
func (t *teller) code(c carried) (text string, left []string, err error) {
	key, err := t.hub.SigningKey(t.ctx)
	if err != nil {
		return "", nil, err
	}
	r := capsule.Record{Paper: *c.paper, Day: t.day, Languages: slices.Compact(slices.Clone(t.languages)), Country: t.request.RecipientCountry,
		Agreed: map[care.Category]string{}}
	for _, cat := range care.CarriedCategories(t.told()...) {
		of := t.request
		of.Categories = []care.Category{cat}
		r.Agreed[cat] = care.MayShare(t.consents, of, t.now).Until.In(t.zone).Format(time.DateOnly)
	}
	for collection, rows := range map[string][]care.Row{"allergies": t.machine.Allergies, "medicines": t.machine.Medicines,
		"conditions": t.machine.Conditions, "immunisations": t.machine.Immunisations} {
		for _, row := range rows {
			t.noteRow(collection, row)
		}
	}
	for _, k := range capsule.Kinds { // in their one order, whatever order they were taken down in
		for _, e := range t.record {
			if e.Collection == k.Collection {
				r.Entries = append(r.Entries, e)
			}
		}
	}
	text, written, err := capsule.Make(rand.Reader, r, key, c.words)
	if err != nil {
		return "", nil, err
	}
	return text, written.LeftOut, capsule.Check(text)
}

// noteRow takes down a health record: the fields of it that the pages show.
func (t *teller) noteRow(collection string, row care.Row) {
	for _, k := range capsule.Kinds {
		if k.Collection != collection {
			continue
		}
		fields := set{}
		for _, name := range k.Fields {
			fields[name] = row.Get(name)
		}
		t.note(collection, fields)
	}
}

// wordedCodes are those codes for which the papers have words.
func wordedCodes(list string, codes []string) care.Value {
	return care.OfList(slices.DeleteFunc(slices.Clone(codes), func(c string) bool {
		_, ok := locales.Text("en", "pdf."+list+"."+c)
		return !ok
	})...)
}
