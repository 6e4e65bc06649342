// Package gen invents people: a hub's organisations, staff and houses, and
// cases of people from many countries with everything that is recorded about
// them. Nobody in it is real. The same seed and moment give the same bytes.
//
// Each field that names or locates a person carries a canary, a word that
// occurs nowhere else, so that a leak of such a field can be found by search.
package gen

import (
	"encoding/json"
	"fmt"
	"time"

	"portolan/care"
)

// canarySeeds bounds the part of the seed that a canary shows, so that a
// canary fits into the shortest field.
const canarySeeds = 1_000_000

// canariesPerCase bounds how many canaries one case may carry.
const canariesPerCase = 1000

// Streams of the seed that are not those of cases.
const (
	streamWorld = 1 << 40
	streamCase  = 1 << 41 // plus the case's index: what others must know of a case
)

// founded is when the records of what surrounds the cases were made, so that
// their ids depend on the seed alone.
var founded = time.Date(2022, 1, 10, 9, 0, 0, 0, time.UTC)

// World is a hub's surroundings and the people in it.
type World struct {
	seed uint64
	now  time.Time
	home string // the organisation whose hub it is

	orgs         map[string]string // by what it does here
	staff        map[care.Role][]string
	employed     map[string]bool // staff that the caller made
	teams        []string
	interpreters map[string]string // vetted ones, by language
	unvetted     string
	services     map[string]string
	funding      []string
	houses       []house
	beds         []bed // where people stay for weeks

}

type house struct {
	id, country string
	intake      string // bed of the first nights
	blocked     string
}

type bed struct {
	id    string
	house int
}

// New begins a world as it is at a moment.
func New(seed uint64, now time.Time) *World {
	w := &World{
		seed: seed, now: now.UTC().Truncate(time.Millisecond),
		orgs: map[string]string{}, staff: map[care.Role][]string{}, employed: map[string]bool{},
		interpreters: map[string]string{}, services: map[string]string{},
	}
	w.nameAll(newSource(seed, streamWorld), founded)
	w.home = w.orgs["home"]
	return w
}

// Now is the moment at which the world stands.
func (w *World) Now() time.Time { return w.now }

// Home is the organisation whose hub it is.
func (w *World) Home() string { return w.home }

// Settle makes an organisation that exists already the one whose hub it is.
func (w *World) Settle(org string) {
	w.home = org
	w.orgs["home"] = org
}

// Employ makes a member of staff who exists already one of the world's: cases
// are given to them, and People leaves the invented colleague out.
func (w *World) Employ(role care.Role, id string) {
	for i, s := range w.staff[role] {
		if !w.employed[s] {
			w.staff[role][i] = id
			w.employed[id] = true
			return
		}
	}
	w.staff[role] = append(w.staff[role], id)
	w.employed[id] = true
}

// Staff is the members of staff of a role.
func (w *World) Staff(role care.Role) []string { return w.staff[role] }

// CanaryPrefix begins every canary of this world.
func (w *World) CanaryPrefix() string { return fmt.Sprintf("CANARY-%d-", w.seed%canarySeeds) }

// CanaryDigits stand in every phone and number of this world that names or
// locates a person.
func (w *World) CanaryDigits() string { return fmt.Sprintf("7264%03d", w.seed%1000) }

// CanaryDay and CanaryMoment stand in days and times that are sealed, one in
// each of several parts of a case: nobody alive has another use for them.
var (
	CanaryMoment = time.Date(1903, time.July, 19, 4, 5, 6, 0, time.UTC)
	CanaryDay    = CanaryMoment.Truncate(24 * time.Hour)
)

// Setup is everything that belongs to no case, in an order in which each
// record refers only to those before it.
func (w *World) Setup() []Draft {
	var l []Draft
	for _, part := range [][]Draft{w.Organisations(), w.People(), w.Facilities(), w.Directory()} {
		l = append(l, part...)
	}
	return l
}

// person gives a member of staff of a role, always the same one for a number.
func (w *World) person(role care.Role, number int) string {
	l := w.staff[role]
	return l[number%len(l)]
}

func objectOf(m map[string]string) care.Value {
	b, err := json.Marshal(m)
	if err != nil {
		panic("gen: encoding plain strings: " + err.Error()) // strings always encode
	}
	return care.Value(b)
}
