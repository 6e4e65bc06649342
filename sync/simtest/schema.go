// Package simtest is a seeded world in memory: a model of the hub, tablets, a
// bad network, bad clocks, crashes on both ends, grants that come and go,
// tablets that are revoked, locked and enrolled again, programs of different
// age, and a hub restored from old backups. It speaks the real wire format;
// what decides is the real code: registers and what is waited for (sync), who
// may read and write (care). Invariants hold after every step, against a ledger
// of every value that anybody entered. A seed plays a run again, and a run that
// fails is made smaller.
package simtest

import (
	"fmt"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// place is one field of one record.
type place struct{ record, field string }

// fields of the simulated world, one of each policy. newer is known only to
// programs of the second version.
var fields = []care.Field{
	{Name: "ask", Merge: care.Ask, Compartment: care.General},
	{Name: "latest", Merge: care.Latest, Compartment: care.General},
	{Name: "newer", Merge: care.Latest, Compartment: care.General},
	{Name: "once", Merge: care.Once, Compartment: care.General},
	{Name: "removal", Merge: care.Union, RemovalWins: true, Compartment: care.General},
	{Name: "safer", Merge: care.Safer, Compartment: care.Health, Safer: care.Comparator{Order: append(slices.Clone(values), newerValue)}},
	{Name: "union", Merge: care.Union, Compartment: care.Health},
}

// values that people enter, the most protective last.
var values = []string{"a", "b", "c", "d", "e"}

// compartments of the fields.
var compartments = []care.Compartment{care.General, care.Health}

func fieldOf(name string) *care.Field {
	i := slices.IndexFunc(fields, func(f care.Field) bool { return f.Name == name })
	return &fields[i]
}

// knows says whether a program of a version knows a field.
func knows(version int, name string) bool { return version > 1 || name != "newer" }

// newerValue is a code that programs of the second version alone know.
const newerValue = "f"

// codes are the values that a program of a version knows.
func codes(version int) []string {
	if version > 1 {
		return append(slices.Clone(values), newerValue)
	}
	return values
}

// policyOf is a field as a program of a version knows it: in the first one, of
// what a person is asked about now, the later clock stood, and none but its
// codes had an order.
func policyOf(version int, name string) *care.Field {
	f := *fieldOf(name)
	switch {
	case version == 1 && f.Merge == care.Ask:
		f.Merge = care.Latest
	case version == 1 && f.Merge == care.Safer:
		f.Safer = care.Comparator{Order: values}
	}
	return &f
}

// strange says whether a change writes a code to a field that a program of a
// version does not know.
func strange(version int, c *fieldsync.Change, field string) bool {
	said := append(slices.Concat(c.Add[field], c.Remove[field]), c.Set[field].Text())
	return version == 1 && slices.Contains(said, newerValue)
}

func (p place) scope() fieldsync.Scope {
	return fieldsync.CaseScope(caseOf[p.record], fieldOf(p.field).Compartment)
}

// recordsMax is how many records a world has at most, two to a case.
const recordsMax = 6

// caseOf is the case of each record.
var caseOf = func() map[string]string {
	m := map[string]string{}
	for i := range recordsMax {
		m[id(idRecord, i)] = id(idRecord, i/2*2)
	}
	return m
}()

// partsOf takes a scope apart.
func partsOf(s fieldsync.Scope) fieldsync.ScopeParts {
	parts, err := fieldsync.ParseScope(string(s))
	if err != nil {
		panic(err)
	}
	return parts
}

// Kinds of ids in this world.
const (
	idRecord = iota + 1
	idReplica
	idStaff
	idOrg
	idHub
)

func id(kind, i int) string { return fmt.Sprintf("01960000-0000-7000-8000-%08x%04x", kind, i) }

// hubReplica is the hub's own name in an epoch: it ends alike in all of them.
func hubReplica(epoch int) string {
	return fmt.Sprintf("0196%04x-0000-7000-8000-%08x0000", epoch, idHub)
}

func isHub(replica string) bool { return replica[19:] == hubReplica(0)[19:] }
