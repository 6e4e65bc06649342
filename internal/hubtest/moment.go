package hubtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MomentShapes is how a day (2006-01-02) or a moment (RFC 3339) might lie in a
// file: written as people and machines in several languages write it, in each
// shape of a text; counted from 1970 in seconds, and in thousandths, millionths
// and billionths of them, as digits and as the numbers of SQLite, JSON, CBOR,
// Go and JavaScript. Nothing for any other text. Numbers of fewer than five
// bytes are left out: they stand everywhere by chance.
func MomentShapes(text string) map[string][]byte {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return nil
		}
	}
	out := map[string][]byte{}
	for _, said := range written(at) {
		for name, shape := range Shapes(said) {
			out[said+" "+name] = shape
		}
	}
	for unit, n := range map[string]int64{"seconds": at.Unix(), "milliseconds": at.UnixMilli(), "microseconds": at.UnixMicro(), "nanoseconds": at.UnixNano()} {
		out[unit+" in digits"] = strconv.AppendInt(nil, n, 10)
		for name, shape := range counted(n) {
			out[unit+", "+name] = shape
		}
	}
	return out
}

// written is how somebody writes the day, and a machine the moment.
func written(at time.Time) []string {
	l := []string{at.Format(time.DateOnly), at.Format("20060102"), at.Format("2006/01/02"), at.Format("2006:01:02"), at.Format("02.01.2006"), at.Format("02/01/2006"),
		at.Format("2.1.2006"), at.Format("2/1/2006"), at.Format("1/2/2006"), at.Format("01/02/2006"), at.Format("02-01-2006"), at.Format("January 2, 2006"), at.Format("2 January 2006"), at.Format("2 Jan 2006"), at.Format("Jan 2, 2006")}
	months := map[string][]string{
		"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		"es": {"de enero de", "de febrero de", "de marzo de", "de abril de", "de mayo de", "de junio de", "de julio de", "de agosto de", "de septiembre de", "de octubre de", "de noviembre de", "de diciembre de"},
	}
	for _, names := range months {
		l = append(l, fmt.Sprintf("%d %s %d", at.Day(), names[at.Month()-1], at.Year()))
	}
	arabic := strings.NewReplacer("0", "٠", "1", "١", "2", "٢", "3", "٣", "4", "٤", "5", "٥", "6", "٦", "7", "٧", "8", "٨", "9", "٩")
	return append(l, arabic.Replace(at.Format("2/1/2006")), arabic.Replace(at.Format(time.DateOnly)))
}

// counted is how a number might lie.
func counted(n int64) map[string][]byte {
	big, little := binary.BigEndian.AppendUint64(nil, uint64(n)), binary.LittleEndian.AppendUint64(nil, uint64(n))
	real := math.Float64bits(float64(n))
	out := map[string][]byte{
		"eight bytes": big, "eight bytes, little end first": little,
		"a real number":                   binary.BigEndian.AppendUint64(nil, real),
		"a real number, little end first": binary.LittleEndian.AppendUint64(nil, real),
		"varint":                          binary.AppendVarint(nil, n),
		"unsigned varint":                 binary.AppendUvarint(nil, uint64(n)),
	}
	if n < 0 { // CBOR (RFC 8949, 3.1): major type 1 holds -1-n
		if m := uint64(-1 - n); m <= math.MaxUint32 {
			out["CBOR"] = binary.BigEndian.AppendUint32([]byte{0x3a}, uint32(m))
		} else {
			out["CBOR"] = binary.BigEndian.AppendUint64([]byte{0x3b}, m)
		}
	}
	if n >= -1<<47 && n < 1<<47 && (n < -1<<31 || n >= 1<<31) { // of SQLite's records (fileformat2.html, 2.1)
		out["six bytes"] = big[2:]
	}
	return out
}
