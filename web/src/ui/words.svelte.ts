// What the app says: one catalogue with the papers (locales/), a language at a time.
declare const LANGUAGES: string[];

/** Each language in its own script. */
export const languages: readonly { tag: string; name: string }[] = LANGUAGES.map((tag) => ({
  tag,
  name: new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag,
}));

const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ps', 'ur'];
const [FSI, PDI] = [String.fromCharCode(0x2068), String.fromCharCode(0x2069)]; // first strong isolate, and its end

type Words = Readonly<Record<string, string>>;
type Values = Readonly<Record<string, string | number>>;

class Catalogue {
  language = $state('en');
  private words = $state.raw<Words>({});
  private english = $state.raw<Words>({});

  get direction(): 'ltr' | 'rtl' {
    return RIGHT_TO_LEFT.includes(this.language) ? 'rtl' : 'ltr';
  }

  /** Switches to a language once its words are here. */
  async speak(tag: string): Promise<void> {
    let language = languages.some((l) => l.tag === tag) ? tag : 'en';
    const of = async (l: string) => (await (await fetch(`/app/words-${l}.json`)).json()) as Words;
    // Another language than that of last time may not be here yet, and there is no line.
    const words = await of(language).catch(() => {
      language = 'en';
      return Object.keys(this.words).length > 0 ? undefined : of('en');
    });
    if (words === undefined) return;
    this.words = words;
    this.english = language === 'en' ? words : this.english;
    this.language = language;
    document.documentElement.lang = language;
    document.documentElement.dir = this.direction;
    // Labels of records that a language does not have yet are shown in English.
    if (language !== 'en' && Object.keys(this.english).length === 0) this.english = await of('en').catch(() => ({}));
  }

  has(key: string): boolean {
    return this.words[key] !== undefined;
  }

  text(key: string): string | undefined {
    return this.words[key] ?? this.english[key];
  }
}

export const catalogue = new Catalogue();

/**
 * The words of a key. What is put in stands by itself, whatever runs around it.
 * Counts stand behind a colon, so that no language needs a plural.
 */
export function t(key: string, values: Values = {}): string {
  return (catalogue.text(key) ?? key).replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const v = values[name];
    if (v === undefined) return '';
    return FSI + (typeof v === 'number' ? new Intl.NumberFormat(catalogue.language).format(v) : v) + PDI;
  });
}

/** The words of a code of a list; countries and languages as the browser names them. */
export function codeWords(list: string, code: string): string {
  if (list === 'countries' || list === 'languages') {
    try {
      const type = list === 'countries' ? 'region' : 'language';
      return new Intl.DisplayNames([catalogue.language], { type, fallback: 'none' }).of(code) ?? code;
    } catch {
      return code; // one of the hub's own
    }
  }
  if (list === 'task_titles') return t(`task.${code}`);
  if (list === 'collections') return t(`entity.${code}`);
  return catalogue.text(`code.${list}.${code}`) ?? code;
}

export function fieldWords(collection: string, field: string): string {
  return t(`field.${collection}.${field}`);
}

/** What went wrong, in words; a code that the catalogue does not know keeps its English hint. */
export function faultWords(thrown: unknown): string {
  const { code, hint } = thrown as { code?: string; hint?: string };
  if (code === undefined) return t('app.fault.other', { what: String(thrown) });
  return catalogue.text(`app.fault.${code}`) ?? catalogue.text(`reason.${code}`) ?? (hint || code);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${catalogue.language} ${kind}`;
  let f = formats.get(key);
  if (f === undefined) formats.set(key, (f = new Intl.DateTimeFormat(catalogue.language, { calendar: 'gregory', ...options })));
  return f;
}

/** A day, as far as it is known: 2026, 2026-11 or 2026-11-21. */
export function dayWords(day: string): string {
  const [year, month, date] = day.slice(0, 10).split('-').map(Number);
  if (year === undefined || Number.isNaN(year)) return day;
  const at = new Date(year, (month ?? 1) - 1, date ?? 1);
  if (month === undefined) return formatOf('year', { year: 'numeric' }).format(at);
  if (date === undefined) return formatOf('month', { year: 'numeric', month: 'long' }).format(at);
  return formatOf('day', { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
}

/** A moment, in the device's own time. */
export function timeWords(moment: string): string {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? moment : formatOf('time', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(at);
}

/** How long ago, or how soon, in the largest unit that says it. */
export function awayWords(moment: string, now: number): string {
  const ms = Date.parse(moment) - now;
  if (Number.isNaN(ms)) return moment;
  const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]];
  const f = new Intl.RelativeTimeFormat(catalogue.language, { numeric: 'auto' });
  for (const [unit, size] of units) if (Math.abs(ms) >= size) return f.format(Math.trunc(ms / size), unit);
  return t('app.now');
}
