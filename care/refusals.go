package care

// refusals is every reason for which Check or Canonical keeps something
// aside, with what it means. The person who sees it reads the words under
// "reason.<code>".
var refusals = []struct{ reason, meaning string }{
	{"approval_missing", "this step needs an approval first"},
	{"approval_needs_power", "the approver's roles do not allow approving"},
	{"approval_not_own", "an approval can only be given by the approver"},
	{"approval_twice", "the same person approved already"},
	{"approved_by_author", "whoever wrote what is approved cannot approve it (R29)"},
	{"approved_by_creator", "whoever made the record cannot approve it (R29)"},
	{"approved_fixed", "what was approved does not change (R29)"},
	{"bed_blocked", "the bed is blocked"},
	{"bed_not_occupied", "nobody is recorded in the bed"},
	{"bed_occupied", "somebody is in the bed"},
	{"bed_taken", "the bed is somebody else's at that time"},
	{"case_has_stay", "the person is still staying in a bed"},
	{"case_needs_reason", "closing a case needs a reason"},
	{"claim_needs_date", "this step of a claim needs its date"},
	{"claim_not_paid", "no payment of this claim has been made"},
	{"collection_unknown", "there is no such collection"},
	{"compelled_fixed", "what was approved for an order does not grow (R4)"},
	{"compelled_needs_day", "until when the order forbids telling the person is not written down (R4)"},
	{"compelled_needs_minimum", "what the least is that must be disclosed is not written down (R4)"},
	{"compelled_needs_notice", "telling the person was not tried, nor forbidden (R4)"},
	{"compelled_needs_record", "what was disclosed, to whom and when is not written down (R4)"},
	{"compelled_needs_steps", "the protective steps are not written down (R4)"},
	{"compelled_needs_two", "two different people must approve (R4)"},
	{"consent_as_condition", "a consent that a service depends on is not free (R2)"},
	{"consent_ends_first", "the consent ends before it begins"},
	{"consent_giver_implicated", "the giver is involved in what happened (R27)"},
	{"consent_giver_unchecked", "whether the guardian has a conflict of interest was not checked (R27)"},
	{"consent_incomplete", "a consent needs its language, explanation, checklist, giver and end (R10)"},
	{"consent_needs_decision", "the best-interest decision that this consent rests on is not with the case (R27)"},
	{"consent_needs_guardian", "for a child somebody else must consent too (R27)"},
	{"consent_needs_witness", "a spoken consent needs a witness"},
	{"consent_no_capacity", "the person cannot decide now"},
	{"consent_not_informed", "the person was not told the purpose, the use and how to withdraw (R10)"},
	{"consent_too_long", "a consent ends within a year (R3)"},
	{"consent_widened", "a decision does not grow; who agrees to more gives a new consent"},
	{"contact_needs_safeguards", "the safeguards of this contact are not complete (R36)"},
	{"contact_not_asked", "the person did not ask for this contact (R36)"},
	{"custody_disposed", "the item was disposed of"},
	{"custody_number_taken", "this number of the chain of custody is taken"},
	{"deadline_not_due", "the deadline has not passed"},
	{"device_revoked", "a revoked device is enrolled anew, as another one"},
	{"document_consent_over", "the consent that the document was made under has ended"},
	{"document_not_wanted", "the person chose not to carry this (R17)"},
	{"document_of_hub", "only the hub makes a summary"},
	{"document_to_child", "papers are not handed to a child (R27)"},
	{"emergency_at_desk", "access in an emergency is taken at the desk, by its own way (R30)"},
	{"emergency_not_own", "access in an emergency is taken by whoever needs it, for themselves (R30)"},
	{"follow_up_needs_outcome", "a follow-up that was done has an outcome"},
	{"follow_up_not_due", "the follow-up is not due yet"},
	{"goal_not_reached", "what was not reached is not completed"},
	{"grant_consent_over", "the person's yes to that has run out: ask them again"},
	{"grant_extended", "a grant is not prolonged; give a new one"},
	{"grant_needs_reason", "an emergency grant says that it is one (R30)"},
	{"grant_refused_by_person", "the person does not want this colleague to see that"},
	{"grant_role", "no role of this person may hold this part of a case"},
	{"grant_staff_gone", "there is no such member of staff, or they have left"},
	{"grant_to_self", "nobody gives a grant to themselves"},
	{"grant_too_long", "a grant ends within a year"},
	{"handler_is_subject", "a complaint is not handled by whom it is about, nor by who leads them (R35)"},
	{"handler_not_independent", "a complaint about sexual exploitation goes to a protection officer (R35)"},
	{"interpreter_excluded", "this interpreter must not meet this person (R8)"},
	{"interpreter_not_vetted", "this interpreter has not been vetted (R8)"},
	{"last_approver", "nobody would be left who can approve"},
	{"link_needs_consent", "a recipient's pseudonym needs a consent in force (R24)"},
	{"livelihood_needs_check", "the scheme was not checked against exploitation"},
	{"merge_in_circles", "a case goes on in one that goes on itself"},
	{"merge_takes_two", "that two files are of one person is decided by two people (R29)"},
	{"paid_above_approved", "no more is paid than was approved"},
	{"pathway_not_for_kind", "this pathway is not for this kind of matter"},
	{"payment_needs_confirmation", "the person has not confirmed the payment"},
	{"payment_needs_date", "a payment that was made has a date"},
	{"payment_not_approved", "the payment is not approved (R29)"},
	{"payment_not_paid", "nothing was paid that could be confirmed"},
	{"person_has_stay", "the person has another bed at that time"},
	{"reference_other_case", "the record referred to belongs to another case"},
	{"reference_other_org", "the record referred to belongs to another organisation"},
	{"referral_needs_consent", "the person has not agreed to this referral"},
	{"referral_needs_outcome", "a referral that is done has an outcome"},
	{"referral_needs_reason", "a rejected referral has a reason"},
	{"report_needs_consent", "a report to the police or an embassy needs the person's own consent for it (R1)"},
	{"return_assessment_old", "the risk assessment is older than 14 days (R28)"},
	{"return_needs_assessment", "a return needs a risk assessment of this case (R28)"},
	{"return_not_voluntary", "nobody is returned against their will (R28)"},
	{"return_unsafe", "an answer of the risk assessment says that it is not safe (R28)"},
	{"review_incomplete", "a review names the reviewer and what they found, in one step (R30)"},
	{"review_not_due", "only access in an emergency is reviewed"},
	{"review_not_own", "whoever took the access has no hand in its review (R30)"},
	{"risk_below_own_view", "the person rates their danger higher (R11)"},
	{"roles_need_second_person", "a role that carries powers takes a second person"},
	{"roles_of_self", "nobody changes their own roles"},
	{"screening_foreign_item", "an answer belongs to no question of this tool"},
	{"screening_incomplete", "a question was left out, so there is no score"},
	{"screening_out_of_range", "there is no such answer or score"},
	{"screening_total_differs", "the score differs from its own answers"},
	{"screening_unknown_tool", "there is no such tool"},
	{"signature_not_own", "nobody signs in somebody else's name"},
	{"staff_gone", "this member of staff has left"},
	{"state_not_first", "a record cannot begin in this state"},
	{"state_step", "this state does not follow from the one before"},
	{"stay_ends_first", "the stay ends before it begins"},
	{"stay_needs_check_in", "when the stay began is missing"},
	{"stay_needs_check_out", "when the stay ended is missing"},
	{"task_not_done", "a task for somebody's safety is done, not cancelled (R13)"},
	{"testimony_needs_date", "when the person agreed to testify is missing"},
	{"transfer_needs_best_interest", "moving a child needs a best-interest decision (R27)"},
	{"transfer_needs_consent", "the person has not agreed to this transfer"},
	{"transfer_needs_departure", "when the person departs is missing"},
	{"transfer_needs_reason", "a transfer that fails or is cancelled has a reason"},
	{"transfer_not_accepted", "the receiving side has not accepted"},
	{"value_bad_absent", "that is not one of the reasons why there is no value"},
	{"value_bad_date", "that is no date"},
	{"value_bad_decimal", "that is no decimal number"},
	{"value_bad_id", "that is no id"},
	{"value_bad_time", "that is no time"},
	{"value_bad_utf8", "that is no valid text"},
	{"value_control_character", "the text holds a control character"},
	{"value_empty", "there is no value, and no reason why"},
	{"value_not_in_list", "the code is not in its list"},
	{"value_required", "this field must have a value"},
	{"value_too_long", "the value is too long"},
	{"value_wrong_type", "the value is of another type"},
}

// RefusalReasons lists every reason that Check and Canonical give, sorted.
func RefusalReasons() []string {
	l := make([]string, len(refusals))
	for i, r := range refusals {
		l[i] = r.reason
	}
	return l
}

// RefusalMeaning says in English, for the console and the documentation, what
// a reason means; "" for one that is none.
func RefusalMeaning(reason string) string {
	for _, r := range refusals {
		if r.reason == reason {
			return r.meaning
		}
	}
	return ""
}

// decisionReasons is every reason of a Decision, with what it means.
var decisionReasons = []struct {
	reason  Reason
	meaning string
}{
	{SeeGrant, "a grant for this part of the case is in force"},
	{SeeTopic, "the role sees this part of its organisation's records"},
	{SeeHub, "the hub acted by its own rules"},
	{SeeOwnDraft, "it is their own half-filled form, of a case that is not saved yet"},
	{SeeGranting, "whoever may give grants gave one"},
	{SeeOpening, "the role opens cases"},
	{SeeEmergency, "the glass was broken for this part of the case, for three hours"},
	{SeeOwn, "the actor hears that their own change waits"},
	{NotSignedIn, "nobody is signed in"},
	{NoSuchTarget, "there is nothing like that"},
	{OtherOrg, "it belongs to another organisation"},
	{NoRole, "no role of this person may hold this part"},
	{NoGrant, "there is no grant for this part of the case"},
	{GrantOver, "the grant has ended"},
	{NoPower, "the roles of this person do not allow it"},
	{MayNotOpenCase, "the role does not open cases"},
	{NoSuchAct, "there is no such act"},
	{NotAtDesk, "what an emergency opens is seen at the desk, and leaves it in no form"},
	{ReviewOverdue, "nobody reviewed the emergency in time"},
	{NotActorsOrg, "the person belongs to no organisation"},
	{NotProved, "the person has not given their second factor"},
	{ShareConsented, "the person agreed"},
	{NothingAsked, "the request does not say what, why or how"},
	{NoConsent, "the person was not asked for this"},
	{ConsentDenied, "the person said no"},
	{ConsentWithdrawn, "the person took the consent back"},
	{ConsentExpired, "the consent has ended"},
	{ConsentNotYet, "the consent begins later"},
	{ConsentGiverUnfit, "whoever agreed for the child may not, or the child says no"},
	{PoliceNeedsOwn, "police and immigration need a consent of their own"},
	{RecipientUnclear, "it is not clear who the recipient is"},
	{OrderApproved, "two people approved what the order takes"},
	{OrderNotApproved, "two people did not approve what the order takes, or it has gone already"},
	{OrderScope, "it is not part of what was approved for the order"},
	{NotWanted, "the person chose not to carry one (R17)"},
	{TransferOver, "the move was called off"},
	{NothingToShow, "nothing in the summary may be shown"},
	{ApprovalAsked, "a second person was asked"},
	{ApprovalGiven, "a second person agreed"},
	{ApprovalDeclined, "a second person said no"},
	{ApprovalSpent, "the act was done with a second person's approval"},
	{ApprovalOwn, "whoever asked cannot decide (R29)"},
	{ApprovalAboutSelf, "it is about the person themselves (R29)"},
	{ApprovalOver, "it was decided already, or its time has passed"},
}

// Reasons lists every reason of a Decision.
func Reasons() []Reason {
	l := make([]Reason, len(decisionReasons))
	for i, r := range decisionReasons {
		l[i] = r.reason
	}
	return l
}
