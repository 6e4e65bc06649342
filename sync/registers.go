package fieldsync

// DecodeRegisters reads registers by field, as AppendRegisters writes them.
// Empty input is none.
func DecodeRegisters(raw []byte) (map[string]Register, error) {
	m := make(map[string]Register)
	if len(raw) == 0 {
		return m, nil
	}
	s := scan(raw, -1)
	err := s.object(func(name string) error {
		r, err := s.register()
		m[name] = r
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// AppendRegisters writes registers by field, in the order of their names.
func AppendRegisters(b []byte, m map[string]Register) []byte {
	return appendMap(b, m, func(b []byte, r Register) []byte { return r.AppendJSON(b) })
}
