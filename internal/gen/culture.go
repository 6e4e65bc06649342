package gen

import "unicode"

// culture is where an invented person comes from: how people there are
// called, what they speak and in which script they write.
type culture struct {
	country  string // ISO 3166-1 alpha-2
	language string // BCP 47
	script   *unicode.RangeTable
	currency string
	city     name
	region   string
	women    []name
	men      []name
	families []name
	wish     string // "I want to learn, to work and to live in safety."
}

// name is a name as it is written there, and in Latin letters.
type name struct{ own, latin string }

// Scripts is every script in which the invented people write their names.
func Scripts() []*unicode.RangeTable {
	var l []*unicode.RangeTable
	seen := map[*unicode.RangeTable]bool{}
	for _, c := range cultures {
		if !seen[c.script] {
			seen[c.script] = true
			l = append(l, c.script)
		}
	}
	return l
}

// cultures is in the order in which the first cases take them. The names are
// common ones, put together by chance.
var cultures = []culture{
	{
		country: "CO", language: "es", script: unicode.Latin, currency: "COP", city: name{"Pereira", "Pereira"}, region: "Risaralda",
		women:    []name{{"Luz Marina", "Luz Marina"}, {"Yuliana", "Yuliana"}, {"Paola Andrea", "Paola Andrea"}, {"Ángela", "Angela"}},
		men:      []name{{"Andrés", "Andres"}, {"Jhon Fredy", "Jhon Fredy"}, {"Óscar", "Oscar"}},
		families: []name{{"Restrepo Gómez", "Restrepo Gomez"}, {"Ospina", "Ospina"}, {"Cárdenas Peña", "Cardenas Pena"}, {"Muñoz", "Munoz"}},
		wish:     "Quiero aprender, trabajar y vivir con seguridad.",
	},
	{
		country: "SY", language: "ar", script: unicode.Arabic, currency: "SYP", city: name{"حلب", "Aleppo"}, region: "Halab",
		women:    []name{{"أمينة", "Amina"}, {"فاطمة", "Fatima"}, {"مريم", "Maryam"}, {"رنا", "Rana"}},
		men:      []name{{"يوسف", "Yusuf"}, {"خالد", "Khalid"}, {"سمير", "Samir"}},
		families: []name{{"الحسن", "al-Hasan"}, {"حداد", "Haddad"}, {"الخطيب", "al-Khatib"}, {"درويش", "Darwish"}},
		wish:     "أريد أن أتعلم وأعمل وأعيش بأمان.",
	},
	{
		country: "NP", language: "ne", script: unicode.Devanagari, currency: "NPR", city: name{"हेटौंडा", "Hetauda"}, region: "Bagmati",
		women:    []name{{"सीता", "Sita"}, {"कमला", "Kamala"}, {"मनीषा", "Manisha"}, {"सुनिता", "Sunita"}},
		men:      []name{{"राम", "Ram"}, {"विष्णु", "Bishnu"}, {"प्रकाश", "Prakash"}},
		families: []name{{"तामाङ", "Tamang"}, {"थापा", "Thapa"}, {"श्रेष्ठ", "Shrestha"}, {"लामा", "Lama"}},
		wish:     "म सिक्न, काम गर्न र सुरक्षित रूपमा बाँच्न चाहन्छु।",
	},
	{
		country: "BD", language: "bn", script: unicode.Bengali, currency: "BDT", city: name{"যশোর", "Jashore"}, region: "Khulna",
		women:    []name{{"রহিমা", "Rahima"}, {"শিউলি", "Shiuli"}, {"সালমা", "Salma"}, {"নাসরিন", "Nasrin"}},
		men:      []name{{"করিম", "Karim"}, {"জামাল", "Jamal"}, {"রফিক", "Rafiq"}},
		families: []name{{"আক্তার", "Akter"}, {"হোসেন", "Hossain"}, {"মিয়া", "Mia"}, {"খাতুন", "Khatun"}},
		wish:     "আমি শিখতে, কাজ করতে এবং নিরাপদে থাকতে চাই।",
	},
	{
		country: "ET", language: "am", script: unicode.Ethiopic, currency: "ETB", city: name{"ደሴ", "Dessie"}, region: "Amhara",
		women:    []name{{"ሰላም", "Selam"}, {"ሄለን", "Helen"}, {"ብርቱካን", "Birtukan"}, {"አልማዝ", "Almaz"}},
		men:      []name{{"ዳዊት", "Dawit"}, {"ተስፋዬ", "Tesfaye"}, {"ሙሉጌታ", "Mulugeta"}},
		families: []name{{"ከበደ", "Kebede"}, {"ታደሰ", "Tadesse"}, {"በቀለ", "Bekele"}, {"አለሙ", "Alemu"}},
		wish:     "መማር፣ መሥራት እና በደህንነት መኖር እፈልጋለሁ።",
	},
	{
		country: "UA", language: "uk", script: unicode.Cyrillic, currency: "UAH", city: name{"Херсон", "Kherson"}, region: "Kherson",
		women:    []name{{"Оксана", "Oksana"}, {"Наталія", "Nataliia"}, {"Юлія", "Yuliia"}, {"Ірина", "Iryna"}},
		men:      []name{{"Андрій", "Andrii"}, {"Тарас", "Taras"}, {"Сергій", "Serhii"}},
		families: []name{{"Коваленко", "Kovalenko"}, {"Шевчук", "Shevchuk"}, {"Бондар", "Bondar"}, {"Гриценко", "Hrytsenko"}},
		wish:     "Я хочу вчитися, працювати і жити в безпеці.",
	},
	{
		country: "CN", language: "zh-Hans", script: unicode.Han, currency: "CNY", city: name{"福清", "Fuqing"}, region: "Fujian",
		women:    []name{{"秀英", "Xiuying"}, {"美玲", "Meiling"}, {"丽华", "Lihua"}, {"小燕", "Xiaoyan"}},
		men:      []name{{"建国", "Jianguo"}, {"志强", "Zhiqiang"}, {"大伟", "Dawei"}},
		families: []name{{"李", "Li"}, {"王", "Wang"}, {"陈", "Chen"}, {"林", "Lin"}},
		wish:     "我想学习、工作，平安地生活。",
	},
	{
		country: "MM", language: "my", script: unicode.Myanmar, currency: "MMK", city: name{"မြဝတီ", "Myawaddy"}, region: "Kayin",
		women:    []name{{"စန္ဒာ", "Sandar"}, {"ခင်မာ", "Khin Mar"}, {"သီတာ", "Thida"}, {"မြတ်နိုး", "Myat Noe"}},
		men:      []name{{"အောင်ကို", "Aung Ko"}, {"ဇော်မင်း", "Zaw Min"}, {"ကျော်ဇင်", "Kyaw Zin"}},
		families: []name{{"ဝင်း", "Win"}, {"မြင့်", "Myint"}, {"ထွန်း", "Tun"}, {"လှိုင်", "Hlaing"}},
		wish:     "သင်ယူချင်၊ အလုပ်လုပ်ချင်ပြီး ဘေးကင်းစွာ နေထိုင်ချင်ပါတယ်။",
	},
	{
		country: "KH", language: "km", script: unicode.Khmer, currency: "KHR", city: name{"បាត់ដំបង", "Battambang"}, region: "Battambang",
		women:    []name{{"ស្រីមុំ", "Sreymom"}, {"សុភា", "Sophea"}, {"ចន្ធូ", "Chanthou"}, {"ស្រីពៅ", "Sreypov"}},
		men:      []name{{"វិចិត្រ", "Vichet"}, {"សំណាង", "Samnang"}, {"បូរ៉ា", "Bora"}},
		families: []name{{"សុខ", "Sok"}, {"ហេង", "Heng"}, {"ជា", "Chea"}, {"ម៉ៅ", "Mao"}},
		wish:     "ខ្ញុំចង់រៀន ធ្វើការ និងរស់នៅដោយសុវត្ថិភាព។",
	},
	{
		country: "TH", language: "th", script: unicode.Thai, currency: "THB", city: name{"เชียงราย", "Chiang Rai"}, region: "Chiang Rai",
		women:    []name{{"สมศรี", "Somsri"}, {"มาลี", "Malee"}, {"นภา", "Napa"}, {"กัญญา", "Kanya"}},
		men:      []name{{"สมชาย", "Somchai"}, {"วิชัย", "Wichai"}, {"ประเสริฐ", "Prasert"}},
		families: []name{{"ใจดี", "Jaidee"}, {"บุญมี", "Boonmee"}, {"ทองดี", "Thongdee"}, {"ศรีสุข", "Srisuk"}},
		wish:     "ฉันอยากเรียน ทำงาน และใช้ชีวิตอย่างปลอดภัย",
	},
	{
		country: "LK", language: "si", script: unicode.Sinhala, currency: "LKR", city: name{"කුරුණෑගල", "Kurunegala"}, region: "North Western",
		women:    []name{{"කුමාරි", "Kumari"}, {"මාලනී", "Malani"}, {"නිලූකා", "Niluka"}, {"චාන්දනී", "Chandani"}},
		men:      []name{{"සුනිල්", "Sunil"}, {"නිමල්", "Nimal"}, {"කමල්", "Kamal"}},
		families: []name{{"පෙරේරා", "Perera"}, {"සිල්වා", "Silva"}, {"ජයසිංහ", "Jayasinghe"}, {"බණ්ඩාර", "Bandara"}},
		wish:     "මට ඉගෙන ගන්න, වැඩ කරන්න සහ ආරක්ෂිතව ජීවත් වෙන්න ඕන.",
	},
	{
		country: "IN", language: "ta", script: unicode.Tamil, currency: "INR", city: name{"சேலம்", "Salem"}, region: "Tamil Nadu",
		women:    []name{{"லட்சுமி", "Lakshmi"}, {"மீனா", "Meena"}, {"கவிதா", "Kavitha"}, {"செல்வி", "Selvi"}},
		men:      []name{{"குமார்", "Kumar"}, {"ராஜா", "Raja"}, {"முருகன்", "Murugan"}},
		families: []name{{"சுப்பிரமணியம்", "Subramaniam"}, {"செல்வம்", "Selvam"}, {"பழனி", "Palani"}},
		wish:     "நான் கற்கவும், வேலை செய்யவும், பாதுகாப்பாக வாழவும் விரும்புகிறேன்.",
	},
	{
		country: "RO", language: "ro", script: unicode.Latin, currency: "RON", city: name{"Țăndărei", "Tandarei"}, region: "Ialomița",
		women:    []name{{"Ioana", "Ioana"}, {"Mădălina", "Madalina"}, {"Ștefania", "Stefania"}, {"Răzvana", "Razvana"}},
		men:      []name{{"Ionuț", "Ionut"}, {"Gheorghiță", "Gheorghita"}, {"Marian", "Marian"}},
		families: []name{{"Lăcătuș", "Lacatus"}, {"Țăranu", "Taranu"}, {"Stănescu", "Stanescu"}, {"Munteanu", "Munteanu"}},
		wish:     "Vreau să învăț, să muncesc și să trăiesc în siguranță.",
	},
	{
		country: "AF", language: "prs", script: unicode.Arabic, currency: "AFN", city: name{"هرات", "Herat"}, region: "Herat",
		women:    []name{{"زهرا", "Zahra"}, {"شکیبا", "Shakiba"}, {"فرشته", "Fereshta"}},
		men:      []name{{"حمید", "Hamid"}, {"نجیب", "Najib"}, {"رحیم", "Rahim"}},
		families: []name{{"احمدی", "Ahmadi"}, {"رضایی", "Rezayi"}, {"نوری", "Nuri"}, {"حیدری", "Haidari"}},
		wish:     "می\u200cخواهم درس بخوانم، کار کنم و در امنیت زندگی کنم.",
	},
	{
		country: "NG", language: "en", script: unicode.Latin, currency: "NGN", city: name{"Benin City", "Benin City"}, region: "Edo",
		women:    []name{{"Osasere", "Osasere"}, {"Blessing", "Blessing"}, {"Ọsẹmwẹngie", "Osemwengie"}, {"Ivie", "Ivie"}},
		men:      []name{{"Osaze", "Osaze"}, {"Ẹfẹ", "Efe"}, {"Godspower", "Godspower"}},
		families: []name{{"Igbinovia", "Igbinovia"}, {"Osagie", "Osagie"}, {"Ẹhigie", "Ehigie"}},
		wish:     "I want to learn, to work and to live in safety.",
	},
	{
		country: "ER", language: "ti", script: unicode.Ethiopic, currency: "ERN", city: name{"ከረን", "Keren"}, region: "Anseba",
		women:    []name{{"ሳባ", "Saba"}, {"ምሕረት", "Mihret"}, {"ለተብርሃን", "Letebrhan"}},
		men:      []name{{"ተኽለ", "Tekle"}, {"ዮናስ", "Yonas"}, {"ኣማኑኤል", "Amanuel"}},
		families: []name{{"ኣብርሃም", "Abraham"}, {"ሃይለ", "Haile"}, {"ገብረመድህን", "Ghebremedhin"}},
		wish:     "ክመሃር፣ ክሰርሕን ብውሑስ ክነብርን እደሊ።",
	},
	{
		country: "VN", language: "vi", script: unicode.Latin, currency: "VND", city: name{"Vinh", "Vinh"}, region: "Nghệ An",
		women:    []name{{"Thị Hương", "Thi Huong"}, {"Thị Ngọc Ánh", "Thi Ngoc Anh"}, {"Bích Thủy", "Bich Thuy"}},
		men:      []name{{"Văn Đức", "Van Duc"}, {"Quốc Bảo", "Quoc Bao"}, {"Minh Tuấn", "Minh Tuan"}},
		families: []name{{"Nguyễn", "Nguyen"}, {"Trần", "Tran"}, {"Phạm", "Pham"}, {"Hoàng", "Hoang"}},
		wish:     "Tôi muốn học, làm việc và sống an toàn.",
	},
	{
		country: "PK", language: "ur", script: unicode.Arabic, currency: "PKR", city: name{"گجرات", "Gujrat"}, region: "Punjab",
		women:    []name{{"صائمہ", "Saima"}, {"نادیہ", "Nadia"}, {"ثمینہ", "Samina"}},
		men:      []name{{"عمران", "Imran"}, {"فیصل", "Faisal"}, {"ندیم", "Nadeem"}},
		families: []name{{"چوہدری", "Chaudhry"}, {"بٹ", "Butt"}, {"گِل", "Gill"}},
		wish:     "میں سیکھنا، کام کرنا اور محفوظ زندگی گزارنا چاہتی ہوں۔",
	},
	{
		country: "PH", language: "fil", script: unicode.Latin, currency: "PHP", city: name{"Dumaguete", "Dumaguete"}, region: "Negros Oriental",
		women:    []name{{"Maricel", "Maricel"}, {"Jocelyn", "Jocelyn"}, {"Rosalinda", "Rosalinda"}},
		men:      []name{{"Reynaldo", "Reynaldo"}, {"Dodong", "Dodong"}, {"Jomar", "Jomar"}},
		families: []name{{"Dela Cruz", "Dela Cruz"}, {"Bautista", "Bautista"}, {"Macaraeg", "Macaraeg"}},
		wish:     "Gusto kong matuto, magtrabaho at mamuhay nang ligtas.",
	},
}
