package interop

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"portolan/care"
)

// ReadFHIR reads a FHIR R4 bundle in JSON: a transaction, a document such as
// an International Patient Summary, a collection or a search set. Each patient
// becomes a case.
func ReadFHIR(r io.Reader) (Result, error) {
	b, err := readAll(r)
	if err != nil {
		return Result{}, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 64)])), "<") {
		return Result{}, &care.Error{Code: "import_fhir_xml", Kind: care.Invalid, Hint: "FHIR is read as JSON; this file is XML."}
	}
	root, err := parseTree(b)
	if err != nil {
		return Result{}, err
	}
	if root.get("resourceType").peek() != "Bundle" {
		return Result{}, &care.Error{Code: "import_not_fhir", Kind: care.Invalid, Hint: "The file is no FHIR bundle: resourceType is not Bundle."}
	}
	if len(root.get("entry").items()) > RecordsMax {
		return Result{}, tooMany("entries")
	}
	res := newResult("fhir_bundle")
	newBundle(root, digest(string(b))).read(&res)
	return res, nil
}

// resource is one entry of a bundle.
type resource struct {
	n       *node
	kind    string
	name    string // for people: its id, or its place in the bundle
	fullURL string
	key     string // stable within its case
	cases   []string
}

// bundle finds resources by what refers to them.
type bundle struct {
	root      *node
	resources []*resource
	byRef     map[string]*resource
	identity  string // tells Patient/1 of this bundle from that of another system
	cases     []string
	medicines map[*resource]bool // the Medications that a medicine names
}

func newBundle(root *node, content string) *bundle {
	u := &bundle{root: root, byRef: map[string]*resource{}, medicines: map[*resource]bool{}, identity: identifierOf(root.get("identifier"))}
	if u.identity == "" {
		u.identity = content
	}
	keys := map[string]int{}
	for i, entry := range root.get("entry").items() {
		n := entry.get("resource")
		r := &resource{n: n, kind: n.get("resourceType").take(), name: n.get("id").take(), fullURL: entry.get("fullUrl").peek()}
		if n == nil || r.kind == "" {
			r.n, r.kind = entry, "entry" // a deletion, a reference elsewhere: kept whole
		}
		if r.key = u.keyOf(r); r.key == "" {
			r.key = fmt.Sprintf("%s#%d", u.identity, i)
		}
		if keys[r.key]++; keys[r.key] > 1 {
			r.key = fmt.Sprintf("%s#%d", r.key, keys[r.key])
		}
		if r.name == "" {
			r.name = fmt.Sprintf("entry %d", i+1)
		}
		u.index(r)
	}
	u.assign()
	for _, r := range u.resources {
		if r.kind == "MedicationStatement" || r.kind == "MedicationRequest" {
			u.medicines[u.find(r.n.get("medicationReference", "reference").peek())] = true
		}
	}
	return u
}

// keyOf is a name that the same resource has in every bundle: its full URL
// where that says who gave it, its business identifier, or its id within the
// bundle.
func (u *bundle) keyOf(r *resource) string {
	for _, scheme := range []string{"urn:uuid:", "urn:oid:", "https://", "http://"} {
		if strings.HasPrefix(r.fullURL, scheme) {
			return r.fullURL
		}
	}
	if id := identifierOf(r.n.get("identifier").item(0)); id != "" {
		return r.kind + "?" + id
	}
	if id := r.n.get("id").peek(); id != "" {
		return u.identity + "/" + r.kind + "/" + id
	}
	return ""
}

func identifierOf(n *node) string {
	system, value := n.get("system").peek(), n.get("value").peek()
	if value == "" {
		return ""
	}
	return system + "|" + value
}

func (u *bundle) index(r *resource) {
	u.resources = append(u.resources, r)
	refs := []string{r.fullURL, r.kind + "/" + r.n.get("id").peek()}
	for _, ref := range refs {
		if _, taken := u.byRef[ref]; ref != "" && !taken {
			u.byRef[ref] = r
		}
	}
}

// find follows a reference within the bundle.
func (u *bundle) find(reference string) *resource {
	if reference == "" {
		return nil
	}
	reference, _, _ = strings.Cut(reference, "/_history/")
	if r, ok := u.byRef[reference]; ok {
		return r
	}
	if parts := strings.Split(reference, "/"); len(parts) > 2 && strings.Contains(reference, "://") {
		return u.byRef[strings.Join(parts[len(parts)-2:], "/")]
	}
	return nil
}

// subjectMembers say whom a resource is about, in the kinds of FHIR R4.
var subjectMembers = []string{"subject", "patient", "beneficiary", "for"}

// spreadMax bounds how many references may lie between a person and a
// resource that is theirs: a medicine, its product, its maker.
const spreadMax = 8

// assign finds for each resource the cases that it belongs to: its subject's,
// or those of the resources that name it. Nothing is given to a person whom no
// reference leads to, unless there is only one.
func (u *bundle) assign() {
	for _, r := range u.resources {
		if c := u.subjectOf(r); c != "" {
			r.cases = []string{c}
			if !slices.Contains(u.cases, c) {
				u.cases = append(u.cases, c)
			}
		}
	}
	if len(u.cases) == 0 {
		u.cases = []string{"bundle:" + u.identity}
	}
	for range spreadMax {
		if !u.spread() {
			break
		}
	}
	for _, r := range u.resources {
		if len(r.cases) > 0 {
			continue
		}
		if len(u.cases) > 1 {
			u.cases = append(u.cases, "bundle:"+u.identity)
		}
		r.cases = []string{u.cases[len(u.cases)-1]}
	}
	u.cases = slices.Compact(u.cases)
}

// spread hands cases on along references, once around; it says whether
// anything was new.
func (u *bundle) spread() bool {
	changed := false
	for _, r := range u.resources {
		if len(r.cases) == 0 {
			continue
		}
		for _, ref := range references(r.n, nil) {
			to := u.find(ref)
			if to == nil || u.subjectOf(to) != "" {
				continue
			}
			for _, c := range r.cases {
				if !slices.Contains(to.cases, c) {
					to.cases, changed = append(to.cases, c), true
				}
			}
		}
	}
	return changed
}

// subjectOf is the case of the person that a resource is about, "" where it
// names none. A person who is not in the bundle is still one person.
func (u *bundle) subjectOf(r *resource) string {
	if r.kind == "Patient" {
		return r.key
	}
	for _, m := range subjectMembers {
		ref := r.n.get(m, "reference").peek()
		if p := u.find(ref); p != nil && p.kind == "Patient" {
			return p.key
		}
		if ref != "" && u.find(ref) == nil { // somebody who is not in the bundle, and nobody else in it
			if strings.Contains(ref, "://") || strings.HasPrefix(ref, "urn:") {
				return ref
			}
			return u.identity + "/" + ref
		}
		if id := identifierOf(r.n.get(m, "identifier")); ref == "" && id != "" {
			return "Patient?" + id
		}
	}
	return ""
}

// references are those that stand anywhere in a resource.
func references(n *node, to []string) []string {
	if n == nil {
		return to
	}
	for i, m := range n.members {
		if n.kind == '{' && n.names[i] == "reference" && m.kind == '"' {
			to = append(to, m.text)
		} else {
			to = references(m, to)
		}
	}
	return to
}

func (u *bundle) read(res *Result) {
	for _, c := range u.cases {
		b := newBuilder(c, res.Notes)
		left := &leftovers{}
		for _, r := range u.resources {
			if slices.Contains(r.cases, c) {
				(&entry{u: u, b: b, left: left, r: r}).read()
			}
		}
		left.flush(b)
		b.aside("Bundle", u.about(), ReasonNoPlace)
		b.finish()
		res.add(b.c)
	}
}

// about is what the bundle says of itself: when it was made, by whom it is
// signed.
func (u *bundle) about() string {
	about := &node{kind: '{'}
	for i, name := range u.root.names {
		if name != "resourceType" && name != "entry" && name != "type" {
			about.names, about.members = append(about.names, name), append(about.members, u.root.members[i])
		}
	}
	if len(about.members) == 0 {
		return ""
	}
	return about.whole()
}
