package search

// cyrillicLetters follows BGN/PCGN for Russian (1947), Ukrainian (2019) and
// their neighbours. г is g in Russian and h in Ukrainian, х is kh or h: both
// are written with a pair that is read both ways (skeleton.go).
var cyrillicLetters = map[rune]string{
	'а': "a", 'б': "b", 'в': "v", 'г': "gh", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch",
	'э': "e", 'ю': "yu", 'я': "ya", 'ѓ': "g", 'ђ': "dj", 'ћ': "ch", 'ј': "y", 'љ': "l", 'њ': "n", 'џ': "dzh", 'ѕ': "dz",
	'қ': "q", 'ғ': "gh", 'ң': "ng", 'ө': "o", 'ү': "u", 'ұ': "u", 'һ': "h", 'ә': "a", 'ҳ': "h", 'ҷ': "j",
}

func romaniseCyrillic(word string) string { return romaniseLetters(word, cyrillicLetters, false) }
