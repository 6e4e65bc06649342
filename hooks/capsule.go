package hooks

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/capsule"
	"portolan/care"
	"portolan/collections"
	"portolan/interop"
)

// OpenedCapsule is what the code on a paper says to a member of staff.
type OpenedCapsule struct {
	Verdict capsule.Verdict `json:"verdict"`
	Hub     string          `json:"hub,omitempty"` // name of the trusted hub that signed it; "" for this one
	Record  capsule.Plain   `json:"record"`
	// Hidden are collections of which the reader's role may see nothing.
	Hidden   []string         `json:"hidden,omitempty"`
	Imported *ImportedCapsule `json:"imported,omitempty"`

	whole capsule.Record
}

// ImportedCapsule is what became of one that was taken in.
type ImportedCapsule struct {
	Case      string         `json:"case"`
	Taken     map[string]int `json:"taken"`     // records by collection
	Aside     map[string]int `json:"aside"`     // kept with the case and listed, by reason
	Held      map[string]int `json:"held"`      // by reason
	Unchanged int            `json:"unchanged"` // what an earlier import of this paper brought
	// Alike are cases of somebody with such a name, of those that the reader may
	// see: one person may have two now.
	Alike []string `json:"alike,omitempty"`
}

// wordsGiven is why a capsule is shown: the person said its words.
const wordsGiven care.Reason = "capsule_words_given"

// ActOpenCapsule is the opening of a code on a paper, ours or another hub's.
const ActOpenCapsule = "open_capsule"

// OpenCapsule opens what was scanned with the words that the person said, and
// shows of it what the reader's role may ever see; the audit log has it before
// they do. Who is on no case at all may open none.
func OpenCapsule(ctx context.Context, hub *collections.Hub, a care.Actor, text, words string) (OpenedCapsule, error) {
	target := func(c care.Compartment) care.Target {
		return care.Target{Collection: "documents", Org: a.Org, Compartment: c}
	}
	if a.Unproved || !care.MayHold(a.Roles, care.General) {
		if err := hub.Audit(ctx, a, ActOpenCapsule, target(care.General), care.Decision{Reason: care.NoPower}); err != nil {
			return OpenedCapsule{}, err
		}
		return OpenedCapsule{}, collections.ErrNoPower
	}
	opened, err := capsule.Open(text, words)
	if err != nil {
		return OpenedCapsule{}, err
	}
	hubs, keys, err := believed(ctx, hub)
	if err != nil {
		return OpenedCapsule{}, err
	}
	out := OpenedCapsule{whole: opened.Record}
	verdict, by := opened.Judge(keys)
	out.Verdict = verdict
	for i, key := range keys {
		if key.Equal(by) {
			out.Hub = hubs[i].Name
		}
	}
	shown := opened.Record
	shown.Entries = nil
	var decided []collections.Decided
	for _, e := range opened.Record.Entries {
		seen := capsule.Entry{Collection: e.Collection, Set: map[string]care.Value{}}
		for name, v := range e.Set {
			c := compartmentOf(e.Collection, name)
			if care.MayHold(a.Roles, c) {
				seen.Set[name] = v
				if d := (collections.Decided{Target: target(c), Decision: care.Decision{Allowed: true, Reason: wordsGiven}}); !slices.Contains(decided, d) {
					decided = append(decided, d)
				}
			}
		}
		if len(seen.Set) > 0 || len(e.Set) == 0 {
			shown.Entries = append(shown.Entries, seen)
		} else if !slices.Contains(out.Hidden, e.Collection) {
			out.Hidden = append(out.Hidden, e.Collection)
		}
	}
	if len(decided) == 0 {
		decided = append(decided, collections.Decided{Target: target(care.General), Decision: care.Decision{Allowed: true, Reason: wordsGiven}})
	}
	out.Record = shown.Plain()
	return out, hub.AuditAll(ctx, a, ActOpenCapsule, decided)
}

func compartmentOf(collection, field string) care.Compartment {
	if entity, ok := care.Find(collection); ok {
		if f, ok := entity.Field(field); ok {
			return f.Compartment
		}
	}
	return care.Evidence // what is not known is for nearly nobody
}

// Import takes what a capsule says in as a new case, given to whoever opened
// it: all of it, also what they may not see themselves. The same paper again
// changes nothing. What is not signed by a trusted hub is not taken.
func (o *OpenedCapsule) Import(ctx context.Context, hub *collections.Hub, a care.Actor) error {
	if o.Verdict != capsule.Valid {
		return &care.Error{Code: "capsule_not_trusted", Kind: care.Unprocessed,
			Hint: "It is not known who signed this, or it was changed. Read it as what somebody says, and enter what you believe by hand."}
	}
	alike, err := o.alike(ctx, hub, a)
	if err != nil {
		return err
	}
	c := o.drafts()
	t := NewImported()
	im := Importer{Hub: hub, Org: a.Org, Owner: a}
	if err := im.Case(ctx, capsuleSource, &c, &t); err != nil {
		return err
	}
	id, _, err := hub.ImportID(ctx, capsuleSource, c.Key)
	if err != nil {
		return err
	}
	o.Imported = &ImportedCapsule{Case: id, Taken: t.Taken, Aside: t.Aside, Held: t.Held, Unchanged: t.Unchanged,
		Alike: slices.DeleteFunc(alike, func(other string) bool { return other == id })}
	return nil
}

// capsuleSource is of the list "import_sources".
const capsuleSource = "paper_capsule"

// supposed is what a record must have that a capsule does not say, with what
// makes no claim beyond that it stood on the paper.
var supposed = map[string]map[string]string{
	"allergies":     {"status": "active", "source": "document"},
	"medicines":     {"source": "document"},
	"conditions":    {"clinical_status": "active", "verification_status": "unconfirmed", "source": "document"},
	"immunisations": {"status": "completed", "source": "document"},
	"cases":         {"status": "Active"},
}

// drafts turns a record into drafts of a case. What would need more than the
// paper says, such as a deadline without its matter, is set aside, where the
// owner of the case finds it.
func (o *OpenedCapsule) drafts() interop.Case {
	c := interop.Case{Key: hex.EncodeToString(o.whole.Paper[:])}
	c.Drafts = []interop.Draft{{Key: c.Key, Collection: "cases", Set: map[string]care.Value{}}}
	single := map[string]int{"cases": 0}
	for n, e := range o.whole.Entries {
		e, c.SetAside = fitting(e, n, c.SetAside)
		d := interop.Draft{Key: c.Key + "/" + e.Collection + "/" + strconv.Itoa(n), Collection: e.Collection, Set: e.Set}
		if at, ok := single[e.Collection]; ok {
			for name, v := range e.Set {
				c.Drafts[at].Set[name] = v
			}
			continue
		}
		if missing(e, supposed[e.Collection]) || e.Collection == "transfers" {
			for _, name := range sortedNames(e.Set) {
				c.SetAside = append(c.SetAside, asideOf(e, n, name, interop.ReasonNoPlace))
			}
			continue
		}
		if e.Collection == "survivors" {
			single[e.Collection] = len(c.Drafts)
		}
		c.Drafts = append(c.Drafts, d)
	}
	if _, ok := single["survivors"]; !ok {
		single["survivors"] = len(c.Drafts)
		c.Drafts = append(c.Drafts, interop.Draft{Key: c.Key + "/survivors", Collection: "survivors", Set: map[string]care.Value{}})
	}
	// An alias is for the workers to choose (R9).
	c.Drafts[single["survivors"]].Set["alias"] = care.OfAbsent(care.NotRecorded)
	for _, d := range c.Drafts {
		for name, word := range supposed[d.Collection] {
			if d.Set[name] == nil {
				d.Set[name] = care.OfText(word)
			}
		}
	}
	for _, left := range o.whole.LeftOut {
		c.SetAside = append(c.SetAside, interop.SetAside{Path: left, Value: "the paper says more", Reason: interop.ReasonNoPlace})
	}
	return c
}

// fitting takes out of an entry what this hub's schema does not hold, such as a
// code of another version's list, and sets it aside.
func fitting(e capsule.Entry, n int, aside []interop.SetAside) (capsule.Entry, []interop.SetAside) {
	out := capsule.Entry{Collection: e.Collection, Set: map[string]care.Value{}}
	entity, _ := care.Find(e.Collection)
	for _, name := range sortedNames(e.Set) {
		f, ok := entity.Field(name)
		v, err := care.Canonical(f, e.Set[name])
		if !ok || err != nil {
			aside = append(aside, asideOf(e, n, name, interop.ReasonCodeUnknown))
			continue
		}
		out.Set[name] = v
	}
	return out, aside
}

func asideOf(e capsule.Entry, n int, name, why string) interop.SetAside {
	return interop.SetAside{Path: e.Collection + "[" + strconv.Itoa(n) + "]." + name, Value: written(e.Set[name]), Reason: why}
}

// missing says whether an entry has not all that its collection asks for.
func missing(e capsule.Entry, supposed map[string]string) bool {
	entity, ok := care.Find(e.Collection)
	if !ok {
		return true
	}
	return slices.ContainsFunc(entity.Fields, func(f care.Field) bool {
		return f.Required && e.Set[f.Name] == nil && supposed[f.Name] == ""
	})
}

func sortedNames(set map[string]care.Value) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func written(v care.Value) string {
	if s := v.Text(); s != "" {
		return s
	}
	if l := v.List(); len(l) > 0 {
		return strings.Join(l, "; ")
	}
	return string(v)
}

// alike lists cases of somebody of the same name, of those that the reader may
// see.
func (o *OpenedCapsule) alike(ctx context.Context, hub *collections.Hub, a care.Actor) ([]string, error) {
	var cases []string
	for _, e := range o.whole.Entries {
		if e.Collection != "identities" {
			continue
		}
		for _, name := range e.Set["aliases"].List() {
			found, _, err := hub.Search(ctx, a, name)
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				if f.Case != "" && !slices.Contains(cases, f.Case) {
					cases = append(cases, f.Case)
				}
			}
		}
	}
	return cases, nil
}

// Bounds of a capsule that is sent to be opened: its picture, as base64.
const capsuleBodyMax = 12 << 20

// readCode is the text of a code that was sent: as it was scanned, or found in
// a picture.
func readCode(text string, picture []byte) (string, error) {
	if len(picture) == 0 {
		return text, nil
	}
	return capsule.ReadPicture(bytes.NewReader(picture))
}

func (f *Front) openCapsule(e *core.RequestEvent, a care.Actor) error {
	if err := f.meter.take("capsule:"+a.Staff, f.cfg.Rates.Summary); err != nil {
		return err
	}
	var in struct {
		Text    string `json:"text"`
		Picture []byte `json:"picture"`
		Words   string `json:"words"`
		Import  bool   `json:"import"`
	}
	if err := decode(e, capsuleBodyMax, &in); err != nil {
		return err
	}
	ctx := e.Request.Context()
	release, err := f.files.take(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	text, err := readCode(in.Text, in.Picture)
	if err != nil {
		return err
	}
	opened, err := OpenCapsule(ctx, f.hub, a, text, in.Words)
	if err != nil {
		return err
	}
	if in.Import {
		if err := opened.Import(ctx, f.hub, a); err != nil {
			return err
		}
	}
	return reply(e, opened)
}
