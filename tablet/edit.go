package tablet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// Edit is what a person enters into a record. Set gives the whole value of a
// field, for a set too; Add and Remove alter single elements of sets.
type Edit struct {
	Set    map[string]care.Value
	Add    map[string][]string
	Remove map[string][]string
	Draft  string // the half-filled form that this saves; it ends with it
}

// fieldError names the field beside the error.
func fieldError(field string, err error) error { return fmt.Errorf("field %s: %w", field, err) }

// New makes a record and returns its id. It is there at once, and goes to the
// hub with the next sync.
func (t *Tablet) New(ctx context.Context, collection, caseID string, edit Edit) (string, error) {
	e, ok := care.Find(collection)
	if !ok {
		return "", ErrCollection
	}
	id, err := t.newID()
	if err != nil {
		return "", err
	}
	if edit.Draft != "" {
		if id, err = t.recordOf(ctx, edit.Draft, id); err != nil {
			return "", err
		}
	}
	r := recordRow{id: id, collection: collection, caseID: caseID}
	switch ofCase := e.Topic == care.NoTopic; {
	case collection == "cases" && (caseID == "" || caseID == id):
		r.caseID = id
	case collection == "cases" || !ofCase && caseID != "":
		return "", ErrCaseGiven
	case ofCase && !fieldsync.IsID(caseID):
		return "", ErrCaseMissing
	}
	return id, t.inTx(ctx, func(x *tx) error {
		self, err := x.identity()
		if err != nil {
			return err
		}
		if err := x.writable(); err != nil {
			return err
		}
		c, err := compose(e, edit, nil)
		if err != nil {
			return err
		}
		if f := lacking(e, c); f != "" {
			return fieldError(f, ErrRequired)
		}
		r.org, r.createdBy, r.madeAt = self.Org, self.Staff, care.FormatTime(t.now())
		if e.Topic != care.NoTopic || collection == "cases" {
			c.Org = r.org
		} else {
			c.Case = r.caseID
		}
		if err := x.saveRecord(r); err != nil {
			return err
		}
		return errors.Join(t.write(x, r, c), x.dropDraft(edit.Draft))
	})
}

// recordOf is the record that a form is to become, or another where it is there
// already.
func (t *Tablet) recordOf(ctx context.Context, form, another string) (string, error) {
	forms, err := t.Drafts(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(forms, func(f Form) bool { return f.ID == form })
	if i < 0 {
		return another, nil
	}
	if _, err := t.Show(ctx, forms[i].Record); errors.Is(err, care.ErrNotFound) {
		return forms[i].Record, nil
	} else if err != nil {
		return "", err
	}
	return another, nil
}

// lacking names a field that a new record must have and does not.
func lacking(e *care.Entity, c fieldsync.Change) string {
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Required && !c.Set[f.Name].IsSet() && len(c.Add[f.Name]) == 0 {
			return f.Name
		}
	}
	return ""
}

// Set enters values into a record. It says false where everything stood there
// already. A field with more than one value is not overwritten in passing:
// see Resolve.
func (t *Tablet) Set(ctx context.Context, id string, edit Edit) (bool, error) {
	return t.edit(ctx, id, edit, func(f *care.Field, s stored) error {
		if s.shown.Conflict(f) {
			return ErrUndecided
		}
		return nil
	})
}

// Resolve decides between the values of a field, for one of them or for
// another one.
func (t *Tablet) Resolve(ctx context.Context, id, field string, v care.Value) error {
	_, err := t.edit(ctx, id, Edit{Set: map[string]care.Value{field: v}}, func(f *care.Field, s stored) error {
		if !s.shown.Conflict(f) {
			return ErrDecided
		}
		return nil
	})
	return err
}

func (t *Tablet) edit(ctx context.Context, id string, edit Edit, allowed func(*care.Field, stored) error) (changed bool, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if err := x.writable(); err != nil {
			return err
		}
		r, err := x.record(id)
		if err != nil {
			return err
		}
		e, ok := r.entity()
		if !ok {
			return ErrCollection
		}
		fields, err := x.fieldsOf(id)
		if err != nil {
			return err
		}
		c, err := compose(e, edit, fields)
		if err != nil {
			return err
		}
		for _, name := range c.Fields() {
			f, _ := e.Field(name) // compose refuses what is no field
			if err := allowed(f, fields[name]); err != nil {
				return fieldError(name, err)
			}
			if dots := fields[name].shown.Dots(); len(dots) > 0 {
				if c.Base == nil {
					c.Base = map[string][]fieldsync.Dot{}
				}
				c.Base[name] = dots
			}
		}
		if err := x.dropDraft(edit.Draft); err != nil {
			return err
		}
		if changed = len(c.Fields()) > 0; !changed {
			return nil
		}
		return t.write(x, r, c)
	})
	return changed && err == nil, err
}

// compose turns an edit into what a change writes, without what stands there
// already. Each value is written in its canonical form, as the hub will.
func compose(e *care.Entity, edit Edit, fields map[string]stored) (fieldsync.Change, error) {
	c := fieldsync.Change{Set: map[string]care.Value{}, Add: map[string][]string{}, Remove: map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(edit.Set)) {
		f, ok := e.Field(name)
		if !ok {
			return c, fieldError(name, ErrField)
		}
		v, err := care.Canonical(f, edit.Set[name])
		if err != nil {
			return c, fieldError(name, err)
		}
		if err := composeValue(&c, f, v, fields[name].shown); err != nil {
			return c, fieldError(name, err)
		}
	}
	err := errors.Join(composeElements(c.Add, e, edit.Add), composeElements(c.Remove, e, edit.Remove))
	return c, err
}

// composeValue writes one whole value. Of a set it writes what is to be added
// and removed, so that others' elements stay.
func composeValue(c *fieldsync.Change, f *care.Field, v care.Value, shown fieldsync.Register) error {
	now := shown.InForce(f)
	switch {
	case f.Merge == care.Union && v.Absent() == "":
		want, have := v.List(), now.List()
		for _, el := range want {
			if !slices.Contains(have, el) {
				c.Add[f.Name] = append(c.Add[f.Name], el)
			}
		}
		for _, el := range have {
			if !slices.Contains(want, el) {
				c.Remove[f.Name] = append(c.Remove[f.Name], el)
			}
		}
		return nil
	case f.Merge == care.Once && now.IsSet() && !now.Equal(v):
		return ErrOnce
	case now.Equal(v) && !shown.Conflict(f):
		return nil
	}
	c.Set[f.Name] = v
	return nil
}

func composeElements(to map[string][]string, e *care.Entity, elements map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		f, ok := e.Field(name)
		if !ok || f.Merge != care.Union {
			return fieldError(name, ErrField)
		}
		for _, el := range elements[name] {
			el, err := care.CanonicalElement(f, el)
			if err != nil {
				return fieldError(name, err)
			}
			if !slices.Contains(to[name], el) {
				to[name] = append(to[name], el)
			}
		}
	}
	return nil
}
