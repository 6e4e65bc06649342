package care

import (
	"testing"
	"time"
)

func TestDeadlineAlertAtEveryStep(t *testing.T) {
	due := time.Date(2026, 7, 31, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		left, days int
		ok         bool
	}{
		{31, 0, false}, {30, 30, true}, {15, 30, true}, {14, 14, true}, {8, 14, true}, {7, 7, true}, {3, 7, true},
		{2, 2, true}, {1, 1, true}, {0, 0, true}, {-5, 0, true},
	} {
		now := due.AddDate(0, 0, -c.left).Add(13 * time.Hour)
		if days, ok := DeadlineAlert(due, now, AlertDays); days != c.days || ok != c.ok {
			t.Errorf("%d days left: got %d %v, want %d %v", c.left, days, ok, c.days, c.ok)
		}
	}
}
