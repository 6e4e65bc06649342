package fieldsync

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
)

var updateFlag = flag.Bool("update", false, "write what the vectors give into their files, to be read before it is committed")

// replay reads a file of vectors, lets each be worked out anew and compares.
// The app's tests play the same files.
func replay[T any](t *testing.T, name string, work func(t *testing.T, v *T)) {
	t.Helper()
	path := filepath.Join("testdata", "vectors", name)
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []*T
	d := json.NewDecoder(bytes.NewReader(stored))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if len(list) == 0 {
		t.Fatalf("%s holds no vectors", path)
	}
	for _, v := range list {
		work(t, v)
	}
	var now bytes.Buffer
	e := json.NewEncoder(&now)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(list); err != nil {
		t.Fatal(err)
	}
	if *updateFlag {
		if err := os.WriteFile(path, now.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(now.Bytes(), stored) {
		t.Errorf("%s no longer holds; it gives now:\n%s", path, now.Bytes())
	}
}

type mergeVector struct {
	Name        string   `json:"name"`
	Merge       string   `json:"merge"`
	Order       []string `json:"order,omitempty"`
	Dates       string   `json:"dates,omitempty"`
	RemovalWins bool     `json:"removal_wins,omitempty"`
	Writes      []struct {
		V    Version `json:"v"`
		Base []Dot   `json:"base,omitempty"`
	} `json:"writes"`
	Expect struct {
		Kept     []string   `json:"kept"` // dot, or dot and element
		InForce  care.Value `json:"in_force"`
		Conflict bool       `json:"conflict"`
		Held     []string   `json:"held"` // reason for each write, "" where it was taken
	} `json:"expect"`
}

func TestMergeVectors(t *testing.T) {
	replay(t, "merge.json", func(t *testing.T, v *mergeVector) {
		f := &care.Field{Merge: care.Policy(v.Merge), Safer: care.Comparator{Order: v.Order, Dates: v.Dates}, RemovalWins: v.RemovalWins}
		var r Register
		v.Expect.Held, v.Expect.Kept = []string{}, []string{}
		for _, w := range v.Writes {
			_, held := r.Apply(f, w.V, w.Base)
			v.Expect.Held = append(v.Expect.Held, held)
		}
		for _, h := range r.Heads {
			k := string(h.Dot)
			if h.Elem != "" {
				k += " " + h.Elem
			}
			v.Expect.Kept = append(v.Expect.Kept, k)
		}
		v.Expect.InForce, v.Expect.Conflict = r.InForce(f), r.Conflict(f)
	})
}

type seenVector struct {
	Name   string      `json:"name"`
	Heads  []Dot       `json:"heads"`
	Base   []Dot       `json:"base"`
	Here   []Dot       `json:"here,omitempty"`  // came to the hub
	Waits  []Dot       `json:"waits,omitempty"` // and waits for another one
	As     map[Dot]Dot `json:"as,omitempty"`
	Seen   []Dot       `json:"seen"`
	Awaits Dot         `json:"awaits,omitempty"`
}

func TestSeenVectors(t *testing.T) {
	replay(t, "seen.json", func(t *testing.T, v *seenVector) {
		var r Register
		for _, d := range v.Heads {
			r.Heads = append(r.Heads, Version{Dot: d})
		}
		base := slices.Clone(v.Base)
		var err error
		v.Seen, v.Awaits, err = r.Seen(v.Base, func(d Dot) (Fate, error) {
			return Fate{Here: slices.Contains(v.Here, d), Waits: slices.Contains(v.Waits, d), As: v.As[d]}, nil
		})
		if err != nil || !slices.Equal(base, v.Base) {
			t.Errorf("%s: %v; the base was altered: %v", v.Name, err, v.Base)
		}
	})
}

type clockVector struct {
	Name  string `json:"name"`
	Steps []struct {
		Now     int64 `json:"now"` // milliseconds since 1970, of the device
		Observe HLC   `json:"observe,omitempty"`
		Tick    HLC   `json:"tick"`
	} `json:"steps,omitempty"`
	HubNow  int64 `json:"hub_now,omitempty"`
	Clamp   []HLC `json:"clamp,omitempty"`
	Clamped []HLC `json:"clamped,omitempty"`
}

func TestClockVectors(t *testing.T) {
	replay(t, "clocks.json", func(t *testing.T, v *clockVector) {
		var now int64
		c := NewClock(func() time.Time { return time.UnixMilli(now) })
		for i := range v.Steps {
			s := &v.Steps[i]
			now = s.Now
			c.Observe(s.Observe)
			s.Tick = c.Tick()
		}
		v.Clamped = nil
		for _, h := range v.Clamp {
			v.Clamped = append(v.Clamped, Clamp(h, time.UnixMilli(v.HubNow)))
		}
	})
}

type digestVector struct {
	Name   string `json:"name"`
	Fields []struct {
		Scope  Scope  `json:"s"`
		Record string `json:"r"`
		Field  string `json:"f"`
		Dots   []Dot  `json:"d"`
		Digest string `json:"digest"`
	} `json:"fields"`
	Scopes map[Scope]string `json:"scopes"`
	Root   string           `json:"root"`
}

func TestDigestVectors(t *testing.T) {
	replay(t, "digests.json", func(t *testing.T, v *digestVector) {
		sums := map[Scope]Digest{}
		for i := range v.Fields {
			f := &v.Fields[i]
			d := DigestOf(f.Scope, f.Record, f.Field, f.Dots)
			f.Digest = d.String()
			sums[f.Scope] = sums[f.Scope].Add(d)
		}
		v.Scopes = map[Scope]string{}
		for s, d := range sums {
			v.Scopes[s] = d.String()
		}
		v.Root = RootDigest(sums)
	})
}

type chainVector struct {
	Name      string   `json:"name"`
	Replica   string   `json:"replica"`
	Seed      string   `json:"seed"` // of the Ed25519 key, hex
	Changes   []string `json:"changes"`
	Public    string   `json:"public"`
	Links     []string `json:"links"`
	Message   string   `json:"message"`
	Signature string   `json:"sig"`
}

func TestChainVectors(t *testing.T) {
	replay(t, "chain.json", func(t *testing.T, v *chainVector) {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil || len(seed) != ed25519.SeedSize {
			t.Fatalf("%s: a seed of %d bytes, %v", v.Name, len(seed), err)
		}
		key := ed25519.NewKeyFromSeed(seed)
		public := key.Public().(ed25519.PublicKey)
		var link Link
		v.Links = nil
		for i, raw := range v.Changes {
			c, err := DecodeChange([]byte(raw))
			if err != nil || c.N != uint64(i+1) {
				t.Fatalf("%s: change %d: %v", v.Name, i+1, err)
			}
			link = NextLink(link, []byte(raw))
			v.Links = append(v.Links, link.String())
		}
		n := uint64(len(v.Changes))
		v.Public = hex.EncodeToString(public)
		v.Message = string(PushMessage(v.Replica, n, link))
		v.Signature = Sign(key, v.Replica, n, link)
		if !Verify(public, v.Replica, n, link, v.Signature) {
			t.Errorf("%s: the signature does not verify", v.Name)
		}
	})
}

type sealedVector struct {
	Name    string `json:"name"`
	Replica string `json:"replica"` // that delivers it
	Private string `json:"private"` // part of the hub's key, hex: a 32-byte seed
	Member  string `json:"member"`  // as it stands in a push
	N       uint64 `json:"n"`
	Of      Dot    `json:"of"`
	Key     string `json:"key"`
	Sum     string `json:"sum"`
	Change  string `json:"change"` // what is sealed
}

// That the sealed bytes open, package collections shows.
func TestSealedVectors(t *testing.T) {
	replay(t, "sealed.json", func(t *testing.T, v *sealedVector) {
		c, sealed, err := AsSealed([]byte(v.Member))
		if err != nil || !sealed {
			t.Fatalf("%s: %v, %v", v.Name, sealed, err)
		}
		v.N, v.Of, v.Key, v.Sum = c.N, c.Of, c.Key, hex.EncodeToString(c.Sum[:])
		v.Member = string(c.AppendJSON(nil))
		if sum, err := Commitment([]byte(v.Change)); err != nil || sum != c.Sum {
			t.Errorf("%s: the sum is not that of the change (%v)", v.Name, err)
		}
		if sum, err := Commitment([]byte(v.Member)); err != nil || sum != c.Sum {
			t.Errorf("%s: sealed, it is another change to the chain (%v)", v.Name, err)
		}
	})
}

func TestASealedChangeIsReadStrictly(t *testing.T) {
	of, sum := replicaA+"/2", Link{7}.String()
	good := `{"n":2,"of":"` + of + `","key":"ab","sum":"` + sum + `","sealed":"AAAA"}`
	if _, sealed, err := AsSealed([]byte(good)); err != nil || !sealed {
		t.Fatalf("%v, %v", sealed, err)
	}
	for _, bad := range []string{
		strings.Replace(good, `"n":2`, `"n":0`, 1), strings.Replace(good, `"n":2,`, ``, 1), strings.Replace(good, of, "x/2", 1), strings.Replace(good, `"ab"`, `""`, 1),
		strings.Replace(good, sum, sum[1:], 1), strings.Replace(good, "AAAA", "AA=A", 1), strings.Replace(good, "AAAA", "", 1), strings.Replace(good, `"AAAA"`, "7", 1),
		strings.Replace(good, `{`, `{"set":{},`, 1), good + "x",
	} {
		if _, sealed, err := AsSealed([]byte(bad)); err == nil || !sealed {
			t.Errorf("%s: %v, %v", bad, sealed, err)
		}
	}
	for _, change := range []string{string(EncodeChange(sample())), `{"n":1,"set":{"sealed":"x"}}`, `{"n":1,"c":"sealed"}`, `"sealed"`} {
		if _, sealed, err := AsSealed([]byte(change)); sealed || err != nil {
			t.Errorf("%s is taken for something sealed: %v", change, err)
		}
	}
}
