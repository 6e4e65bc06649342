// Package pdf sets the care summary: plain data in, the bytes of a discreet
// bilingual document out. It is pure: the same summary gives the same bytes.
//
// It prints nothing that it cannot print right. A language, a script, a
// character, a combining mark that this version cannot set is refused with an
// error that names the language or the field, never its content.
package pdf

import "io"

// FileName is the name under which a summary leaves the hub, the same for
// everybody (R17).
const FileName = "summary.pdf"

// Summary is what one person carries, as plain data and already decided: what
// consent does not cover is not in it. Order is the order on paper.
type Summary struct {
	// Languages are the survivor's own, then the receiving country's, as
	// ISO 639-1 codes. Where both are the same there is one column.
	Languages [2]string
	// Day is the day for which the content stands, YYYY-MM-DD. It is the only
	// date in the metadata.
	Day string
	// Essential is the first sheet: only what a pharmacist or an emergency
	// doctor needs (allergies, medicines, conditions, interpreter).
	Essential []Section
	// Further begins on a sheet of its own, so that it can be torn off.
	Further []Section
	// Code is the text of a QR code that ends the last page, "" for none. It is
	// drawn and not looked into.
	Code string
	// Agreed is the last section: what the person agreed to share, and until
	// when.
	Agreed Section
}

// Section is one heading with its entries. A section without entries says that
// nothing is recorded; a section that may not be shown is not there at all.
type Section struct {
	Key     string // label key: "pdf.section." + Key
	Entries []Entry
}

// Entry is one thing: a medicine, an allergy, a deadline.
type Entry struct {
	Head    Value // set in bold; empty where the details stand alone
	Details []Detail
}

// Detail is what an entry says under one label.
type Detail struct {
	Label  string // label key: "pdf.label." + Label
	Values []Value
}

// Of returns a detail of one or several values.
func Of(label string, values ...Value) Detail { return Detail{Label: label, Values: values} }

// Value is one value, printed in both columns. Exactly one of three kinds:
// coded (List and Code), exact (Exact) or free text.
type Value struct {
	// List and Code name a message "pdf.<List>.<Code>". Where the catalogue has
	// none, Text stands as it was written.
	List, Code string
	// Number stands before a coded unit: the 2 of "2 tablets".
	Number string
	// Beside is printed in brackets after a translated code: the INN, the code
	// of the classification, so that a reader of a third language finds it.
	Beside string
	// Text is the value itself, or the term of a code that no list has.
	Text string
	// Lang is the language of Text as ISO 639-1 code; "" where not recorded.
	Lang string
	// Exact marks a dose, date, number, phone or code: the same characters in
	// both columns, isolated from the text around it and never broken.
	Exact bool
}

// Coded returns the value of a code from a closed list, with what stands
// beside it and the term to fall back on.
func Coded(list, code, beside, text, lang string) Value {
	return Value{List: list, Code: code, Beside: beside, Text: text, Lang: lang}
}

// Exactly returns a value that is printed as it is in both columns.
func Exactly(text string) Value { return Value{Text: text, Exact: true} }

// Free returns text that somebody wrote; it is printed as it is and marked
// with its language, never passed off as a translation.
func Free(text, lang string) Value { return Value{Text: text, Lang: lang} }

// Lookup finds a message of the catalogue.
type Lookup func(lang, key string) (string, bool)

// Options are what Render needs besides the data.
type Options struct {
	Text  Lookup
	Fonts *Fonts // nil: those in the program
	Paper string // A4 or Letter; "" is A4
	Large bool   // letters for those who see badly
	// Pictures are drawn beside the words, for those who read little.
	Pictures bool
	// Phone makes the edition for a telephone instead of the one for paper.
	Phone *Phone
}

// Phone is what the edition for a telephone has beside the pages: it opens with
// a passphrase and holds what machines read.
type Phone struct {
	Passphrase string // ASCII
	Rand       io.Reader
	Bundle     []byte // an International Patient Summary as FHIR JSON, nil for none
}
