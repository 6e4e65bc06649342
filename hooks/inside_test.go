package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"portolan/care"
)

func TestProxiesAreBelievedOnlyWhereTheyStand(t *testing.T) {
	p, err := parseProxies([]string{"10.0.0.0/8", "127.0.0.1", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"10.1.2.3:5", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:5", "203.0.113.9, 10.9.9.9", "203.0.113.9"},
		{"127.0.0.1:5", "6.6.6.6, 203.0.113.9", "203.0.113.9"}, // what the client made up stands to the left
		{"[::1]:5", "2001:db8::7", "2001:db8::7"},
		{"[::ffff:127.0.0.1]:5", "203.0.113.9", "203.0.113.9"},
		{"203.0.113.1:5", "6.6.6.6", ""}, // no proxy of ours
		{"10.1.2.3:5", "", ""},
		{"10.1.2.3:5", "nonsense", ""},
		{"10.1.2.3:5", "10.4.4.4", ""},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		got := p.resolve(r)
		if want := c.want; want != "" && !strings.HasPrefix(strings.Trim(got.RemoteAddr, "["), want) || want == "" && got.RemoteAddr != c.peer {
			t.Errorf("%+v gives %s", c, got.RemoteAddr)
		}
		if len(got.Header) > 0 {
			t.Errorf("%+v: headers are passed on: %v", c, got.Header)
		}
	}
	for _, bad := range []string{"", "x", "10.0.0.0/99", "example.org"} {
		if _, err := parseProxies([]string{bad}); err == nil {
			t.Errorf("%q is taken for a network", bad)
		}
	}
}

func TestPausesGrowAndEnd(t *testing.T) {
	b := bound{free: 3, first: time.Second, most: time.Minute}
	last := time.Duration(0)
	for n := range 100 {
		p := b.pause(n)
		if p < last || p > b.most || (n < b.free) != (p == 0) {
			t.Errorf("after %d failures: %v", n, p)
		}
		last = p
	}
	if last != b.most {
		t.Errorf("the longest pause is %v", last)
	}
}

func TestAttemptsStayBoundedUnderAFlood(t *testing.T) {
	now := time.Now()
	a := newAttempts(func() time.Time { return now })
	for i := range attemptsMax * 2 {
		if _, err := a.begin(attempt{fmt.Sprint("login:", i), perLane, false}, attempt{fmt.Sprint("address:", i), perAddress, false}); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.keys) > attemptsMax {
		t.Errorf("%d keys are remembered", len(a.keys))
	}
	// Time heals.
	mine := attempt{"mine", perLane, true}
	for n := range perLane.free {
		try, err := a.begin(mine)
		if err != nil || try.last != (n == perLane.free-1) {
			t.Fatal(n, try.last, err)
		}
	}
	if _, err := a.begin(mine); err == nil {
		t.Error("a sixth guess is free")
	}
	now = now.Add(attemptsMemory)
	if _, err := a.begin(mine); err != nil {
		t.Error(err)
	}
}

func TestOneNetworkIsOneAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"192.0.2.1", "192.0.2.2", false},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
	} {
		if got := addressKey(c.a) == addressKey(c.b); got != c.same {
			t.Errorf("%s and %s count as one: %v", c.a, c.b, got)
		}
	}
}

// TestDepthIsWhatAParserFinds compares the scan with nesting that was built
// at random, strings with brackets and escapes among it.
func TestDepthIsWhatAParserFinds(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		want := 1 + r.IntN(60)
		var b strings.Builder
		for i := range want {
			if i%2 == 0 {
				b.WriteString(`["[{\"[", `)
			} else {
				b.WriteString(`{"}]\\": `)
			}
		}
		b.WriteString("1")
		for i := want - 1; i >= 0; i-- {
			b.WriteString(map[bool]string{true: "]", false: "}"}[i%2 == 0])
		}
		for _, max := range []int{want - 1, want, want + 1} {
			if got := tooDeep([]byte(b.String()), max); got != (want > max) {
				t.Fatalf("depth %d, limit %d: %v for %s", want, max, got, b.String())
			}
		}
	}
}

func TestPathsFitTheirPatternsExactly(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		fits          bool
	}{
		{"/api/portolan/sync", "/api/portolan/sync", true},
		{"/api/portolan/sync", "/api/portolan/sync/", false},
		{"/a/{id}/b", "/a/x-1_y/b", true},
		{"/a/{id}/b", "/a//b", false},
		{"/a/{id}/b", "/a/../b", false},
		{"/a/{id}/b", "/a/x/y/b", false},
		{"/a/{id}/b", "/a/X/b", false},
		{"/a/{file}", "/a/x.js", true}, {"/a/{id}", "/a/x.js", false}, {"/a/{file}", "/a/X.js", false}, {"/a/{file}", "/a/x%2e.js", false},
		{"/a/{id}/b", "/a/" + strings.Repeat("x", segmentMax+1) + "/b", false},
	} {
		if got := fits(c.pattern, c.path); got != c.fits {
			t.Errorf("%s fits %s: %v", c.path, c.pattern, got)
		}
	}
}

func TestWhoTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0": false, "identity": false} {
		if got := takesGzip(&http.Request{Header: http.Header{"Accept-Encoding": {header}}}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// FuzzBody feeds the decoder of bodies anything: it gives one of its own
// codes or takes what encoding/json takes too.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"code":"x","limit":1}`, `{} {}`, `[[[`, `"\ud800"`, "\xff", `{"limit":1e999}`, ` `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v struct {
			Code  string            `json:"code"`
			Limit int               `json:"limit"`
			Where map[string]string `json:"where"`
		}
		err := decodeStrict(b, &v)
		var known *care.Error
		if err != nil && (!errors.As(err, &known) || !strings.HasPrefix(known.Code, "body_")) {
			t.Errorf("%q gives %v", b, err)
		}
		if err == nil && !json.Valid(b) {
			t.Errorf("%q is taken", b)
		}
	})
}
