// Who has the tablet, their store while it is open, and what it says of itself.
import { newKey } from '../../core/box';
import { base64url } from '../../core/bytes';
import { isFault } from '../../core/fault';
import { isUnreachable } from '../../core/hub';
import { openIndexedDisk } from '../../core/indexeddb';
import type { Report } from '../../core/intake';
import { makeLock, Warm } from '../../core/lock';
import { People, type Person } from '../../core/people';
import type { Form } from '../../core/drafts';
import { type Edit, type ShownRecord, Tablet } from '../../core/tablet';
import { isRefused } from '../../core/watch';
import { onLeaving } from '../leaving';
import { route } from '../route.svelte';
import { catalogue } from '../words.svelte';

const LOCK_AFTER = 5 * 60_000;
const SEND_AFTER = 700;
const TYPED_SEND_AFTER = 10_000;

export type Line = 'syncing' | 'idle' | 'offline' | 'refused' | 'fault';

export interface NewPerson {
  code: string;
  password: string;
  secondFactor: string;
  name: string;
  passphrase: string;
  pin: string;
}

class Store {
  people = $state.raw<Person[]>([]);
  person = $state.raw<Person | undefined>();
  tablet = $state.raw<Tablet | undefined>();
  /** Rises with whatever was entered or came: what was read before is read again. */
  version = $state(0);
  line = $state<Line>('idle');
  fault = $state.raw<unknown>();
  unsent = $state(0);
  /** Since when the oldest unsent change waits. */
  since = $state('');
  synced = $state('');
  /** The lease holds: what is here opens. */
  readable = $state(true);
  /** Whose tablet the hub has just ended, so that they are told. */
  ended = $state('');
  /** What was begun and not saved. */
  forms = $state.raw<Form[]>([]);
  /** Of a first sync: how many records came so far. */
  came = $state(0);
  now = $state(Date.now());

  private readonly known = People.on(() => openIndexedDisk('people'));
  private readonly warm = new Map<string, Warm>();
  private watching: AbortController | undefined;
  private touched = Date.now();
  private sending: ReturnType<typeof setTimeout> | undefined;
  private lists = new Map<string, Promise<ShownRecord[]>>();
  private listsOf = -1;
  private readonly forgets: (() => void)[] = [];

  /** Reads who works here, in which language. */
  async begin(): Promise<void> {
    const { people, language } = await this.known.read();
    this.people = people;
    const wanted = language || (navigator.languages.map((l) => l.split('-')[0]!).find((l) => ['en', 'fr', 'es', 'ar', 'ne', 'uk'].includes(l)) ?? 'en');
    await catalogue.speak(wanted);
    for (const event of ['pointerdown', 'keydown', 'input']) addEventListener(event, () => (this.touched = Date.now()), { passive: true, capture: true });
    setInterval(() => this.tick(), 15_000);
    document.addEventListener('visibilitychange', () => this.tick());
    addEventListener('online', () => this.send(0));
    onLeaving(() => {
      this.warm.clear();
      this.lock();
    });
  }

  async speak(language: string): Promise<void> {
    await catalogue.speak(language);
    await this.known.speak(language);
  }

  private tick(): void {
    this.now = Date.now();
    if (this.tablet !== undefined && this.now - this.touched >= LOCK_AFTER) this.lock();
    this.tell();
  }

  /** Makes an empty store this person's, or gives somebody who is known here a new beginning. */
  async enrol(p: NewPerson, again?: Person): Promise<void> {
    const root = newKey();
    const id = again?.id ?? base64url(crypto.getRandomValues(new Uint8Array(9)));
    const disk = await openIndexedDisk(`store ${id}`);
    let tablet: Tablet;
    try {
      const enrolment = { url: location.origin, code: p.code.trim(), password: p.password, label: 'app', ...(p.secondFactor && { secondFactor: p.secondFactor }) };
      tablet = await Tablet.enrol(disk, root, enrolment);
    } catch (e) {
      disk.close();
      throw e;
    }
    const person: Person = { id, name: p.name.trim(), language: catalogue.language, lock: await makeLock(root, p.passphrase, p.pin), tries: 0 };
    await this.known.put(person);
    this.people = (await this.known.read()).people;
    await this.opened(person, tablet, root);
    // What a browser may evict is not kept: it is asked for, and the device screen shows the answer.
    void navigator.storage.persist?.();
  }

  isWarm(p: Person): boolean {
    return (this.warm.get(p.id)?.left ?? 0) > 0;
  }

  async unlock(p: Person, secret: string, byPin: boolean): Promise<void> {
    let root: Uint8Array;
    try {
      root = byPin ? await this.warm.get(p.id)!.open(secret) : await this.known.unlock(p, secret);
    } catch (e) {
      if (isFault(e, 'passphrase_over')) await this.destroy(p);
      throw e;
    }
    await this.opened(p, await Tablet.open(await openIndexedDisk(`store ${p.id}`), root), root);
  }

  /** What lies here of somebody is destroyed; what they had not sent stays sealed to the hub, and goes with their next enrolment. */
  private async destroy(p: Person): Promise<void> {
    const tablet = await Tablet.open(await openIndexedDisk(`store ${p.id}`), newKey());
    await tablet.wipe();
    tablet.close();
    this.people = (await this.known.read()).people;
  }

  private async opened(p: Person, tablet: Tablet, root: Uint8Array): Promise<void> {
    this.warm.set(p.id, await Warm.of(p.lock!, root));
    root.fill(0);
    this.touched = Date.now();
    this.person = p;
    this.tablet = tablet;
    if (p.language !== catalogue.language) await catalogue.speak(p.language);
    this.readable = tablet.leaseUntil !== '';
    this.ended = '';
    this.forms = await tablet.drafts().catch(() => []);
    this.tell();
    route.reset({ screen: tablet.synced === '' ? 'first' : 'today' });
    this.watch(tablet);
  }

  private watch(tablet: Tablet): void {
    this.watching = new AbortController();
    const { signal } = this.watching;
    this.line = 'syncing';
    const done = (report: Report | undefined, fault: unknown) => {
      if (!signal.aborted) this.done(report, fault);
    };
    tablet.watch(done, signal).catch((fault: unknown) => done(undefined, fault));
  }

  private done(report: Report | undefined, fault: unknown): void {
    if (isFault(fault, 'sync_running')) return;
    this.fault = fault;
    this.line = fault === undefined ? 'idle' : isUnreachable(fault) ? 'offline' : isRefused(fault) ? 'refused' : 'fault';
    if (report !== undefined) this.version++;
    this.tell();
    if (report?.ended && this.person !== undefined) void this.over(this.person);
  }

  /** The hub ended this person's tablet, and all that was here is destroyed. */
  private async over(person: Person): Promise<void> {
    this.ended = person.name;
    this.lock();
    this.warm.delete(person.id);
    person.lock = undefined;
    await this.known.put(person);
    this.people = (await this.known.read()).people;
  }

  private tell(): void {
    const { tablet } = this;
    if (tablet === undefined) return;
    const waiting = tablet.waiting();
    this.unsent = waiting.length + tablet.draftsUnsent() + tablet.filesWaiting();
    const told = (forms: Form[], readable: boolean) => {
      if (this.tablet === tablet) [this.forms, this.readable] = [forms, readable];
    };
    void tablet.drafts().then((forms) => told(forms, true), () => told([], false));
    this.since = waiting.find((w) => w.at !== undefined)?.at ?? '';
    this.synced = tablet.synced;
    this.came = tablet.size;
    this.now = Date.now();
  }

  /** Sends what is unsent, soon: changes that follow one another go together. */
  send(after = SEND_AFTER): void {
    clearTimeout(this.sending);
    this.sending = setTimeout(() => void this.sync(), after);
  }

  async sync(): Promise<void> {
    const { tablet, watching } = this;
    if (tablet === undefined) return;
    this.line = 'syncing';
    const counting = setInterval(() => (this.came = tablet.size), 300);
    try {
      const report = await tablet.sync(watching?.signal);
      if (this.tablet === tablet) this.done(report, undefined);
    } catch (e) {
      if (this.tablet !== tablet) return;
      this.done(undefined, e);
      if (isFault(e, 'sync_running')) this.send(2000);
    } finally {
      clearInterval(counting);
    }
  }

  /** Has something be forgotten as the store is closed. */
  onLock(forget: () => void): void {
    this.forgets.push(forget);
  }

  /** Closes the store: nothing of it stays open in memory. */
  lock(): void {
    clearTimeout(this.sending);
    this.watching?.abort();
    this.tablet?.close();
    this.tablet = undefined;
    this.forms = [];
    this.person = undefined;
    this.lists = new Map();
    this.listsOf = -1;
    for (const forget of this.forgets) forget();
    this.fault = undefined;
    route.reset({ screen: 'door' });
  }

  /** Every record of a collection, of one case or of all, the oldest first. */
  list(collection: string, caseId = ''): Promise<ShownRecord[]> {
    if (this.listsOf !== this.version) {
      this.lists = new Map();
      this.listsOf = this.version;
    }
    const key = `${collection} ${caseId}`;
    const have = this.lists.get(key);
    if (have !== undefined) return have;
    const list = this.tablet === undefined ? Promise.resolve([]) : this.tablet.list(collection, caseId);
    this.lists.set(key, list);
    return list;
  }

  async make(collection: string, caseId: string, edit: Edit, as?: string): Promise<string> {
    const id = await this.tablet!.make(collection, caseId, edit, as);
    this.entered();
    return id;
  }

  async set(id: string, edit: Edit, decided: readonly string[] = []): Promise<void> {
    if (await this.tablet!.set(id, edit, decided)) this.entered();
  }

  /** Something that is being typed was kept. */
  grew(): void {
    this.tell();
    this.send(TYPED_SEND_AFTER);
  }

  private entered(): void {
    this.version++;
    this.tell();
    this.send();
  }

  /** Removes somebody from this tablet, once everything of theirs is at the hub. */
  async signOut(): Promise<void> {
    const { tablet, person } = this;
    if (tablet === undefined || person === undefined) return;
    await tablet.border();
    await this.forget(person);
  }

  /** Destroys what is here at once. What was not sent stays sealed to the hub. */
  async wipe(): Promise<void> {
    const { tablet, person } = this;
    if (tablet === undefined || person === undefined) return;
    await tablet.wipe();
    person.lock = undefined;
    await this.known.put(person);
    this.warm.delete(person.id);
    const told = tablet.sync().catch(() => undefined); // the hub hears of it now, or when this person enrols again
    this.watching?.abort();
    await told;
    this.people = (await this.known.read()).people;
    this.lock();
  }

  private async forget(person: Person): Promise<void> {
    this.lock();
    this.warm.delete(person.id);
    await this.known.remove(person.id);
    indexedDB.deleteDatabase(`store ${person.id}`);
    this.people = (await this.known.read()).people;
  }
}

export const store = new Store();
