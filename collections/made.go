package collections

import (
	"slices"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// made is what one change did, or did not, to one compartment of a record.
type made struct {
	actor    care.Actor
	target   care.Target
	decision care.Decision // denied: kept aside, and why
	record   string
}

// madeOf lists what a change did, for the audit log. What is kept aside as a
// whole names nothing but its reason where it is not known what it is about.
func madeOf(a *arrival, org, caseID string, receipt fieldsync.Receipt) []made {
	target := care.Target{Org: org, Case: caseID}
	if !fieldsync.IsID(caseID) {
		target.Case = ""
	}
	e, ok := care.Find(a.Collection)
	record := a.Record
	if !ok || !fieldsync.IsID(record) {
		ok, record = false, "" // a stranger's words: the change itself is in the log of changes
	} else {
		target.Collection, target.Topic = e.Name, e.Topic
	}
	if target.Topic != care.NoTopic {
		target.Case = ""
	}
	var l []made
	add := func(c care.Compartment, d care.Decision) {
		target.Compartment = c
		if !slices.ContainsFunc(l, func(m made) bool { return m.target == target && m.decision == d }) {
			l = append(l, made{a.actor, target, d, record})
		}
	}
	aside := map[string]care.Reason{}
	for _, h := range receipt.Held {
		aside[h.Field] = care.Reason(h.Reason)
	}
	if why, whole := aside[""]; whole || !ok {
		add("", care.Decision{Reason: why})
		return l
	}
	for _, name := range a.Fields() {
		f, ok := e.Field(name)
		switch why, held := aside[name]; {
		case held && !ok:
			add("", care.Decision{Reason: why})
		case held:
			add(f.Compartment, care.Decision{Reason: why})
		case ok:
			add(f.Compartment, care.Decision{Allowed: true, Reason: a.why[f.Compartment]})
		}
	}
	return l
}

// noteMade notes what the transaction wrote: for each author and case one
// event, with the records and compartments, and how far the chains of changes
// have come with it. The chains cover every byte of every change, so that a
// signed checkpoint pins the log of changes as well.
func (s *session) noteMade() {
	type key struct{ staff, caseID, org string }
	var order []key
	events := map[key][]event{}
	actors := map[key]care.Actor{}
	for _, m := range s.made {
		k := key{m.actor.Staff, m.target.Case, m.target.Org}
		if _, ok := events[k]; !ok {
			order = append(order, k)
			actors[k] = m.actor
		}
		events[k] = m.addTo(events[k])
	}
	for _, k := range order {
		s.t.noted = append(s.t.noted, noted{at: s.nowText, actor: actors[k], events: events[k]})
	}
	if len(order) > 0 {
		s.t.noted[len(s.t.noted)-1].chains = append(s.chains, chainEnd{Replica: s.h.replica, N: s.hubN, Link: s.hubLink.String()})
	}
}

// addTo counts what changes did to one compartment as one event.
func (m made) addTo(events []event) []event {
	at := slices.IndexFunc(events, func(e event) bool { return e.target == m.target && e.decision == m.decision })
	if at < 0 {
		at = len(events)
		events = append(events, event{act: ActChange, target: m.target, decision: m.decision})
	}
	e := &events[at]
	e.count++
	if m.record != "" && len(e.records) < audit.RecordsMax && !slices.Contains(e.records, m.record) {
		e.records = append(e.records, m.record)
	}
	return events
}
