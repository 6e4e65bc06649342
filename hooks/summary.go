package hooks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"
	_ "time/tzdata" // sites name their time zone, also on machines without the database

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
	"portolan/interop"
	"portolan/locales"
	"portolan/pdf"
)

// Summary is a summary as it was made for one reader.
type Summary struct {
	PDF       []byte // or the plain text, or the picture of a page, that was asked for
	Pages     int    // where it is a picture: how many there are
	Words     string // that open the edition for a telephone; told to the person and kept nowhere
	Languages []string
	Sections  []string // codes of summary_sections
	LeftOut   []string // collections of which its code has nothing, for want of room
	Edition   string
	Country   string
	Day       string
	Basis     string    // the consent that ends first
	Until     time.Time // when it ends
}

// MakeSummary makes the care summary of a case: what the person agreed to
// share with the recipient, of what the reader may see. The decisions are in
// the audit log before anything is read for it.
func MakeSummary(ctx context.Context, hub *collections.Hub, reader care.Actor, o SummaryOrder) (Summary, error) {
	fonts, err := fontsOf(hub.Dir())
	if err != nil {
		return Summary{}, err
	}
	t := &teller{ctx: ctx, hub: hub, reader: reader, now: hub.Now(), fonts: fonts}
	if err := t.begin(o); err != nil {
		return Summary{}, err
	}
	if err := t.decide(); err != nil {
		return Summary{}, err
	}
	if o.ticked {
		if err := t.wholly(); err != nil {
			return Summary{}, err
		}
	}
	doc, err := t.tell()
	if err != nil {
		return Summary{}, err
	}
	options := pdf.Options{Text: locales.Text, Fonts: t.fonts, Paper: t.paper, Large: t.large, Pictures: t.drawn}
	if o.Phone {
		if options.Phone, err = t.phone(o.carried); err != nil {
			return Summary{}, err
		}
	}
	var left []string
	if o.carried != nil && o.carried.paper != nil {
		if doc.Code, left, err = t.code(*o.carried); err != nil {
			return Summary{}, err
		}
	}
	var b bytes.Buffer
	pages := 0
	switch {
	case o.Page > 0:
		pages, err = pdf.Picture(&b, doc, options, o.Page, cmp.Or(o.Width, pictureWidth))
	case o.Reading:
		err = pdf.Read(&b, doc, options)
	default:
		err = pdf.Render(&b, doc, options)
	}
	if err != nil {
		return Summary{}, err
	}
	if err := t.still(); err != nil {
		return Summary{}, err
	}
	s := Summary{PDF: b.Bytes(), Pages: pages, Languages: t.languages, Sections: t.told(), Country: t.request.RecipientCountry, Day: t.day,
		LeftOut: left, Edition: t.edition(o)}
	s.Basis, s.Until = t.basis()
	if options.Phone != nil {
		s.Words = options.Phone.Passphrase
	}
	return s, nil
}

// phone draws the words and writes what machines read: of the records, exactly
// those that stand on the pages.
func (t *teller) phone(c *carried) (*pdf.Phone, error) {
	var words string
	var err error
	if c != nil {
		words = c.words
	} else if words, err = pdf.Words(rand.Reader); err != nil {
		return nil, err
	}
	t.machine.Day, t.machine.Language = t.day, t.languages[0]
	bundle, err := interop.WriteIPS(t.machine)
	if err != nil {
		return nil, err
	}
	return &pdf.Phone{Passphrase: words, Rand: rand.Reader, Bundle: bundle}, nil
}

// edition is the form that is asked for; what is prepared without the person is
// in the form that they chose.
func (t *teller) edition(o SummaryOrder) string {
	switch {
	case o.edition == asPersonChose && t.survivor.Text("carry_choice") == "phone", o.edition == "phone", o.Phone:
		return "phone"
	}
	return "paper"
}

// unwanted says whether a person chose to carry a summary otherwise, or none.
func unwanted(choice string, phone bool) bool {
	return choice == "nothing" || choice == "phone" && !phone || choice == "paper" && phone
}

// teller gathers what one summary says.
type teller struct {
	ctx    context.Context
	hub    *collections.Hub
	reader care.Actor
	now    time.Time
	fonts  *pdf.Fonts
	zone   *time.Location
	day    string
	paper  string
	large  bool
	drawn  bool // pictures beside the words

	file      care.Row // the case
	survivor  care.Row
	transfer  care.Row
	consents  care.Consents
	request   care.ShareRequest
	languages []string
	decisions map[string]care.Decision
	sections  map[string]bool // what it says, by code of summary_sections
	chosen    []string        // the sections that the person ticked; nil for all
	machine   interop.Summary // the same for machines
	record    []capsule.Entry // and for the code, without what machine has
}

// begin reads who it is about and for whom it is.
func (t *teller) begin(o SummaryOrder) (err error) {
	if t.file, err = t.hub.Read(t.ctx, t.reader, "cases", o.Case); err != nil {
		return err
	}
	// A summary is made to be taken along: what an emergency opens does not (R30).
	target := care.Target{Collection: "documents", Org: t.file.Org, Case: t.file.ID, Compartment: care.General}
	if d := care.MaySee(t.reader, care.Carry, target, t.now); !d.Allowed {
		return errors.Join(t.hub.Audit(t.ctx, t.reader, collections.ActPrint, target, d), collections.ErrNotAtDesk)
	}
	t.sections, t.chosen = map[string]bool{}, o.Sections
	people, err := t.list("survivors")
	if err != nil {
		return err
	}
	if len(people) > 0 {
		t.survivor = people[0]
	}
	if choice := t.survivor.Text("carry_choice"); unwanted(choice, t.edition(o) == "phone") {
		return collections.NoConsentError(care.NotWanted)
	}
	if t.transfer, err = t.move(o); err != nil {
		return err
	}
	if t.request, err = t.hub.TransferRequest(t.ctx, t.transfer, care.Print); err != nil {
		return err
	}
	if o.Country != "" {
		t.request.RecipientKind, t.request.RecipientCountry = care.ToCountry, o.Country
	}
	t.place(o.Paper)
	needs := t.survivor.Get("access_needs").List()
	t.large, t.drawn = o.Large || slices.Contains(needs, "large_print"), o.Pictures || slices.Contains(needs, "pictures")
	if t.day = o.Day; t.day == "" {
		t.day = t.now.In(t.zone).Format(time.DateOnly)
	}
	t.languages = o.Languages
	if len(t.languages) == 0 {
		t.languages = chooseLanguages(t.survivor, t.transfer, t.request.RecipientCountry)
	}
	for _, l := range t.languages {
		if err := pdf.CheckLanguage(l); err != nil {
			return err
		}
	}
	return nil
}

// move is the transfer that the summary is for: the one named, or the next of
// the case that is under way and goes to the country asked for.
func (t *teller) move(o SummaryOrder) (care.Row, error) {
	if o.Transfer != "" {
		return t.hub.Read(t.ctx, t.reader, "transfers", o.Transfer)
	}
	moves, err := t.list("transfers")
	if err != nil {
		return care.Row{}, err
	}
	moves = slices.DeleteFunc(moves, func(m care.Row) bool {
		return !slices.Contains([]string{"consented", "sent", "accepted"}, m.Text("status")) ||
			o.Country != "" && m.Text("destination_country") != o.Country
	})
	if len(moves) == 0 {
		return care.Row{}, nil
	}
	return slices.MinFunc(moves, func(a, b care.Row) int {
		return cmp.Or(cmp.Compare(a.Text("departure_at"), b.Text("departure_at")), cmp.Compare(a.ID, b.ID))
	}), nil
}

// letterCountries print on Letter (CLDR 48, measurementData, paperSize).
var letterCountries = []string{"BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"}

// place takes the time zone and the size of paper from the organisation that
// holds the case: UTC and A4 where they are not known.
func (t *teller) place(paper string) {
	t.zone, t.paper = time.UTC, paper
	org, err := t.hub.Read(t.ctx, t.reader, "organisations", t.file.Org)
	if err != nil {
		return
	}
	if zone, err := time.LoadLocation(org.Text("time_zone")); err == nil {
		t.zone = zone
	}
	if t.paper == "" && slices.Contains(letterCountries, org.Text("country")) {
		t.paper = pdf.Letter
	}
}

// decide asks, section by section, what the person agreed to share, and notes
// the answers. Where they agreed to nothing there is no summary.
func (t *teller) decide() error {
	consents, err := t.hub.Consents(t.ctx, t.reader, t.file)
	if err != nil {
		return err
	}
	t.consents = consents
	t.decisions = care.SummarySections(consents, t.request, t.now)
	names := make([]string, 0, len(t.decisions))
	for name := range t.decisions {
		names = append(names, name)
	}
	slices.Sort(names)
	noted := map[care.Target]care.Decision{}
	var decided []collections.Decided
	for _, name := range names {
		if name == care.SectionAgreed {
			continue
		}
		target := care.Target{Collection: "documents", Org: t.file.Org, Case: t.file.ID, Compartment: care.General}
		if cats := care.CarriedCategories(name); len(cats) > 0 {
			target.Compartment = care.CategoryCompartment(cats[len(cats)-1])
		}
		if d := t.decisions[name]; noted[target] != d { // several sections often fall alike
			noted[target] = d
			decided = append(decided, collections.Decided{Target: target, Decision: d, Purpose: t.request.Purpose})
		}
	}
	if err := t.hub.AuditAll(t.ctx, t.reader, collections.ActPrint, decided); err != nil {
		return err
	}
	if t.decisions[care.SectionAgreed].Allowed {
		return nil
	}
	return collections.NoConsentError(whyNothing(t.decisions))
}

// still asks again, when the paper is made: what the person took back while
// that was done, or what ended for the reader, is not given to anybody.
func (t *teller) still() error {
	of, err := t.hub.Consents(t.ctx, t.reader, t.file)
	if err != nil {
		return err
	}
	r := t.request
	r.Categories = care.CarriedCategories(t.told()...)
	parts := make([]care.Compartment, len(r.Categories))
	for i, cat := range r.Categories {
		parts[i] = care.CategoryCompartment(cat)
	}
	if err := t.hub.StillCarries(t.ctx, t.reader, t.file, parts...); err != nil {
		return err
	}
	d := care.MayShare(of, r, t.hub.Now())
	if d.Allowed {
		return nil
	}
	target := care.Target{Collection: "documents", Org: t.file.Org, Case: t.file.ID, Compartment: care.General}
	return errors.Join(t.hub.Audit(t.ctx, t.reader, collections.ActPrint, target, d), collections.NoConsentError(d.Reason))
}

// whyNothing is what the worker should hear when nothing may be shared: that
// of the health sections, which matter most, unless another says more.
func whyNothing(decisions map[string]care.Decision) care.Reason {
	order := []care.Reason{care.NoConsent, care.ConsentNotYet, care.ConsentExpired, care.ConsentWithdrawn, care.ConsentDenied, care.RecipientUnclear}
	worst := decisions["medications"].Reason
	for name, d := range decisions {
		if name != care.SectionAgreed && slices.Index(order, d.Reason) > slices.Index(order, worst) {
			worst = d.Reason
		}
	}
	return worst
}

// allowed says whether the summary holds a section for this reader: the
// person agreed, and the reader is on that part of the case.
func (t *teller) allowed(section string) bool {
	if !t.decisions[section].Allowed || !t.ticked(section) {
		return false
	}
	for _, cat := range care.CarriedCategories(section) {
		target := care.Target{Org: t.file.Org, Case: t.file.ID, Compartment: care.CategoryCompartment(cat)}
		if !care.MaySee(t.reader, care.Carry, target, t.now).Allowed {
			return false
		}
	}
	return true
}

// ticked says whether the person chose a section.
func (t *teller) ticked(section string) bool {
	return t.chosen == nil || slices.Contains(t.chosen, section)
}

// wholly refuses what the person ticked and may not be carried: because they
// did not agree to it, or because whoever makes the summary is not on it.
func (t *teller) wholly() error {
	for _, s := range t.chosen {
		switch d, known := t.decisions[s]; {
		case !known:
			return &care.Error{Code: "summary_order", Kind: care.Invalid, Hint: "No summary carries the section " + s + "."}
		case !d.Allowed:
			return collections.NoConsentError(d.Reason)
		case !t.allowed(s):
			return collections.ErrPaperClosed
		}
	}
	return nil
}

// told lists the sections that the summary holds, sorted.
func (t *teller) told() []string {
	l := make([]string, 0, len(t.sections))
	for s := range t.sections {
		l = append(l, s)
	}
	slices.Sort(l)
	return l
}

// basis is the consent that ends first of those that the summary rests on.
func (t *teller) basis() (id string, until time.Time) {
	for _, s := range t.told() {
		if d := t.decisions[s]; id == "" || d.Until.Before(until) {
			id, until = d.Basis, d.Until
		}
	}
	return id, until
}

func (t *teller) list(collection string) ([]care.Row, error) {
	return t.hub.List(t.ctx, t.reader, collections.Query{Collection: collection, Case: t.file.ID})
}

// chooseLanguages proposes the person's own language and the receiving
// country's. What is written down with the move goes first: somebody chose it.
func chooseLanguages(survivor, transfer care.Row, country string) []string {
	own := survivor.Text("primary_language")
	spoken := survivor.Get("languages").List()
	chosen := slices.Sorted(slices.Values(transfer.Get("languages").List()))
	there := pdf.LanguageOf(country)
	if own == "" && len(spoken) > 0 {
		own = spoken[0]
	}
	if len(chosen) >= 2 && !slices.Contains(chosen, own) {
		own = chosen[0]
		for _, l := range chosen {
			if slices.Contains(spoken, l) || l != there && own == there {
				own = l
			}
		}
	}
	switch other := slices.DeleteFunc(chosen, func(l string) bool { return l == own }); {
	case len(other) > 0 && !slices.Contains(other, there):
		there = other[0]
	case len(chosen) == 1 && len(other) == 0:
		there = own
	}
	if own == "" {
		own = there
	}
	if there == "" {
		there = own
	}
	return []string{pdf.Language(own), pdf.Language(there)}
}
