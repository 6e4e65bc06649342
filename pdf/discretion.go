package pdf

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"portolan/care"
)

// forbidden are words that say, or let a reader guess, what happened to the
// person or who helps them (R17). Whole words and phrases; * stands for any
// further letters of a word and # for the first digit of a number. Written as
// fold leaves them: lower case, no accents. All lists are held against all
// text, because nobody knows in which language a note was written; so a list
// must not hold what is an everyday word in another (Portuguese "abrigo" is a
// coat in Spanish).
//
// Left out are the forms that medicine and daily life need: French "médecin
// traitant" and "ce médicament traite", Spanish "se trata de", "médico
// tratante" and "accidente de tráfico", English "pimple" and "in that case no".
//
// English, French and Spanish are complete as far as we know; the others, and
// those of giveaways.go, hold the plainest words and wait for native readers
// (docs/terms.md).
var forbidden = map[string][]string{
	"en": {
		"traffick*", "trafficker*", "human traffic", "victim*", "exploit*", "shelter*", "safe house", "safehouse",
		"refuge", "refuges", "police*", "smuggl*", "prostitut*", "brothel*", "slave", "slaves", "slavery", "enslave*",
		"pimp", "pimps", "pimped", "perpetrator*", "abuser*", "rape", "raped", "rapist*", "forced labour",
		"forced labor", "debt bondage", "forced marriage", "sex work*", "case no #", "case number", "case id",
		"case worker*", "caseworker*", "survivor*", "rescued from",
	},
	"fr": {
		"traite des etres", "traite des personnes", "traite des femmes", "traite des blanches", "traite des enfants",
		"traite d etres", "traite d enfants", "traite humaine", "victime*", "exploitation", "exploite", "exploitee", "exploites", "exploitees",
		"exploiteur*", "exploiteuse*", "foyer d accueil", "foyer d hebergement", "maison d accueil", "refuge",
		"refuges", "lieu d accueil secret", "police", "policier*", "policiere*", "gendarme*", "passeur", "passeurs",
		"proxenet*", "prostitu*", "maison close", "bordel*", "esclav*", "trafiquant*", "trafic d etres",
		"trafic de personnes", "trafic de femmes", "trafic de migrants", "trafic humain", "agresseur*", "viol", "viols", "violee", "violees", "violeur*", "travail force",
		"mariage force", "numero de dossier", "dossier n #", "dossier n o #", "dossier no #",
		"survivante*", "survivant*",
	},
	"es": {
		"trata de personas", "trata de seres", "trata de blancas", "trata de mujeres", "trata de ninas",
		"trata de ninos", "trata de menores", "trata infantil", "tratantes de", "victima*", "explotac*", "explotad*", "explotador*", "albergue*",
		"refugio*", "casa de acogida", "casa segura", "piso de acogida", "centro de acogida", "policia*",
		"policial*", "guardia civil", "contrabandista*", "coyote", "coyotes", "prostit*", "proxenet*", "burdel*",
		"esclav*", "trafico de personas", "trafico de seres", "trafico de mujeres", "trafico de menores",
		"trafico de migrantes", "trafico humano", "traficante*", "agresor*", "violacion", "violaciones", "violada*",
		"violador*", "trabajo forzad*", "trabajos forzad*", "matrimonio forzad*", "numero de caso",
		"numero de expediente", "expediente n #", "expediente n o #", "expediente no #", "caso n #", "caso n o #",
		"caso no #", "sobreviviente*",
		"superviviente*",
	},
	"pt": {
		"trafico de pessoas", "trafico humano", "traficante*", "vitima*", "exploracao", "explorad*", "casa abrigo",
		"casa de acolhimento", "policia*", "prostitu*", "escrav*", "violacao", "estupro*", "proxenet*",
	},
	"ro": {
		"trafic de", "traficant*", "victim*", "exploatar*", "exploatat*", "adapost*", "politie*", "politia",
		"politist*", "prostitu*", "sclav*", "viol", "violata", "proxenet*",
	},
	"it": {
		"tratta di", "tratta degli", "trafficante*", "vittim*", "sfruttament*", "sfruttat*", "rifugio",
		"casa rifugio", "polizia*", "prostitu*", "schiav*", "stupr*",
	},
	"de": {
		"menschenhandel*", "opfer*", "ausbeut*", "ausgebeut*", "frauenhaus*", "schutzhaus*", "polizei*", "prostitu*",
		"zuhalter*", "sklav*", "vergewaltig*", "aktenzeichen*",
	},
	"tl": {"biktima*", "pagsasamantala*", "pulis*", "silungan*", "prostitu*", "alipin*"},
	"vi": {"buon nguoi", "mua ban nguoi", "nan nhan", "boc lot", "cong an", "canh sat", "mai dam", "nha tam lanh"},
	"ru": {
		"торговл* людьми", "жертв*", "эксплуатац*", "приют*", "убежищ*",
		"полиц*", "проститу*", "рабств*", "рабын*", "изнасил*", "сутенер*",
	},
	"uk": {
		"торгівл* людьми", "жертв*", "експлуатац*",
		"притул*", "поліці*", "проститу*", "рабств*", "рабин*", "зґвалт*", "сутенер*",
	},
	"el": {"εμπορι* ανθρωπων", "θυμα", "θυματ*", "εκμεταλλευσ*", "αστυνομι*", "πορνει*"},
}

// checked says whether the words of a language can be held against a list.
func checked(lang string) bool {
	return lang == "" || forbidden[lang] != nil || inArabicLetters[lang] != nil || inIndicLetters[lang] != nil || anywhere[lang] != nil
}

// checkable says whether all letters of a text belong to a language that has a
// list.
func checkable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) && !unicode.In(r, listed...) })
}

// phrase is one entry of the lists, word by word.
type phrase []pattern

// pattern is one word: as it is, or by how it begins, or any number.
type pattern struct {
	word   string
	begins bool
	number bool
}

// phrases by the first letter of their first word. Built once: the lists do
// not change.
var phrases = func() map[rune][]phrase {
	all := map[rune][]phrase{}
	add := func(w string) {
		var p phrase
		for _, word := range strings.Fields(fold(w, "*#")) {
			stem, begins := strings.CutSuffix(word, "*")
			p = append(p, pattern{word: stem, begins: begins, number: word == "#"})
		}
		first, _ := utf8.DecodeRuneInString(p[0].word)
		all[first] = append(all[first], p)
	}
	for _, lists := range []map[string][]string{forbidden, inIndicLetters} {
		for _, words := range lists {
			for _, w := range words {
				add(w)
			}
		}
	}
	for _, words := range inArabicLetters {
		for _, w := range words {
			for _, prefix := range arabicPrefixes {
				add(prefix + w)
			}
		}
	}
	return all
}()

// stretches are the words that are looked for anywhere, without spaces.
var stretches = func() []string {
	var all []string
	for _, words := range anywhere {
		for _, w := range words {
			all = append(all, strings.ReplaceAll(fold(w, ""), " ", ""))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}()

func (p pattern) matches(word string) bool {
	switch {
	case p.number:
		return strings.Trim(word, "0123456789") == ""
	case p.begins:
		return strings.HasPrefix(word, p.word)
	}
	return word == p.word
}

// at says whether the words begin with the phrase.
func (p phrase) at(words []string) bool {
	if len(words) < len(p) {
		return false
	}
	for i := range p {
		if !p[i].matches(words[i]) {
			return false
		}
	}
	return true
}

// thaiBegins is the first character of Thai, the first of the scripts of which
// words are looked for anywhere.
const thaiBegins = 0x0E00

// Indiscreet returns the words of a text that must not stand on paper, folded
// as they were found, so that whoever wrote it can be shown them. A code that
// labels a person as trafficked counts as one.
func Indiscreet(text string) []string {
	var found []string
	words := strings.Fields(fold(text, ""))
	for i, word := range words {
		first, _ := utf8.DecodeRuneInString(word)
		for _, p := range phrases[first] {
			if p.at(words[i:]) {
				found = append(found, strings.Join(words[i:i+len(p)], " "))
			}
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r >= thaiBegins }) {
		unbroken := strings.Join(words, "")
		for _, w := range stretches {
			if strings.Contains(unbroken, w) {
				found = append(found, w)
			}
		}
	}
	for word := range strings.FieldsSeq(text) {
		if code := strings.Trim(word, "()[]{},;:!?\"'"); strings.ContainsAny(code, "0123456789") && care.NeverPrinted(strings.TrimSuffix(code, ".")) {
			found = append(found, code)
		}
	}
	return found
}

// fold brings text to the form of the lists: lower case, no accents, words
// with one space between them. Characters of keep are left as they are.
func fold(text, keep string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(text) {
		switch {
		case dropped(r) || invisible(r):
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) || strings.ContainsRune(keep, r):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(sameLetter(unicode.ToLower(r)))
		default:
			gap = true
		}
	}
	return b.String()
}
