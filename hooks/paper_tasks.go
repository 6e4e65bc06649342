package hooks

import (
	"context"
	"errors"
	"slices"
	"time"

	"portolan/care"
	"portolan/collections"
)

// answerWithin is how soon the owner should look at what stands in the way of
// a paper, where the departure is not sooner.
const answerWithin = 24 * time.Hour

// task is a new task for the owner of a case, with a title that says nothing
// to whoever sees it on a screen (R22).
func (j *Jobs) task(ctx context.Context, caseID, title string, transfer care.Row) (collections.Draft, error) {
	file, err := j.hub.Read(ctx, j.hub.HubActor(), "cases", caseID)
	if err != nil {
		return collections.Draft{}, err
	}
	due := j.hub.Now().Add(answerWithin)
	if leaves, ok := transfer.Get("departure_at").Time(); ok && (title == "paper_ready" || leaves.Before(due)) {
		due = leaves
	}
	if now := j.hub.Now(); due.Before(now) {
		due = now
	}
	set := map[string]care.Value{
		"title_key": care.OfText(title), "status": care.OfText("open"), "due_at": care.OfTime(due), "raised_by": care.OfText("job"),
	}
	for from, to := range map[string]string{"owner": "assignee", "team": "team"} {
		if v := file.Text(from); v != "" {
			set[to] = care.OfText(v)
		}
	}
	return collections.Draft{Collection: "tasks", Case: caseID, Set: set}, nil
}

// needsYou is the task that says why there is no paper. It is there once for
// each reason; another reason replaces it.
func (j *Jobs) needsYou(ctx context.Context, transfer care.Row, caseID string, why *care.Error) ([]collections.Draft, error) {
	open, err := j.openTasks(ctx, caseID, "transfers", transfer.ID)
	if err != nil {
		return nil, err
	}
	var drafts []collections.Draft
	for _, t := range open {
		if t.Text("rule") == why.Code && t.Text("details") == why.Hint {
			return nil, nil
		}
		drafts = append(drafts, j.closed(t, "cancelled"))
	}
	task, err := j.task(ctx, caseID, "paper_needs_you", transfer)
	if err != nil {
		return nil, err
	}
	task.Set["subject_collection"], task.Set["subject"] = care.OfText("transfers"), care.OfText(transfer.ID)
	task.Set["rule"], task.Set["details"], task.Set["priority"] = care.OfText(why.Code), care.OfText(why.Hint), care.OfText("high")
	return append(drafts, task), nil
}

func (j *Jobs) openTasks(ctx context.Context, caseID, collection, subject string) ([]care.Row, error) {
	tasks, err := j.hub.List(ctx, j.hub.HubActor(), collections.Query{Collection: "tasks", Case: caseID,
		Where: map[string]string{"subject_collection": collection, "status": "open", "raised_by": "job"}})
	return slices.DeleteFunc(tasks, func(t care.Row) bool { return t.Text("subject") != subject }), err
}

// closeTasks ends the job's own open tasks about something.
func (j *Jobs) closeTasks(ctx context.Context, caseID, collection, subject, status string) ([]collections.Draft, error) {
	open, err := j.openTasks(ctx, caseID, collection, subject)
	var drafts []collections.Draft
	for _, t := range open {
		drafts = append(drafts, j.closed(t, status))
	}
	return drafts, err
}

func (j *Jobs) closed(task care.Row, status string) collections.Draft {
	set := map[string]care.Value{"status": care.OfText(status)}
	if status == "done" {
		set["done_at"] = care.OfTime(j.hub.Now())
	}
	return collections.Draft{Collection: "tasks", Record: task.ID, Set: set}
}

// do makes the hub's own changes, which nothing should hold.
func (j *Jobs) do(ctx context.Context, drafts []collections.Draft) error {
	if len(drafts) == 0 {
		return nil
	}
	receipts, err := j.hub.Do(ctx, j.hub.HubActor(), drafts...)
	return errors.Join(err, collections.Refused(receipts))
}
