package care

// TaskTitles is the neutral catalogue: the only titles that a task may have
// on a lock screen or in a message (R22). Each has its words under
// "task.<key>"; none names a person, an organisation or what the work is.
var TaskTitles = []string{
	"visit", "call", "check_in", "follow_up", "appointment", "deadline", "review", "paper", "form",
	"hand_over", "travel", "supplies", "payment", "question", "urgent", "approval", "meeting", "other",
	"paper_ready", "paper_needs_you", "file_again",
}
