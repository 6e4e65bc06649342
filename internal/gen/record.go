package gen

import (
	"fmt"
	"time"

	"portolan/care"
)

// papers writes tasks, notes, documents, what the person thinks of the help,
// and what an import could not place.
func (s *story) papers() {
	s.tasks()
	s.notes()
	s.documents()
	if s.chance(35) {
		s.feedback()
	}
	if s.i%12 == 1 {
		s.begin("set_asides", s.opened).puts(map[string]any{
			"source": "htcds_table", "path": fmt.Sprintf("cases.csv:%d:prs_Nickname", s.i+2), "value": from(s.source, s.c.women...).own, "reason": "unknown_field", "status": "open",
		})
	}
}

func (s *story) tasks() {
	for range 1 + s.IntN(3) {
		due := s.between(days(s.w.now, -4), days(s.w.now, 14))
		s.task("open", due)
	}
	done := s.task("open", s.when(s.opened))
	done.amend().puts(map[string]any{"status": "done", "done_at": s.when(days(s.opened, 1)), "done_by": s.owner})
}

func (s *story) task(status string, due time.Time) *sheet {
	return s.begin("tasks", s.opened).puts(map[string]any{
		"title_key": s.code("task_titles"), "status": status, "due_at": due, "assignee": s.owner, "team": s.team, "priority": s.code("priorities"),
		"subject_collection": "survivors", "subject": s.survivor.id, "raised_by": "person", "details": "As agreed in the last meeting.",
	})
}

func (s *story) notes() {
	for n := range 2 + s.IntN(3) {
		at := s.when(days(s.opened, n))
		note := s.begin("notes", at).puts(map[string]any{
			"kind": from(s.source, "general", "visit", "call"), "occurred_at": at, "text": from(s.source, "Slept better.", "Asked about the course.", "Quiet; went for a walk together."),
			"contact_mode": from(s.source, "in_person", "phone_call"), "interpreter": s.interpreter,
		})
		if n == 0 {
			note.puts(map[string]any{"identity_text": "Her sister is called " + from(s.source, s.c.women...).own, "security_text": "Seen twice near the market in " + s.c.city.own, "told_topics": s.codes("told_topics", 1, 3)})
		}
	}
	at := s.when(s.opened)
	s.begin("notes", at).puts(map[string]any{"kind": "medical", "occurred_at": at, "health_text": "Took the first dose in front of the nurse."})
	s.begin("notes", at).puts(map[string]any{"kind": "legal", "occurred_at": at, "legal_text": "Wants to hear about the labour claim before deciding."})
}

func (s *story) documents() {
	at := s.when(s.opened)
	s.document("consent_copy", "handed_out", "", s.c.language, at)
	if s.chance(50) {
		s.document("medical_report", "kept", "health", "es", at)
	}
	if s.child {
		s.document("best_interest_decision", "kept", "general", "es", at)
	}
	if !s.anonymous && s.chance(20) {
		photo := s.document("photo", "kept", "identity", "es", at)
		s.identity.amend().put("photo", photo)
	}
}

func (s *story) document(kind, status, compartment, language string, at time.Time) string {
	first := status
	if status == "handed_out" {
		first = "prepared"
	}
	d := s.begin("documents", at).puts(map[string]any{
		"kind": kind, "status": first, "version": 1, "title": kind, "compartment": compartment, "filed_at": at,
		"pages": 1 + s.IntN(4), "languages": []string{language}, "issued_on": at, "prepared_at": at, "retention_until": at.AddDate(5, 0, 0),
	})
	if status == "handed_out" {
		receiver := "person"
		if s.child {
			receiver = "guardian" // papers never go to a child directly (R27)
		}
		d.amend().puts(map[string]any{"status": "handed_out", "handed_out_at": at, "handed_out_by": s.owner, "handed_out_to": receiver})
	}
	return d.id
}

func (s *story) feedback() {
	at := s.when(days(s.opened, 5))
	kind := from(s.source, "satisfaction", "satisfaction", "praise", "suggestion", "complaint")
	f := s.begin("feedbacks", at).puts(map[string]any{
		"kind": kind, "status": "received", "channel": s.code("feedback_channels"), "anonymous": s.chance(20), "language": s.c.language, "received_at": at, "wants_answer": true,
	})
	switch kind {
	case "satisfaction":
		f.put("answers", objectOf(map[string]string{"respected": fmt.Sprint(3 + s.IntN(3)), "safe": fmt.Sprint(2 + s.IntN(4)), "heard": fmt.Sprint(1 + s.IntN(5))}))
	case "complaint":
		f.puts(map[string]any{"complaint": "Waited two weeks for the money.", "category": "payment", "severity": "moderate", "handler": s.w.person(care.ProtectionOfficer, 0), "due_at": days(at, 30)})
		if ack := days(at, 3); ack.Before(s.w.now) {
			f.amend().puts(map[string]any{"status": "acknowledged", "acknowledged_at": ack})
		}
	default:
		f.put("words", s.c.wish)
	}
}
