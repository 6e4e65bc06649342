package locales

import (
	"testing"

	"portolan/care"
)

// worded are the lists whose codes are shown as they are, or under another
// prefix of the catalogue.
var worded = map[string]bool{
	"countries":   true, // pdf.countries
	"languages":   true, // pdf.languages
	"currencies":  true, // written as their codes
	"time_zones":  true, // written as their names
	"units":       true, // written as UCUM prints them
	"collections": true, // entity.
	"task_titles": true, // task.
}

func TestTheSchemaHasItsWords(t *testing.T) {
	want := map[string]bool{}
	lists := map[string]bool{}
	for _, e := range care.Schema {
		want["entity."+e.Name] = true
		for i := range e.Fields {
			want[e.LabelKey(&e.Fields[i])] = true
			if l := e.Fields[i].Codes; l != "" && !worded[l] {
				lists[l] = true
			}
		}
	}
	for name := range lists {
		list, ok := care.FindCodes(name)
		if !ok {
			t.Errorf("no list %s", name)
			continue
		}
		for _, code := range list.Codes {
			want["code."+name+"."+code] = true
		}
	}
	have := map[string]bool{}
	for _, prefix := range []string{"entity.", "field.", "code."} {
		for _, key := range Keys("en", prefix) {
			have[key] = true
			if !want[key] {
				t.Errorf("%s has words, and the schema no longer has it", key)
			}
		}
	}
	for key := range want {
		if !have[key] {
			t.Errorf("%s has no words", key)
		}
	}
}
