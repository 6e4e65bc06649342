package collections_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// bulk is a hub with two officers and cases of which each has one medicine,
// whose dose is a word that is nowhere else.
type bulk struct {
	*hubtest.Hub
	asks, agrees care.Actor
	clinic       string
	cases        map[string]string // by the word
	consents     map[string]string
}

type values = map[string]care.Value

func newBulk(t *testing.T) *bulk {
	t.Helper()
	b := &bulk{Hub: hubtest.New(t), cases: map[string]string{}, consents: map[string]string{}}
	b.asks, _ = b.Staff(t, care.ProtectionOfficer)
	b.agrees, _ = b.Staff(t, care.ProtectionOfficer)
	b.clinic = b.organisation(t, "HealthServiceOrganisation")
	return b
}

func (b *bulk) organisation(t *testing.T, kind string) string {
	t.Helper()
	id := b.NewID()
	b.Must(t, b.HubActor(), collections.Draft{Collection: "organisations", Record: id, Org: b.Org, Set: values{
		"name": care.OfText("Somebody"), "kind": care.OfText(kind), "country": care.OfText("FR")}})
	return id
}

// person opens a case whose owner is somebody.
func (b *bulk) person(t *testing.T, owner *care.Actor, word string, about values) {
	t.Helper()
	id := b.NewID()
	b.Must(t, *owner, collections.Draft{Collection: "cases", Record: id, Case: id, Set: values{"status": care.OfText("Active"), "owner": care.OfText(owner.Staff)}})
	*owner = b.Reload(t, owner.Staff)
	survivor := values{"alias": care.OfText("alias-" + word)}
	maps.Copy(survivor, about)
	b.Must(t, *owner, collections.Draft{Collection: "survivors", Case: id, Set: survivor},
		collections.Draft{Collection: "medicines", Case: id, Set: values{"substance": care.OfText("ibuprofen"), "dose": care.OfText(word), "status": care.OfText("active")}})
	b.cases[word] = id
}

// agree notes what the person of a case said about exporting health data.
func (b *bulk) agree(t *testing.T, word string, more values) {
	t.Helper()
	now, id := b.Clock.Now(), b.NewID()
	s := values{"purpose": care.OfText("medical_treatment"), "recipient_kind": care.OfText("organisation"), "recipient_org": care.OfText(b.clinic),
		"categories": care.OfList("health"), "actions": care.OfList("export"), "decision": care.OfText("permit"), "status": care.OfText("given"),
		"valid_from": care.OfTime(now), "expires_at": care.OfTime(now.Add(60 * 24 * time.Hour)), "language": care.OfText("fr"), "mode": care.OfText("written"),
		"explanation_version": care.OfText("1"), "giver": care.OfText("self"),
		"checklist": care.OfList("agrees_to_interview", "told_data_use", "told_purpose", "told_research_use", "told_retention", "told_right_to_data", "told_withdrawal")}
	maps.Copy(s, more)
	b.Must(t, b.HubActor(), collections.Draft{Collection: "consents", Record: id, Case: b.cases[word], Org: b.Org, Set: s})
	b.consents[word] = id
}

func (b *bulk) withdraw(t *testing.T, word string) {
	t.Helper()
	b.Must(t, b.HubActor(), collections.Draft{Collection: "consents", Record: b.consents[word], Case: b.cases[word], Org: b.Org,
		Set: values{"status": care.OfText("withdrawn"), "withdrawn_at": care.OfTime(b.Clock.Now())}})
}

func (b *bulk) order(words ...string) collections.ExportOrder {
	o := collections.ExportOrder{Purpose: care.MedicalTreatment, Recipient: "organisation:" + b.clinic}
	for _, w := range words {
		o.Cases = append(o.Cases, b.cases[w])
	}
	return o
}

// allow has the second person agree to an order.
func (b *bulk) allow(t *testing.T, o collections.ExportOrder) {
	t.Helper()
	p, err := b.AskExport(t.Context(), b.asks, o, "supervision")
	if err == nil {
		_, err = b.DecideApproval(t.Context(), b.agrees, p.ID, true)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// export makes an export; meanwhile is called with each case's lines.
func (b *bulk) export(o collections.ExportOrder, meanwhile func(lines string)) (string, collections.Exported, error) {
	var out strings.Builder
	done, err := b.Export(context.Background(), b.asks, o, func(lines []byte) error {
		out.Write(lines)
		if meanwhile != nil {
			meanwhile(string(lines))
		}
		return nil
	})
	return out.String(), done, err
}

func (b *bulk) wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if care.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestR29ABulkExportTakesTwoPeople: exactly what the second person agreed to,
// once, by whoever asked, with the power and the second factor.
func TestR29ABulkExportTakesTwoPeople(t *testing.T) {
	b := newBulk(t)
	ctx := t.Context()
	b.person(t, &b.asks, "canaryone", nil)
	b.person(t, &b.asks, "canarytwo", nil)
	b.agree(t, "canaryone", nil)
	o := b.order("canaryone")
	_, _, err := b.export(o, nil)
	b.wantCode(t, "alone", err, "approval_needed")
	p, err := b.AskExport(ctx, b.asks, o, "supervision")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.DecideApproval(ctx, b.asks, p.ID, true)
	b.wantCode(t, "agreeing with oneself", err, "approval_own")
	b.allow(t, o)
	another, purpose := o, o
	another.Recipient, purpose.Purpose = "organisation:"+b.organisation(t, "NGO"), care.ServiceDelivery
	for what, other := range map[string]collections.ExportOrder{"another recipient": another, "another purpose": purpose, "other cases": b.order("canaryone", "canarytwo"), "all cases": b.order()} {
		out, _, err := b.export(other, nil)
		if b.wantCode(t, what, err, "approval_needed"); out != "" {
			t.Errorf("%s: something left", what)
		}
	}
	_, err = b.Export(ctx, b.agrees, o, func([]byte) error { return errors.New("something left") })
	b.wantCode(t, "by the other", err, "approval_needed")
	half := b.asks
	half.Unproved = true
	_, err = b.Export(ctx, half, o, nil)
	b.wantCode(t, "without the second factor", err, "no_power")
	worker, _ := b.Staff(t, care.Outreach)
	_, err = b.Export(ctx, worker, o, nil)
	b.wantCode(t, "without the power", err, "no_power")
	_, err = b.AskExport(ctx, worker, o, "supervision")
	b.wantCode(t, "asking without the power", err, "no_power")
	noted := func(string) { // before its first byte is written
		seen, err := b.WhoSaw(ctx, b.asks, b.cases["canaryone"])
		if err != nil || !slices.ContainsFunc(seen, func(s collections.Sighting) bool { return s.How == "seen.how.exported" && s.Times == 1 }) {
			t.Errorf("the log, as the case is written: %v %v", seen, err)
		}
	}
	if out, done, err := b.export(o, noted); err != nil || done != (collections.Exported{Cases: 1, Records: 1}) || !strings.Contains(out, "canaryone") {
		t.Errorf("as agreed: %v %+v %s", err, done, out)
	}
	_, _, err = b.export(o, nil)
	b.wantCode(t, "twice", err, "approval_needed")
	for _, bad := range []collections.ExportOrder{{Purpose: "fun", Recipient: o.Recipient}, {Purpose: o.Purpose, Recipient: "anyone_named:Ana"}, {Purpose: o.Purpose, Recipient: "country:FR"}} {
		_, _, err := b.export(bad, nil)
		b.wantCode(t, "nonsense", err, "export_order")
	}
}

// TestR1NoExportGoesToPolice: nor to immigration, nor for their purpose, also
// where the person agreed to it; nor can somebody be asked for one, nor does one
// go that was agreed to before it was known what its recipient is.
func TestR1NoExportGoesToPolice(t *testing.T) {
	b := newBulk(t)
	b.person(t, &b.asks, "canaryone", nil)
	police, purpose := b.order("canaryone"), b.order("canaryone")
	purpose.Purpose = care.LawEnforcementReport
	for _, kind := range []string{"LawEnforcement", "ImmigrationService"} {
		org := b.organisation(t, kind)
		police.Recipient = "organisation:" + org
		b.agree(t, "canaryone", values{"purpose": care.OfText("law_enforcement_report"), "recipient_org": care.OfText(org)})
		both := police
		both.Purpose = care.LawEnforcementReport
		for what, o := range map[string]collections.ExportOrder{"its kind": police, "the purpose": purpose, "both": both} {
			_, err := b.AskExport(t.Context(), b.asks, o, "supervision")
			b.wantCode(t, kind+", asked, by "+what, err, "export_police")
			out, _, err := b.export(o, nil)
			if b.wantCode(t, kind+", by "+what, err, "export_police"); out != "" {
				t.Errorf("%s, by %s: something left", kind, what)
			}
		}
	}
	o := b.order("canaryone")
	b.agree(t, "canaryone", nil)
	b.allow(t, o)
	b.Must(t, b.HubActor(), collections.Draft{Collection: "organisations", Record: b.clinic, Org: b.Org, Set: values{"kind": care.OfText("LawEnforcement")}})
	_, _, err := b.export(o, nil)
	b.wantCode(t, "known too late", err, "export_police")
}

// TestR3AnExportHoldsWhatWasAgreedToAlone: whoever said no, took it back, let it
// run out, agreed to something else or as a child alone, was erased, or is
// somebody's emergency, is not in it, and nothing says that they are not.
func TestR3AnExportHoldsWhatWasAgreedToAlone(t *testing.T) {
	b := newBulk(t)
	ctx := t.Context()
	yes := []string{"canaryyes", "canaryalso"}
	no := map[string]func(word string){
		"canarynever":   func(string) {},
		"canarydenied":  func(w string) { b.agree(t, w, nil); b.agree(t, w, values{"decision": care.OfText("deny")}) },
		"canaryback":    func(w string) { b.agree(t, w, nil); b.withdraw(t, w) },
		"canaryover":    func(w string) { b.agree(t, w, values{"expires_at": care.OfTime(b.Clock.Now().Add(time.Hour))}) },
		"canarypurpose": func(w string) { b.agree(t, w, values{"purpose": care.OfText("referral")}) },
		"canaryprint":   func(w string) { b.agree(t, w, values{"actions": care.OfList("share", "print")}) },
		"canarychild": func(w string) {
			b.agree(t, w, nil)
			rows, err := b.List(ctx, b.HubActor(), collections.Query{Collection: "survivors", Case: b.cases[w]})
			if err != nil {
				t.Fatal(err)
			}
			b.Must(t, b.HubActor(), collections.Draft{Collection: "survivors", Record: rows[0].ID, Case: b.cases[w], Org: b.Org, Set: values{"age_disputed": care.OfBool(true)}})
		},
	}
	for _, w := range slices.Concat(yes, slices.Sorted(maps.Keys(no)), []string{"canarygone", "canarypart"}) {
		b.person(t, &b.asks, w, nil)
		if make, is := no[w]; is {
			make(w)
		} else {
			b.agree(t, w, nil)
		}
	}
	b.person(t, &b.agrees, "canaryothers", nil)
	b.person(t, &b.agrees, "canaryglass", nil)
	b.agree(t, "canaryothers", nil)
	b.agree(t, "canaryglass", nil)
	if _, _, err := b.BreakGlass(ctx, b.asks, collections.BreakGlass{Case: b.cases["canaryglass"], Compartment: care.Health, Emergency: "medical", Explanation: "She has collapsed in the yard."}); err != nil {
		t.Fatal(err)
	}
	b.Clock.Move(2 * time.Hour)
	b.erase(t, "canarygone", "")
	b.erase(t, "canarypart", care.Health)
	b.asks = b.Reload(t, b.asks.Staff)
	o := b.order(slices.Collect(maps.Keys(b.cases))...)
	o.Cases = append(o.Cases, b.NewID()) // and one that is not there
	b.allow(t, o)
	out, done, err := b.export(o, nil)
	if err != nil || done != (collections.Exported{Cases: 2, LeftOut: len(o.Cases) - 2, Records: 2}) {
		t.Fatalf("%v %+v %s", err, done, out)
	}
	for w, id := range b.cases {
		in := strings.Contains(out, w) && strings.Contains(out, id)
		if want := slices.Contains(yes, w); in != want || !want && (strings.Contains(out, w) || strings.Contains(out, id)) {
			t.Errorf("%s is in it: %v", w, in)
		}
	}
	if strings.Contains(out, "alias-") {
		t.Errorf("what was collected for another purpose leaves: %s", out)
	}
	for w, want := range map[string]bool{"canaryyes": true, "canarydenied": false} {
		seen, err := b.WhoSaw(ctx, b.asks, b.cases[w])
		if got := slices.ContainsFunc(seen, func(s collections.Sighting) bool { return s.How == "seen.how.exported" }); err != nil || got != want {
			t.Errorf("%s can be told that it left: %v %v", w, got, err)
		}
	}
}

func (b *bulk) erase(t *testing.T, word string, part care.Compartment) {
	t.Helper()
	p, err := b.AskApproval(t.Context(), b.asks, care.Approval{Act: care.ActErase, Collection: "cases", Record: b.cases[word], Terms: care.EraseTerms(part), Reason: "person_asked"})
	if err == nil {
		_, err = b.DecideApproval(t.Context(), b.agrees, p.ID, true)
	}
	if err == nil {
		_, err = b.Erase(t.Context(), b.asks, b.cases[word], part)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestR3ConsentEndsWhileAnExportRuns: before the next case is written, and for
// one that is written already, before the file counts. So does a power.
func TestR3ConsentEndsWhileAnExportRuns(t *testing.T) {
	b := newBulk(t)
	words := []string{"canaryone", "canarytwo", "canarysix"} // in the order of their ids, in which they are written
	for _, w := range words {
		b.person(t, &b.asks, w, nil)
		b.agree(t, w, nil)
	}
	o := b.order(words...)
	b.allow(t, o)
	out, done, err := b.export(o, func(lines string) {
		if strings.Contains(lines, words[0]) {
			b.withdraw(t, words[1])
		}
	})
	if err != nil || done != (collections.Exported{Cases: 2, LeftOut: 1, Records: 2}) || strings.Contains(out, words[1]) {
		t.Errorf("taken back before it was written: %v %+v", err, done)
	}
	b.agree(t, words[1], nil)
	b.allow(t, o)
	_, _, err = b.export(o, func(lines string) {
		if strings.Contains(lines, words[2]) {
			b.withdraw(t, words[0])
		}
	})
	b.wantCode(t, "taken back after it was written", err, "export_consent_ended")
	b.agree(t, words[0], nil)
	b.lastMoment(t, words[0])
	b.agree(t, words[0], nil)
	b.allow(t, o)
	n := 0
	_, _, err = b.export(o, func(string) {
		if n++; n == 1 {
			b.Must(t, b.HubActor(), collections.Draft{Collection: "staff", Record: b.asks.Staff, Org: b.Org, Set: values{"roles": care.OfList("outreach")}})
		}
	})
	if b.wantCode(t, "a power that ends", err, "no_power"); n != 1 {
		t.Errorf("%d cases were written after it", n-1)
	}
}

// lastMoment moves the end of a yes through every millisecond of an export: no
// case is written after it. It leaves the person without one.
func (b *bulk) lastMoment(t *testing.T, word string) {
	t.Helper()
	end := b.Clock.Now().Add(24 * time.Hour)
	b.Must(t, b.HubActor(), collections.Draft{Collection: "consents", Record: b.consents[word], Case: b.cases[word], Org: b.Org, Set: values{"expires_at": care.OfTime(end)}})
	o, written, left := b.order(word), 0, 0
	for n := range 14 {
		b.allow(t, o)
		b.Clock.Move(end.Sub(b.Clock.Now()) - time.Duration(n)*time.Millisecond)
		out, _, err := b.export(o, func(string) {
			if at := b.Clock.Now(); at.After(end) {
				t.Errorf("%d ms before the end: written %v after it", n, at.Sub(end))
			}
		})
		if out != "" {
			written++
		}
		if out == "" || err != nil {
			left++
		}
	}
	if written == 0 || left < 2 {
		t.Errorf("%d written, %d left out: the test proves nothing", written, left)
	}
}
