package care

// Purpose is why a datum is collected, used or shared. The list is that of a
// consent (docs/terms.md); FHIR R4 Consent.provision.purpose.
type Purpose string

const (
	ServiceDelivery      Purpose = "service_delivery"
	ReferralPurpose      Purpose = "referral"
	CrossBorderTransfer  Purpose = "cross_border_transfer"
	LegalProceedings     Purpose = "legal_proceedings"
	Testimony            Purpose = "testimony"
	MedicalTreatment     Purpose = "medical_treatment"
	PhotoPurpose         Purpose = "photo"
	Statistics           Purpose = "statistics"
	Research             Purpose = "research"
	TracingFamily        Purpose = "tracing_family"
	LawEnforcementReport Purpose = "law_enforcement_report" // police and immigration: never matched by any other (R1)
	Media                Purpose = "media"
)

// Purposes in the order in which they are asked.
var Purposes = []Purpose{
	ServiceDelivery, MedicalTreatment, ReferralPurpose, CrossBorderTransfer, LegalProceedings, Testimony,
	PhotoPurpose, Statistics, Research, TracingFamily, LawEnforcementReport, Media,
}

// Category is a part of a person's data as a consent names it.
type Category string

const (
	CatIdentity           Category = "identity"
	CatContact            Category = "contact"
	CatLocation           Category = "location"
	CatTraffickingHistory Category = "trafficking_history"
	CatHealth             Category = "health"
	CatMentalHealth       Category = "mental_health"
	CatSexualReproductive Category = "sexual_reproductive"
	CatHIV                Category = "hiv"
	CatLegal              Category = "legal"
	CatEvidence           Category = "evidence"
	CatFamily             Category = "family"
	CatFinancial          Category = "financial"
	CatShelter            Category = "shelter"
)

// Categories in the order in which they are asked.
var Categories = []Category{
	CatIdentity, CatContact, CatLocation, CatTraffickingHistory, CatHealth, CatMentalHealth,
	CatSexualReproductive, CatHIV, CatLegal, CatEvidence, CatFamily, CatFinancial, CatShelter,
}

// Action is what a consent permits or denies.
type Action string

const (
	Collect Action = "collect"
	Use     Action = "use"
	Share   Action = "share"
	Print   Action = "print"
	Export  Action = "export"
)

// Actions in the order in which they are asked.
var Actions = []Action{Collect, Use, Share, Print, Export}
