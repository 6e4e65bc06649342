package care

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// spread answers a tool so that the total is as wanted, filling questions from
// the first one on; those named are left at 0.
func spread(t *testing.T, tool string, total int, leave ...string) map[string]int {
	t.Helper()
	tl, _ := FindTool(tool)
	answers := map[string]int{}
	for _, i := range tl.Items {
		n := min(total, len(i.Answers)-1)
		if slices.Contains(leave, i.Name) {
			n = 0
		}
		answers[i.Name] = n
		total -= n
	}
	if total != 0 {
		t.Fatalf("%s cannot reach the total", tool)
	}
	return answers
}

func TestScoreAtEveryBorderOfABand(t *testing.T) {
	for _, c := range []struct {
		tool  string
		total int
		band  string
		flags []string
	}{
		{ToolPHQ9, 0, BandMinimal, nil}, {ToolPHQ9, 4, BandMinimal, nil},
		{ToolPHQ9, 5, BandMild, nil}, {ToolPHQ9, 9, BandMild, nil},
		{ToolPHQ9, 10, BandModerate, nil}, {ToolPHQ9, 14, BandModerate, nil},
		{ToolPHQ9, 15, BandModeratelySevere, nil}, {ToolPHQ9, 19, BandModeratelySevere, nil},
		{ToolPHQ9, 20, BandSevere, nil}, {ToolPHQ9, 27, BandSevere, []string{FlagSelfHarm}},
		{ToolPHQ2, 0, BandNegative, nil}, {ToolPHQ2, 2, BandNegative, nil},
		{ToolPHQ2, 3, BandPositive, []string{FlagOfferPHQ9}}, {ToolPHQ2, 6, BandPositive, []string{FlagOfferPHQ9}},
		{ToolGAD7, 0, BandMinimal, nil}, {ToolGAD7, 4, BandMinimal, nil},
		{ToolGAD7, 5, BandMild, nil}, {ToolGAD7, 9, BandMild, nil},
		{ToolGAD7, 10, BandModerate, nil}, {ToolGAD7, 14, BandModerate, nil},
		{ToolGAD7, 15, BandSevere, nil}, {ToolGAD7, 21, BandSevere, nil},
		{ToolPCL5, 0, BandNegative, nil}, {ToolPCL5, 30, BandNegative, nil},
		{ToolPCL5, 31, BandPositive, []string{FlagClinicianReview}},
		{ToolPCL5, 80, BandPositive, []string{FlagClinicianReview, FlagClusterRule}},
		{ToolAUDITC, 0, BandNegative, nil}, {ToolAUDITC, 2, BandNegative, nil},
		{ToolAUDITC, 3, BandPositive, nil}, {ToolAUDITC, 12, BandPositive, nil},
	} {
		total, band, flags, err := Score(c.tool, spread(t, c.tool, c.total))
		if err != nil || total != c.total || band != c.band || !slices.Equal(flags, c.flags) {
			t.Errorf("%s %d: got %d %s %v %v, want %s %v", c.tool, c.total, total, band, flags, err, c.band, c.flags)
		}
	}
}

func TestScorePCL5ClusterRule(t *testing.T) {
	met := map[int]bool{1: true, 6: true, 8: true, 9: true, 15: true, 16: true}
	answer := func(without int, rating int) map[string]int {
		m := map[string]int{}
		for i := 1; i <= 20; i++ {
			m[itemName(ToolPCL5, i)] = 0
			if met[i] && i != without {
				m[itemName(ToolPCL5, i)] = rating
			}
		}
		return m
	}
	total, band, flags, err := Score(ToolPCL5, answer(0, 2))
	if err != nil || total != 12 || band != BandNegative || !slices.Equal(flags, []string{FlagClinicianReview, FlagClusterRule}) {
		t.Errorf("the smallest pattern: %d %s %v %v", total, band, flags, err)
	}
	if _, _, flags, _ := Score(ToolPCL5, answer(0, 1)); flags != nil {
		t.Errorf("ratings of 1 are no symptoms, got %v", flags)
	}
	for i := range met {
		if _, _, flags, _ := Score(ToolPCL5, answer(i, 4)); slices.Contains(flags, FlagClusterRule) {
			t.Errorf("without item %d the pattern is not met, got %v", i, flags)
		}
	}
}

func TestScoreSelfHarm(t *testing.T) {
	for n := 1; n <= 3; n++ {
		answers := spread(t, ToolPHQ9, 0)
		answers[SelfHarmItem] = n
		_, band, flags, err := Score(ToolPHQ9, answers)
		if err != nil || band != BandMinimal || !slices.Equal(flags, []string{FlagSelfHarm}) {
			t.Errorf("item 9 at %d: %s %v %v", n, band, flags, err)
		}
	}
}

func TestScoreRefuses(t *testing.T) {
	with := func(change func(map[string]int)) map[string]int {
		m := spread(t, ToolGAD7, 3)
		change(m)
		return m
	}
	for name, c := range map[string]struct {
		tool    string
		answers map[string]int
		code    string
		names   []string
	}{
		"missing":  {ToolGAD7, with(func(m map[string]int) { delete(m, "gad7_2"); delete(m, "gad7_7") }), "screening_incomplete", []string{"gad7_2", "gad7_7"}},
		"nothing":  {ToolPHQ2, nil, "screening_incomplete", []string{"phq2_1", "phq2_2"}},
		"too high": {ToolGAD7, with(func(m map[string]int) { m["gad7_1"] = 4 }), "screening_out_of_range", []string{"gad7_1"}},
		"negative": {ToolGAD7, with(func(m map[string]int) { m["gad7_1"] = -1 }), "screening_out_of_range", []string{"gad7_1"}},
		"foreign":  {ToolGAD7, with(func(m map[string]int) { m["phq9_9"] = 1 }), "screening_foreign_item", nil},
		"renamed":  {ToolPHQ9, map[string]int{"1": 3, "9": 3}, "screening_foreign_item", nil},
		"no tool":  {"cage", nil, "screening_unknown_tool", nil},
	} {
		_, _, _, err := Score(c.tool, c.answers)
		if CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
			continue
		}
		for _, n := range c.names {
			if !strings.Contains(err.Error(), n) {
				t.Errorf("%s: the error does not name %s: %v", name, n, err)
			}
		}
	}
}

func TestAnswersGoThereAndBack(t *testing.T) {
	answers := spread(t, ToolPCL5, 37)
	screenings, _ := Find("screenings")
	f, _ := screenings.Field("answers")
	v, err := Canonical(f, OfAnswers(answers))
	if err != nil {
		t.Fatal(err)
	}
	back, err := AnswersOf(v)
	if err != nil || !maps.Equal(back, answers) {
		t.Errorf("got %v %v, want %v", back, err, answers)
	}
	for _, bad := range []string{`{"phq9_1":"two"}`, `{"phq9_1":"02"}`, `{"phq9_1":2}`, `[]`, ``} {
		if _, err := AnswersOf(Value(bad)); err == nil {
			t.Errorf("AnswersOf(%s) was accepted", bad)
		}
	}
}

// Raising one answer never lowers a total or takes a flag away, totals stay in
// range, and item 9 above 0 always flags.
func TestScoreIsMonotone(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		tool := Tools[r.IntN(len(Tools))]
		answers := map[string]int{}
		for _, i := range tool.Items {
			answers[i.Name] = r.IntN(len(i.Answers))
		}
		total, _, flags, err := Score(tool.Name, answers)
		if err != nil || total < 0 || total > tool.Max() {
			t.Fatalf("%s %v: total %d, %v", tool.Name, answers, total, err)
		}
		if tool.Name == ToolPHQ9 && answers[SelfHarmItem] > 0 != slices.Contains(flags, FlagSelfHarm) {
			t.Fatalf("item 9 is %d and the flags are %v", answers[SelfHarmItem], flags)
		}
		item := tool.Items[r.IntN(len(tool.Items))]
		if answers[item.Name] == len(item.Answers)-1 {
			continue
		}
		answers[item.Name]++
		higher, _, more, err := Score(tool.Name, answers)
		if err != nil || higher != total+1 {
			t.Fatalf("%s with %s raised: %d after %d, %v", tool.Name, item.Name, higher, total, err)
		}
		for _, f := range flags {
			if !slices.Contains(more, f) {
				t.Fatalf("%s with %s raised: flag %s went away", tool.Name, item.Name, f)
			}
		}
	}
}

func TestToolsHaveTheirRanges(t *testing.T) {
	for tool, top := range map[string]int{ToolPHQ9: 27, ToolPHQ2: 6, ToolGAD7: 21, ToolPCL5: 80, ToolAUDITC: 12} {
		tl, ok := FindTool(tool)
		if !ok || tl.Max() != top {
			t.Errorf("%s: highest total is not %d", tool, top)
		}
	}
}
