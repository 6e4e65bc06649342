// Finding people by a name as one heard it, in one's own letters, in memory
// alone. It is coarser than the hub's search (package search): a first letter,
// and the consonants that follow in their order.

const ARABIC: Record<string, string> = {
  ا: 'a', أ: 'a', إ: 'i', آ: 'a', ٱ: 'a', ب: 'b', پ: 'p', ت: 't', ث: 't', ج: 'j', چ: 'ch', ح: 'h', خ: 'h', د: 'd', ذ: 'd', ر: 'r', ز: 'z', ژ: 'z', س: 's', ش: 's',
  ص: 's', ض: 'd', ط: 't', ظ: 'z', ع: 'a', غ: 'g', ف: 'f', ق: 'k', ک: 'k', ك: 'k', گ: 'g', ل: 'l', م: 'm', ن: 'n', ه: 'h', ة: 'a', و: 'w', ؤ: 'w', ی: 'y', ي: 'y', ى: 'a', ئ: 'y', ء: '',
};
const CYRILLIC: Record<string, string> = {
  а: 'a', б: 'b', в: 'v', г: 'g', ґ: 'g', д: 'd', е: 'e', є: 'e', ж: 'z', з: 'z', и: 'i', і: 'i', ї: 'i', й: 'y', к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r',
  с: 's', т: 't', у: 'u', ф: 'f', х: 'h', ц: 'ts', ч: 'ch', ш: 's', щ: 's', ъ: '', ы: 'i', ь: '', э: 'e', ю: 'u', я: 'a', ё: 'e',
};
const DEVANAGARI: Record<string, string> = {
  अ: 'a', आ: 'a', इ: 'i', ई: 'i', उ: 'u', ऊ: 'u', ए: 'e', ऐ: 'e', ओ: 'o', औ: 'o', क: 'k', ख: 'k', ग: 'g', घ: 'g', ङ: 'n', च: 'ch', छ: 'ch', ज: 'j', झ: 'j', ञ: 'n', ट: 't', ठ: 't',
  ड: 'd', ढ: 'd', ण: 'n', त: 't', थ: 't', द: 'd', ध: 'd', न: 'n', प: 'p', फ: 'f', ब: 'b', भ: 'b', म: 'm', य: 'y', र: 'r', ल: 'l', व: 'v', श: 's', ष: 's', स: 's', ह: 'h',
};
const LATIN: Record<string, string> = { ß: 'ss', æ: 'ae', ø: 'o', œ: 'oe', ł: 'l', đ: 'd', ð: 'd', þ: 't', ı: 'i' };
const LETTERS = new Map(Object.entries({ ...ARABIC, ...CYRILLIC, ...DEVANAGARI, ...LATIN }));

/** A text in plain Latin letters and digits, in words. */
export function romanised(text: string): string[] {
  let out = '';
  for (const c of text.normalize('NFKD').toLowerCase()) {
    const plain = LETTERS.get(c);
    if (plain !== undefined) out += plain;
    else if (/\p{M}/u.test(c)) continue;
    else if (/[\p{L}\p{N}]/u.test(c)) out += /\p{Nd}/u.test(c) ? digitOf(c) : c;
    else out += ' ';
  }
  return out.split(' ').filter((w) => w !== '');
}

function digitOf(c: string): string {
  const code = c.codePointAt(0)!;
  if (code < 0x80) return c;
  for (const zero of [0x660, 0x6f0, 0x966]) if (code >= zero && code <= zero + 9) return String(code - zero);
  return c;
}

const SAME: [RegExp, string][] = [
  [/ph/g, 'f'], [/ng/g, 'n'], [/t?s?ch|ts|sh|z/g, 's'], [/kh/g, 'h'], [/q|x|c(?=[^eiy]|$)/g, 'k'], [/c/g, 's'], [/dh/g, 'd'], [/th/g, 't'], [/w|v/g, 'f'], [/b|p/g, 'b'], [/g|j/g, 'j'], [/y/g, 'i'],
];

/** What of a word is heard whoever writes it down: its consonants. */
export function soundOf(word: string): string {
  // Between consonants w and y are vowels to whoever writes no others.
  let s = word[0] + word.slice(1).replace(/[wy]/g, '');
  for (const [from, to] of SAME) s = s.replace(from, to);
  const first = /^[aeiou]/.test(s) ? 'a' : /^h/.test(s) ? 'h' : '';
  s = first + s.replace(/[aeiouh]/g, '');
  return s.replace(/(.)\1+/g, '$1');
}

interface Word {
  plain: string;
  sound: string;
}

/** What can be found: an id, and the words by which. */
export class Index {
  private readonly entries: { id: string; words: Word[] }[] = [];

  add(id: string, texts: Iterable<string>): void {
    const words = new Map<string, Word>();
    for (const text of texts) for (const plain of romanised(text)) words.set(plain, { plain, sound: soundOf(plain) });
    this.entries.push({ id, words: [...words.values()] });
  }

  /** The ids that a text finds, the best first; all of its words must be met. */
  find(text: string): string[] {
    const sought = romanised(text).map((plain) => ({ plain, sound: soundOf(plain) }));
    if (sought.length === 0) return [];
    const found: { id: string; worth: number }[] = [];
    for (const e of this.entries) {
      let worth = 0;
      for (const w of sought) {
        const best = Math.max(0, ...e.words.map((have) => matches(w, have)));
        if (best === 0) {
          worth = 0;
          break;
        }
        worth += best;
      }
      if (worth > 0) found.push({ id: e.id, worth });
    }
    return found.sort((a, b) => b.worth - a.worth).map((f) => f.id);
  }
}

function matches(sought: Word, have: Word): number {
  if (have.plain === sought.plain) return 4;
  if (have.plain.startsWith(sought.plain)) return 3;
  if (/\d/.test(sought.plain)) return 0; // a number is found by its beginning, never by its sound
  if (sought.sound.length > 1 && have.sound === sought.sound) return 2;
  if (sought.sound.length > 2 && have.sound.startsWith(sought.sound)) return 1;
  return 0;
}
