package collections

import (
	"encoding/binary"
	"errors"
	"strconv"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// The bytes of changes pass through this file on their way into the log and
// out of it, and nowhere else: the place where they are sealed, bound to their
// number. A part of a case may be erased before the rest, so what a change says
// of it lies under the key of that part: the whole change where it is about
// that part alone, a piece of it where it is about several
// (docs/decisions/017-history-in-parts.md). The general part ends with the
// case, and so does what no part is known of: that lies under the key of the
// case's history.

// partsMark begins what lies in several parts: the mark, how many, and each
// sealed and behind its length; one that is not kept has none. What is sealed
// whole begins with the version of the envelope.
const partsMark = 0xF0

// framePart is the first part of a change that lies in several: what is left
// of it when the others, each of a compartment, are cut out.
const framePart = "frame"

// changePlace is where a change belongs that is sealed whole (part ""), or one
// of its parts.
func changePlace(seq uint64, part string) seal.Place {
	field := "body"
	if part != "" {
		field += "/" + part
	}
	return seal.Place{Collection: "changes", Record: strconv.FormatUint(seq, 10), Field: field}
}

// partsIn lists the parts of a case, beside the general one, of which a change
// says anything, and whether it says anything else.
func (s *session) partsIn(caseID string, a *arrival) (parts []care.Compartment, more bool) {
	t := s.h.tables[a.Collection]
	if caseID == "" || t == nil || a.unread != "" {
		return nil, true
	}
	var in uint // a bit for each compartment, and one behind them
	note := func(field string) {
		at := len(care.Compartments) // of a newer version: nobody knows its part
		part, _ := t.compartment(field)
		for i, c := range care.Compartments {
			if part == string(c) {
				at = i
			}
		}
		in |= 1 << at
	}
	for field := range a.Set {
		note(field)
	}
	for field := range a.Add {
		note(field)
	}
	for field := range a.Remove {
		note(field)
	}
	more = in>>len(care.Compartments) != 0
	for i, c := range care.Compartments {
		switch {
		case in>>i&1 == 0:
		case c == care.General:
			more = true
		default:
			parts = append(parts, c)
		}
	}
	return parts, more
}

// sealChange is the body of a change in the log. Of what was erased when it
// was made nothing is kept but its hash.
func (s *session) sealChange(seq uint64, org, caseID string, a *arrival) ([]byte, error) {
	if s.h.erased.has(caseID) {
		return []byte{}, nil
	}
	keys := s.h.keys
	parts, more := s.partsIn(caseID, a)
	switch {
	case len(parts) == 0:
		return keys.sealHistory(org, caseID, changePlace(seq, ""), a.raw)
	case len(parts) == 1 && !more:
		if s.h.erased.covers(caseID, parts[0], a.Clock) {
			return []byte{}, nil
		}
		return keys.sealPart(nil, seal.Scope{Org: org, Case: caseID, Compartment: string(parts[0])}, changePlace(seq, ""), a.raw)
	}
	t := s.h.tables[a.Collection]
	frame, pieces, err := fieldsync.Cut(a.raw, len(parts), func(field string) int {
		part, _ := t.compartment(field)
		for i, c := range parts {
			if part == string(c) {
				return i + 1
			}
		}
		return 0
	}, keys.rand)
	if err != nil {
		return nil, err
	}
	body := append(make([]byte, 0, len(a.raw)+(len(pieces)+1)*(seal.Overhead+16)+32), partsMark, byte(len(pieces)+1))
	scope := seal.Scope{Org: org, Case: caseID, Compartment: historyKeys}
	if body, err = keys.appendPart(body, scope, changePlace(seq, framePart), frame); err != nil {
		return nil, err
	}
	for i, c := range parts {
		if s.h.erased.covers(caseID, c, a.Clock) {
			body = append(body, 0, 0, 0, 0)
			continue
		}
		scope.Compartment = string(c)
		if body, err = keys.appendPart(body, scope, changePlace(seq, string(c)), pieces[i]); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// appendPart appends something sealed behind its length.
func (k *keyring) appendPart(body []byte, scope seal.Scope, at seal.Place, plain []byte) ([]byte, error) {
	start := len(body)
	body, err := k.sealPart(append(body, 0, 0, 0, 0), scope, at, plain)
	if err == nil {
		binary.BigEndian.PutUint32(body[start:], uint32(len(body)-start-4))
	}
	return body, err
}

func (k *keyring) sealPart(dst []byte, scope seal.Scope, at seal.Place, plain []byte) ([]byte, error) {
	key, err := k.toSeal(scope)
	if err != nil {
		return nil, err
	}
	return key.box.Seal(dst, k.rand, at, plain)
}

// sealedParts takes the body of a change apart as it is stored: into its frame
// and the other parts, or the one thing that it is.
func sealedParts(body []byte) (sealed [][]byte, err error) {
	if len(body) == 0 || body[0] != partsMark {
		return [][]byte{body}, nil
	}
	if len(body) < 2 {
		return nil, seal.ErrFormat
	}
	n := int(body[1])
	for body = body[2:]; n > 0; n-- {
		if len(body) < 4 || uint64(binary.BigEndian.Uint32(body)) > uint64(len(body)-4) {
			return nil, seal.ErrFormat
		}
		end := 4 + int(binary.BigEndian.Uint32(body))
		sealed, body = append(sealed, body[4:end]), body[end:]
	}
	if len(body) > 0 {
		return nil, seal.ErrFormat
	}
	return sealed, nil
}

// openChange gives the raw bytes of a change. Where a part of what it says was
// erased they are not whole: a change that says the rest. ErrErased where all
// of it was.
func (k *keyring) openChange(seq uint64, org, caseID string, stored []byte) (raw []byte, whole bool, err error) {
	opened, err := k.openParts(seq, org, caseID, stored)
	switch {
	case err != nil:
		return nil, false, wrap("opening history", err)
	case len(opened) == 0 || opened[0].plain == nil:
		return nil, false, ErrErased
	case len(opened) == 1:
		return opened[0].plain, true, nil
	case opened[0].of != historyKeys:
		return nil, false, seal.ErrKey
	}
	pieces := make([][]byte, len(opened)-1)
	for i := range pieces {
		pieces[i] = opened[i+1].plain
	}
	return fieldsync.Join(opened[0].plain, pieces)
}

// openedPart is one part of a change, nil where it was erased, and under whose
// key it lies.
type openedPart struct {
	plain []byte
	of    string
}

// openParts opens each part of a change as far as it was not erased.
func (k *keyring) openParts(seq uint64, org, caseID string, stored []byte) ([]openedPart, error) {
	sealed, err := sealedParts(stored)
	if err != nil {
		return nil, err
	}
	opened := make([]openedPart, len(sealed))
	for i, part := range sealed {
		if len(part) == 0 {
			continue
		}
		key, err := k.toOpen(part, org, caseID)
		if errors.Is(err, ErrErased) {
			continue
		}
		if err != nil {
			return nil, err
		}
		opened[i].of = key.scope.Compartment
		name := opened[i].of
		switch {
		case len(sealed) == 1:
			name = ""
		case i == 0:
			name = framePart
		}
		if opened[i].plain, err = key.box.Open(nil, changePlace(seq, name), part); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// sealHistory seals what a log keeps about a case, or about an organisation
// where there is no case, under the key of that history.
func (k *keyring) sealHistory(org, caseID string, at seal.Place, plain []byte) ([]byte, error) {
	return k.sealPart(nil, seal.Scope{Org: org, Case: caseID, Compartment: historyKeys}, at, plain)
}

// openHistory opens what sealHistory sealed for the same place.
func (k *keyring) openHistory(org, caseID string, at seal.Place, stored []byte) ([]byte, error) {
	key, err := k.toOpen(stored, org, caseID)
	if err == nil && key.scope.Compartment != historyKeys {
		err = seal.ErrKey
	}
	if err != nil {
		return nil, wrap("opening history", err)
	}
	plain, err := key.box.Open(nil, at, stored)
	return plain, wrap("opening history", err)
}
