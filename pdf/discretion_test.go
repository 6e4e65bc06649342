package pdf

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"portolan/care"
)

var giveaways = map[string][]string{
	"en": {"victim of trafficking", "Trafficked from Benin", "lives in a SHELTER", "spoke to the police", "was exploited", "case number 12", "Case no. 7", "forced labour", "sex-work", "she was raped", "brothel", "a survivor"},
	"fr": {"victime de la traite des êtres humains", "traite d’êtres humains", "foyer d'accueil", "la police", "exploitée", "proxénète", "dossier n° 12", "esclavage", "maison d’accueil", "Violée"},
	"es": {"VÍCTIMA", "trata de personas", "albergue", "policía", "explotación", "casa de acogida", "expediente n.º 5", "número de caso", "tráfico humano", "prostitución", "esclavitud"},
	"pt": {"tráfico de pessoas", "vítima", "polícia"}, "ro": {"victimă", "poliția", "exploatare"},
	"it": {"vittima", "sfruttamento", "polizia"}, "de": {"Opfer", "Menschenhandel", "Frauenhaus", "Polizei"},
	"vi": {"nạn nhân", "buôn người"}, "tl": {"biktima", "pulis"},
	"ru": {"жертва торговли людьми", "полиция", "приют"}, "uk": {"жертва", "поліція", "торгівля людьми"}, "el": {"θύμα", "αστυνομία"},
	"ar": {"ذهبت إلى الشرطة", "ضحيّة", "الاتجار بالبشر", "بالاستغلال"}, "fa": {"به پلیس گفت", "قربانی قاچاق انسان", "خانهٔ امن"},
	"ps": {"پوليس", "جبري واده"}, "ur": {"پولیس", "پناہ گاہ میں", "انسانی اسمگلنگ"},
	"hi": {"पुलिस को", "मानव तस्करी", "बलात्कारी"}, "ne": {"प्रहरी", "बेचबिखनमा"}, "bn": {"পুলিশের কাছে", "মানব পাচারের"}, "pa": {"ਪੁਲਿਸ", "ਤਸਕਰੀ"},
	"ta": {"காவல்துறையில்", "ஆள் கடத்தல்"}, "si": {"පොලිසිය පොලිස්පතියා", "මිනිස් ජාවාරම"},
	"my": {"သူမသည်လူကုန်ကူးခံရ", "ရဲစခန်း"}, "km": {"នាងទៅប៉ូលិស", "ការជួញដូរមនុស្ស"}, "th": {"แจ้งตำรวจแล้ว", "การค้ามนุษย์"}, "lo": {"ໄປຫາຕຳຫຼວດ", "ຄ້າມະນຸດ"},
	"am": {"በፖሊስ", "የሰዎች ዝውውር"}, "ti": {"ናብ ፖሊስ", "ንግዲ ሰብ"}, "zh": {"她去了警察局", "人口贩卖的受害者"},
}

func TestEveryLanguageKnowsItsGiveaways(t *testing.T) {
	for _, lists := range []map[string][]string{forbidden, inArabicLetters, inIndicLetters, anywhere} {
		for lang := range lists {
			if len(giveaways[lang]) == 0 {
				t.Errorf("no example for the list of %s", lang)
			}
		}
	}
	for lang, texts := range giveaways {
		for _, text := range texts {
			if len(Indiscreet(text)) == 0 {
				t.Errorf("%s: %q was not found", lang, text)
			}
		}
	}
}

// What medicine and daily life need must pass.
func TestOrdinaryWordsPass(t *testing.T) {
	for _, text := range []string{
		"médecin traitant, traitement antibiotique, ce médicament traite des infections", "le trafic routier", "violet, violente douleur",
		"se trata de una infección; médico tratante; accidente de tráfico", "en caso no mejore, no le dé más", "necesita abrigo",
		"pimples and acne", "polycythaemia, policitemia", "refugee status applied for", "in that case no more tablets",
		"rapeseed oil allergy", "policy number", "exploratory surgery", "explorar el abdomen", "grape juice", "victory", "a slavic language",
		"casos anteriores", "le foyer infectieux", "T74.4, Z04.1, F43.1", "Opfi", "dossier médical",
		"شريط واحد، الأشرطة", "بیش از ۳ قرص تجاوز نکند", "मधुमेह से पीड़ित", "অন্ত্রে শোষণ", "ทาสบู่", "மதுவுக்கு அடிமை", "متاثرہ حصہ",
		"दिन में दो बार खाने के बाद", "មួយថ្ងៃម្តង", "饭后服用，每日一次", "በቀን ሁለት ጊዜ", "තුන් වරක්", "တစ်နေ့တစ်ကြိမ်", "ມື້ລະເທື່ອ",
	} {
		if found := Indiscreet(text); len(found) > 0 {
			t.Errorf("%q was refused for %q", text, found)
		}
	}
}

func TestCodesThatLabelAreFound(t *testing.T) {
	for _, code := range []string{"T74.5", "T74.51XA", "T74.61", "T76.5", "T76.62XD", "Z04.81", "Z04.82", "Z62.813", "Z91.42", "Z91.421", "(T74.51)", "t74.51."} {
		if len(Indiscreet("dx "+code+" seen")) == 0 {
			t.Errorf("%s was not found", code)
		}
	}
}

func TestIndiscreetTextIsRefusedWithTheFieldNamed(t *testing.T) {
	messages := catalogue(t)
	for lang, texts := range giveaways {
		for _, text := range texts {
			for _, free := range []Value{Free("x "+text+" y", ""), Free("x "+text+" y", lang), Exactly(text)} {
				s := Summary{Languages: [2]string{"es", "en"}, Day: "2026-11-20", Further: []Section{{Key: "legal", Entries: []Entry{{Details: []Detail{Of("instructions", free)}}}}}}
				var out bytes.Buffer
				err := Render(&out, s, Options{Text: messages})
				if care.CodeOf(err) != "summary_words" || out.Len() > 0 {
					t.Fatalf("%s %q: %v and %d bytes, want it refused", lang, text, err, out.Len())
				}
				var telling *WordsError
				if !errors.As(err, &telling) || len(telling.Words) == 0 {
					t.Errorf("%s %q: the words are not there to be shown", lang, text)
				}
				if !strings.Contains(err.Error(), "“Instructions”") || strings.Contains(err.Error(), text) {
					t.Errorf("%s %q: the refusal should name the field and not the words: %v", lang, text, err)
				}
			}
		}
	}
}

func TestWordsTornOverTwoPartsAreFound(t *testing.T) {
	s := example("es", "en")
	s.Further[2].Entries[0].Head = Coded("substances", "none", "of persons", "human", "en")
	s.Further[2].Entries[0].Head.Text = "safe"
	s.Further[2].Entries[0].Head.Beside = "house"
	if err := Render(&bytes.Buffer{}, s, Options{Text: catalogue(t)}); care.CodeOf(err) != "summary_words" {
		t.Errorf("%v, want it refused", err)
	}
}

func TestTextThatCannotBeCheckedIsRefused(t *testing.T) {
	s := example("es", "en")
	s.Further[2].Entries[0].Head = Free("köszönöm szépen", "hu")
	err := Render(&bytes.Buffer{}, s, Options{Text: catalogue(t)})
	if care.CodeOf(err) != "summary_text_language" {
		t.Errorf("%v, want it refused: nobody can hold Hungarian against a list", err)
	}
}

// The catalogue itself gives nobody away.
func TestTheCatalogueIsDiscreet(t *testing.T) {
	for _, p := range pairs {
		if found := Indiscreet(read(t, render(t, example(p[0], p[1]))).text()); len(found) > 0 {
			t.Errorf("%v: the pages hold %q", p, found)
		}
	}
	if found := Indiscreet(strings.ReplaceAll(FileName, ".", " ")); len(found) > 0 {
		t.Errorf("the file name holds %q", found)
	}
}
