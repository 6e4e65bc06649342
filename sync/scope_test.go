package fieldsync

import (
	"crypto/ed25519"
	"crypto/sha256"
	"maps"
	"slices"
	"testing"

	"portolan/care"
)

func TestScopes(t *testing.T) {
	for _, p := range []ScopeParts{
		{Case: caseA, Compartment: care.Health},
		{Case: caseA, Compartment: care.General},
		{Org: orgA, Topic: care.Facilities, Compartment: care.General},
		{Org: orgA, Topic: care.People, Compartment: care.Identity},
	} {
		got, err := ParseScope(string(p.Scope()))
		if err != nil || got != p {
			t.Errorf("%s: %+v, %v; want %+v", p.Scope(), got, err, p)
		}
	}
	for _, s := range []string{"", "case", "case:", "case:" + caseA, "case:" + caseA + "/", "case:" + caseA + "/secrets", "case:" + caseA + "/health/x",
		"case:x/health", "org:" + orgA, "org:" + orgA + "/weather", "org:" + orgA + "/people/general", "org:" + orgA + "/people/x", "Case:" + caseA + "/health", "team:" + orgA + "/people"} {
		if _, err := ParseScope(s); care.CodeOf(err) != CodeScope {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestDots(t *testing.T) {
	d := DotOf(replicaA, 10)
	if got, err := ParseDot(string(d)); got != d || err != nil || d.Replica() != replicaA || d.N() != 10 {
		t.Errorf("%s: %v, replica %s, n %d", got, err, d.Replica(), d.N())
	}
	if DotOf(replicaA, 9).Compare(d) >= 0 || d.Compare(DotOf(replicaB, 1)) >= 0 || d.Compare(d) != 0 {
		t.Error("dots are out of order")
	}
	for _, s := range []string{"", "/1", replicaA, replicaA + "/", replicaA + "/0", replicaA + "/01", replicaA + "/-1", replicaA + "/x", replicaA + "/9007199254740992", "x/1", replicaA + "/1/2"} {
		if _, err := ParseDot(s); care.CodeOf(err) != CodeDot {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// Law: a digest kept up to date by differences is the digest computed anew.
func TestDigestByDifferences(t *testing.T) {
	r := seedOf(t)
	f := lawFields[0]
	for range 200 {
		state := map[string]Register{}
		scopes := map[Scope]Digest{}
		for _, w := range history(r, f) {
			record := []string{recordA, caseA}[r.IntN(2)]
			scope := CaseScope(record, care.General)
			reg := state[record]
			before := DigestOf(scope, record, f.Name, reg.Dots())
			reg.Apply(f, w.v, w.base)
			state[record] = reg
			scopes[scope] = scopes[scope].Sub(before).Add(DigestOf(scope, record, f.Name, reg.Dots()))
		}
		anew := map[Scope]Digest{CaseScope(orgA, care.Health): {}} // a scope with nothing in it
		for record, reg := range state {
			s := CaseScope(record, care.General)
			anew[s] = anew[s].Add(DigestOf(s, record, f.Name, reg.Dots()))
		}
		if a, b := RootDigest(scopes), RootDigest(anew); a != b {
			t.Fatalf("kept %s, computed %s", a, b)
		}
		for s := range scopes {
			other := maps.Clone(scopes)
			other[s] = other[s].Add(Digest{0, 1})
			if RootDigest(other) == RootDigest(scopes) {
				t.Fatal("another digest, the same root")
			}
		}
	}
}

func TestDigestText(t *testing.T) {
	d := DigestOf(CaseScope(caseA, care.General), recordA, "alias", []Dot{DotOf(replicaB, 1), DotOf(replicaA, 10), DotOf(replicaA, 9)})
	if sorted := DigestOf(CaseScope(caseA, care.General), recordA, "alias", []Dot{DotOf(replicaA, 9), DotOf(replicaA, 10), DotOf(replicaB, 1)}); sorted != d {
		t.Error("the order of dots alters the digest")
	}
	if got, err := ParseDigest(d.String()); got != d || err != nil {
		t.Errorf("%s: %v", got, err)
	}
	for _, s := range []string{"", "00", d.String() + "0", "g" + d.String()[1:]} {
		if _, err := ParseDigest(s); care.CodeOf(err) != CodeDigest {
			t.Errorf("%q: %v", s, err)
		}
	}
	if !DigestOf("s", "r", "f", nil).IsZero() {
		t.Error("a field without heads counts")
	}
}

func TestChain(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	raws := [][]byte{[]byte(`{"n":1}`), []byte(`{"n":2}`), []byte(`{"n":3}`)}
	var link Link
	for _, raw := range raws {
		link = NextLink(link, raw)
	}
	sig := Sign(private, replicaA, 3, link)
	if !Verify(public, replicaA, 3, link, sig) {
		t.Error("the signature does not verify")
	}
	if Verify(public, replicaB, 3, link, sig) || Verify(public, replicaA, 2, link, sig) || Verify(public, replicaA, 3, Link{}, sig) ||
		Verify(nil, replicaA, 3, link, sig) || Verify(public, replicaA, 3, link, sig+"=") || Verify(public, replicaA, 3, link, "") {
		t.Error("a signature verifies over something else")
	}
	// A commitment alone carries the chain on; any change of any byte or order breaks it.
	erased := NextLink(LinkOver(NextLink(Link{}, raws[0]), sha256.Sum256(raws[1])), raws[2])
	if erased != link {
		t.Error("the chain does not go over a commitment")
	}
	slices.Reverse(raws)
	var other Link
	for _, raw := range raws {
		other = NextLink(other, raw)
	}
	if other == link {
		t.Error("another order gives the same link")
	}
	if got, err := ParseLink(link.String()); got != link || err != nil {
		t.Errorf("%s: %v", got, err)
	}
	for _, s := range []string{"", "00", "g" + link.String()[1:], link.String() + "00", "A" + link.String()[1:]} {
		if _, err := ParseLink(s); care.CodeOf(err) != CodeLink {
			t.Errorf("%q: %v", s, err)
		}
	}
}
