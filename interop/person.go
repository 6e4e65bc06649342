package interop

import (
	"slices"
	"strconv"
	"strings"

	"portolan/care"
)

// patient maps Patient: what names the person goes into the identity vault,
// the rest into the working record. Contacts are kept as they came: next of
// kin in another system is not whom it is safe to call (R10).
func (e *entry) patient() {
	n := e.r.n
	e.into("identities")
	e.names(n.get("name").items())
	e.set("birth_date", "birthDate", n.get("birthDate"))
	e.absent("birth_date", n.get("_birthDate"))
	e.identifiers(n.get("identifier").items())
	e.telecoms(n.get("telecom").items())
	e.address(n.get("address").item(0))
	e.birthPlace(n.get("extension").items())
	e.into("survivors")
	e.gender(n.get("gender"))
	e.codeOf("marital_status", "maritalStatus", n.get("maritalStatus"))
	e.languages(n.get("communication").items())
	e.set("deceased", "deceasedBoolean", n.get("deceasedBoolean"))
	if n.get("deceasedDateTime").peek() != "" { // the day is kept beside the yes
		e.write("deceased", "true")
	}
	n.get("active").take() // of the record there, not of the person
	e.b.ageOf(e.b.c.Key)
}

// into turns the entry to another record of the same person.
func (e *entry) into(collection string) {
	e.collection, e.at = collection, e.b.c.Key+"/"+collection
	e.draft()
}

// names writes the name in use, and the others beside it.
func (e *entry) names(all []*node) {
	all = slices.Clone(all)
	rank := func(n *node) int {
		return slices.Index([]string{"temp", "usual", "official"}, n.get("use").peek()) // others: -1, after these
	}
	slices.SortStableFunc(all, func(x, y *node) int { return rank(y) - rank(x) })
	for i, n := range all {
		use := n.get("use").peek()
		if i > 0 || use == "old" || use == "maiden" {
			e.otherName(n, use)
			continue
		}
		n.get("use").take()
		e.set("salutation", "name.prefix", n.get("prefix").item(0))
		e.set("family_name", "name.family", n.get("family"))
		given := n.get("given").items()
		if len(given) > 0 {
			e.set("given_name", "name.given", given[0])
			var middle []string
			for _, g := range given[1:] {
				middle = append(middle, g.peek())
			}
			if e.write("middle_name", strings.Join(middle, " ")) {
				n.get("given").takeItems()
			}
		}
		if n.get("family") == nil && given == nil { // a name in one piece
			e.set("given_name", "name.text", n.get("text"))
		}
		if n.get("text").peek() == spelled(n) {
			n.get("text").take()
		}
		e.absent("family_name", n.get("_family"))
		e.absent("given_name", n)
	}
}

// spelled is a name as one line.
func spelled(n *node) string {
	var parts []string
	for _, g := range n.get("given").items() {
		parts = append(parts, g.peek())
	}
	parts = append(parts, n.get("family").peek())
	return strings.TrimSpace(strings.Join(parts, " "))
}

func (e *entry) otherName(n *node, use string) {
	field := "aliases"
	if use == "old" || use == "maiden" {
		field = "former_names"
	}
	s := n.get("text").peek()
	if s == "" {
		s = spelled(n)
	}
	if e.write(field, s) {
		n.get("text").take()
		n.get("given").takeItems()
		n.get("family").take()
		n.get("use").take()
	}
}

// identifiers keeps each with the system that gave it.
func (e *entry) identifiers(all []*node) {
	for _, n := range all {
		if id := identifierOf(n); id != "" && e.write("other_identifiers", strings.TrimPrefix(id, "|")) {
			n.get("system").take()
			n.get("value").take()
		}
	}
}

// telecoms writes phones and addresses for mail. None of them is a safe one
// until the person says so (R10).
func (e *entry) telecoms(all []*node) {
	for _, n := range all {
		field := "phones"
		switch system, use := n.get("system").peek(), n.get("use").peek(); {
		case system == "email":
			field = "email"
		case system != "phone" && system != "sms":
			continue
		case use == "home":
			field = "home_phone"
		case use == "mobile":
			field = "mobile_phone"
		}
		value := strings.TrimPrefix(strings.TrimPrefix(n.get("value").peek(), "tel:"), "mailto:")
		took := e.write(field, value)
		if !took && field != "phones" && field != "email" {
			took = e.write("phones", value) // a second one of the same kind
		}
		if took {
			n.get("system").take()
			n.get("value").take()
			n.get("use").take()
		}
	}
}

func (e *entry) address(n *node) {
	var street []string
	for _, l := range n.get("line").items() {
		street = append(street, l.peek())
	}
	if e.write("mailing_street", strings.Join(street, ", ")) {
		n.get("line").takeItems()
	}
	e.set("mailing_city", "address.city", n.get("city"))
	e.set("mailing_state", "address.state", n.get("state"))
	e.set("mailing_postal_code", "address.postalCode", n.get("postalCode"))
	e.set("mailing_country", "address.country", n.get("country"))
	for _, x := range n.get("extension").items() {
		if x.get("url").peek() != "http://hl7.org/fhir/StructureDefinition/geolocation" {
			continue
		}
		for _, c := range x.get("extension").items() {
			if name := c.get("url").peek(); name == "latitude" || name == "longitude" {
				if e.set("mailing_"+name, "address.extension.geolocation", c.get("valueDecimal")) {
					c.get("url").take()
				}
			}
		}
	}
}

func (e *entry) birthPlace(extensions []*node) {
	for _, x := range extensions {
		if x.get("url").peek() != "http://hl7.org/fhir/StructureDefinition/patient-birthPlace" {
			continue
		}
		a := x.get("valueAddress")
		var parts []string
		for _, m := range []string{"text", "city", "district", "state", "country"} {
			if s := a.get(m).peek(); s != "" {
				parts = append(parts, s)
			}
		}
		if e.write("birth_place", strings.Join(parts, ", ")) {
			for _, m := range []string{"text", "city", "district", "state", "country"} {
				a.get(m).take()
			}
		}
	}
}

func (e *entry) gender(n *node) {
	code := n.peek()
	if code == "" {
		return
	}
	if same, ok := sameMeaning["genders"][code]; ok && e.write("gender", same) {
		n.take()
		return
	}
	e.keep("gender", ReasonCodeUnknown, n)
}

func (e *entry) languages(all []*node) {
	for _, n := range all {
		lang := n.get("language")
		for _, c := range lang.get("coding").items() {
			if !e.set("languages", "communication.language", c.get("code")) {
				continue
			}
			if n.get("preferred").peek() == "true" && e.write("primary_language", c.get("code").peek()) {
				n.get("preferred").take()
			}
			c.takeNamed(codingNames...) // the tag is what the words say
			if lang.get("text").peek() != "" {
				lang.get("text").take()
			}
			break
		}
	}
}

// ageOf writes into the working record how old the person is, as far as care
// needs it: whoever may not see the vault must still know a child.
func (b *builder) ageOf(caseKey string) {
	if !b.has(caseKey + "/identities") {
		return
	}
	birth := b.draft("identities", caseKey+"/identities").Set["birth_date"].Text()
	if len(birth) < len("2006") {
		return
	}
	d := b.draft("survivors", caseKey+"/survivors")
	year, err := strconv.Atoi(birth[:4])
	if err != nil {
		return
	}
	if _, ok := fieldOf("survivors", "birth_year"); ok {
		d.Set["birth_year"] = care.OfInt(int64(year))
	}
	precision := map[int]string{4: "year", 7: "month", 10: "day"}[len(birth)]
	if f, ok := fieldOf("survivors", "dob_precision"); ok {
		if v, _ := fit(f, precision); v != nil {
			d.Set["dob_precision"] = v
		}
	}
}
