package care

import "time"

// AlertDays is the ladder of a deadline: how many days before it the assignee
// is told, each step more urgent than the one before.
var AlertDays = []int{30, 14, 7, 2, 1}

// DeadlineAlert gives the lowest step of the ladder that a deadline has come
// to, 0 on its day and after it; ok is false where it is too far away. A
// missed step is not caught up on: only the nearest one speaks.
func DeadlineAlert(due, now time.Time, ladder []int) (days int, ok bool) {
	left := int(due.Truncate(24*time.Hour).Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	if left <= 0 {
		return 0, true
	}
	for _, d := range ladder {
		if left <= d && (!ok || d < days) {
			days, ok = d, true
		}
	}
	return days, ok
}
