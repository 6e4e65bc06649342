package search

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"portolan/care"
	"portolan/internal/gen"
)

// names that are one name, in the scripts and spellings of those who write it.
var same = [][]string{
	{"محمد", "Mohammed", "Muhamed", "Mohamad", "Muhammad", "Мухаммед", "मोहम्मद", "মোহাম্মদ", "ሙሐመድ", "মুহাম্মদ", "mohammad", "مُحَمَّد"},
	{"فاطمة", "Fatima", "Fatimah", "فاطمه", "Фатима", "फातिमा", "ফাতিমা", "ፋጢማ"},
	{"يوسف", "یوسف", "Yusuf", "Yousef", "Yousif", "Юсуф", "ዩሱፍ"},
	{"الحسن", "al-Hasan", "Hassan", "حسن", "Хасан"},
	{"الحسن", "al-Hasan", "Alhassan"},
	{"خالد", "Khalid", "Khaled", "Халид", "ካሊድ"},
	{"ዳዊት", "Dawit", "Davit"},
	{"ገብረመድህን", "Ghebremedhin", "Gebremedhin"},
	{"ተስፋዬ", "Tesfaye", "Tesfaie"},
	{"Сергій", "Serhii", "Сергей"}, {"Сергій", "Sergei", "Sergey", "Сергей"},
	{"Коваленко", "Kovalenko", "Kowalenko"},
	{"Юлія", "Yuliia", "Julia", "Юлия"},
	{"Гриценко", "Hrytsenko"}, {"Гриценко", "Gritsenko"},
	{"विष्णु", "Bishnu", "Vishnu"},
	{"श्रेष्ठ", "Shrestha"},
	{"হোসেন", "Hossain", "Hussain", "Hosen", "حسین"},
	{"আক্তার", "Akter", "Akhtar"},
	{"စန္ဒာ", "Sandar", "Sanda"},
	{"မြင့်", "Myint"},
	{"ထွန်း", "Tun", "Htun"},
	{"ស្រីមុំ", "Sreymom"},
	{"សំណាង", "Samnang"},
	{"វិចិត្រ", "Vichet", "Wichit"},
	{"สมชาย", "Somchai"},
	{"วิชัย", "Wichai", "Vichai"},
	{"ประเสริฐ", "Prasert"},
	{"秀英", "Xiuying", "Xiu Ying", "Hsiu-ying"},
	{"志强", "Zhiqiang"},
	{"Nguyễn", "Nguyen", "NGUYEN"},
	{"Ștefania", "Stefania", "Şefania"[:0] + "Ştefania"},
	{"පෙරේරා", "Perera"},
	{"முருகன்", "Murugan"},
	{"Иосиф", "Iosif"},
	{"សុភា", "Sophea"}, {"ចន្ធូ", "Chanthou"}, {"សុវណ្ណ", "Sovann"}, {"បុប្ផា", "Bopha"}, {"លក្ខិណា", "Leakhena"}, {"កញ្ញា", "Kanya"},
	{"บุญมี", "Boonmee", "Bunmi"}, {"ณัฐพล", "Nattapon"}, {"ณัฐพล", "Nuttapol"}, {"สุภาพร", "Supaporn"}, {"จันทร์", "Chan", "Jan"}, {"อนงค์", "Anong"},
	{"พรทิพย์", "Porntip", "Pornthip"}, {"หนู", "Noo"}, {"เพ็ญ", "Pen", "Phen"}, {"เอก", "Ek"},
	{"အောင်", "Aung"}, {"ကျော်", "Kyaw"}, {"လှိုင်", "Hlaing"}, {"ခိုင်", "Khaing", "Khine"}, {"ဖြူ", "Phyu", "Phyoo"}, {"ရွှေ", "Shwe"}, {"ငြိမ်း", "Nyein"}, {"နှင်း", "Hnin"},
	{"ዮሐንስ", "Yohannes", "Johannes"}, {"ጸጋዬ", "Tsegaye", "ፀጋዬ"}, {"ወልደ", "Wolde", "Welde"}, {"ሚካኤል", "Mikael", "Michael"}, {"ኣድሓኖም", "Adhanom"},
	{"लक्ष्मी", "Lakshmi", "Laxmi", "লক্ষ্মী"}, {"ज्ञानेन्द्र", "Gyanendra"}, {"गुरुङ", "Gurung"}, {"चौधरी", "Chaudhary", "চৌধুরী", "Chowdhury", "چوہدری"}, {"पूजा", "Pooja"},
	{"রহমান", "Rahman", "Rahaman", "رحمان"}, {"বিশ্বাস", "Biswas"}, {"ঝর্ণা", "Jharna"},
	{"عائشة", "Aisha", "Ayesha", "Aicha"}, {"إبراهيم", "Ibrahim", "Ebrahim"}, {"عبد الله", "Abdullah", "Abdallah"}, {"نور", "Nour", "Noor", "Nur"}, {"رضا", "Reza"}, {"رضا", "Rida"},
	{"عثمان", "Osman", "Uthman", "Othman"}, {"هدى", "Huda", "Hoda"}, {"جاوید", "Javed", "Jawed"}, {"بھٹی", "Bhatti"},
	{"Дмитрий", "Dmitry", "Dmitri"}, {"Александр", "Alexander", "Aleksandr"}, {"Щербак", "Shcherbak"}, {"Екатерина", "Ekaterina", "Yekaterina"}, {"Ђорђевић", "Djordjevic"},
	{"张伟", "Zhang Wei", "張偉"}, {"徐静", "Xu Jing"},
	{"عبد الرحمن", "Abdul Rahman", "Abdulrahman", "Abd al-Rahman", "Abdelrahman", "Абдурахман"},
}

func everything(care.Target) bool { return true }

func newIndex() *Index { return NewIndex([]byte("thirty-two bytes of a test's key")) }

func recordID(n int) string { return fmt.Sprintf("01930000-0000-7000-8000-%012x", n) }

func person(n int, names ...string) Entry {
	e := Entry{Collection: "identities", Record: recordID(n), Case: recordID(n | 1<<40), Org: recordID(1 << 41), Seq: uint64(n)}
	for i, name := range names {
		e.Values = append(e.Values, Value{Field: []string{"given_name", "family_name", "aliases"}[i], Compartment: care.Identity, Text: name})
	}
	return e
}

func find(t testing.TB, x *Index, text string) []Hit {
	t.Helper()
	hits, _, err := x.Find(text, 1<<20, everything)
	if err != nil {
		t.Fatalf("searching for %q: %v", text, err)
	}
	return hits
}

func TestOneNameInItsScriptsAndSpellings(t *testing.T) {
	for _, names := range same {
		for i, written := range names {
			x := newIndex()
			x.Put(person(i, written))
			for _, sought := range names {
				if len(find(t, x, sought)) == 0 {
					t.Errorf("%q is not found as %q: %v %v", written, sought, newTerm(strings.Join(words(fold(written)), "")), newTerm(strings.Join(words(fold(sought)), "")))
				}
			}
		}
	}
}

var canary = regexp.MustCompile(` CANARY-[0-9-]+`)

// people is invented identities by the number of their case.
func people(t testing.TB, n int) []map[string]care.Value {
	t.Helper()
	w := gen.New(1, time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC))
	var out []map[string]care.Value
	for i := 0; len(out) < n; i++ {
		for _, d := range w.Case(i).Drafts {
			if d.Collection == "identities" {
				set := map[string]care.Value{}
				for f, v := range d.Set {
					if f == "given_name" || f == "family_name" || f == "romanised_name" {
						v = care.OfText(strings.TrimSpace(canary.ReplaceAllString(v.Text(), "")))
					}
					set[f] = v
				}
				for f, l := range d.Add {
					set[f] = care.OfList(l...)
				}
				if set["given_name"].Text() != "" {
					out = append(out, set)
				}
			}
		}
	}
	return out
}

func entryOf(n int, set map[string]care.Value) Entry {
	e := person(n)
	identities, _ := care.Find("identities")
	for i := range identities.Fields {
		f := &identities.Fields[i]
		v := set[f.Name]
		if !f.Search || !v.IsSet() {
			continue
		}
		texts := []string{v.Text()}
		if f.Type == care.Texts {
			texts = v.List()
		}
		for _, text := range texts {
			e.Values = append(e.Values, Value{Field: f.Name, Compartment: f.Compartment, Whole: f.Whole, Text: text})
		}
	}
	return e
}

// beginning is the first letters of a name, and no part of a letter.
func beginning(s string) string {
	r := []rune(s)
	n := max(2, len(r)/2)
	for n < len(r) && unicode.IsMark(r[n]) {
		n++
	}
	return string(r[:min(n, len(r))])
}

func TestEveryPersonIsFound(t *testing.T) {
	all := people(t, 150)
	x := newIndex()
	scripts := map[*unicode.RangeTable]bool{}
	for i, set := range all {
		x.Put(entryOf(i, set))
	}
	for i, set := range all {
		own := set["given_name"].Text() + " " + set["family_name"].Text()
		first, _ := firstLetter(own)
		for _, s := range gen.Scripts() {
			if unicode.Is(s, first) {
				scripts[s] = true
			}
		}
		for _, sought := range []string{own, set["family_name"].Text() + " " + set["given_name"].Text(), set["romanised_name"].Text(),
			beginning(own), strings.ToUpper(own), set["mobile_phone"].Text(), set["identity_number"].Text(), set["email"].Text()} {
			if !slices.ContainsFunc(find(t, x, sought), func(h Hit) bool { return h.Record == recordID(i) }) {
				t.Errorf("%q is not found as %q", own, sought)
			}
		}
	}
	if len(scripts) < 8 {
		t.Errorf("people of %d scripts only", len(scripts))
	}
}

// A person whose romanisation nobody wrote down is found by it all the same.
func TestEveryPersonIsFoundByARomanisation(t *testing.T) {
	all := people(t, 150)
	x := newIndex()
	for i, set := range all {
		x.Put(person(i, set["given_name"].Text(), set["family_name"].Text()))
	}
	missed := map[string]bool{}
	for i, set := range all {
		sought := set["romanised_name"].Text()
		if !slices.ContainsFunc(find(t, x, sought), func(h Hit) bool { return h.Record == recordID(i) }) {
			missed[set["given_name"].Text()+" "+set["family_name"].Text()+" = "+sought] = true
		}
	}
	for m := range missed {
		t.Errorf("not found: %s", m)
	}
}

// What is found beside the right one, over 1,000 people. The names of gen are
// few, so that many people share one: those are right too.
func TestFewAreFoundWhoWereNotSought(t *testing.T) {
	all := people(t, 1000)
	x := newIndex()
	for i, set := range all {
		x.Put(person(i, set["given_name"].Text(), set["family_name"].Text()))
	}
	sameName := func(a, b map[string]care.Value, fields ...string) bool {
		return !slices.ContainsFunc(fields, func(f string) bool { return a[f].Text() != b[f].Text() })
	}
	for _, tc := range []struct {
		kind  string
		most  float64 // a query, on average
		query func(map[string]care.Value) string
		right func(sought, found map[string]care.Value) bool
	}{
		{"the whole name", 2, func(p map[string]care.Value) string { return p["given_name"].Text() + " " + p["family_name"].Text() },
			func(a, b map[string]care.Value) bool { return sameName(a, b, "given_name", "family_name") }},
		{"the whole name in Latin letters", 2, func(p map[string]care.Value) string { return p["romanised_name"].Text() },
			func(a, b map[string]care.Value) bool { return sameName(a, b, "given_name", "family_name") }},
		{"the given name", 12, func(p map[string]care.Value) string { return p["given_name"].Text() },
			func(a, b map[string]care.Value) bool { return sameName(a, b, "given_name") }},
		{"the family's name", 12, func(p map[string]care.Value) string { return p["family_name"].Text() },
			func(a, b map[string]care.Value) bool { return sameName(a, b, "family_name") }},
	} {
		queries, wrong, by := 0, 0, map[Match]int{}
		for i := 0; i < len(all); i += 7 {
			queries++
			for _, h := range find(t, x, tc.query(all[i])) {
				var n int
				if _, err := fmt.Sscanf(h.Record[len(h.Record)-12:], "%x", &n); err != nil {
					t.Fatal(err)
				}
				if !tc.right(all[i], all[n]) {
					wrong++
					by[h.Match]++
				}
			}
		}
		average := float64(wrong) / float64(queries)
		t.Logf("%s: %.2f others a query %v", tc.kind, average, by)
		if average > tc.most {
			t.Errorf("%s: %.2f others a query, at most %v", tc.kind, average, tc.most)
		}
	}
}

// Ten thousand people fit into 20 MB.
func TestMemoryOfAPerson(t *testing.T) {
	all := people(t, 1000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := newIndex()
	for i, set := range all {
		x.Put(entryOf(i, set))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(len(all))
	records, words := x.Size()
	t.Logf("%d bytes a person, %d records, %d words", each, records, words)
	if each > 2<<10 || each < 100 {
		t.Errorf("%d bytes a person", each)
	}
	runtime.KeepAlive(all)
}

// What is forgotten is overwritten, and nobody finds it.
func TestForgottenNamesAreOverwritten(t *testing.T) {
	x := newIndex()
	for n, name := range []string{"Fatima", "Kestrel", "Heron"} {
		e := person(n, name)
		e.Values = append(e.Values, Value{Field: "mobile_phone", Compartment: care.Identity, Whole: true, Text: fmt.Sprintf("+254 700 00000%d", n)})
		x.Put(e)
	}
	blobs := map[string][]byte{}
	for _, w := range x.words {
		blobs[string(w.blob[:w.text])] = w.blob
	}
	overwritten := func(word string) bool {
		b := blobs[word]
		return len(b) > 0 && !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
	}
	x.DropCase(recordID(0 | 1<<40))
	if !overwritten("fatima") || overwritten("heron") || len(find(t, x, "Fatima")) > 0 || len(find(t, x, "0700000000")) > 0 || len(find(t, x, "Heron")) != 1 {
		t.Error("an erased case is in the index still, or another is not")
	}
	x.Put(person(0, "Fatima"))
	if len(find(t, x, "Fatima")) > 0 {
		t.Error("an older reading brings an erased case back")
	}
	e := person(1, "Merlin")
	e.Seq = 5
	x.Put(e)
	if !overwritten("kestrel") || len(find(t, x, "Kestrel")) > 0 || len(find(t, x, "Merlin")) != 1 {
		t.Error("an old name is in the index still")
	}
	e = person(1, "Kestrel")
	x.Put(e)
	if len(find(t, x, "Merlin")) != 1 {
		t.Error("an older state took the place of a newer one")
	}
	key := x.key
	x.Wipe()
	if !overwritten("heron") || slices.ContainsFunc(key, func(c byte) bool { return c != 0 }) || len(find(t, x, "Heron")) > 0 {
		t.Error("a wiped index holds something")
	}
	x.Put(person(9, "Heron"))
	if n, _ := x.Size(); n != 0 {
		t.Error("a wiped index takes names")
	}
}

func TestRankAndSlips(t *testing.T) {
	x := newIndex()
	for n, name := range []string{"Mohammedin", "محمد", "Mohammed", "Mohammef", "Mehmet Oz"} {
		x.Put(person(n, name))
	}
	var got []string
	for _, h := range find(t, x, "mohammed") {
		got = append(got, string(h.Match)+" "+h.Record[len(h.Record)-1:])
	}
	if want := []string{"exact 2", "prefix 0", "sound 1", "sound 4", "slip 3"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if hits, more, err := x.Find("mohammed", 2, everything); err != nil || len(hits) != 2 || !more {
		t.Errorf("%v, more %v, %v", hits, more, err)
	}
	for text, want := range map[string]bool{"Mohamemd": true, "Mohamed Mohammed": false, "Oz Mehmet": true, "mehmetoz": true, "Mehmer Oz": true, "Mehmet Kar": false} {
		if got := len(find(t, x, text)) > 0; got != want {
			t.Errorf("%q is found: %v", text, got)
		}
	}
	for a, near := range map[[2]string]bool{{"abc", "abc"}: true, {"abc", "acb"}: true, {"abc", "ab"}: true, {"abc", "abcd"}: true, {"abc", "xbc"}: true, {"abc", "xbd"}: false,
		{"abc", "cba"}: false, {"ሰላም", "ሰላን"}: true, {"ሰላም", "ሰለን"}: false, {"ab", "abcd"}: false} {
		if oneSlip(a[0], a[1]) != near {
			t.Errorf("%q and %q: %v", a[0], a[1], !near)
		}
	}
}

func FuzzFind(f *testing.F) {
	x := newIndex()
	for n, names := range same {
		x.Put(person(n, names[0]))
		f.Add(names[len(names)-1])
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, err := x.Find(text, 5, everything); err != nil && !errors.Is(err, ErrShort) && !errors.Is(err, ErrLong) {
			t.Error(err)
		}
		y := newIndex()
		y.Put(person(1, text))
		hits, _, err := y.Find(text, 5, everything)
		if err == nil && letters(fold(text)) >= lettersMin && len(parted(words(fold(text)))) <= wordsMax && len(hits) != 1 {
			t.Errorf("%q does not find itself", text)
		}
	})
}

// What one may not see is not even compared: no time of a search tells of it.
func TestHiddenWordsAreNotCompared(t *testing.T) {
	x := newIndex()
	x.Put(person(0, "Fatima", "Haddad"))
	x.Put(person(1, "Fatimah", "Hadad"))
	q, err := newQuery("fatimma hadad")
	if err != nil {
		t.Fatal(err)
	}
	f := newFinding(x, q, func(target care.Target) bool { return target.Case == recordID(0|1<<40) })
	for i := range x.docs {
		f.look(&x.docs[i])
	}
	for term, scores := range f.scores {
		for word, score := range scores {
			text := string(x.words[word].blob[:x.words[word].text])
			if compared, hidden := score != 0, text == "fatimah" || text == "hadad"; hidden && compared {
				t.Errorf("%q was compared with term %d", text, term)
			}
		}
	}
}

// BenchmarkFind is one search among 10,000 people of whom the asker sees all:
// the dearest there is.
func BenchmarkFind(b *testing.B) {
	all := people(b, 10_000)
	x := newIndex()
	for i, set := range all {
		x.Put(entryOf(i, set))
	}
	for _, text := range []string{"Mohammed al-Hasan", "Fatima", "fa", "+254 700 000 000"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				find(b, x, text)
			}
		})
	}
}

// A long text in the place of a name is kept short, and found by its beginning.
func TestLongTextsAreKeptShort(t *testing.T) {
	x := newIndex()
	long := strings.Repeat("ﷺ", 20_000)
	x.Put(person(1, "Fatima "+strings.Repeat("မင်း", 20_000), strings.Repeat("ab ", 20_000)+"end", long))
	for i, w := range x.words {
		if len(w.blob) > 16<<10 {
			t.Errorf("word %d takes %d bytes", i, len(w.blob))
		}
	}
	if n := len(x.docs[0].values); n > 3*(wordsKeptMax+1) {
		t.Errorf("%d words of one record", n)
	}
	if len(find(t, x, "fatima")) != 1 || len(find(t, x, "မင်းမင်း")) != 1 || len(find(t, x, "end")) != 0 {
		t.Error("it is not found by its beginning, or by its end")
	}
}
