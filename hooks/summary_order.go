package hooks

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/capsule"
	"portolan/care"
	"portolan/pdf"
)

// SummaryOrder is what somebody asks for. What is left open is taken from the
// move that is under way.
type SummaryOrder struct {
	Case      string
	Transfer  string   // id; "" for the case's next move, or none
	Country   string   // receiving country, ISO 3166-1 alpha-2
	Languages []string // the person's own, then the receiving country's; one for a single column
	Day       string   // YYYY-MM-DD; "" is today where the organisation is
	Paper     string   // pdf.A4 or pdf.Letter; "" is what the organisation's country prints on
	Reading   bool     // plain text to read out, instead of pages
	Page      int      // a picture of this page, counted from 1, instead of the file
	Width     int      // of the picture, in pixels; 0 is pictureWidth
	Sections  []string // codes of summary_sections that the person ticked; nil: all that they agreed to
	Phone     bool     // the edition for a telephone, which opens with words, instead of that for paper
	Large     bool     // large letters, also where the person does not need them otherwise
	Pictures  bool     // pictures beside the words, likewise

	ticked  bool     // a section that may not be there refuses the whole, because the person asked for it
	edition string   // pages to be kept: of the paper, or of the file for a telephone; "" for what is made at once
	carried *carried // what is made with the person there
}

// asPersonChose is the edition of what is prepared without the person.
const asPersonChose = "chosen"

// carried is what a summary has when it is handed out: the words that are told,
// and where it is paper with a code, the number of the paper.
type carried struct {
	words string
	paper *capsule.Paper
}

// pictureWidth is that of a page on a screen, in pixels: A4 at 100 to the inch.
const pictureWidth = 827

// Check brings country and languages to the form in which they are known, and
// refuses what makes no sense.
func (o *SummaryOrder) Check() error {
	wrong := func(hint string) error { return &care.Error{Code: "summary_order", Kind: care.Invalid, Hint: hint} }
	o.Country = strings.ToUpper(o.Country)
	if countries, _ := care.FindCodes("countries"); o.Country != "" && !countries.Has(o.Country) {
		return wrong("The receiving country is not one of ISO 3166-1.")
	}
	if o.Paper != "" && o.Paper != pdf.A4 && o.Paper != pdf.Letter {
		return wrong("The paper is A4 or Letter.")
	}
	if len(o.Languages) > 2 {
		return wrong("A summary is in one or two languages.")
	}
	if o.Page < 0 || o.Reading && o.Page > 0 || o.Phone && (o.Reading || o.Page > 0) {
		return wrong("A summary is one of a file, a picture of a page, and plain text.")
	}
	if sections, _ := care.FindCodes("summary_sections"); slices.ContainsFunc(o.Sections, func(s string) bool { return !sections.Has(s) }) {
		return wrong("A section is not one of the list summary_sections.")
	}
	for i, l := range o.Languages {
		o.Languages[i] = pdf.Language(l)
		if err := pdf.CheckLanguage(o.Languages[i]); err != nil {
			return err
		}
	}
	return nil
}

// pagesHeader says how many pages there are to make a picture of.
const pagesHeader = "Summary-Pages"

// summary makes the summary of a case for whoever asks: the file to print,
// plain text to read out, or a picture of one page to look at. It is made and
// sent, and kept nowhere.
func (f *Front) summary(e *core.RequestEvent, a care.Actor) error {
	var in struct {
		Form      string   `json:"form"`
		Transfer  string   `json:"transfer"`
		Country   string   `json:"country"`
		Languages []string `json:"languages"`
		Sections  []string `json:"sections"`
		Paper     string   `json:"paper"`
		Large     bool     `json:"large"`
		Pictures  bool     `json:"pictures"`
		Page      int      `json:"page"`
		Width     int      `json:"width"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	o := SummaryOrder{Case: e.Request.PathValue("id"), Transfer: in.Transfer, Country: in.Country, Languages: in.Languages, Sections: in.Sections,
		Paper: in.Paper, Large: in.Large, Pictures: in.Pictures, Reading: in.Form == "text", Page: in.Page, Width: in.Width}
	name, of := "summary.pdf", "application/pdf"
	switch in.Form {
	case "", "pdf":
	case "text":
		name, of = "summary.txt", "text/plain; charset=utf-8"
	case "png":
		name, of = "summary.png", "image/png"
		o.Page = max(1, o.Page)
	default:
		return &care.Error{Code: "summary_order", Kind: care.Invalid, Hint: "The form is pdf, text or png."}
	}
	if in.Form != "png" && (in.Page != 0 || in.Width != 0) {
		return &care.Error{Code: "summary_order", Kind: care.Invalid, Hint: "Only a picture has a page and a width."}
	}
	if err := o.Check(); err != nil {
		return err
	}
	if err := f.meter.take("summary:"+a.Staff, f.cfg.Rates.Summary); err != nil {
		return err
	}
	release, err := f.files.take(e.Request.Context(), a)
	if err != nil {
		return err
	}
	defer release()
	made, err := MakeSummary(e.Request.Context(), f.hub, a, o)
	if err != nil {
		return err
	}
	h := e.Response.Header()
	if made.Pages > 0 {
		h.Set(pagesHeader, strconv.Itoa(made.Pages))
	}
	h.Set("Content-Type", of)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(made.PDF)))
	e.Response.WriteHeader(http.StatusOK)
	_, err = e.Response.Write(made.PDF)
	return err
}
