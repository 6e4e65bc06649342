package collections

import (
	"encoding/json"
	"maps"
	"slices"

	"portolan/care"
)

// Records are read by the hundred where many are wanted: a statement a record
// costs more than the record.

// recordsAtOnce is how many rows one statement reads by their ids.
const recordsAtOnce = 256

// eachRecord reads the records of these ids, by collection, in no order. What
// is not there, and collections that this version does not know, are passed
// over. With a compartment named, they are read without what is in others.
func (h *Hub) eachRecord(r reader, wanted map[string][]string, only care.Compartment, f func(*record) error) error {
	for _, collection := range slices.Sorted(maps.Keys(wanted)) {
		t, ok := h.tables[collection]
		if !ok {
			continue
		}
		query, sealed := t.readListed, t.sealed
		if only != "" {
			part, ok := t.parts[only]
			if !ok {
				continue
			}
			query, sealed = part.readListed, part.sealed
		}
		for ids := range slices.Chunk(wanted[collection], recordsAtOnce) {
			if err := scanMany(r, t, query, sealed, ids, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func scanMany(r reader, t *table, query string, sealed []*care.Field, ids []string, f func(*record) error) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return wrap("reading records", err)
	}
	rows, err := r.rows(query, string(list))
	if err != nil {
		return wrap("reading records", err)
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scanFields(t, sealed, rows)
		if err == nil {
			err = f(rec)
		}
		if err != nil {
			return err
		}
	}
	return wrap("reading records", rows.Err())
}
