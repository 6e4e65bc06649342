package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"portolan/care"
)

// Summary is what a person carries, as rows that were already decided about.
type Summary struct {
	Day           string // YYYY-MM-DD, for which it stands
	Language      string // of the titles and of what codes say, as BCP 47 tag: "en"
	Name          string // the name that they use, "" where they do not give it
	BirthYear     string // "" where they do not give it
	Allergies     []care.Row
	Medicines     []care.Row
	Conditions    []care.Row
	Immunisations []care.Row
}

// object is a JSON object; encoding/json sorts its keys.
type object = map[string]any

// absentReason is the extension of FHIR R4 for a value that is not given.
const absentReason = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

// ips gathers a bundle.
type ips struct {
	s       Summary
	patient string
	seed    [sha256.Size]byte
	count   int
	entries []object
}

// WriteIPS writes a summary as an International Patient Summary (HL7 FHIR R4,
// hl7.fhir.uv.ips 2.0.0). It names no organisation and no author but the person,
// and its identifiers follow from its content, so that it leads back to no
// record. Sections: allergies, medicines and problems, which the profile asks
// for, and immunisations. The same summary gives the same bytes.
func WriteIPS(s Summary) ([]byte, error) {
	b := &ips{s: s}
	content, err := json.Marshal([]any{s.Day, s.Language, s.Name, s.BirthYear, weight(s.Allergies), weight(s.Medicines), weight(s.Conditions), weight(s.Immunisations)})
	if err != nil {
		return nil, fmt.Errorf("writing a patient summary: %w", err)
	}
	b.seed = sha256.Sum256(content)
	composition, identifier := b.id(), b.id()
	b.patient = b.id()
	b.add(b.patient, b.person())
	sections := []object{
		b.section("48765-2", "Allergies and intolerances", s.Allergies, b.allergy),
		b.section("10160-0", "Medication summary", s.Medicines, b.medicine),
		b.section("11450-4", "Problem list", s.Conditions, b.condition),
	}
	if len(s.Immunisations) > 0 {
		sections = append(sections, b.section("11369-6", "Immunizations", s.Immunisations, b.immunisation))
	}
	stamp := s.Day + "T00:00:00Z"
	first := object{"fullUrl": composition, "resource": object{
		"resourceType": "Composition", "status": "final", "date": stamp, "title": "Personal summary", "language": s.Language,
		"type":    object{"coding": []object{{"system": care.SystemURIs[care.SystemLOINC], "code": "60591-5", "display": "Patient summary Document"}}},
		"subject": reference(b.patient), "author": []object{reference(b.patient)}, "section": sections,
	}}
	out, err := json.Marshal(object{
		"resourceType": "Bundle", "type": "document", "timestamp": stamp, "identifier": object{"system": "urn:ietf:rfc:3986", "value": identifier},
		"meta": object{"profile": []string{"http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"}}, "entry": append([]object{first}, b.entries...),
	})
	if err != nil {
		return nil, fmt.Errorf("writing a patient summary: %w", err)
	}
	return out, nil
}

// weight is what of rows goes into the identifiers.
func weight(rows []care.Row) [][3]string {
	var l [][3]string
	for _, r := range rows {
		l = append(l, [3]string{r.Text("substance") + r.Text("label") + r.Text("vaccine"), r.Text("code"), r.Get("dose").Text() + r.Text("given_on")})
	}
	return l
}

// id is the next identifier: a UUID of version 8 (RFC 9562) from the content.
func (b *ips) id() string {
	b.count++
	sum := sha256.Sum256(fmt.Appendf(b.seed[:], "%d", b.count))
	sum[6], sum[8] = sum[6]&0x0F|0x80, sum[8]&0x3F|0x80
	h := hex.EncodeToString(sum[:16])
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (b *ips) add(id string, resource object) {
	b.entries = append(b.entries, object{"fullUrl": id, "resource": resource})
}

func reference(id string) object { return object{"reference": id} }

func (b *ips) person() object {
	p := object{"resourceType": "Patient"}
	if b.s.Name != "" {
		p["name"] = []object{{"text": b.s.Name}}
	} else {
		p["name"] = []object{{"extension": masked()}}
	}
	if b.s.BirthYear != "" {
		p["birthDate"] = b.s.BirthYear
	} else {
		p["_birthDate"] = object{"extension": masked()}
	}
	return p
}

func masked() []object { return []object{{"url": absentReason, "valueCode": "masked"}} }

// section writes the resources of rows and the section that lists them. An
// empty one says that nothing is told, never that there is nothing.
func (b *ips) section(code, title string, rows []care.Row, write func(care.Row) object) object {
	s := object{"title": title, "code": object{"coding": []object{{"system": care.SystemURIs[care.SystemLOINC], "code": code}}}}
	var entries []object
	var said []string
	for _, r := range rows {
		id := b.id()
		resource := write(r)
		b.add(id, resource)
		entries = append(entries, reference(id))
		said = append(said, "<li>"+html.EscapeString(firstOf(r.Text("substance"), r.Text("label"), r.Text("vaccine"), r.Text("code")))+"</li>")
	}
	div := "<ul>" + strings.Join(said, "") + "</ul>"
	if len(rows) == 0 {
		div = "No information."
		s["emptyReason"] = object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/list-empty-reason", "code": "unavailable"}}}
	} else {
		s["entry"] = entries
	}
	s["text"] = object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + div + "</div>"}
	return s
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return "unknown"
}

// conceptOf is a concept: its words, and its code where its system is known.
func conceptOf(r care.Row, words string) object {
	c := object{"text": firstOf(words, r.Text("code"))}
	if uri := care.SystemURIs[r.Text("code_system")]; uri != "" && r.Text("code") != "" {
		c["coding"] = []object{{"system": uri, "code": r.Text("code")}}
	}
	return c
}

// state is a code of one of HL7's small lists.
func state(list, code string) object {
	return object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/" + list, "code": code}}}
}

// put sets what is there.
func put(o object, name, value string) {
	if value != "" {
		o[name] = value
	}
}

func (b *ips) allergy(r care.Row) object {
	o := object{"resourceType": "AllergyIntolerance", "patient": reference(b.patient), "code": conceptOf(r, r.Text("substance")),
		"clinicalStatus": state("allergyintolerance-clinical", "active")}
	put(o, "criticality", r.Text("criticality"))
	put(o, "lastOccurrence", r.Text("last_reaction_on"))
	var manifestations []object
	for _, m := range r.Get("reaction").List() {
		manifestations = append(manifestations, object{"text": m})
	}
	if len(manifestations) > 0 {
		reaction := object{"manifestation": manifestations}
		put(reaction, "severity", r.Text("severity"))
		o["reaction"] = []object{reaction}
	}
	return o
}

func (b *ips) medicine(r care.Row) object {
	o := object{"resourceType": "MedicationStatement", "subject": reference(b.patient), "status": firstOf(r.Text("status"), "unknown"),
		"medicationCodeableConcept": conceptOf(r, strings.TrimSpace(r.Text("substance")+" "+r.Text("strength")))}
	if since := r.Text("started_on"); since != "" {
		o["effectivePeriod"] = object{"start": since}
	} else {
		o["_effectiveDateTime"] = object{"extension": []object{{"url": absentReason, "valueCode": "unknown"}}}
	}
	dosage := object{}
	put(dosage, "text", strings.Join(strings.Fields(r.Get("dose").Text()+" "+r.Text("frequency")), " "))
	put(dosage, "patientInstruction", r.Text("instructions"))
	if route := r.Text("route"); route != "" {
		dosage["route"] = object{"coding": []object{{"system": care.SystemURIs[care.SystemSNOMED], "code": route}}}
	}
	if when := timesOf(r); len(when) > 0 {
		dosage["timing"] = object{"repeat": object{"when": when}}
	}
	if yes, ok := r.Get("as_needed").Bool(); ok {
		dosage["asNeededBoolean"] = yes
	}
	if len(dosage) > 0 {
		o["dosage"] = []object{dosage}
	}
	return o
}

// timesOf are the times at which a medicine is taken, as FHIR lists them.
func timesOf(r care.Row) []string {
	var when []string
	if times := r.Text("taken_when"); times != "" {
		when = strings.Split(times, "-")
	}
	if food := r.Text("with_food"); food != "" {
		when = append(when, food)
	}
	return when
}

func (b *ips) condition(r care.Row) object {
	o := object{"resourceType": "Condition", "subject": reference(b.patient), "code": conceptOf(r, r.Text("label")),
		"clinicalStatus": state("condition-clinical", firstOf(r.Text("clinical_status"), "active"))}
	put(o, "onsetDateTime", r.Text("onset_on"))
	return o
}

func (b *ips) immunisation(r care.Row) object {
	o := object{"resourceType": "Immunization", "patient": reference(b.patient), "status": firstOf(r.Text("status"), "completed"), "vaccineCode": conceptOf(r, r.Text("vaccine"))}
	if on := r.Text("given_on"); on != "" {
		o["occurrenceDateTime"] = on
	} else {
		o["occurrenceString"] = "unknown"
	}
	if n, ok := r.Get("dose_number").Int(); ok && n > 0 {
		o["protocolApplied"] = []object{{"doseNumberPositiveInt": n}}
	}
	return o
}
