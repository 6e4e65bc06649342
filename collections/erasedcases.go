package collections

import (
	"sync"
	"time"

	"portolan/care"
	fieldsync "portolan/sync"
)

// erasedCases are the cases of which the hub keeps nothing, and the parts of
// cases of which it keeps nothing from before. The door, the keys and the
// search ask it.
type erasedCases struct {
	mu    sync.RWMutex
	cases map[string]bool
	parts map[casePart]ErasedCase // the last time that each was erased
}

type casePart struct {
	caseID string
	part   care.Compartment
}

func (e *erasedCases) has(caseID string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return caseID != "" && e.cases[caseID]
}

// part gives the last erasure of a part of a case.
func (e *erasedCases) part(caseID string, c care.Compartment) (one ErasedCase, ok bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	one, ok = e.parts[casePart{caseID, c}]
	return one, ok
}

// anyPart says whether any part of a case was erased.
func (e *erasedCases) anyPart(caseID string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for key := range e.parts {
		if key.caseID == caseID {
			return true
		}
	}
	return false
}

// covers says whether what was made by a clock in a part of a case was erased,
// or would have been if the hub had had it then. What was made since stands:
// whoever was told of the grant to make it has a clock behind the erasure,
// however wrong their own goes (fieldsync.HLC).
func (e *erasedCases) covers(caseID string, c care.Compartment, made fieldsync.HLC) bool {
	if !e.any() {
		return false
	}
	if e.has(caseID) {
		return true
	}
	one, ok := e.part(caseID, c)
	if !ok {
		return false
	}
	at, err := time.Parse(care.TimeFormat, one.At)
	return err != nil || made < fieldsync.HLCOf(at.Add(time.Millisecond))
}

func (e *erasedCases) add(one ErasedCase) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cases == nil {
		e.cases, e.parts = make(map[string]bool), make(map[casePart]ErasedCase)
	}
	if one.Part == "" {
		e.cases[one.Case] = true
		return
	}
	key := casePart{one.Case, one.Part}
	if had, ok := e.parts[key]; !ok || had.At < one.At {
		e.parts[key] = one
	}
}

// any says whether anything was ever erased.
func (e *erasedCases) any() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.cases)+len(e.parts) > 0
}

// ofErased says whether a change is about an erased case.
func (s *session) ofErased(a *arrival) (bool, error) {
	if !s.h.erased.any() {
		return false, nil
	}
	_, caseID, err := s.home(a, nil)
	return s.h.erased.has(caseID), err
}
