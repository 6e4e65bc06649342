package care

import "strings"

// LanguageOf gives the tag of our list for a language code of ISO 639-1,
// 639-2 (bibliographic or terminological) or 639-3 in either case, as HTCDS
// and other systems write it. A code that is no language tag gives false.
func LanguageOf(code string) (string, bool) {
	c := strings.TrimSpace(code)
	if t, ok := tagOf639[strings.ToLower(c)]; ok {
		return t, true
	}
	parts := strings.Split(strings.ReplaceAll(c, "_", "-"), "-")
	tag := strings.ToLower(parts[0])
	if t, ok := tagOf639[tag]; ok {
		tag = t
	} else if len(tag) != 3 { // a code of three letters may still be of 639-3
		return "", false
	}
	for _, part := range parts[1:] {
		if len(part) == 4 { // a script: Hans
			tag += "-" + strings.ToUpper(part[:1]) + strings.ToLower(part[1:])
		} else {
			tag += "-" + strings.ToUpper(part)
		}
	}
	if l, _ := FindCodes("languages"); !l.Has(tag) {
		return "", false
	}
	return tag, true
}

// Language639 gives the three-letter code of ISO 639-2/T (where that part has
// none, of 639-3) of a tag, which is what HTCDS asks for.
func Language639(tag string) (string, bool) {
	head, _, _ := strings.Cut(tag, "-")
	head = strings.ToLower(head)
	if len(head) == 3 {
		return head, true
	}
	c, ok := three639[head]
	return c, ok
}

// tagOf639 is the reverse of three639, with the bibliographic codes of
// ISO 639-2/B and the codes that stand for one of our tags.
var tagOf639 = func() map[string]string {
	m := make(map[string]string, 2*len(three639))
	for two, three := range three639 {
		m[three] = two
		m[two] = two
	}
	for three, two := range bibliographic639 {
		m[three] = two
	}
	return m
}()

// bibliographic639 is the codes of ISO 639-2/B that differ from 639-2/T.
var bibliographic639 = map[string]string{
	"alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "chi": "zh", "cze": "cs", "dut": "nl", "fre": "fr",
	"geo": "ka", "ger": "de", "gre": "el", "ice": "is", "mac": "mk", "mao": "mi", "may": "ms", "per": "fa",
	"rum": "ro", "slo": "sk", "tib": "bo", "wel": "cy",
}

// three639 is ISO 639-1 with its codes in ISO 639-2/T.
var three639 = map[string]string{
	"aa": "aar", "ab": "abk", "ae": "ave", "af": "afr", "ak": "aka", "am": "amh", "an": "arg", "ar": "ara",
	"as": "asm", "av": "ava", "ay": "aym", "az": "aze", "ba": "bak", "be": "bel", "bg": "bul", "bi": "bis",
	"bm": "bam", "bn": "ben", "bo": "bod", "br": "bre", "bs": "bos", "ca": "cat", "ce": "che", "ch": "cha",
	"co": "cos", "cr": "cre", "cs": "ces", "cu": "chu", "cv": "chv", "cy": "cym", "da": "dan", "de": "deu",
	"dv": "div", "dz": "dzo", "ee": "ewe", "el": "ell", "en": "eng", "eo": "epo", "es": "spa", "et": "est",
	"eu": "eus", "fa": "fas", "ff": "ful", "fi": "fin", "fj": "fij", "fo": "fao", "fr": "fra", "fy": "fry",
	"ga": "gle", "gd": "gla", "gl": "glg", "gn": "grn", "gu": "guj", "gv": "glv", "ha": "hau", "he": "heb",
	"hi": "hin", "ho": "hmo", "hr": "hrv", "ht": "hat", "hu": "hun", "hy": "hye", "hz": "her", "ia": "ina",
	"id": "ind", "ie": "ile", "ig": "ibo", "ii": "iii", "ik": "ipk", "io": "ido", "is": "isl", "it": "ita",
	"iu": "iku", "ja": "jpn", "jv": "jav", "ka": "kat", "kg": "kon", "ki": "kik", "kj": "kua", "kk": "kaz",
	"kl": "kal", "km": "khm", "kn": "kan", "ko": "kor", "kr": "kau", "ks": "kas", "ku": "kur", "kv": "kom",
	"kw": "cor", "ky": "kir", "la": "lat", "lb": "ltz", "lg": "lug", "li": "lim", "ln": "lin", "lo": "lao",
	"lt": "lit", "lu": "lub", "lv": "lav", "mg": "mlg", "mh": "mah", "mi": "mri", "mk": "mkd", "ml": "mal",
	"mn": "mon", "mr": "mar", "ms": "msa", "mt": "mlt", "my": "mya", "na": "nau", "nb": "nob", "nd": "nde",
	"ne": "nep", "ng": "ndo", "nl": "nld", "nn": "nno", "no": "nor", "nr": "nbl", "nv": "nav", "ny": "nya",
	"oc": "oci", "oj": "oji", "om": "orm", "or": "ori", "os": "oss", "pa": "pan", "pi": "pli", "pl": "pol",
	"ps": "pus", "pt": "por", "qu": "que", "rm": "roh", "rn": "run", "ro": "ron", "ru": "rus", "rw": "kin",
	"sa": "san", "sc": "srd", "sd": "snd", "se": "sme", "sg": "sag", "si": "sin", "sk": "slk", "sl": "slv",
	"sm": "smo", "sn": "sna", "so": "som", "sq": "sqi", "sr": "srp", "ss": "ssw", "st": "sot", "su": "sun",
	"sv": "swe", "sw": "swa", "ta": "tam", "te": "tel", "tg": "tgk", "th": "tha", "ti": "tir", "tk": "tuk",
	"tl": "tgl", "tn": "tsn", "to": "ton", "tr": "tur", "ts": "tso", "tt": "tat", "tw": "twi", "ty": "tah",
	"ug": "uig", "uk": "ukr", "ur": "urd", "uz": "uzb", "ve": "ven", "vi": "vie", "vo": "vol", "wa": "wln",
	"wo": "wol", "xh": "xho", "yi": "yid", "yo": "yor", "za": "zha", "zh": "zho", "zu": "zul",
}
