package collections

import (
	"errors"
	"fmt"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// The bytes of registers pass through this file on their way into the store
// and out of it, and nowhere else: the place where they are sealed. A register
// is bound to its collection, record and field and sealed under the key of its
// case and compartment.

func placeOf(r *record, field string) seal.Place {
	return seal.Place{Collection: r.t.entity.Name, Record: r.id, Field: field}
}

func sealRegister(r *record, f *care.Field, reg fieldsync.Register) ([]byte, error) {
	keys := r.t.keys
	key, err := keys.toSeal(seal.Scope{Org: r.org, Case: r.caseID, Compartment: string(f.Compartment)})
	if err != nil {
		return nil, err
	}
	return key.box.Seal(nil, keys.rand, placeOf(r, f.Name), reg.AppendJSON(nil))
}

// openRegister gives a stored register. What was erased is an empty one: its
// bytes go with the next step of the erasure.
func openRegister(r *record, f *care.Field, stored []byte) (fieldsync.Register, error) {
	plain, err := openBytes(r, f, stored)
	if err != nil || plain == nil {
		return fieldsync.Register{}, err
	}
	reg, err := fieldsync.DecodeRegister(plain)
	if err != nil {
		return reg, fmt.Errorf("reading %s.%s: %w", r.t.entity.Name, f.Name, err)
	}
	return reg, nil
}

// openBytes opens a stored register, as JSON; nil where it was erased.
func openBytes(r *record, f *care.Field, stored []byte) ([]byte, error) {
	key, err := r.t.keys.toOpen(stored, r.org, r.caseID)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	if err == nil && key.scope.Compartment != string(f.Compartment) {
		err = seal.ErrKey
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s.%s: %w", r.t.entity.Name, f.Name, err)
	}
	plain, err := key.box.Open(nil, placeOf(r, f.Name), stored)
	return plain, wrap("opening "+r.t.entity.Name+"."+f.Name, err)
}
