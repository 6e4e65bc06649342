package care

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
