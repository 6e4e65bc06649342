package hooks_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portolan/capsule"
	"portolan/care"
	"portolan/hooks"
	"portolan/internal/hubtest"
)

// lastPage is the last page of a file as a scanner sees it.
func lastPage(t *testing.T, pdf []byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "summary.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	var found []byte
	for page := '1'; page <= '9'; page++ {
		out, err := exec.Command("pdftoppm", "-r", "150", "-gray", "-png", "-singlefile", "-f", string(page), "-l", string(page), path).Output()
		if err != nil { // beyond the last
			break
		}
		found = out
	}
	if found == nil {
		t.Fatal("pdftoppm, of the Debian package poppler-utils, draws no page")
	}
	return found
}

// TestAPaperIsHandedOutAsThePersonChose: what they ticked, in their languages,
// with a code that opens with the words that were told; and what was handed out
// is recorded with who, when, under which consent.
func TestAPaperIsHandedOutAsThePersonChose(t *testing.T) {
	p := newTraveller(t)
	h := p.Hub
	p.look(t)
	draft := p.expectPapers(t, "prepared")
	owner := p.Reload(t, p.owner.Staff)
	give := func(o hooks.HandOutOrder) (hooks.HandedOut, error) {
		o.Paper = draft.ID
		return hooks.HandOut(t.Context(), h.Hub, owner, o)
	}
	for want, o := range map[string]hooks.HandOutOrder{
		"summary_order":      {Edition: "stone"},
		"summary_not_agreed": {Sections: []string{"medications", "legal"}},
		"summary_language":   {Languages: []string{"de"}},
	} {
		_, err := give(o)
		wantCode(t, want, err, want)
	}
	p.expectPapers(t, "prepared")

	out, err := give(hooks.HandOutOrder{Sections: []string{"medications"}, Languages: []string{"ur", "ar"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Files) != 1 || out.Files[0].Name != "summary.pdf" || !slices.Equal(out.Sections, []string{"medications"}) || len(strings.Fields(out.Words)) != 5 {
		t.Fatalf("handed out: %v %v %q", out.Sections, len(out.Files), out.Words)
	}
	code, err := capsule.ReadPicture(bytes.NewReader(lastPage(t, out.Files[0].Data)))
	if err != nil {
		t.Fatal(err)
	}
	said, err := hooks.OpenCapsule(t.Context(), h.Hub, owner, code, out.Words)
	if err != nil {
		t.Fatal(err)
	}
	if said.Verdict != "valid" || len(said.Record.Entries["medicines"]) != 1 || said.Record.Entries["allergies"] != nil || !slices.Equal(said.Record.Languages, []string{"ur", "ar"}) {
		t.Errorf("its code says %+v", said)
	}
	if m := said.Record.Entries["medicines"][0]; m["dose"].Text() != "500 mg" || m["substance"].Text() != "Amoxicillin" {
		t.Errorf("the medicine is %v", m)
	}
	paper, err := h.Paper(t.Context(), p.owner, out.Documents[0])
	if err != nil || paper.Text("status") != "handed_out" || paper.Text("handed_out_by") != p.owner.Staff || paper.Text("handed_out_at") == "" ||
		paper.Text("consent") != p.consent || !slices.Equal(paper.Get("sections").List(), []string{"medications"}) || !slices.Equal(paper.Get("languages").List(), []string{"ar", "ur"}) ||
		paper.Text("edition") != "paper" || paper.Text("replaces") != draft.ID {
		t.Errorf("recorded: %v, %v", paper, err)
	}
	p.expectTasks(t)
	// The words and the code are kept nowhere, and the next look finds nothing to do.
	_, kept, err := h.DocumentFile(t.Context(), p.owner, paper.ID)
	if err != nil || bytes.Equal(kept, out.Files[0].Data) {
		t.Errorf("the hub keeps what was given away: %v", err)
	}
	p.look(t)
	if l := p.list(t, "documents"); len(l) != 2 {
		t.Errorf("the next look makes %d documents", len(l))
	}
	_, err = give(hooks.HandOutOrder{})
	wantCode(t, "the draft again", err, "paper_state")
}

// TestAHandOutOverTheNetwork: what the app asks and gets.
func TestAHandOutOverTheNetwork(t *testing.T) {
	h := hubtest.New(t)
	p := newTravellerOn(t, h)
	s := serveOn(t, h, hooks.Config{})
	path := "/api/portolan/cases/" + p.caseID + "/hand-out"
	a := s.ask(t, "POST", path, s.signIn(t, p.login), order{"edition": "paper", "country": "ES", "plain": true})
	var out hooks.HandedOut
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != http.StatusOK || len(out.Files) != 1 || !bytes.HasPrefix(out.Files[0].Data, []byte("%PDF-")) || out.Words != "" {
		t.Errorf("%d, %d files: %v", a.status, len(out.Files), err)
	}
	_, login := h.Staff(t, care.Outreach)
	if a := s.ask(t, "POST", path, s.signIn(t, login), order{}); a.status != http.StatusNotFound {
		t.Errorf("by a stranger: %d %s", a.status, a.body)
	}
}

// TestTheSmallestIsHandedOut where nobody ticked anything; both forms open with
// the same words, and a changed record is told apart from a choice.
func TestTheSmallestIsHandedOut(t *testing.T) {
	p := newTraveller(t)
	p.change(t, "survivors", p.survivor, set{"carry_choice": text("both")})
	out, err := hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Case: p.caseID, Country: "ES"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Sections, []string{"allergies", "medications", "problems"}) || len(out.Files) != 2 || len(out.Documents) != 2 {
		t.Fatalf("handed out: %v, %d files", out.Sections, len(out.Files))
	}
	read := exec.Command("pdftotext", "-upw", out.Words, "-", "-")
	read.Stdin = bytes.NewReader(out.Files[1].Data)
	if b, err := read.Output(); err != nil || !strings.Contains(string(b), "500 mg") {
		t.Errorf("the file for a telephone: %v", err)
	}
	code, err := capsule.ReadPicture(bytes.NewReader(lastPage(t, out.Files[0].Data)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capsule.Open(code, out.Words); err != nil {
		t.Errorf("the code on the paper: %v", err)
	}
}

// TestNothingAtAllIsAChoice: it is recorded, the draft is taken back, and none
// is made again.
func TestNothingAtAllIsAChoice(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	draft := p.expectPapers(t, "prepared")
	out, err := hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Paper: draft.ID, Edition: "nothing"})
	if err != nil || out.Words != "" || len(out.Files) > 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	p.look(t)
	if now := p.expectPapers(t, "cancelled"); now.Text("cancel_reason") != "person_declined" {
		t.Errorf("taken back because of %s", now.Text("cancel_reason"))
	}
	if rows := p.list(t, "survivors"); rows[0].Text("carry_choice") != "nothing" {
		t.Error("the choice is not recorded")
	}
	_, err = hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Case: p.caseID, Edition: "paper"})
	wantCode(t, "after all", err, "summary_not_agreed")
}

// TestWhatIsTakenBackMeanwhileIsNotHandedOut: nor is it where whoever asks is
// not on the case.
func TestWhatIsTakenBackMeanwhileIsNotHandedOut(t *testing.T) {
	p := newTraveller(t)
	p.look(t)
	draft := p.expectPapers(t, "prepared")
	stranger, _ := p.Staff(t, care.Outreach)
	_, err := hooks.HandOut(t.Context(), p.Hub.Hub, stranger, hooks.HandOutOrder{Paper: draft.ID})
	wantCode(t, "by a stranger", err, "not_found")
	p.withdraw(t)
	_, err = hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Case: p.caseID, Country: "ES"})
	wantCode(t, "after a withdrawal", err, "summary_not_agreed")
	_, err = hooks.HandOut(t.Context(), p.Hub.Hub, p.Reload(t, p.owner.Staff), hooks.HandOutOrder{Paper: draft.ID})
	wantCode(t, "the draft after it", err, "paper_state")
}
