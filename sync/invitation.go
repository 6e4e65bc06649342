package fieldsync

import "strings"

// Invitation is what a tablet needs to enrol: where the hub is, with what is
// pinned of its certificate, and the one-time code.
type Invitation struct {
	Hub  string // https://host[:port], with #sha256=<hex> behind it where something is pinned
	Code string
}

// String is what the QR code of an enrolment says. The code stands behind the
// #, which no browser sends: whoever opens it as a page tells it to nobody.
func (i Invitation) String() string {
	join := "#"
	if strings.Contains(i.Hub, "#") {
		join = "&"
	}
	return i.Hub + join + "code=" + i.Code
}

// ParseInvitation reads what String wrote; ok is false for anything without a
// code in it, such as an address alone.
func ParseInvitation(s string) (i Invitation, ok bool) {
	hub, behind, found := strings.Cut(strings.TrimSpace(s), "#")
	if !found {
		return i, false
	}
	var pins []string
	for _, part := range strings.Split(behind, "&") {
		if code, is := strings.CutPrefix(part, "code="); is && i.Code == "" {
			i.Code = code
		} else {
			pins = append(pins, part)
		}
	}
	if i.Hub = hub; len(pins) > 0 {
		i.Hub += "#" + strings.Join(pins, "&")
	}
	return i, i.Code != ""
}
