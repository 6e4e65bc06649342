package tablet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"portolan/care"
	"portolan/internal/hubtest"
	"portolan/tablet"
)

// askStaff is a member of staff at the command line, without a second factor.
func askStaff(_ context.Context, variable, _ string) (string, error) {
	switch variable {
	case tablet.PasswordVariable:
		return hubtest.Password, nil
	case tablet.PassphraseVariable:
		return passphrase, nil
	}
	return "", errors.New("there is no terminal")
}

// run runs the command line on a folder.
func run(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = tablet.Run(t.Context(), append([]string{"--dir", dir}, args...), askStaff, cheap, &out, &err)
	return code, out.String(), err.String()
}

func TestCommandLine(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	dir, second := t.TempDir(), t.TempDir()
	want := func(code int, dir string, args ...string) string {
		t.Helper()
		got, out, errs := run(t, dir, args...)
		if got != code {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, got, code, out, errs)
		}
		return strings.TrimSpace(out)
	}
	for _, words := range [][]string{{"sync"}, {"list"}, {"conflicts"}} {
		want(tablet.ExitFailed, dir, words...)
	}
	want(tablet.ExitOK, dir, "enrol", b.url, b.Code(t, anna.Staff), "--label", "red case")
	want(tablet.ExitOK, second, "enrol", b.url, b.Code(t, anna.Staff))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(dir, "device.key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key file: %v, %v", info.Mode(), err)
		}
	}
	caseID := want(tablet.ExitOK, dir, "new", "cases", "status=Active", "risk_level=medium")
	person := want(tablet.ExitOK, dir, "new", "survivors", "--case", caseID, "alias=Lis, of the sea", "languages=es,fr", "birth_year=1999", "child=no", "pronouns=absent:asked_declined")
	want(tablet.ExitOK, dir, "set", person, "languages+=ar", "languages-=fr", "stateless=yes")
	want(tablet.ExitOK, dir, "sync")
	out := want(tablet.ExitOK, dir, "show", person)
	for _, line := range []string{"alias: Lis, of the sea", "languages: ar, es", "birth_year: 1999", "child: false", "stateless: true", "pronouns: (asked declined)"} {
		if !strings.Contains(out, line) {
			t.Errorf("show does not say %q:\n%s", line, out)
		}
	}
	want(tablet.ExitOK, second, "sync")
	if out := want(tablet.ExitOK, second, "list", "survivors", "--case", caseID); !strings.Contains(out, person) {
		t.Errorf("list: %s", out)
	}
	if out := want(tablet.ExitOK, second, "list"); !strings.Contains(out, "1 survivors") {
		t.Errorf("list: %s", out)
	}

	want(tablet.ExitOK, dir, "set", caseID, "risk_level=low")
	want(tablet.ExitOK, second, "set", caseID, "risk_level=high")
	want(tablet.ExitOK, dir, "sync")
	want(tablet.ExitUndecided, second, "sync")
	if out := want(tablet.ExitUndecided, second, "conflicts"); !strings.Contains(out, "risk_level: high") || strings.Count(out, "kept:") != 2 ||
		!strings.Contains(out, "#2 kept") || strings.Contains(out, "by "+anna.Staff) || !strings.Contains(out, "To decide") {
		t.Errorf("conflicts: %s", out)
	}
	want(tablet.ExitUndecided, second, "set", caseID, "risk_level=low")
	want(tablet.ExitFailed, second, "conflicts", "resolve", caseID, "risk_level", "#3")
	want(tablet.ExitOK, second, "conflicts", "resolve", caseID, "risk_level", "#1")
	want(tablet.ExitOK, second, "conflicts")
	want(tablet.ExitOK, second, "sync")
	want(tablet.ExitOK, dir, "sync")
	var shown tablet.Record
	if err := json.Unmarshal([]byte(want(tablet.ExitOK, dir, "--json", "show", caseID)), &shown); err != nil {
		t.Fatal(err)
	}
	if f := field(t, shown, "risk_level"); f.Conflict {
		t.Errorf("still undecided: %+v", f)
	}
}

func TestCommandLineRefuses(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	dir := t.TempDir()
	if code, _, errs := run(t, dir, "enrol", b.url, b.Code(t, anna.Staff)); code != tablet.ExitOK {
		t.Fatal(errs)
	}
	const secret = "Quetzal-4417"
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{tablet.ExitUsage, "no command", []string{"fly"}},
		{tablet.ExitUsage, "no option", []string{"sync", "--fast"}},
		{tablet.ExitUsage, "other words", []string{"show"}},
		{tablet.ExitUsage, "what is --case", []string{"list", "--case"}},
		{tablet.ExitUsage, "", []string{}},
		{tablet.ExitFailed, "collection_unknown", []string{"new", "secrets", "a=b"}},
		{tablet.ExitFailed, "field_unknown", []string{"new", "cases", "status=Active", "shoe=9"}},
		{tablet.ExitFailed, "value_not_in_list: Type one of ", []string{"new", "cases", "status=" + secret}},
		{tablet.ExitFailed, "docs/collections.md", []string{"new", "organisations", "country=" + secret}},
		{tablet.ExitOK, "there are none", []string{"list", "notes"}},
		{tablet.ExitFailed, "value_typed_wrong", []string{"new", "cases", "status"}},
		{tablet.ExitFailed, "case_missing", []string{"new", "survivors", "alias=" + secret}},
		{tablet.ExitFailed, "not_found", []string{"show", "01930000-0000-7000-8000-0000deadbeef"}},
		{tablet.ExitUnreachable, "hub_unreachable", []string{"enrol", "http://127.0.0.1:1", "CODE"}},
	} {
		code, _, errs := run(t, dir, c.args...)
		if code != c.code || !strings.Contains(errs, c.says) && len(c.args) > 0 {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, errs)
		}
		if strings.Contains(errs, secret) {
			t.Errorf("%v: the message repeats what was typed: %s", c.args, errs)
		}
	}
	var out, errs bytes.Buffer
	if code := tablet.Run(t.Context(), []string{"sync"}, nil, cheap, &out, &errs); code != tablet.ExitUsage {
		t.Errorf("without a folder: exit %d", code)
	}
	if code := tablet.Run(t.Context(), []string{"--help"}, nil, cheap, &out, &errs); code != tablet.ExitOK || !strings.Contains(out.String(), "Exit codes") {
		t.Errorf("help: exit %d", code)
	}
}

func TestParseValues(t *testing.T) {
	entity := &care.Entity{Fields: []care.Field{
		{Name: "text", Type: care.Text, Merge: care.Latest}, {Name: "texts", Type: care.Texts, Merge: care.Union}, {Name: "int", Type: care.Int}, {Name: "bool", Type: care.Bool},
		{Name: "date", Type: care.Date}, {Name: "time", Type: care.Time}, {Name: "decimal", Type: care.Decimal}, {Name: "object", Type: care.Object},
	}}
	for _, c := range []struct{ typed, want string }{
		{"text=a=b", `"a=b"`},
		{"text=absent:unknown", `{"absent":"unknown"}`},
		{`text=absent:x"y`, "value_bad_absent"},
		{`texts=b, a\,c,a\\d`, `["a,c","a\\d","b"]`},
		{"int=-7", "-7"},
		{"int=7.5", "value_wrong_type"},
		{`int=1,"x":2`, "value_wrong_type"},
		{"bool=No", "false"},
		{"bool=maybe", "value_wrong_type"},
		{"date=2026-11", `"2026-11"`},
		{"date=yesterday", "value_bad_date"},
		{"time=2026-11-20T08:00:00+03:00", `"2026-11-20T05:00:00.000Z"`},
		{"decimal=12.50", `"12.5"`},
		{`object={"b":"2","a":"1"}`, `{"a":"1","b":"2"}`},
		{`object={"b":`, "value_typed_wrong"},
		{"nothing", "value_typed_wrong"},
		{"=x", "value_typed_wrong"},
		{"other=x", "field_unknown"},
	} {
		edit, err := tablet.ParseEdit(entity, []string{c.typed})
		got := care.CodeOf(err)
		if err == nil {
			name, _, _ := strings.Cut(c.typed, "=")
			got = string(edit.Set[name])
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.typed, got, c.want)
		}
	}
	if _, err := tablet.ParseEdit(entity, []string{"text=a", "text=b"}); care.CodeOf(err) != "value_typed_wrong" {
		t.Errorf("a field typed twice: %v", err)
	}
	edit, err := tablet.ParseEdit(entity, []string{"texts+=a,b", "texts-=c", "texts+=d"})
	if err != nil || strings.Join(edit.Add["texts"], "") != "abd" || strings.Join(edit.Remove["texts"], "") != "c" {
		t.Errorf("elements: %+v, %v", edit, err)
	}
	if got := tablet.FormatValue(care.OfText("a\x1b[31m\u202eb\nc")); got != `a\u001b[31m\u202eb\nc` {
		t.Errorf("what steers a terminal is printed: %q", got)
	}
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"text=a", "texts=a,b\\,c", "object={}", "int=1", "bool=yes", "time=2026", "text=absent:unknown", "texts+=x"} {
		f.Add(s)
	}
	entity := &care.Entity{Fields: []care.Field{{Name: "text", Type: care.Text}, {Name: "texts", Type: care.Texts, Merge: care.Union}, {Name: "int", Type: care.Int},
		{Name: "bool", Type: care.Bool}, {Name: "time", Type: care.Time}, {Name: "object", Type: care.Object}}}
	f.Fuzz(func(t *testing.T, typed string) {
		edit, err := tablet.ParseEdit(entity, []string{typed})
		if err != nil {
			if care.CodeOf(err) == "internal" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		for name, v := range edit.Set {
			if !json.Valid(v) {
				t.Fatalf("%s: no JSON: %q", name, v)
			}
			tablet.FormatValue(v)
		}
	})
}

// A wake-up brings what another tablet sent, without asking for it.
func TestWatchIsWoken(t *testing.T) {
	b := newBench(t)
	anna, _ := b.Staff(t, care.Outreach)
	first, second := b.tablet(t, anna.Staff), b.tablet(t, anna.Staff)
	_, survivor := intake(t, first)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type told struct {
		r   tablet.Report
		err error
	}
	synced := make(chan told, 16)
	ended := make(chan error, 1)
	go func() { ended <- second.Watch(ctx, func(r tablet.Report, err error) { synced <- told{r, err} }) }()
	select {
	case err := <-ended:
		t.Fatalf("watching ended: %v", err)
	case s := <-synced:
		if s.err == nil && s.r.Rows > 0 {
			break
		}
		// The first sync brings what belongs to the organisation.
		t.Fatalf("the first sync: %+v", s)
	}
	mustSync(t, first)
	for {
		s := <-synced
		if s.err != nil {
			t.Fatalf("woken: %v", s.err)
		}
		if r, err := second.Show(t.Context(), survivor); err == nil {
			if r.Get("alias").Text() != "Lis" {
				t.Errorf("%+v", r)
			}
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("watching ended with %v", err)
	}
}

// Where the hub cannot be listened to, the tablet asks now and then; when it
// is revoked, it stops asking.
func TestWatchPollsAndStopsWhenRevoked(t *testing.T) {
	b, line, tab := newRelayedBench(t)
	tab.SetPause(func(context.Context) error { return nil })
	line.to("")
	failures := 0
	var reached bool
	err := tab.Watch(t.Context(), func(_ tablet.Report, err error) {
		switch {
		case tablet.Unreachable(err) && failures < 3:
			if failures++; failures == 3 {
				line.to(b.url)
			}
		case err == nil && !reached:
			reached = true
			id, err := tab.Identity(t.Context())
			if err != nil {
				t.Error(err)
			}
			if err := b.RevokeDevice(t.Context(), b.HubActor(), id.Device); err != nil {
				t.Error(err)
			}
			line.to(b.url) // the stream ends
		}
	})
	if care.CodeOf(err) != "token_invalid" || failures < 3 || !reached {
		t.Errorf("ended with %v after %d failures, reached %v", err, failures, reached)
	}
}
