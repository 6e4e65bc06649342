package locales

import (
	"strings"
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

// telling are beginnings of words that say what the work is about.
var telling = map[string][]string{
	"en": {"shelter", "survivor", "victim", "traffick", "police", "case", "consent", "safety", "risk", "medic", "health", "legal", "court", "abuse", "refer"},
	"fr": {"abri", "foyer", "hébergement", "surviv", "victime", "traite", "police", "dossier", "accord", "sécurité", "risque", "médic", "santé", "juridi", "tribunal", "abus"},
	"es": {"albergue", "alojamiento", "supervivi", "víctima", "trata", "policía", "caso", "consent", "seguridad", "riesgo", "médic", "medic", "salud", "legal", "tribunal", "abuso"},
}

// A task's title may be read by anybody who sees the screen (R22): it comes
// from the catalogue as it is, with nothing put into it.
func TestR22TaskTitlesAreNeutral(t *testing.T) {
	for _, lang := range Languages("seen") {
		for _, title := range care.TaskTitles {
			text, ok := Text(lang, "task."+title)
			if !ok {
				t.Errorf("%s has no task.%s", lang, title)
			}
			for _, word := range telling[lang] {
				if strings.Contains(strings.ToLower(text), word) {
					t.Errorf("%s task.%s says %q", lang, title, word)
				}
			}
			if strings.Contains(text, "{") {
				t.Errorf("%s task.%s: something is put into it", lang, title)
			}
		}
	}
}
