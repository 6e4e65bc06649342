package capsule

import (
	"bytes"
	"crypto/ed25519"
	"math/rand"
	"testing"
)

func TestAFileProvesItself(t *testing.T) {
	file := []byte("%PDF-1.7\n%\xE2\xE3\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n")
	key, other := hubKey(1), hubKey(2)
	both := []ed25519.PublicKey{publicOf(other), publicOf(key)}
	proved := Prove(file, Paper{1, 2}, key)
	if v, by, paper := JudgeFile(proved, both); v != Valid || !by.Equal(publicOf(key)) || paper != (Paper{1, 2}) {
		t.Errorf("%s of %v", v, paper)
	}
	if v, _, _ := JudgeFile(proved, both[:1]); v != Unknown {
		t.Errorf("its hub is not trusted, and it is %s", v)
	}
	if v, _, _ := JudgeFile(file, both); v != Unknown {
		t.Errorf("it was never signed, and it is %s", v)
	}
	random := rand.New(rand.NewSource(1))
	for range 200 {
		changed := bytes.Clone(proved)
		changed[random.Intn(len(changed))] ^= byte(1 + random.Intn(255))
		if v, _, _ := JudgeFile(changed, both); v == Valid {
			t.Errorf("changed, it is %s: %q", v, changed)
		}
	}
	changed := bytes.Replace(proved, []byte("<<>>"), []byte("<</>"), 1)
	if v, _, _ := JudgeFile(changed, both); v != Changed {
		t.Errorf("an object was changed, and it is %s", v)
	}
	if more := append(bytes.Clone(proved), "more"...); bytes.Contains(more, []byte("more")) {
		if v, _, _ := JudgeFile(more, both); v != Changed {
			t.Errorf("something was added, and it is %s", v)
		}
	}
	again := Prove(file, Paper{3, 4}, key)
	if n := commonPrefix(string(proved), string(again)) - bytes.Index(file, proofEnd); n > len("%AQ") {
		t.Errorf("two files of one hub have %d letters in common", n)
	}
}

// FuzzFile: nothing that is not signed is valid.
func FuzzFile(f *testing.F) {
	key := hubKey(1)
	f.Add([]byte("%PDF-1.7\nstartxref\n9\n%%EOF\n"))
	f.Add(Prove([]byte("%PDF-1.7\nstartxref\n9\n%%EOF\n"), Paper{1}, hubKey(2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, _, _ := JudgeFile(b, []ed25519.PublicKey{publicOf(key)}); v == Valid {
			t.Errorf("%q is valid", b)
		}
	})
}
