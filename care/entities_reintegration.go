package care

// Support after the crisis, as the person plans it: FHIR CarePlan, Goal and
// ServiceRequest; HTCDS 2.0 where it has a name (spl_).
var reintegrationEntities = defaults(General, Restricted, ServiceDelivery, []*Entity{
	plans, goals, activities, livelihoodGrants, employments, educations, followUps,
})

var plans = &Entity{
	Name: "plans", Doc: "One support plan agreed with the person.", FHIR: "CarePlan",
	Machine: &Machine{
		Field: "status", Initial: []string{"draft", "active", "on-hold", "completed"},
		Steps: map[string][]string{
			"draft":   {"active", "revoked"},
			"active":  {"on-hold", "completed", "revoked"},
			"on-hold": {"active", "completed", "revoked"},
		},
	},
	Fields: []Field{
		{Name: "kind", Type: Codes, Codes: "plan_kinds", Merge: Union, HTCDS: "spl_Type", FHIR: "CarePlan.category"},
		{Name: "status", Type: Code, Codes: "plan_states", Merge: Ask, FHIR: "CarePlan.status", Required: true},
		{Name: "phase", Type: Code, Codes: "plan_phases", Merge: Ask},
		{Name: "objectives", Type: LongText, Merge: Latest, HTCDS: "spl_Objectives", FHIR: "CarePlan.description"},
		{Name: "action_plan", Type: LongText, Merge: Latest, HTCDS: "spl_ActionPlan", FHIR: "CarePlan.note.text"},
		{Name: "starts_on", Type: Date, Merge: Ask, FHIR: "CarePlan.period.start"},
		{Name: "planned_end_on", Type: Date, Merge: Ask, HTCDS: "spl_PlannedEndDate", FHIR: "CarePlan.period.end"},
		{Name: "actual_end_on", Type: Date, Merge: Ask, HTCDS: "spl_ActualEndDate"},
		{Name: "agreed_by_person_on", Type: Date, Merge: Once},
		{Name: "copy_given_on", Type: Date, Merge: Latest},
		{Name: "review_on", Type: Date, Merge: Safer, Safer: Comparator{Dates: "earliest"}},
		{Name: "lead", Type: Ref, Ref: "staff", Merge: Latest, FHIR: "CarePlan.author"},
		{Name: "approved_by", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "approved_at", Type: Time, Merge: Once},
		{Name: "budget", Type: Decimal, Compartment: Finance, Merge: Ask},
		{Name: "currency", Type: Code, Codes: "currencies", Compartment: Finance, Merge: Once},
		{Name: "funding_source", Type: Ref, Ref: "funding_sources", Compartment: Finance, Merge: Latest},
		{Name: "end_reason", Type: Text, Merge: Latest},
	},
}

var goals = &Entity{
	Name: "goals", Doc: "One thing that the person wants to reach, in the person's words.", FHIR: "Goal",
	Machine: &Machine{
		Field: "status", Initial: []string{"proposed", "accepted", "active", "completed"},
		Steps: map[string][]string{
			"proposed":  {"accepted", "active", "cancelled"},
			"accepted":  {"active", "on-hold", "completed", "cancelled"},
			"active":    {"on-hold", "completed", "cancelled"},
			"on-hold":   {"active", "completed", "cancelled"},
			"completed": {"active"}, // what was reached may be lost again
			"cancelled": {"proposed"},
		},
	},
	Fields: []Field{
		{Name: "plan", Type: Ref, Ref: "plans", Merge: Once, FHIR: "Goal.addresses"},
		{Name: "domain", Type: Code, Codes: "goal_domains", Merge: Latest, FHIR: "Goal.category"},
		{Name: "wording", Type: LongText, Merge: Latest, FHIR: "Goal.description.text", Required: true},
		{Name: "measure", Type: Text, Merge: Latest, FHIR: "Goal.target.measure"},
		{Name: "priority", Type: Code, Codes: "goal_priorities", Merge: Latest, FHIR: "Goal.priority"},
		{Name: "status", Type: Code, Codes: "goal_states", Merge: Ask, FHIR: "Goal.lifecycleStatus", Required: true},
		{Name: "achievement", Type: Code, Codes: "goal_achievements", Merge: Ask, FHIR: "Goal.achievementStatus"},
		{Name: "starts_on", Type: Date, Merge: Latest, FHIR: "Goal.startDate"},
		{Name: "due_on", Type: Date, Merge: Ask, FHIR: "Goal.target.dueDate"},
		{Name: "reached_on", Type: Date, Merge: Ask, FHIR: "Goal.statusDate"},
		{Name: "person_rating", Type: Int, Merge: Latest}, // 1 to 5, how near the person feels
		{Name: "progress", Type: LongText, Merge: Latest, FHIR: "Goal.note.text"},
	},
}

var activities = &Entity{
	Name: "activities", Doc: "One training, course, counselling or other step of a plan.", FHIR: "ServiceRequest",
	Machine: &Machine{
		Field: "status", Initial: []string{"planned", "active", "completed"},
		Steps: map[string][]string{
			"planned":   {"active", "completed", "cancelled"},
			"active":    {"on-hold", "completed", "stopped"},
			"on-hold":   {"active", "completed", "stopped"},
			"stopped":   {"active"},
			"cancelled": {"planned"},
		},
	},
	Fields: []Field{
		{Name: "plan", Type: Ref, Ref: "plans", Merge: Once, FHIR: "ServiceRequest.basedOn"},
		{Name: "goal", Type: Ref, Ref: "goals", Merge: Latest},
		{Name: "kind", Type: Code, Codes: "activity_kinds", Merge: Once, FHIR: "ServiceRequest.category", Required: true},
		{Name: "title", Type: Text, Merge: Latest, FHIR: "ServiceRequest.code.text"},
		{Name: "status", Type: Code, Codes: "activity_states", Merge: Ask, FHIR: "ServiceRequest.status", Required: true},
		{Name: "provider", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "service", Type: Ref, Ref: "services", Merge: Latest, FHIR: "ServiceRequest.performer"},
		{Name: "education_field", Type: Code, Codes: "education_fields", Merge: Latest},
		{Name: "hours", Type: Decimal, Merge: Latest},
		{Name: "starts_on", Type: Date, Merge: Ask, FHIR: "ServiceRequest.occurrencePeriod.start"},
		{Name: "ends_on", Type: Date, Merge: Ask, FHIR: "ServiceRequest.occurrencePeriod.end"},
		{Name: "certificate", Type: Text, Merge: Latest},
		{Name: "certificate_on", Type: Date, Merge: Latest},
		{Name: "childcare", Type: Bool, Merge: Latest},
		{Name: "transport", Type: Bool, Merge: Latest},
		{Name: "cost", Type: Decimal, Compartment: Finance, Merge: Ask},
		{Name: "currency", Type: Code, Codes: "currencies", Compartment: Finance, Merge: Once},
		{Name: "funding_source", Type: Ref, Ref: "funding_sources", Compartment: Finance, Merge: Latest},
		{Name: "outcome", Type: LongText, Merge: Latest},
	},
}

// A grant or loan is checked against exploitation before it is paid: money
// that somebody else controls is a means of control.
var livelihoodGrants = &Entity{
	Name: "livelihood_grants", Doc: "One micro-grant, loan or set of tools to live from.", FHIR: "ServiceRequest",
	Machine: &Machine{
		Field: "status", Initial: []string{"proposed"},
		Steps: map[string][]string{
			"proposed":  {"approved", "refused", "withdrawn"},
			"refused":   {"proposed"},
			"approved":  {"disbursed", "withdrawn"},
			"disbursed": {"repaying", "completed", "stopped"},
			"repaying":  {"completed", "forgiven", "stopped"},
			"stopped":   {"repaying", "forgiven"},
		},
	},
	Fields: defaultsIn(Finance, []Field{
		{Name: "plan", Type: Ref, Ref: "plans", Merge: Once},
		{Name: "goal", Type: Ref, Ref: "goals", Merge: Latest},
		{Name: "kind", Type: Code, Codes: "livelihood_kinds", Merge: Once, Required: true},
		{Name: "status", Type: Code, Codes: "livelihood_states", Merge: Ask, Required: true},
		{Name: "purpose", Type: LongText, Merge: Latest},
		{Name: "amount", Type: Decimal, Merge: Ask},
		{Name: "currency", Type: Code, Codes: "currencies", Merge: Once},
		{Name: "tranche", Type: Int, Merge: Once},
		{Name: "tranches", Type: Int, Merge: Once},
		{Name: "decided_on", Type: Date, Merge: Ask},
		{Name: "approved_by", Type: Ref, Ref: "staff", Own: true, Merge: Once},
		{Name: "due_diligence", Type: Code, Codes: "check_results", Merge: Safer, Safer: Comparator{Order: []string{"passed", "not_done", "concerns", "failed"}}},
		{Name: "due_diligence_on", Type: Date, Merge: Latest},
		{Name: "due_diligence_by", Type: Ref, Ref: "staff", Own: true, Merge: Latest},
		{Name: "repayment", Type: Text, Merge: Ask},
		{Name: "repaid", Type: Decimal, Merge: Ask},
		{Name: "repay_until", Type: Date, Merge: Ask},
		{Name: "used_for", Type: LongText, Merge: Latest},
		{Name: "funding_source", Type: Ref, Ref: "funding_sources", Merge: Latest},
		{Name: "outcome", Type: LongText, Merge: Latest},
	}),
}

var employments = &Entity{
	Name: "employments", Doc: "One job of the person, with the check of the employer.", FHIR: "Observation",
	Machine: &Machine{
		Field: "status", Initial: []string{"offered", "current", "ended"},
		Steps: map[string][]string{
			"offered": {"current", "declined", "ended"},
			"current": {"ended"},
			"ended":   {"current"},
		},
	},
	Fields: []Field{
		{Name: "status", Type: Code, Codes: "employment_states", Merge: Ask, Required: true},
		{Name: "occupation", Type: Code, Codes: "occupations", Merge: Latest, FHIR: "Observation.valueCodeableConcept"},
		{Name: "industry", Type: Code, Codes: "industries", Merge: Latest},
		{Name: "title", Type: Text, Merge: Latest},
		{Name: "employer", Type: Text, Merge: Latest, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "workplace", Type: Text, Compartment: Location, Sensitivity: VeryRestricted, Merge: Latest, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "contract", Type: Code, Codes: "contract_kinds", Merge: Latest},
		{Name: "starts_on", Type: Date, Merge: Ask},
		{Name: "ends_on", Type: Date, Merge: Ask},
		{Name: "hours_per_week", Type: Decimal, Merge: Latest},
		{Name: "wage", Type: Decimal, Compartment: Finance, Merge: Latest},
		{Name: "wage_period", Type: Code, Codes: "wage_periods", Compartment: Finance, Merge: Once},
		{Name: "currency", Type: Code, Codes: "currencies", Compartment: Finance, Merge: Once},
		{Name: "wage_against_minimum", Type: Code, Codes: "wage_levels", Merge: Safer, Safer: Comparator{Order: []string{"above", "at", "below"}}},
		{Name: "employer_check", Type: Code, Codes: "check_results", Merge: Safer, Safer: Comparator{Order: []string{"passed", "not_done", "concerns", "failed"}}},
		{Name: "employer_checked_on", Type: Date, Merge: Latest},
		{Name: "holds_own_papers", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"true", "false"}}}, // papers kept by an employer are a warning sign (ILO indicators of forced labour)
		{Name: "free_to_leave", Type: Bool, Merge: Safer, Safer: Comparator{Order: []string{"true", "false"}}},
		{Name: "end_reason", Type: Text, Merge: Latest},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

var educations = &Entity{
	Name: "educations", Doc: "Schooling of the person or of one who depends on them.", FHIR: "Observation",
	Machine: &Machine{
		Field: "status", Initial: []string{"wanted", "waiting", "enrolled", "completed", "not_enrolled"},
		Steps: map[string][]string{
			"wanted":       {"waiting", "enrolled", "not_enrolled"},
			"waiting":      {"enrolled", "not_enrolled", "wanted"},
			"enrolled":     {"completed", "interrupted", "dropped_out"},
			"interrupted":  {"enrolled", "dropped_out"},
			"dropped_out":  {"wanted", "enrolled"},
			"not_enrolled": {"wanted", "waiting", "enrolled"},
		},
	},
	Fields: []Field{
		{Name: "dependent", Type: Ref, Ref: "dependents", Merge: Once}, // empty: the person's own
		{Name: "status", Type: Code, Codes: "education_states", Merge: Ask, Required: true},
		{Name: "level", Type: Code, Codes: "education_stages", Merge: Latest},
		{Name: "grade", Type: Text, Merge: Latest},
		{Name: "school", Type: Text, Compartment: Location, Sensitivity: VeryRestricted, Merge: Latest, Labels: []Label{LabelLocation}, Canary: true},
		{Name: "language", Type: Code, Codes: "languages", Merge: Latest},
		{Name: "enrolled_on", Type: Date, Merge: Ask},
		{Name: "left_on", Type: Date, Merge: Ask},
		{Name: "barriers", Type: Codes, Codes: "education_barriers", Merge: Union},
		{Name: "attendance", Type: Code, Codes: "attendance_levels", Merge: Latest},
		{Name: "cost", Type: Decimal, Compartment: Finance, Merge: Ask},
		{Name: "currency", Type: Code, Codes: "currencies", Compartment: Finance, Merge: Once},
		{Name: "funding_source", Type: Ref, Ref: "funding_sources", Compartment: Finance, Merge: Latest},
		{Name: "note", Type: LongText, Merge: Latest},
	},
}

// A visit that was missed stays open to be done late with its real date; a
// follow-up moves with the person (responsible_org, responsible_country).
var followUps = &Entity{
	Name: "follow_ups", Doc: "One contact at a set time after the person moved on.", FHIR: "Task",
	Machine: &Machine{
		Field: "status", Initial: []string{"planned", "done"},
		Steps: map[string][]string{
			"planned":   {"done", "missed", "cancelled"},
			"missed":    {"done", "planned", "cancelled"},
			"cancelled": {"planned"},
		},
	},
	Fields: []Field{
		{Name: "month", Type: Int, Merge: Once}, // 1, 3, 6, 12, 24: FollowUpMonths
		{Name: "status", Type: Code, Codes: "follow_up_states", Merge: Ask, FHIR: "Task.status", Required: true},
		{Name: "due_on", Type: Date, Merge: Ask, FHIR: "Task.restriction.period.end", Required: true},
		{Name: "window_days", Type: Int, Merge: Once}, // days before and after due_on that still count as in time
		{Name: "mode", Type: Code, Codes: "follow_up_modes", Merge: Latest},
		{Name: "responsible_org", Type: Ref, Ref: "organisations", Merge: Ask, FHIR: "Task.owner"},
		{Name: "responsible_country", Type: Code, Codes: "countries", Merge: Ask},
		{Name: "assignee", Type: Ref, Ref: "staff", Merge: Latest, FHIR: "Task.owner"},
		{Name: "transfer", Type: Ref, Ref: "transfers", Merge: Once},
		{Name: "done_at", Type: Time, Merge: Once, FHIR: "Task.executionPeriod.end"},
		{Name: "outcome", Type: Code, Codes: "follow_up_outcomes", Merge: Once},
		{Name: "outcomes_met", Type: Codes, Codes: "mscos_outcomes", Merge: Once},
		{Name: "outcomes_unmet", Type: Codes, Codes: "mscos_outcomes", Merge: Once},
		{Name: "scale_answers", Type: Object, Merge: Once}, // IOM scale: indicator to score
		{Name: "scale_economic", Type: Decimal, Merge: Once},
		{Name: "scale_social", Type: Decimal, Merge: Once},
		{Name: "scale_psychosocial", Type: Decimal, Sensitivity: VeryRestricted, Merge: Once, Labels: []Label{LabelPSY}},
		{Name: "retrafficked", Type: Code, Codes: "retrafficking_levels", Sensitivity: VeryRestricted, Merge: Safer, Safer: Comparator{Order: []string{"no_sign", "suspected", "reported", "confirmed"}}, Labels: []Label{LabelTrafficking}},
		{Name: "needs", Type: Codes, Codes: "goal_domains", Merge: Union},
		{Name: "agreed_next", Type: LongText, Merge: Latest},
		{Name: "note", Type: LongText, Merge: Once},
	},
}

// FollowUpMonths is when a person is followed up, in months after moving on.
var FollowUpMonths = []int{1, 3, 6, 12, 24}
