package gen

import (
	"fmt"
	"slices"
	"time"

	"portolan/care"
)

// illness is a condition with what is taken for it.
type illness struct {
	label, code, system string
	labels              []string
	severity            string
	takes               []medicine
}

type medicine struct {
	substance, code, strength, form, route, dose, frequency string
	must, cold, controlled, needed                          bool
}

// illnesses are those that this work sees often. Codes: ICD-11 and ICD-10,
// WHO; ATC, WHO Collaborating Centre for Drug Statistics Methodology.
var illnesses = []illness{
	{"Post traumatic stress disorder", "6B40", care.SystemICD11, []string{"PSY"}, "moderate", []medicine{
		{substance: "sertraline", code: "N06AB06", strength: "50 mg", form: "tablet", route: care.RouteOral, dose: "50 mg", frequency: "QD"},
		{substance: "prazosin", code: "C02CA01", strength: "1 mg", form: "tablet", route: care.RouteOral, dose: "1 mg", frequency: "BED"}}},
	{"Depressive episode", "F32", care.SystemICD10, []string{"PSY"}, "moderate", []medicine{
		{substance: "fluoxetine", code: "N06AB03", strength: "20 mg", form: "capsule", route: care.RouteOral, dose: "20 mg", frequency: "AM"}}},
	{"Generalised anxiety disorder", "F41.1", care.SystemICD10, []string{"PSY"}, "mild", nil},
	{"HIV disease", "B20", care.SystemICD10, []string{"HIV"}, "", []medicine{
		{substance: "dolutegravir + lamivudine + tenofovir", code: "J05AR27", strength: "50 mg + 300 mg + 300 mg", form: "tablet", route: care.RouteOral, dose: "1 {tablet}", frequency: "QD", must: true}}},
	{"Tuberculosis of lung", "A15", care.SystemICD10, nil, "severe", []medicine{
		{substance: "rifampicin", code: "J04AB02", strength: "300 mg", form: "capsule", route: care.RouteOral, dose: "600 mg", frequency: "QD", must: true},
		{substance: "isoniazid", code: "J04AC01", strength: "300 mg", form: "tablet", route: care.RouteOral, dose: "300 mg", frequency: "QD", must: true}}},
	{"Type 2 diabetes mellitus", "E11", care.SystemICD10, nil, "moderate", []medicine{
		{substance: "metformin", code: "A10BA02", strength: "500 mg", form: "tablet", route: care.RouteOral, dose: "500 mg", frequency: "BID"},
		{substance: "insulin human (isophane)", code: "A10AC01", strength: "100 [IU]/mL", form: "injection", route: care.RouteSubcutaneous, dose: "14 [IU]", frequency: "BED", must: true, cold: true}}},
	{"Epilepsy", "G40", care.SystemICD10, nil, "moderate", []medicine{
		{substance: "carbamazepine", code: "N03AF01", strength: "200 mg", form: "tablet", route: care.RouteOral, dose: "200 mg", frequency: "BID", must: true}}},
	{"Essential hypertension", "I10", care.SystemICD10, nil, "mild", []medicine{
		{substance: "amlodipine", code: "C08CA01", strength: "5 mg", form: "tablet", route: care.RouteOral, dose: "5 mg", frequency: "QD"}}},
	{"Asthma", "J45", care.SystemICD10, nil, "mild", []medicine{
		{substance: "salbutamol", code: "R03AC02", strength: "100 ug", form: "inhaler", route: care.RouteInhaled, dose: "2 {puff}", frequency: "Q6H", needed: true}}},
	{"Iron deficiency anaemia", "D50", care.SystemICD10, nil, "mild", []medicine{
		{substance: "ferrous sulfate", code: "B03AA07", strength: "200 mg", form: "tablet", route: care.RouteOral, dose: "200 mg", frequency: "BID"}}},
	{"Low back pain", "M54.5", care.SystemICD10, nil, "mild", []medicine{
		{substance: "ibuprofen", code: "M01AE01", strength: "400 mg", form: "tablet", route: care.RouteOral, dose: "400 mg", frequency: "TID", needed: true},
		{substance: "tramadol", code: "N02AX02", strength: "50 mg", form: "capsule", route: care.RouteOral, dose: "50 mg", frequency: "Q8H", controlled: true}}},
	{"Dental caries", "K02", care.SystemICD10, nil, "mild", nil},
	{"Fracture of forearm, healed", "S52", care.SystemICD10, []string{"SDV"}, "", nil},
}

// exploited is a diagnosis that must never be printed by default
// (care.NeverPrinted).
var exploited = illness{"Adult forced labour exploitation, confirmed", "T74.61XA", care.SystemICD10CM, []string{"SDV", "TRAFFICK"}, "", nil}

var intolerances = []struct{ substance, code, category, criticality, reaction string }{
	{"penicillin", "764146007", "medication", "high", "anaphylaxis"},
	{"sulfonamide antibiotics", "387406002", "medication", "low", "rash"},
	{"ibuprofen", "387207008", "medication", "unable-to-assess", "wheezing"},
	{"peanut", "762952008", "food", "high", "swelling"},
	{"latex", "1003755004", "environment", "low", "itching"},
}

var vaccinations = []struct{ name, cvx, disease string }{
	{"Tetanus and diphtheria (Td)", "09", "tetanus, diphtheria"}, {"Measles, mumps and rubella", "03", "measles, mumps, rubella"},
	{"Hepatitis B, adult", "43", "hepatitis B"}, {"Human papillomavirus", "62", "human papillomavirus"}, {"Varicella", "21", "varicella"},
	{"COVID-19, unspecified", "213", "COVID-19"},
}

func (s *story) health() {
	seen := s.when(s.opened.Add(20 * time.Hour))
	s.encounter = s.visit(seen, "finished")
	if ahead := days(s.w.now, 1+s.IntN(20)); !s.closed && s.chance(50) {
		s.visit(ahead, "planned")
	}
	first := s.IntN(len(illnesses))
	for n := range 1 + s.IntN(3) {
		s.condition(illnesses[(first+n*5)%len(illnesses)], seen)
	}
	if s.i%30 == 6 {
		s.condition(exploited, seen)
	}
	if s.chance(40) {
		s.allergy(seen)
	}
	for range 1 + s.IntN(3) {
		s.vaccination(seen)
	}
	s.measure(seen)
	if s.chance(30) {
		s.begin("procedures", seen).puts(map[string]any{
			"label": from(s.source, "Dental filling", "X-ray of forearm", "Suture of wound", "Removal of suture"), "status": "completed", "performed_on": seen,
			"practitioner_role": "doctor", "encounter": s.encounter, "person_agreed": true, "outcome": "Without complication.", "body_site": "left side",
		})
	}
	s.screen(seen)
	if s.woman && s.chance(25) {
		s.pregnancy(seen)
	}
}

func (s *story) visit(at time.Time, status string) string {
	e := s.begin("encounters", s.opened).puts(map[string]any{
		"status": status, "class": "AMB", "kind": "Health check", "starts_at": at, "reason": "First check after arrival", "place": "Centro de Salud Norte",
		"service": s.w.services["health"], "practitioner_role": from(s.source, "nurse", "doctor"), "staff": s.w.person(care.HealthWorker, s.i),
	})
	if status == "finished" {
		e.puts(map[string]any{
			"ends_at": at.Add(40 * time.Minute), "interpreter": s.interpreter, "interpreter_used": map[bool]string{true: "professional", false: "not_needed"}[s.interpreter != ""],
			"health_screening": from(s.source, "accepted", "accepted", "declined", "postponed"), "chosen_freely": true, "findings": "Tired, otherwise well. Sleeps badly.",
			"next_visit_on": days(at, 14),
		})
	}
	return e.id
}

func (s *story) condition(i illness, seen time.Time) {
	c := s.begin("conditions", seen).puts(map[string]any{
		"label": i.label, "code": i.code, "code_system": i.system, "clinical_status": from(s.source, "active", "active", "active", "remission"),
		"verification_status": "confirmed", "category": "problem-list-item", "severity": i.severity, "recorded_on": seen, "encounter": s.encounter,
		"onset_on": seen.AddDate(0, -s.IntN(40), 0).Format("2006-01"), "source": "clinician", "security_labels": i.labels,
	})
	for _, m := range i.takes {
		s.medicine(m, c.id, seen, i.labels)
	}
}

func (s *story) medicine(m medicine, condition string, seen time.Time, labels []string) {
	status := "active"
	if s.closed && s.chance(40) {
		status = "completed"
	}
	r := s.begin("medicines", seen).puts(map[string]any{
		"substance": m.substance, "code": m.code, "code_system": care.SystemATC, "strength": m.strength, "form": m.form, "route": m.route, "dose": m.dose,
		"frequency": m.frequency, "as_needed": m.needed, "started_on": seen, "status": status, "must_not_stop": m.must, "kept_cold": m.cold,
		"controlled": m.controlled, "prescriber_role": "doctor", "condition": condition, "encounter": s.encounter, "source": "clinician", "asserted_on": seen,
		"security_labels": labels,
	})
	switch status {
	case "active":
		r.puts(map[string]any{"days_left": 3 + s.IntN(60), "counted_on": s.between(days(s.w.now, -5), s.w.now)})
	case "completed":
		r.put("stopped_on", s.until)
	}
}

func (s *story) allergy(seen time.Time) {
	a := from(s.source, intolerances...)
	s.begin("allergies", seen).puts(map[string]any{
		"substance": a.substance, "code": a.code, "code_system": care.SystemSNOMED, "kind": "allergy", "category": []string{a.category},
		"criticality": a.criticality, "reaction": []string{a.reaction}, "severity": from(s.source, "mild", "moderate", "severe"), "status": "active",
		"verification_status": from(s.source, "confirmed", "unconfirmed"), "recorded_on": CanaryDay, "source": from(s.source, "person", "clinician"),
	})
}

func (s *story) vaccination(seen time.Time) {
	v := from(s.source, vaccinations...)
	s.begin("immunisations", seen).puts(map[string]any{
		"vaccine": v.name, "code": v.cvx, "code_system": care.SystemCVX, "target_disease": v.disease, "status": "completed",
		"given_on": s.between(seen.AddDate(0, -8, 0), seen), "dose_number": 1 + s.IntN(2), "lot": fmt.Sprintf("L%05d", s.IntN(100000)),
		"route": care.RouteIntramuscular, "body_site": "left upper arm", "place": "Centro de Salud Norte", "primary_source": true, "encounter": s.encounter, "source": "clinician",
	})
}

func (s *story) measure(seen time.Time) {
	for _, o := range []struct{ label, code, unit, value string }{
		{"Body weight", "29463-7", "kg", fmt.Sprintf("%d.%d", 44+s.IntN(40), 1+s.IntN(9))},
		{"Body temperature", "8310-5", "Cel", fmt.Sprintf("36.%d", 1+s.IntN(9))},
		{"Haemoglobin", "718-7", "g/dL", fmt.Sprintf("%d.%d", 9+s.IntN(5), 1+s.IntN(9))},
	} {
		s.begin("observations", seen).puts(map[string]any{
			"label": o.label, "code": o.code, "code_system": care.SystemLOINC, "category": "vital-signs", "status": "final", "effective_on": seen,
			"effective_at": seen, "value": o.value, "unit": o.unit, "interpretation": "N", "encounter": s.encounter, "practitioner_role": "nurse",
		})
	}
	s.begin("observations", seen).puts(map[string]any{
		"label": "Blood pressure", "code": "85354-9", "code_system": care.SystemLOINC, "category": "vital-signs", "status": "final", "effective_at": seen,
		"components": map[string]string{"8480-6": fmt.Sprintf("%d mm[Hg]", 100+s.IntN(50)), "8462-4": fmt.Sprintf("%d mm[Hg]", 60+s.IntN(35))}, "encounter": s.encounter,
	})
}

// screen writes one or two questionnaires with honest scores.
func (s *story) screen(seen time.Time) {
	if s.child || !s.chance(75) {
		return
	}
	for n, tool := range []*care.Tool{care.Tools[s.i%len(care.Tools)], care.Tools[(s.i+2)%len(care.Tools)]} {
		if n == 1 && !s.chance(50) {
			return
		}
		answers := map[string]int{}
		for _, item := range tool.Items {
			answers[item.Name] = min(s.IntN(len(item.Answers)), s.IntN(len(item.Answers)))
		}
		total, band, flags, err := care.Score(tool.Name, answers)
		if err != nil {
			panic("gen: " + err.Error())
		}
		sc := s.begin("screenings", seen).puts(map[string]any{
			"tool": tool.Name, "taken_at": seen, "answers": care.OfAnswers(answers), "total": total, "band": band, "flags": flags, "offer": "accepted",
			"language": s.c.language, "translation_version": "1", "mode": "read_aloud", "staff": s.owner, "encounter": s.encounter, "interpreter": s.interpreter,
		})
		if slices.Contains(flags, care.FlagSelfHarm) {
			sc.puts(map[string]any{"reviewed_by": s.w.person(care.HealthWorker, s.i), "reviewed_at": seen, "action_taken": "Stayed with the person; night line agreed."})
		}
	}
}

func (s *story) pregnancy(seen time.Time) {
	p := s.begin("pregnancies", seen).puts(map[string]any{"observed_on": seen})
	switch s.IntN(4) {
	case 0:
		p.puts(map[string]any{"status": care.PregnancyYes, "due_on": days(s.w.now, 30+s.IntN(200)), "due_method": care.LOINCDueDate,
			"antenatal_visits": s.IntN(5), "high_risk": s.chance(20), "fit_to_travel": from(s.source, "yes", "with_care"), "wishes": s.c.wish})
	case 1:
		p.puts(map[string]any{"status": care.PregnancyUnconfirmed, "last_period_on": days(seen, -40)})
	default:
		p.put("status", care.PregnancyNo)
	}
}
