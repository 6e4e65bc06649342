package pdf

import "unicode"

// The words that must not stand on paper, in languages whose letters are
// neither Latin, Greek nor Cyrillic. The plainest ones only, and no native
// reader has checked them (docs/terms.md). Left out are words that medicine
// needs: Hindi "पीड़ित" (suffering from), Persian "تجاوز" alone (to exceed a
// dose), Bengali "শোষণ" alone (absorption), Tamil "அடிமை" (addicted), Thai
// "ทาส" alone (the beginning of "to apply soap").

// inArabicLetters are words to which Arabic prefixes what other languages
// write apart: and, with, for, the.
var inArabicLetters = map[string][]string{
	"ar": {
		"شرطة", "اتجار بالبشر", "تهريب البشر", "ضحية", "ضحايا", "استغلال", "مستغلة", "ملجأ", "مأوى", "دار إيواء", "دعارة", "بغاء",
		"عبودية", "اغتصاب", "مغتصبة", "زواج قسري", "زواج القسري", "عمل قسري", "عمل القسري", "ناجية", "ناجيات",
	},
	"fa": {
		"پلیس", "قاچاق انسان", "قربانی", "قربانیان", "استثمار", "بهره کشی", "پناهگاه", "خانه امن", "فحشا", "تن فروشی", "روسپی",
		"بردگی", "برده داری", "تجاوز جنسی", "ازدواج اجباری", "کار اجباری",
	},
	"ps": {"پولیس", "انسان قاچاق", "انسانانو قاچاق", "قرباني", "استثمار", "پناه ځای", "فحشا", "جنسي تیری", "جبري واده", "غلامي"},
	"ur": {
		"پولیس", "انسانی اسمگلنگ", "انسانی سمگلنگ", "انسانی تجارت", "استحصال", "پناہ گاہ", "دارالامان", "جسم فروشی", "عصمت فروشی",
		"طوائف", "غلامی", "عصمت دری", "جبری شادی", "جبری مشقت",
	},
}

// arabicPrefixes stand before a word without a space.
var arabicPrefixes = []string{"", "ال", "وال", "بال", "لل", "فال", "و", "ب", "ل"}

// inIndicLetters are whole words, with * for any ending.
var inIndicLetters = map[string][]string{
	"hi": {
		"पुलिस*", "मानव तस्करी", "तस्करी", "तस्कर*", "शोषण", "आश्रय गृह", "आश्रय स्थल", "वेश्या*", "देह व्यापार", "गुलामी", "बलात्कार*",
		"जबरन विवाह", "जबरन श्रम", "बंधुआ*",
	},
	"ne": {"प्रहरी", "मानव बेचबिखन", "बेचबिखन*", "मानव तस्करी", "शोषण", "आश्रय गृह", "सुरक्षित आवास", "वेश्या*", "देह व्यापार", "दासता", "बलात्कार*"},
	"bn": {
		"পুলিশ*", "মানব পাচার*", "পাচার*", "যৌন শোষণ*", "আশ্রয়কেন্দ্র*", "আশ্রয় কেন্দ্র*", "নিরাপদ আশ্রয়*", "পতিতা*", "বেশ্যা*", "দেহ ব্যবসা*",
		"দাসত্ব*", "ধর্ষণ*", "ধর্ষিতা*", "জোরপূর্বক বিয়ে*",
	},
	"pa": {"ਪੁਲਿਸ*", "ਪੁਲੀਸ*", "ਮਨੁੱਖੀ ਤਸਕਰੀ", "ਤਸਕਰੀ", "ਸ਼ੋਸ਼ਣ", "ਵੇਸਵਾ*", "ਦੇਹ ਵਪਾਰ", "ਗੁਲਾਮੀ", "ਬਲਾਤਕਾਰ*", "ਜਬਰੀ ਵਿਆਹ"},
	"ta": {
		"போலீஸ்*", "காவல்துறை*", "காவல் துறை*", "ஆள் கடத்தல்*", "மனித கடத்தல்*", "சுரண்டல்*", "விபச்சார*", "கொத்தடிமை*", "பாலியல் வன்கொடுமை*",
		"வன்புணர்வு*", "கற்பழிப்பு*", "பாதுகாப்பு இல்லம்",
	},
	"si": {"පොලිස්*", "පොලීසි*", "මිනිස් ජාවාරම*", "මිනිස් වෙළඳාම*", "සූරාකෑම*", "ගණිකා*", "වහල්*", "ස්ත්\u200dරී දූෂණ*"},
}

// anywhere are words of languages that write without spaces, or join to a word
// what stands before it; they are looked for in the text without its spaces.
var anywhere = map[string][]string{
	"my": {"ရဲစခန်း", "ရဲတပ်ဖွဲ့", "လူကုန်ကူး", "ခေါင်းပုံဖြတ်", "အမြတ်ထုတ်", "ပြည့်တန်ဆာ", "ကျွန်ပြု", "အဓမ္မပြုကျင့်", "မုဒိမ်း"},
	"km": {"ប៉ូលិស", "នគរបាល", "ជួញដូរ", "កេងប្រវ័ញ្ច", "កេងប្រវ័ញ្ជ", "ពេស្យា", "ទាសករ", "ទាសភាព", "រំលោភ", "ជនរងគ្រោះ", "ទីជម្រក"},
	"th": {"ตำรวจ", "ค้ามนุษย์", "เหยื่อ", "แสวงหาประโยชน์", "บ้านพักฉุกเฉิน", "สถานคุ้มครอง", "โสเภณี", "ค้าประเวณี", "เป็นทาส", "ค้าทาส", "ข่มขืน", "บังคับแต่งงาน", "แรงงานบังคับ"},
	"lo": {"ຕຳຫຼວດ", "ຕຳຫລວດ", "ຄ້າມະນຸດ", "ຜູ້ຖືກເຄາະຮ້າຍ", "ຂູດຮີດ", "ໂສເພນີ", "ຄ້າປະເວນີ", "ຂົ່ມຂືນ"},
	"am": {"ፖሊስ", "የሰዎች ዝውውር", "የሰው ንግድ", "ሰለባ", "ብዝበዛ", "መጠለያ", "ሴተኛ አዳሪ", "ዝሙት አዳሪ", "ባርነት", "አስገድዶ መድፈር", "የግዳጅ ጋብቻ"},
	"ti": {"ፖሊስ", "ንግዲ ሰብ", "ምስግጋር ሰባት", "ግዳይ", "ምዝመዛ", "መዕቆቢ", "ኣመንዝራ", "ባርነት"},
	"zh": {
		"警察", "公安局", "派出所", "人口贩卖", "人口販賣", "贩卖人口", "販賣人口", "人贩", "拐卖", "受害者", "受害人", "剥削", "剝削", "庇护所", "庇護所",
		"收容所", "卖淫", "賣淫", "妓女", "性奴", "奴役", "强奸", "強姦", "强迫婚姻", "强迫劳动", "幸存者",
	},
}

// listed are the scripts of the languages that have a list. Text in another
// one cannot be held against anything.
var listed = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Tamil,
	unicode.Sinhala, unicode.Myanmar, unicode.Khmer, unicode.Thai, unicode.Lao, unicode.Ethiopic, unicode.Han, unicode.Common, unicode.Inherited,
}

// dropped are marks that a word is the same without: accents of Latin, Greek
// and Cyrillic letters, vowel signs of Arabic. Those of other scripts make the
// word.
func dropped(r rune) bool {
	switch {
	case r >= '\u0300' && r <= '\u036F', r >= '\u0610' && r <= '\u061A', r >= '\u064B' && r <= '\u065F', r >= '\u06D6' && r <= '\u06ED':
		return true
	}
	return r == '\u0670' || r == '\u0640' // the line that stretches a word
}

// sameLetter are letters that Arabic and Persian keyboards write differently.
func sameLetter(r rune) rune {
	switch r {
	case 'ك':
		return 'ک'
	case 'ي', 'ى':
		return 'ی'
	}
	return r
}
