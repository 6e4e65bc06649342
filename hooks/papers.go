package hooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portolan/care"
	"portolan/collections"
)

// tally counts what one look did, for job_runs.
type tally struct{ moves, prepared, refused, cancelled, failed int }

// String is the outcome of a run.
func (n tally) String() string {
	return fmt.Sprintf("%d moves, %d prepared, %d refused, %d cancelled, %d failed", n.moves, n.prepared, n.refused, n.cancelled, n.failed)
}

// look takes back the papers that may no longer leave and prepares those that
// will be needed. One case that fails does not stop the others; it is tried
// again at the next look.
func (j *Jobs) look(ctx context.Context, at collections.Where) (tally, error) {
	var n tally
	papers, err := j.hub.PreparedPapers(ctx, j.hub.HubActor(), at)
	if err != nil {
		return n, err
	}
	for _, p := range papers {
		back, err := j.takeBack(ctx, p)
		switch {
		case ctx.Err() != nil:
			return n, ctx.Err()
		case err != nil:
			n.failed++
		case back:
			n.cancelled++
		}
	}
	tasks, err := j.hub.PaperTasks(ctx, j.hub.HubActor(), at)
	if err != nil {
		return n, err
	}
	for _, t := range tasks {
		if err := j.outdated(ctx, t); err != nil {
			n.failed++
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
	moves, err := j.hub.Departures(ctx, j.hub.HubActor(), at, j.hub.Now().AddDate(0, 0, LeadDays))
	if err != nil {
		return n, err
	}
	for _, m := range moves {
		n.moves++
		if err := j.move(ctx, m, &n); err != nil {
			if ctx.Err() != nil {
				return n, ctx.Err()
			}
			n.failed++
			j.log.Error("preparing a paper", "transfer", m.ID, "code", care.CodeOf(err), "type", fmt.Sprintf("%T", err))
		}
	}
	return n, nil
}

// cancelReasons is what the record of a paper says when it is taken back.
var cancelReasons = map[care.Reason]string{
	care.ConsentWithdrawn: "consent_withdrawn", care.ConsentDenied: "consent_withdrawn", care.ConsentExpired: "consent_ended",
	care.NotWanted: "person_declined", care.TransferOver: "plan_changed",
}

// takeBack cancels a prepared paper that may no longer leave. One that was
// given out cannot be called back: it is listed as that, and the owner is told.
func (j *Jobs) takeBack(ctx context.Context, paper care.Row) (bool, error) {
	d, err := j.hub.PaperDecision(ctx, paper)
	if err != nil {
		return false, err
	}
	if d.Allowed {
		return j.putOff(ctx, paper)
	}
	reason := cmp.Or(cancelReasons[d.Reason], "consent_withdrawn")
	out := paper.Text("status") == "handed_out"
	if out && reason != "consent_withdrawn" {
		return false, nil // what was agreed when it was given has run out or is over; the paper is the person's own
	}
	end := cancelled(paper, reason, j.hub.Now())
	if out {
		end.Set = map[string]care.Value{"status": care.OfText("not_recallable"), "cancel_reason": care.OfText(reason)}
	}
	drafts, err := j.closeTasks(ctx, paper.Case, "documents", paper.ID, "cancelled")
	if err != nil {
		return false, err
	}
	drafts = append(drafts, end)
	transfer, err := j.hub.Read(ctx, j.hub.HubActor(), "transfers", paper.Text("transfer"))
	if err != nil && !errors.Is(err, care.ErrNotFound) {
		return false, err
	}
	task, err := j.needsYou(ctx, transfer, paper.Case, collections.NoConsentError(d.Reason))
	if err != nil {
		return false, err
	}
	return true, j.do(ctx, append(drafts, task...))
}

// putOff cancels a paper that lies ready for a move that was put off: it is made
// anew when its time comes, of the records as they are then.
func (j *Jobs) putOff(ctx context.Context, paper care.Row) (bool, error) {
	if paper.Text("status") != "prepared" || paper.Text("transfer") == "" {
		return false, nil
	}
	transfer, err := j.hub.Read(ctx, j.hub.HubActor(), "transfers", paper.Text("transfer"))
	if err != nil {
		return false, err
	}
	leaves, known := transfer.Get("departure_at").Time()
	if known && !leaves.After(j.hub.Now().AddDate(0, 0, LeadDays)) {
		return false, nil
	}
	drafts, err := j.closeTasks(ctx, paper.Case, "documents", paper.ID, "cancelled")
	if err != nil {
		return false, err
	}
	return true, j.do(ctx, append(drafts, cancelled(paper, "plan_changed", j.hub.Now())))
}

// outdated ends the task about a paper that was cancelled meanwhile: the hub
// cancels papers in the moment in which a consent is withdrawn.
func (j *Jobs) outdated(ctx context.Context, task care.Row) error {
	paper, err := j.hub.Read(ctx, j.hub.HubActor(), "documents", task.Text("subject"))
	if err != nil || paper.Text("status") != "cancelled" {
		return err
	}
	transfer, err := j.hub.Read(ctx, j.hub.HubActor(), "transfers", paper.Text("transfer"))
	if err != nil {
		return err
	}
	reason := care.ConsentWithdrawn
	for r, name := range cancelReasons {
		if name == paper.Text("cancel_reason") && r != care.ConsentDenied {
			reason = r
		}
	}
	tell, err := j.needsYou(ctx, transfer, task.Case, collections.NoConsentError(reason))
	if err != nil {
		return err
	}
	return j.do(ctx, append(tell, j.closed(task, "cancelled")))
}

// move brings the paper of one move up to date.
func (j *Jobs) move(ctx context.Context, transfer care.Row, n *tally) error {
	seq, err := j.hub.CaseSeq(ctx, transfer.Case)
	if err != nil || j.seen[transfer.ID] == seq {
		return err
	}
	papers, err := j.papersOf(ctx, transfer)
	if err != nil {
		return err
	}
	order := SummaryOrder{Case: transfer.Case, Transfer: transfer.ID, edition: asPersonChose}
	made, err := j.make(ctx, order, papers)
	var refused *care.Error
	switch {
	case errors.As(err, &refused) && refused.Kind != care.Busy:
		n.refused++
		err = j.refuse(ctx, transfer, papers, refused)
	case err != nil:
		return err
	case made != nil:
		n.prepared++
		err = j.keep(ctx, transfer, papers, *made)
	}
	if err != nil {
		return err
	}
	// What the look itself wrote is not news.
	if seq, err = j.hub.CaseSeq(ctx, transfer.Case); err == nil {
		j.seen[transfer.ID] = seq
	}
	return err
}

// papersOf lists the summaries ever made for a move, the newest first.
func (j *Jobs) papersOf(ctx context.Context, transfer care.Row) ([]care.Row, error) {
	papers, err := j.hub.List(ctx, j.hub.HubActor(), collections.Query{Collection: "documents", Case: transfer.Case,
		Where: map[string]string{"kind": "summary", "transfer": transfer.ID}})
	slices.SortFunc(papers, func(a, b care.Row) int { return cmp.Compare(version(b), version(a)) })
	return papers, err
}

func version(paper care.Row) int64 {
	v, _ := paper.Get("version").Int()
	return v
}

// make makes the paper anew, and answers nil where the newest one, of its own
// day, has the same bytes: then nothing that it says has changed.
func (j *Jobs) make(ctx context.Context, order SummaryOrder, papers []care.Row) (*Summary, error) {
	hub := j.hub.HubActor()
	if len(papers) > 0 && slices.Contains([]string{"prepared", "handed_out"}, papers[0].Text("status")) {
		order := order
		order.Day = papers[0].Text("issued_on")
		ways := [][]string{order.Languages}
		if papers[0].Text("status") == "handed_out" { // as the person chose it then
			order.Sections = papers[0].Get("sections").List()
			ways = append(ways, eitherWay(papers[0].Get("languages").List())...)
		}
		for _, order.Languages = range ways {
			same, err := MakeSummary(ctx, j.hub, hub, order)
			if err != nil {
				return nil, err
			}
			if same, err := j.hub.SamePaper(papers[0], same.PDF); err != nil || same {
				return nil, err
			}
		}
	}
	made, err := MakeSummary(ctx, j.hub, hub, order)
	return &made, err
}

// eitherWay is the languages of a paper in both orders: its record has a set.
func eitherWay(l []string) [][]string {
	if len(l) < 2 {
		return [][]string{l}
	}
	return [][]string{l, {l[1], l[0]}}
}

// keep stores a new paper in place of those that lie ready, and tells the
// case's owner.
func (j *Jobs) keep(ctx context.Context, transfer care.Row, papers []care.Row, made Summary) error {
	paper := j.record(transfer.Case, transfer.ID, made)
	if len(papers) > 0 {
		paper.Set["version"], paper.Set["replaces"] = care.OfInt(version(papers[0])+1), care.OfText(papers[0].ID)
	}
	replaced, err := j.replaced(ctx, papers)
	if err != nil {
		return err
	}
	mended, err := j.closeTasks(ctx, transfer.Case, "transfers", transfer.ID, "done")
	if err != nil {
		return err
	}
	task, err := j.task(ctx, transfer.Case, "paper_ready", transfer)
	if err != nil {
		return err
	}
	task.Set["subject_collection"] = care.OfText("documents")
	_, err = j.hub.KeepPaper(ctx, j.hub.HubActor(), made.PDF, paper, append(append(replaced, mended...), task)...)
	return err
}

// record is what stands of a summary that was made.
func (j *Jobs) record(caseID, transfer string, made Summary) collections.Draft {
	paper := collections.Draft{Case: caseID, Set: set{
		"kind": care.OfText("summary"), "status": care.OfText("prepared"), "purpose": care.OfText(string(care.CrossBorderTransfer)),
		"edition": care.OfText(made.Edition), "version": care.OfInt(1), "title": care.OfText(collections.PaperName),
		"languages": care.OfList(slices.Compact(slices.Sorted(slices.Values(made.Languages)))...), "sections": care.OfList(made.Sections...),
		"consent": care.OfText(made.Basis), "issued_on": care.OfText(made.Day),
		"valid_until": care.OfText(made.Until.UTC().Format(time.DateOnly)), "prepared_at": care.OfTime(j.hub.Now()),
	}}
	for field, v := range map[string]string{"transfer": transfer, "destination_country": made.Country} {
		if v != "" {
			paper.Set[field] = care.OfText(v)
		}
	}
	return paper
}

// refuse cancels what lies ready, which is out of date by now, and tells the
// owner why there is no paper.
func (j *Jobs) refuse(ctx context.Context, transfer care.Row, papers []care.Row, why *care.Error) error {
	drafts, err := j.replaced(ctx, papers)
	if err != nil {
		return err
	}
	task, err := j.needsYou(ctx, transfer, transfer.Case, why)
	if err != nil {
		return err
	}
	return j.do(ctx, append(drafts, task...))
}

// replaced cancels those of the papers that lie ready, with their tasks: the
// records say something else by now.
func (j *Jobs) replaced(ctx context.Context, papers []care.Row) ([]collections.Draft, error) {
	var drafts []collections.Draft
	for _, p := range papers {
		if p.Text("status") != "prepared" {
			continue
		}
		tasks, err := j.closeTasks(ctx, p.Case, "documents", p.ID, "cancelled")
		if err != nil {
			return nil, err
		}
		drafts = append(append(drafts, cancelled(p, "records_changed", j.hub.Now())), tasks...)
	}
	return drafts, nil
}

func cancelled(paper care.Row, reason string, at time.Time) collections.Draft {
	return collections.Draft{Collection: "documents", Record: paper.ID, Set: map[string]care.Value{
		"status": care.OfText("cancelled"), "cancelled_at": care.OfTime(at), "cancel_reason": care.OfText(reason)}}
}
