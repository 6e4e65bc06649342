package care

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The screening tools.
const (
	ToolPHQ9   = "phq9"
	ToolPHQ2   = "phq2"
	ToolGAD7   = "gad7"
	ToolPCL5   = "pcl5"
	ToolAUDITC = "audit_c"
)

// Bands of a score.
const (
	BandMinimal          = "minimal"
	BandMild             = "mild"
	BandModerate         = "moderate"
	BandModeratelySevere = "moderately_severe"
	BandSevere           = "severe"
	BandNegative         = "negative"
	BandPositive         = "positive"
)

// Flags of a score: what has to happen next.
const (
	FlagSelfHarm        = "self_harm"        // PHQ-9 item 9 above 0: a safety task on the same day (R13)
	FlagOfferPHQ9       = "offer_phq9"       // PHQ-2 positive
	FlagClinicianReview = "clinician_review" // PCL-5 positive by cut-off or cluster rule
	FlagClusterRule     = "cluster_rule"     // PCL-5: the DSM-5 symptom pattern is met
)

// SelfHarmItem is the question of the PHQ-9 about being better off dead.
const SelfHarmItem = "phq9_9"

// Tool is one screening questionnaire. Its words are in the catalogue, in
// validated translations only.
type Tool struct {
	Name   string
	Source string
	Panel  Coding // the questionnaire as a whole
	Total  Coding // its score
	Items  []Item
	Bands  []BandFrom // ascending; the last whose From the total reaches
	flags  func(total int, answers map[string]int) []string
}

// Item is one question. An answer is the index into Answers.
type Item struct {
	Name    string // key in screenings.answers
	Code    Coding
	Answers []string // LOINC answer codes, local ones where LOINC has none that was checked
}

// Coding is a code and the short name of its system.
type Coding struct{ System, Code string }

// BandFrom is the lowest total of a band.
type BandFrom struct {
	From int
	Band string
}

// Tools is every screening tool.
//
// The LOINC codes of PHQ-9, PHQ-2, GAD-7 and AUDIT-C and of their answers are
// those of LOINC 2.82. For the PCL-5 public sources disagree about the codes,
// so ours are local until checked at loinc.org.
var Tools = []*Tool{
	{
		Name: ToolPHQ9, Source: "Kroenke, Spitzer, Williams 2001, J Gen Intern Med 16:606-613",
		Panel: loinc("44249-1"), Total: loinc("44261-6"),
		Items: loincItems(ToolPHQ9, frequency, "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"),
		Bands: []BandFrom{{0, BandMinimal}, {5, BandMild}, {10, BandModerate}, {15, BandModeratelySevere}, {20, BandSevere}},
		flags: phq9Flags,
	},
	{
		Name: ToolPHQ2, Source: "Kroenke, Spitzer, Williams 2003, Med Care 41:1284-1292 (cut-off 3)",
		Panel: loinc("55757-9"), Total: loinc("55758-7"),
		Items: loincItems(ToolPHQ2, frequency, "44250-9", "44255-8"),
		Bands: []BandFrom{{0, BandNegative}, {3, BandPositive}},
		flags: phq2Flags,
	},
	{
		Name: ToolGAD7, Source: "Spitzer, Kroenke, Williams, Löwe 2006, Arch Intern Med 166:1092-1097",
		Panel: loinc("69737-5"), Total: loinc("70274-6"),
		Items: loincItems(ToolGAD7, frequency, "69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
		Bands: []BandFrom{{0, BandMinimal}, {5, BandMild}, {10, BandModerate}, {15, BandSevere}},
	},
	{
		// The cut-off lies between 31 and 33; the lower one misses fewer people.
		Name: ToolPCL5, Source: "Weathers and others 2013, National Center for PTSD (cut-off 31-33; provisional DSM-5 rule)",
		Panel: Coding{SystemLocal, "pcl5-panel"}, Total: Coding{SystemLocal, "pcl5-total"},
		Items: localItems(ToolPCL5, 20, 5),
		Bands: []BandFrom{{0, BandNegative}, {31, BandPositive}},
		flags: pcl5Flags,
	},
	{
		// 3 is the cut-off for women, 4 for men; one number for all, and the
		// lower one misses fewer people.
		Name: ToolAUDITC, Source: "Bush and others 1998, Arch Intern Med 158:1789-1795; Bradley and others 2007 (cut-off 3)",
		Panel: loinc("72109-2"), Total: loinc("75626-2"),
		Items: []Item{
			{"audit_c_1", loinc("68518-0"), []string{"LA6270-8", "LA18926-8", "LA18927-6", "LA18928-4", "LA18929-2"}},
			{"audit_c_2", loinc("68519-8"), []string{"LA15694-5", "LA15695-2", "LA18930-0", "LA18931-8", "LA18932-6"}},
			{"audit_c_3", loinc("68520-6"), []string{"LA6270-8", "LA18933-4", "LA18876-5", "LA18891-4", "LA18934-2"}},
		},
		Bands: []BandFrom{{0, BandNegative}, {3, BandPositive}},
	},
}

// frequency is the answer list of PHQ-9 and GAD-7: not at all, several days,
// more than half the days, nearly every day.
var frequency = []string{"LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"}

// FindTool looks a tool up by name.
func FindTool(name string) (*Tool, bool) {
	i := slices.IndexFunc(Tools, func(t *Tool) bool { return t.Name == name })
	if i < 0 {
		return nil, false
	}
	return Tools[i], true
}

// Score adds up the answers of a screening and says what they mean. Answers
// are numbers by item name. A questionnaire with a question left out has no
// score: the error names what is missing.
func Score(tool string, answers map[string]int) (total int, band string, flags []string, err error) {
	t, ok := FindTool(tool)
	if !ok {
		return 0, "", nil, &Error{Code: "screening_unknown_tool", Kind: Invalid, Hint: "The tools are phq9, phq2, gad7, pcl5 and audit_c."}
	}
	if err := t.check(answers); err != nil {
		return 0, "", nil, err
	}
	for _, i := range t.Items {
		total += answers[i.Name]
	}
	for _, b := range t.Bands {
		if total >= b.From {
			band = b.Band
		}
	}
	if t.flags != nil {
		flags = t.flags(total, answers)
	}
	return total, band, flags, nil
}

// Max is the highest total of the tool.
func (t *Tool) Max() int {
	sum := 0
	for _, i := range t.Items {
		sum += len(i.Answers) - 1
	}
	return sum
}

func (t *Tool) check(answers map[string]int) error {
	var missing, wrong []string
	// First what belongs to no question: answers under other names must not
	// pass for a questionnaire that is not finished.
	own := 0
	for _, i := range t.Items {
		if _, ok := answers[i.Name]; ok {
			own++
		}
	}
	if own < len(answers) {
		return &Error{Code: "screening_foreign_item", Kind: Invalid, Hint: "An answer belongs to no question of this tool."}
	}
	for _, i := range t.Items {
		switch n, ok := answers[i.Name]; {
		case !ok:
			missing = append(missing, i.Name)
		case n < 0 || n >= len(i.Answers):
			wrong = append(wrong, i.Name)
		}
	}
	if len(missing) > 0 {
		return &Error{Code: "screening_incomplete", Kind: Invalid, Hint: "Not answered: " + strings.Join(missing, ", ") + "."}
	}
	if len(wrong) > 0 {
		return &Error{Code: "screening_out_of_range", Kind: Invalid, Hint: "No such answer to: " + strings.Join(wrong, ", ") + "."}
	}
	return nil
}

// AnswersOf reads screenings.answers: an object from item name to digits.
func AnswersOf(v Value) (map[string]int, error) {
	m, err := objectOf(v)
	if err != nil {
		return nil, err
	}
	answers := make(map[string]int, len(m))
	for name, s := range m {
		n, err := strconv.Atoi(s)
		if err != nil || strconv.Itoa(n) != s {
			return nil, &Error{Code: "screening_out_of_range", Kind: Invalid, Hint: "An answer is not a whole number."}
		}
		answers[name] = n
	}
	return answers, nil
}

// OfAnswers writes answers as screenings.answers.
func OfAnswers(answers map[string]int) Value {
	m := make(map[string]string, len(answers))
	for name, n := range answers {
		m[name] = strconv.Itoa(n)
	}
	return mustEncode(m)
}

func phq9Flags(_ int, answers map[string]int) []string {
	if answers[SelfHarmItem] > 0 {
		return []string{FlagSelfHarm}
	}
	return nil
}

func phq2Flags(total int, _ map[string]int) []string {
	if total >= 3 {
		return []string{FlagOfferPHQ9}
	}
	return nil
}

// pcl5Flags applies the provisional DSM-5 rule: of the symptoms rated
// "moderately" or more, at least one of B, one of C, two of D and two of E.
func pcl5Flags(total int, answers map[string]int) []string {
	met := true
	for _, c := range []struct{ first, last, need int }{{1, 5, 1}, {6, 7, 1}, {8, 14, 2}, {15, 20, 2}} {
		have := 0
		for i := c.first; i <= c.last; i++ {
			if answers[itemName(ToolPCL5, i)] >= 2 {
				have++
			}
		}
		met = met && have >= c.need
	}
	var flags []string
	if met || total >= 31 {
		flags = append(flags, FlagClinicianReview)
	}
	if met {
		flags = append(flags, FlagClusterRule)
	}
	return flags
}

func loinc(code string) Coding { return Coding{SystemLOINC, code} }

func itemName(tool string, number int) string { return fmt.Sprintf("%s_%d", tool, number) }

func loincItems(tool string, answers []string, codes ...string) []Item {
	var items []Item
	for i, c := range codes {
		items = append(items, Item{itemName(tool, i+1), loinc(c), answers})
	}
	return items
}

func localItems(tool string, n, answers int) []Item {
	scale := make([]string, answers)
	for i := range scale {
		scale[i] = fmt.Sprintf("%s-%d", tool, i)
	}
	var items []Item
	for i := range n {
		items = append(items, Item{itemName(tool, i+1), Coding{SystemLocal, fmt.Sprintf("%s-item-%d", tool, i+1)}, scale})
	}
	return items
}
