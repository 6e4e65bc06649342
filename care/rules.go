package care

// rules is the conditions that a record must meet beside its machine and its
// required fields, by collection.
var rules = map[string][]rule{
	"consents":  {consentEnd, consentInformed, consentOnlyNarrows},
	"stays":     {stayDates, stayBed, stayPerson},
	"beds":      {bedState},
	"transfers": {transferConsented, transferReturn, transferAccepted},
	"grants":    {grantTerm, grantHolder},
}
