package fieldsync

// EveryScope asks for the digest of every scope that the device may see.
const EveryScope = "*"

// Limits of one walk.
const (
	CheckMax = 10_000 // scopes whose records' digests are asked for at one time
	AgainMax = 50_000 // records that are asked for again at one time
)

// RecordDigests are the digests of a scope's records.
type RecordDigests struct {
	Scope   Scope
	Digests map[string]string // record → 32 hex digits
}

// Gone names records of which nothing stands in a scope.
type Gone struct {
	Scope   Scope
	Records []string
}

// Digest is the sum of the digests of the row's fields.
func (r *Row) Digest() Digest {
	var sum Digest
	for name, reg := range r.Fields {
		sum = sum.Add(DigestOf(r.Scope, r.Record, name, reg.Dots()))
	}
	return sum
}

func appendStrings(b []byte, m map[string]string) []byte { return appendMap(b, m, appendString) }

func (s *scanner) strings() (map[string]string, error) {
	m := map[string]string{}
	err := s.object(func(name string) (err error) {
		m[name], err = s.str()
		return err
	})
	return m, err
}

func (s *scanner) recordDigests() (*RecordDigests, error) {
	r := &RecordDigests{}
	err := s.object(func(name string) (err error) {
		switch name {
		case "s":
			err = s.scope(&r.Scope)
		case "d":
			r.Digests, err = s.strings()
		default:
			err = s.skip()
		}
		return err
	})
	return r, err
}

func (s *scanner) gone() (*Gone, error) {
	g := &Gone{}
	err := s.object(func(name string) (err error) {
		switch name {
		case "s":
			err = s.scope(&g.Scope)
		case "r":
			g.Records, err = s.list(AgainMax, func(string) error { return nil })
		default:
			err = s.skip()
		}
		return err
	})
	return g, err
}

func (s *scanner) scope(into *Scope) error {
	text, err := s.str()
	*into = Scope(text)
	return err
}

// again reads which records are wanted anew, by scope.
func (s *scanner) again() (map[string][]string, error) {
	m, left := map[string][]string{}, AgainMax
	err := s.object(func(scope string) error {
		records, err := s.list(left, func(id string) error {
			if !IsID(id) {
				return bad(CodeID, "a record is named by a UUIDv7 in lower case")
			}
			return nil
		})
		m[scope], left = records, left-len(records)
		return err
	})
	return m, err
}

func (s *scanner) check() ([]string, error) {
	return s.list(CheckMax, func(scope string) error {
		if scope == EveryScope {
			return nil
		}
		_, err := ParseScope(scope)
		return err
	})
}

func (p *Push) appendWalk(b []byte) []byte {
	if len(p.Check) > 0 {
		b = appendList(append(b, `,"check":`...), p.Check)
	}
	return appendFields(b, "again", p.Again, appendList[string])
}
