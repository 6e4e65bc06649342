// Command docgen writes docs/collections.md from the schema: what is recorded,
// field by field, as the program itself understands it.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"portolan/care"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docgen FILE")
		os.Exit(2)
	}
	var page bytes.Buffer
	write(&page, care.Schema)
	if err := os.WriteFile(os.Args[1], page.Bytes(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

const head = `# Collections

<!-- Written by "go run ./internal/docgen" from the package care. Do not edit. -->

What one record of each collection is, and every field of it. A field's value may always be *absent* with a reason instead: unknown, asked and declined, not asked, not recorded.

- **Compartment**: who may see it. **Sensitivity**: HL7 confidentiality N, R or V, and labels.
- **Merge**: what stands when two people edited it at once ([protocol.md](protocol.md)); *safer* names the values from the least to the most protective.
- **Purpose**: what it is collected for. **R** required, **C** kept readable to the machine for routing, **S** staff may search by it, **W** by the whole of it only.

`

func write(w io.Writer, schema []*care.Entity) {
	fmt.Fprint(w, head)
	for _, e := range schema {
		fmt.Fprintf(w, "- [%s](#%s): %s\n", e.Name, e.Name, e.Doc)
	}
	fmt.Fprint(w, "- [Code lists](#code-lists): what may be written into a field of codes\n")
	for _, e := range schema {
		writeEntity(w, e)
	}
	writeCodes(w, schema)
}

// codesNamed bounds the lists whose codes are named: those of whole standards
// are found there.
const codesNamed = 80

// writeCodes names the codes of every list that a field takes, once each.
func writeCodes(w io.Writer, schema []*care.Entity) {
	fmt.Fprint(w, "\n## Code lists\n\n| List | Source | Codes |\n|---|---|---|\n")
	seen := map[string]bool{"": true}
	names := []string{}
	for _, e := range schema {
		for i := range e.Fields {
			if name := e.Fields[i].Codes; !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	sort.Strings(names)
	for _, name := range names {
		l, ok := care.FindCodes(name)
		if !ok {
			continue
		}
		codes := fmt.Sprintf("%d codes", len(l.Codes))
		if len(l.Codes) <= codesNamed {
			codes = strings.Join(l.Codes, ", ")
		}
		if l.Open {
			codes = strings.TrimPrefix(codes+", and others", ", ")
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", name, l.Source, codes)
	}
	fmt.Fprint(w, "\n## Items of screenings\n\nThe names in `answers`, each with a number from 0, written as a text.\n\n| Tool | Items | Most |\n|---|---|---|\n")
	for _, t := range care.Tools {
		items := make([]string, len(t.Items))
		for i, item := range t.Items {
			items[i] = fmt.Sprintf("%s (0–%d)", item.Name, len(item.Answers)-1)
		}
		fmt.Fprintf(w, "| `%s` | %s | %d |\n", t.Name, strings.Join(items, ", "), t.Max())
	}
}

func writeEntity(w io.Writer, e *care.Entity) {
	fmt.Fprintf(w, "\n## %s\n\n%s ", e.Name, e.Doc)
	if e.Topic == care.NoTopic {
		fmt.Fprint(w, "Belongs to a case.")
	} else {
		fmt.Fprintf(w, "Belongs to an organisation, topic %s.", e.Topic)
	}
	if e.FHIR != "" {
		fmt.Fprintf(w, " FHIR %s.", e.FHIR)
	}
	fmt.Fprint(w, "\n\n| Field | Type | Compartment | Sensitivity | Merge | Purpose | | HTCDS | FHIR |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range e.Fields {
		f := &e.Fields[i]
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", f.Name, typeOf(f), f.Compartment,
			sensitivityOf(f), mergeOf(f), f.Purpose, marks(f), code(f.HTCDS), code(f.FHIR))
	}
	if m := e.Machine; m != nil {
		writeMachine(w, m)
	}
}

func writeMachine(w io.Writer, m *care.Machine) {
	fmt.Fprintf(w, "\nStates of `%s`: begins as %s.\n\n", m.Field, strings.Join(m.Initial, ", "))
	for _, from := range states(m) {
		if next := m.Steps[from]; len(next) > 0 {
			fmt.Fprintf(w, "- %s → %s\n", from, strings.Join(next, ", "))
		}
	}
}

// states lists the states of a machine in the order in which they are reached.
func states(m *care.Machine) []string {
	seen := map[string]bool{}
	list := []string{}
	add := func(next []string) {
		for _, s := range next {
			if !seen[s] {
				seen[s] = true
				list = append(list, s)
			}
		}
	}
	add(m.Initial)
	for i := 0; i < len(list); i++ {
		add(m.Steps[list[i]])
	}
	return list
}

func typeOf(f *care.Field) string {
	switch f.Type {
	case care.Code, care.Codes:
		return string(f.Type) + " of " + f.Codes
	case care.Ref, care.Refs:
		return string(f.Type) + " to " + f.Ref
	}
	return string(f.Type)
}

func sensitivityOf(f *care.Field) string {
	s := string(f.Sensitivity)
	for _, l := range f.Labels {
		s += " " + string(l)
	}
	return s
}

func mergeOf(f *care.Field) string {
	switch {
	case f.Merge == care.Union && f.RemovalWins:
		return "union, removal wins"
	case f.Merge == care.Safer && f.Safer.Dates != "":
		return "safer: the " + f.Safer.Dates
	case f.Merge == care.Safer && len(f.Safer.Order) > 0:
		return "safer: " + strings.Join(f.Safer.Order, " < ")
	case f.Merge == care.Safer:
		return "safer: none until decided"
	}
	return string(f.Merge)
}

func marks(f *care.Field) string {
	s := ""
	for _, m := range []struct {
		on   bool
		mark string
	}{{f.Required, "R"}, {f.Routing, "C"}, {f.Search, "S"}, {f.Whole, "W"}} {
		if m.on {
			s += m.mark
		}
	}
	return s
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", "\\|") + "`"
}
