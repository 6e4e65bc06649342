package fieldsync

import (
	"cmp"
	"strconv"
	"strings"
)

// DotOf names change n of a replica.
func DotOf(replica string, n uint64) Dot {
	b := make([]byte, 0, len(replica)+21)
	b = append(append(b, replica...), '/')
	return Dot(strconv.AppendUint(b, n, 10))
}

// ParseDot checks that s is "<UUIDv7>/<n>" with n from 1, without leading
// zeros.
func ParseDot(s string) (Dot, error) {
	replica, n, ok := strings.Cut(s, "/")
	if !ok || !IsID(replica) || n == "" || n[0] == '0' {
		return "", bad(CodeDot, "a version is named <replica>/<n>")
	}
	if v, err := strconv.ParseUint(n, 10, 64); err != nil || v > NumberMax {
		return "", bad(CodeDot, "a version is named <replica>/<n>")
	}
	return Dot(s), nil
}

// Replica returns the replica that made the change.
func (d Dot) Replica() string {
	r, _, _ := strings.Cut(string(d), "/")
	return r
}

// N returns the number of the change in its replica, 0 for a malformed dot.
func (d Dot) N() uint64 {
	_, s, _ := strings.Cut(string(d), "/")
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Compare orders dots by replica and then by number: 9 before 10.
func (d Dot) Compare(e Dot) int {
	if d == e {
		return 0
	}
	a, n, _ := strings.Cut(string(d), "/")
	b, m, _ := strings.Cut(string(e), "/")
	if a != b {
		return strings.Compare(a, b)
	}
	if len(n) != len(m) {
		return cmp.Compare(len(n), len(m))
	}
	return strings.Compare(n, m)
}

// IsID says whether s is a UUIDv7 in lower case (RFC 9562 §5.7), the only form
// of an id on the wire: two spellings of one id would be two records.
func IsID(s string) bool {
	if len(s) != 36 || s[14] != '7' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
