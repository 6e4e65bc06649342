package collections

import (
	"fmt"
	"strconv"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// The bytes of registers and of changes pass through this file on their way
// into the store and out of it, and nowhere else: the place where they are
// sealed. A register is bound to its collection, record and field and sealed
// under the key of its case and compartment; a change is bound to its number
// in the hub's log and sealed under the key of its case's history.

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

func openRegister(r *record, field string, stored []byte) (fieldsync.Register, error) {
	plain, err := openBytes(r, field, stored)
	if err != nil {
		return fieldsync.Register{}, err
	}
	reg, err := fieldsync.DecodeRegister(plain)
	if err != nil {
		return reg, fmt.Errorf("reading %s.%s: %w", r.t.entity.Name, field, err)
	}
	return reg, nil
}

// openBytes gives a stored register as the JSON that goes on the wire.
func openBytes(r *record, field string, stored []byte) ([]byte, error) {
	key, err := r.t.keys.toOpen(stored, r.org, r.caseID)
	if err == nil && key.scope.Compartment != r.t.compartment[field] {
		err = seal.ErrKey
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s.%s: %w", r.t.entity.Name, field, err)
	}
	plain, err := key.box.Open(nil, placeOf(r, field), stored)
	return plain, wrap("opening "+r.t.entity.Name+"."+field, err)
}

func changePlace(seq uint64) seal.Place {
	return seal.Place{Collection: "changes", Record: strconv.FormatUint(seq, 10), Field: "body"}
}

func (k *keyring) sealChange(seq uint64, org, caseID string, raw []byte) ([]byte, error) {
	return k.sealHistory(org, caseID, changePlace(seq), raw)
}

func (k *keyring) openChange(seq uint64, org, caseID string, stored []byte) ([]byte, error) {
	return k.openHistory(org, caseID, changePlace(seq), stored)
}

// sealHistory seals what a log keeps about a case, or about an organisation
// where there is no case, under the key of that history.
func (k *keyring) sealHistory(org, caseID string, at seal.Place, plain []byte) ([]byte, error) {
	key, err := k.toSeal(seal.Scope{Org: org, Case: caseID, Compartment: historyKeys})
	if err != nil {
		return nil, err
	}
	return key.box.Seal(nil, k.rand, at, plain)
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
