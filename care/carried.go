package care

import (
	"slices"
	"strings"
	"unicode"
)

// carriedSections is which categories of consent each section of a carried
// summary needs (code list summary_sections). The sections mental_health,
// sexual_health and hiv name entries that stand among the medicines and
// conditions: a summary that holds one of them needs that category too.
//
// Sections that the list offers and nobody carries yet are not here, and
// CarriedCategories says that they need everything.
var carriedSections = map[string][]Category{
	"allergies":     {CatHealth},
	"medications":   {CatHealth},
	"problems":      {CatHealth},
	"immunizations": {CatHealth},
	"mental_health": {CatHealth, CatMentalHealth},
	"sexual_health": {CatHealth, CatSexualReproductive},
	"hiv":           {CatHealth, CatHIV},
	"pregnancy":     {CatHealth, CatSexualReproductive},
	"identity":      {CatIdentity},
	"legal":         {CatLegal},
	"needs":         {CatShelter},
	"children":      {CatFamily},
	"contacts":      {CatContact},
	// Questionnaires about mood, anxiety, stress, alcohol.
	"functional_status": {CatHealth, CatMentalHealth},
	// Goals, next steps and who can help; a goal also needs what it is about.
	"plan_of_care": {CatShelter},
}

// GoalSection is the section whose categories a goal needs beside that of the
// plan, by its domain; false for what no summary tells of.
func GoalSection(domain string) (section string, may bool) {
	switch domain {
	case "health":
		return "problems", true
	case "mental_health":
		return "mental_health", true
	case "legal", "documents":
		return "legal", true
	case "family", "children":
		return "children", true
	case "housing", "work", "education", "language", "community", "other", "":
		return "plan_of_care", true
	}
	return "", false // safety would tell of a danger, income of money
}

// CarriedCategories lists, in the order of Categories, what a person must have
// agreed to share for a summary with these sections to be carried.
func CarriedCategories(sections ...string) []Category {
	var l []Category
	for _, cat := range Categories {
		if slices.ContainsFunc(sections, func(s string) bool {
			need, known := carriedSections[s]
			return !known || slices.Contains(need, cat)
		}) {
			l = append(l, cat)
		}
	}
	return l
}

// Substances that by themselves say what they are taken for, by their
// international nonproprietary name: ATC J05AR and J05AE to J05AJ for HIV,
// N05, N06A, N06B and N07BC for the mind, G03 for contraception and birth
// (WHO ATC index 2024). Where a substance also treats something else it
// stands here all the same: a reader does not know which.
var (
	hivSubstances = []string{"abacavir", "atazanavir", "darunavir", "dolutegravir", "efavirenz", "emtricitabine", "lamivudine",
		"nevirapine", "raltegravir", "rilpivirine", "ritonavir", "lopinavir", "tenofovir", "zidovudine", "bictegravir", "cabotegravir"}
	mindSubstances = []string{"amitriptyline", "aripiprazole", "buprenorphine", "chlorpromazine", "citalopram", "clomipramine", "clonazepam",
		"diazepam", "duloxetine", "escitalopram", "fluoxetine", "fluphenazine", "haloperidol", "hydroxyzine", "lithium", "lorazepam",
		"methadone", "mirtazapine", "naltrexone", "olanzapine", "paroxetine", "quetiapine", "risperidone", "sertraline", "trazodone",
		"venlafaxine", "zolpidem", "disulfiram", "acamprosate", "prazosin"}
	sexualSubstances = []string{"levonorgestrel", "etonogestrel", "medroxyprogesterone", "ulipristal", "misoprostol", "mifepristone",
		"estradiol", "ethinylestradiol", "norethisterone", "copper intrauterine device", "desogestrel"}
)

// Chapters of ICD-10 (icd.who.int/browse10) and ICD-11 that belong to a
// category of their own.
var (
	hivCodes    = []string{"B20", "B21", "B22", "B23", "B24", "Z21", "R75", "1C60", "1C61", "1C62"}
	sexualCodes = []string{"A5", "A60", "A63", "A64", "O", "Z30", "Z31", "Z32", "Z33", "Z34", "Z35", "Z36", "Z37", "Z39", "Z3A", "N94", "1A6", "1A7", "1A8", "1A9", "JA", "JB", "QA2", "QA4"}
	mindCodes   = []string{"F", "6A", "6B", "6C", "6D", "6E", "X6", "X7", "Z91.5", "R45"}
)

// Beginnings of words, without accents, that place a condition which was
// written in words or coded in another system (English, French, Spanish).
var (
	hivWords    = []string{"hiv", "aids", "vih", "sida", "antiretro"}
	sexualWords = []string{"pregnan", "abort", "miscarr", "contracep", "gonor", "chlamyd", "clamid", "syphil", "sifil", "genital", "vagin",
		"grossesse", "enceinte", "fausse couche", "embaraz", "menstru", "obstet", "fetal", "eclamps", "sexual", "sexuel"}
	mindWords = []string{"depress", "depres", "anxi", "ansied", "stress", "estres", "psych", "psiq", "psic", "schizo", "esquizo", "bipolar",
		"suicid", "self harm", "autolesi", "alcohol", "alcool", "drug", "opioid", "addict", "adicc", "antidepress", "panic", "mental", "mood", "insomn"}
)

// Carried decides about one health record whether it may be carried at all
// and, by its labels, codes and substance, which sections' categories it needs
// beside that of health. What tells of violence, of exploitation or of an
// offence is never carried (R17, R26).
func Carried(r Row) (sections []string, may bool) {
	labels := r.Get("security_labels").List()
	for _, l := range []Label{LabelSDV, LabelTrafficking, LabelLegal, LabelLocation} {
		if slices.Contains(labels, string(l)) {
			return nil, false
		}
	}
	code, substance := strings.ToUpper(r.Text("code")), strings.ToLower(r.Text("substance"))
	if NeverPrinted(code) {
		return nil, false
	}
	icd := strings.HasPrefix(r.Text("code_system"), "icd") || r.Collection == "conditions" && r.Text("code_system") == ""
	label := plainLetters(r.Text("label"))
	is := func(labelled []Label, codes, substances, words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(label, " "+w) }) ||
			slices.ContainsFunc(labelled, func(l Label) bool { return slices.Contains(labels, string(l)) }) ||
			icd && slices.ContainsFunc(codes, func(c string) bool { return strings.HasPrefix(code, c) }) ||
			slices.ContainsFunc(substances, func(s string) bool { return strings.Contains(substance, s) })
	}
	if is([]Label{LabelPSY, LabelSUD, LabelETH}, mindCodes, mindSubstances, mindWords) {
		sections = append(sections, "mental_health")
	}
	if is([]Label{LabelSEX, LabelSTD}, sexualCodes, sexualSubstances, sexualWords) {
		sections = append(sections, "sexual_health")
	}
	if is([]Label{LabelHIV}, hivCodes, hivSubstances, hivWords) {
		sections = append(sections, "hiv")
	}
	return sections, true
}

// plainLetters is the words of a text in lower case without the accents of
// French and Spanish, each after a space.
func plainLetters(s string) string {
	words := strings.FieldsFunc(unaccent.Replace(strings.ToLower(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return " " + strings.Join(words, " ")
}

var unaccent = strings.NewReplacer("á", "a", "à", "a", "â", "a", "é", "e", "è", "e", "ê", "e", "ë", "e", "í", "i", "î", "i", "ï", "i",
	"ó", "o", "ô", "o", "ú", "u", "û", "u", "ù", "u", "ü", "u", "ñ", "n", "ç", "c", "œ", "oe")
