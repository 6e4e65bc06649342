package care

import "time"

// NothingToShow is why a summary has no list of what was agreed: nothing was.
const NothingToShow Reason = "share_nothing_to_show"

// SectionAgreed is the last section of a summary: what the person agreed to
// share, and until when. It goes with the others and never alone.
const SectionAgreed = "agreed"

// SummarySections decides, section by section, what of a case may go into a
// care summary. Only the request's own categories are replaced: purpose,
// action and recipient stay as they are.
func SummarySections(of Consents, r ShareRequest, now time.Time) map[string]Decision {
	m := make(map[string]Decision, len(carriedSections)+1)
	agreed := Decision{Reason: NothingToShow}
	for section := range carriedSections {
		r.Categories = CarriedCategories(section)
		d := MayShare(of, r, now)
		m[section] = d
		if d.Allowed && (!agreed.Allowed || d.Until.Before(agreed.Until) || d.Until.Equal(agreed.Until) && d.Basis < agreed.Basis) {
			agreed = d
		}
	}
	m[SectionAgreed] = agreed
	return m
}

// MayCarry decides whether one health record may stand in its section of a
// summary: by the section's categories and by those that the record's own
// labels, codes and substance ask for. The second answer is false for what is
// never carried, whatever the person agreed to.
func MayCarry(of Consents, section string, record Row, r ShareRequest, now time.Time) (Decision, bool) {
	more, may := Carried(record)
	if !may {
		return Decision{}, false
	}
	r.Categories = CarriedCategories(append([]string{section}, more...)...)
	return MayShare(of, r, now), true
}
