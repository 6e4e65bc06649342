package care

var reintegrationCodes = []*CodeList{
	{Name: "plan_kinds", Source: "HTCDS 2.0 spl_Type (IOM, CC BY 4.0)", Codes: []string{
		"Education", "Financial", "Health", "LabourExploitationRehabilitation", "Legal", "Livelihood", "RightsBasedTraining",
		"SexualExploitationRehabilitation", "SocialCare"}},
	{Name: "plan_states", Source: "FHIR R4 request-status", Codes: []string{"draft", "active", "on-hold", "revoked", "completed"}},
	{Name: "plan_phases", Source: "NEXUS Institute, phases of reintegration", Codes: []string{"crisis", "transition", "reintegration"}},
	{Name: "goal_domains", Source: "local, after MSCOS and IOM determinants", Codes: []string{
		"housing", "safety", "health", "mental_health", "legal", "documents", "income", "work", "education", "language", "family", "community", "children", "other"}},
	{Name: "goal_priorities", Source: "FHIR R4 goal-priority", Codes: []string{"high-priority", "medium-priority", "low-priority"}},
	{Name: "goal_states", Source: "FHIR R4 goal-status", Codes: []string{"proposed", "accepted", "active", "on-hold", "completed", "cancelled"}},
	{Name: "goal_achievements", Source: "FHIR R4 goal-achievement", Codes: []string{
		"in-progress", "improving", "worsening", "no-change", "achieved", "sustaining", "not-achieved", "no-progress", "not-attainable"}},
	{Name: "activity_kinds", Source: "local", Codes: []string{
		"vocational_training", "apprenticeship", "language_course", "literacy", "job_search", "counselling", "group", "life_skills",
		"financial_literacy", "rights_training", "school", "sport_or_art", "childcare", "other"}},
	{Name: "activity_states", Source: "FHIR R4 request-status, in words of the field", Codes: []string{"planned", "active", "on-hold", "completed", "stopped", "cancelled"}},
	{Name: "education_fields", Source: "UNESCO ISCED-F 2013, broad fields", Open: true, Pattern: `[01][0-9]{1,3}`, Codes: []string{
		"00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10"}},
	{Name: "livelihood_kinds", Source: "local", Codes: []string{"grant", "loan", "in_kind", "tools", "savings_group"}},
	{Name: "livelihood_states", Source: "local", Codes: []string{
		"proposed", "approved", "refused", "withdrawn", "disbursed", "repaying", "completed", "forgiven", "stopped"}},
	{Name: "check_results", Source: "local", Codes: []string{"not_done", "passed", "concerns", "failed"}},
	{Name: "employment_states", Source: "local", Codes: []string{"offered", "current", "declined", "ended"}},
	{Name: "occupations", Source: "ILO ISCO-08, major groups; any group by its digits", Open: true, Pattern: `[0-9]{1,4}`, Codes: []string{
		"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
	{Name: "contract_kinds", Source: "local", Codes: []string{"written", "oral", "none", "agency", "self_employed", "apprenticeship"}},
	{Name: "wage_periods", Source: "local", Codes: []string{"hour", "day", "week", "month", "piece"}},
	{Name: "wage_levels", Source: "local", Codes: []string{"below", "at", "above"}},
	{Name: "education_states", Source: "local", Codes: []string{
		"wanted", "waiting", "enrolled", "interrupted", "completed", "dropped_out", "not_enrolled"}},
	{Name: "education_stages", Source: "UNESCO ISCED 2011, levels 0 to 8", Codes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}},
	{Name: "education_barriers", Source: "local", Codes: []string{
		"cost", "papers", "language", "distance", "safety", "health", "disability", "care_duties", "no_place", "stigma"}},
	{Name: "attendance_levels", Source: "local", Codes: []string{"regular", "irregular", "none"}},
	{Name: "follow_up_states", Source: "local, after FHIR R4 task-status", Codes: []string{"planned", "done", "missed", "cancelled"}},
	{Name: "follow_up_modes", Source: "local", Codes: []string{"visit", "call", "safe_message"}},
	{Name: "follow_up_outcomes", Source: "local", Codes: []string{
		"seen", "safe_remote", "declined", "unreachable", "moved", "retrafficked", "deceased"}},
	{Name: "mscos_outcomes", Source: "Modern Slavery Core Outcome Set (Jannesari and others, 2023), seven outcomes; words local", Codes: []string{
		"housing", "safety", "consistent_support", "trauma_informed_services", "purpose", "medical_treatment", "education"}},
	{Name: "retrafficking_levels", Source: "local: three levels of evidence (indicator I27)", Codes: []string{"no_sign", "suspected", "reported", "confirmed"}},
}
