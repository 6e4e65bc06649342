package care

// defaults fills in what the fields of one group have in common, so that a
// field's line says only what sets it apart. How a field merges is never
// filled in: each says it.
func defaults(c Compartment, s Sensitivity, p Purpose, entities []*Entity) []*Entity {
	for _, e := range entities {
		for i := range e.Fields {
			f := &e.Fields[i]
			if f.Compartment == "" {
				f.Compartment = c
			}
			if f.Sensitivity == "" && f.Routing {
				f.Sensitivity = Normal // it stays clear in the store, so it may say nothing
			}
			if f.Sensitivity == "" {
				f.Sensitivity = s
			}
			if f.Purpose == "" {
				f.Purpose = p
			}
		}
	}
	return entities
}

// defaultsIn puts the fields of one entity into a compartment other than that
// of its group.
func defaultsIn(c Compartment, fields []Field) []Field {
	for i := range fields {
		if fields[i].Compartment == "" {
			fields[i].Compartment = c
		}
	}
	return fields
}
