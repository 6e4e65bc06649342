package pdf

import (
	"slices"
	"strings"

	"golang.org/x/text/language"

	"portolan/care"
	"portolan/locales"
)

// languages are those in which the catalogue has all that papers say.
var languages = locales.Languages("pdf")

// proofread are the languages whose words a native reader has checked. A paper says
// of the others that nobody has, until somebody did and is added here.
var proofread = []string{"en"}

// Languages returns the languages in which a summary can be made.
func Languages() []string { return slices.Clone(languages) }

// Language is the language of papers for a tag (BCP 47): script and region are
// left out, Dari is written as Persian is and Filipino is Tagalog.
func Language(tag string) string {
	plain, _, _ := strings.Cut(tag, "-")
	switch plain {
	case "prs":
		return "fa"
	case "fil":
		return "tl"
	}
	return plain
}

// names of the languages that people ask for, in English, for the message of
// a refusal (ISO 639-1).
var names = map[string]string{
	"am": "Amharic", "ar": "Arabic", "bn": "Bengali", "de": "German", "en": "English", "es": "Spanish",
	"fa": "Persian", "fr": "French", "hi": "Hindi", "it": "Italian", "km": "Khmer", "lo": "Lao", "my": "Burmese",
	"ne": "Nepali", "pa": "Punjabi", "prs": "Dari", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian",
	"ru": "Russian", "si": "Sinhala", "ta": "Tamil", "th": "Thai", "ti": "Tigrinya", "tl": "Tagalog",
	"uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}

// LanguageName names a language in English, by its code where no name is
// known here.
func LanguageName(code string) string {
	if n, ok := names[code]; ok {
		return n + " (" + code + ")"
	}
	return code
}

// CheckLanguage refuses a language in which the labels are not there yet.
func CheckLanguage(code string) error {
	if slices.Contains(languages, code) {
		return nil
	}
	name := "The language of the summary"
	if _, known := names[code]; known {
		name = LanguageName(code)
	}
	return &care.Error{
		Code: "summary_language", Kind: care.Unprocessed,
		Hint: name + " has no words for papers yet, so nothing was made. Choose from " + strings.Join(languages, ", ") + ".",
	}
}

// rightToLeft says whether a language is written from right to left.
func rightToLeft(lang string) bool { return slices.Contains([]string{"ar", "fa", "ps", "ur"}, lang) }

// LanguageOf proposes the language of a country (ISO 3166-1 alpha-2), the one
// that CLDR holds to be the likeliest there; "" where it knows none.
func LanguageOf(country string) string {
	region, err := language.ParseRegion(country)
	if err != nil || !region.IsCountry() {
		return ""
	}
	tag, err := language.Compose(region)
	if err != nil {
		return ""
	}
	l, sure := tag.Base()
	if sure == language.No {
		return ""
	}
	return l.String()
}
