package care

import "cmp"

// Why a paper may not leave, beside what the consents say.
const (
	NotWanted    Reason = "document_not_wanted" // the person chose not to carry one (R17)
	TransferOver Reason = "transfer_over"       // the move was cancelled, refused or failed
)

// PaperDecision says whether a prepared summary may still leave the hub: what
// the person chose to carry, the move it was made for, and their consents as
// they stand now, for everything that the paper holds.
func PaperDecision(w World, paper Row) Decision {
	transfer, _ := w.Row("transfers", paper.Text("transfer"))
	r := TransferRequest(w, transfer, Print)
	r.Purpose = Purpose(paper.Text("purpose"))
	if country := paper.Text("destination_country"); country != "" {
		r.RecipientKind, r.RecipientCountry = ToCountry, country
	}
	r.Categories = CarriedCategories(paper.Get("sections").List()...)
	for _, s := range w.OfCase("survivors", paper.Case) {
		if !carries(s.Text("carry_choice"), cmp.Or(paper.Text("edition"), "paper")) {
			return Decision{Reason: NotWanted}
		}
	}
	if s := transfer.Text("status"); s == "cancelled" || s == "refused" || s == "failed" {
		return Decision{Reason: TransferOver}
	}
	return MayShare(ConsentsOf(w, paper.Case), r, w.Now())
}

// documentMade: a summary is what the hub made of the records, never what
// somebody says it is; one from elsewhere is a document of another kind. And
// what the person took back while it was being made is not kept.
func documentMade(c *check) {
	if !c.created || c.after.Text("kind") != "summary" {
		return
	}
	switch {
	case !c.a.IsHub():
		c.hold("", "document_of_hub")
	case c.after.Text("status") == "prepared":
		c.paperStands()
	}
}

// paperStands holds the step of a summary that the person's decisions do not
// allow at this moment.
func (c *check) paperStands() {
	if len(c.after.Get("sections").List()) == 0 {
		return // it does not say what it holds: its consent alone is asked
	}
	switch d := PaperDecision(c.w, c.after); {
	case d.Reason == NotWanted:
		c.holdState("document_not_wanted")
	case !d.Allowed:
		c.holdState("document_consent_over")
	}
}

// documentHandOut looks once more, at the moment when a paper leaves the
// house: at the consents it was made under, at what the person wants to carry,
// and at who takes it.
func documentHandOut(c *check) {
	if !c.enters("handed_out") {
		return
	}
	// A paper that says what it holds is asked about as a whole: the person may
	// have agreed anew since it was made.
	if id := c.after.Text("consent"); id != "" && len(c.after.Get("sections").List()) == 0 && !c.consentStands(id, "") {
		c.holdState("document_consent_over")
		return
	}
	if c.after.Text("kind") != "summary" {
		return
	}
	if to := c.after.Text("handed_out_to"); IsChild(c.w, c.after.Case) && (to == "" || to == "person") {
		c.holdState("document_to_child") // R27, UK NRM guidance
		return
	}
	for _, s := range c.w.OfCase("survivors", c.after.Case) {
		if choice := s.Text("carry_choice"); !carries(choice, c.after.Text("edition")) {
			c.holdState("document_not_wanted") // R17
			return
		}
	}
	c.paperStands()
}

// carries says whether a choice of what to carry allows an edition. Nothing
// chosen yet leaves the question to the hand-out itself.
func carries(choice, edition string) bool {
	switch choice {
	case "nothing":
		return false
	case "phone", "paper":
		return edition == "" || edition == choice
	}
	return true
}
