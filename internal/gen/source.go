package gen

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"portolan/care"
)

// source is where everything invented comes from: the same seed and stream
// give the same people, on any machine.
type source struct{ *rand.Rand }

func newSource(seed, stream uint64) source {
	return source{rand.New(rand.NewPCG(seed, stream))}
}

// id mints a UUIDv7 (RFC 9562 §5.7) of a moment.
func (s source) id(at time.Time) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16|uint64(s.IntN(1<<12)))
	binary.BigEndian.PutUint64(u[8:], s.Uint64())
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// chance is true in percent of a hundred cases.
func (s source) chance(percent int) bool { return s.IntN(100) < percent }

// from gives one of the choices.
func from[T any](s source, choices ...T) T { return choices[s.IntN(len(choices))] }

// code gives one code of a list.
func (s source) code(list string) string { return from(s, codesOf(list)...) }

// codes gives between least and most codes of a list, in the list's order.
func (s source) codes(list string, least, most int) []string {
	all := codesOf(list)
	n := min(least+s.IntN(most-least+1), len(all))
	chosen := map[int]bool{}
	for len(chosen) < n {
		chosen[s.IntN(len(all))] = true
	}
	var l []string
	for i, c := range all {
		if chosen[i] {
			l = append(l, c)
		}
	}
	return l
}

// between gives a moment in [a, b), a where there is none.
func (s source) between(a, b time.Time) time.Time {
	if !a.Before(b) {
		return a
	}
	return a.Add(time.Duration(s.Int64N(int64(b.Sub(a))))).Truncate(time.Minute)
}

func codesOf(list string) []string {
	l, ok := care.FindCodes(list)
	if !ok || len(l.Codes) == 0 {
		panic("gen: no codes in list " + list)
	}
	return l.Codes
}
