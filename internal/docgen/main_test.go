package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"portolan/care"
)

func TestCollectionsPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	write(&want, care.Schema)
	got, err := os.ReadFile("../../docs/collections.md")
	if err != nil {
		t.Fatalf("reading the page: %v", err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/collections.md is not what the schema says: run make docs")
	}
}

func TestPageNamesEveryField(t *testing.T) {
	var page bytes.Buffer
	write(&page, care.Schema)
	for _, tool := range care.Tools {
		for _, i := range tool.Items {
			if !strings.Contains(page.String(), " "+i.Name+" (0–") {
				t.Errorf("the item %s is not on the page", i.Name)
			}
		}
	}
	for _, e := range care.Schema {
		_, section, found := strings.Cut(page.String(), "\n## "+e.Name+"\n")
		if !found {
			t.Errorf("%s has no section", e.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for i := range e.Fields {
			if !strings.Contains(section, "| `"+e.Fields[i].Name+"` |") {
				t.Errorf("%s.%s is not on the page", e.Name, e.Fields[i].Name)
			}
			if list := e.Fields[i].Codes; list != "" && !strings.Contains(page.String(), "\n| `"+list+"` | ") {
				t.Errorf("the codes of %s.%s are not on the page", e.Name, e.Fields[i].Name)
			}
		}
		if e.Machine == nil {
			continue
		}
		for _, s := range e.Machine.Initial {
			if !strings.Contains(section, s) {
				t.Errorf("%s: the state %s is not on the page", e.Name, s)
			}
		}
	}
}
