package care

import "slices"

// FileMissing is what follows when a file of a document was begun and never
// became whole: whoever was bringing it is asked to send it again or, where they
// are not on the case any more, whoever owns the case. The upload's id keeps the
// next one that ends from being taken for the same.
func FileMissing(w World, doc Row, staff, upload string) Consequence {
	e, _ := Find("documents")
	c := &check{w: w, e: e, after: doc, now: w.Now(), a: Actor{Staff: HubStaff}}
	task := c.task(order{rule: "file_missing", title: "file_again", priority: "normal", due: c.now, again: upload})
	onCase := func(g Row) bool { return g.Case == doc.Case && g.Text("status") == "active" }
	if slices.ContainsFunc(w.ByField("grants", "staff", staff), onCase) {
		task.Set["assignee"] = OfText(staff)
	}
	return task
}
