package collections

import (
	"cmp"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Own is changes of a push of which their tablet need not be sent what became
// of them, by their numbers: nothing stands in the fields that they wrote but
// what they wrote, as they wrote it.
type Own map[uint64]fieldsync.Stood

// noteOwn notes a change of a tablet to one scope of a record that it holds,
// if it stands as it came: no clock was clamped, nothing was held, and nothing
// was there that it did not supersede. What came sealed the tablet cannot read.
func (s *session) noteOwn(a *arrival, rec *record, before care.Row, effects []effect, receipt fieldsync.Receipt) error {
	if a.replica == s.h.replica || a.sealed || before.V == nil || receipt.Status != fieldsync.StatusApplied || len(effects) != len(a.Fields()) {
		return nil
	}
	stood := fieldsync.Stood{N: a.N}
	for _, e := range effects {
		reg, err := rec.register(e.field.Name)
		if err != nil {
			return err
		}
		if len(reg.Heads) == 0 || !reg.Equal(a.Alone(e.field.Name, a.replica, s.seq, reg.Heads[0].Stands)) {
			return nil
		}
		if o := reg.Heads[0].Stands; o != 0 {
			if stood.Stands == nil {
				stood.Stands = map[string]uint64{}
			}
			stood.Stands[e.field.Name] = o
		}
		if e.field.Compartment != effects[0].field.Compartment {
			return nil
		}
	}
	s.own[s.seq] = stood
	return nil
}

// sendOwn names the device's own changes in place of the units that hold
// nothing else, and returns the other units: what somebody else did to a record
// meanwhile makes it one of these. The receipts go before it.
func (p *pull) sendOwn(units []*unit) ([]*unit, error) {
	if len(p.own) == 0 {
		return units, nil
	}
	var own []fieldsync.Stood
	units = slices.DeleteFunc(units, func(u *unit) bool {
		for _, seq := range u.seqs {
			if _, mine := p.own[seq]; !mine {
				return false
			}
		}
		for _, seq := range u.seqs {
			own = append(own, p.own[seq])
		}
		return true
	})
	if len(own) == 0 {
		return units, nil
	}
	if !p.disclosed { // nothing is, but the receipts go first
		if err := p.to.Disclose(true); err != nil {
			return nil, err
		}
		p.disclosed = true
	}
	slices.SortFunc(own, func(a, b fieldsync.Stood) int { return cmp.Compare(a.N, b.N) })
	return units, p.sendLine(fieldsync.Line{Own: own})
}
