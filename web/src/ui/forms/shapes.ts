// What a form of each collection asks, in this order. What a field is, which codes
// it takes and whether it must be there says the schema that the hub published;
// fields that are not named here stand under "more".
import type { Entered } from '../../core/value';
import type { IconName } from '../components/icons';

export interface Shape {
  icon: IconName;
  ask: readonly string[];
  /** What a new record begins with. */
  begin?: (now: Date) => Record<string, Entered>;
  /** The fields that say in a line what a record is. */
  line: readonly string[];
  /** The moment at which it stands in the timeline. */
  at?: string;
}

const today = (now: Date) => new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

export const shapes: Readonly<Record<string, Shape>> = {
  notes: { icon: 'note', ask: ['text', 'kind', 'occurred_at'], begin: (now) => ({ kind: 'general', occurred_at: now.toISOString() }), line: ['text', 'kind'], at: 'occurred_at' },
  tasks: { icon: 'check', ask: ['title_key', 'due_at', 'priority', 'details'], begin: () => ({ status: 'open' }), line: ['title_key', 'details'], at: 'due_at' },
  encounters: { icon: 'health', ask: ['kind', 'starts_at', 'reason', 'findings', 'next_visit_on'], begin: (now) => ({ status: 'finished', starts_at: now.toISOString() }), line: ['kind', 'reason'], at: 'starts_at' },
  medicines: { icon: 'health', ask: ['substance', 'strength', 'form', 'dose', 'frequency', 'as_needed', 'must_not_stop', 'instructions', 'status'], begin: () => ({ status: 'active' }), line: ['substance', 'strength', 'dose', 'frequency'] },
  allergies: { icon: 'alert', ask: ['substance', 'reaction', 'criticality', 'status'], begin: () => ({ status: 'active' }), line: ['substance', 'reaction'] },
  conditions: { icon: 'health', ask: ['label', 'clinical_status', 'severity', 'onset_on', 'needs_when_travelling'], line: ['label', 'severity'] },
  legal_matters: { icon: 'legal', ask: ['kind', 'pathway', 'status', 'wishes', 'legal_aid', 'lawyer', 'lawyer_phone'], line: ['kind', 'status'] },
  deadlines: { icon: 'clock', ask: ['matter', 'kind', 'due_on', 'note'], begin: () => ({ status: 'open' }), line: ['kind', 'due_on'], at: 'due_on' },
  hearings: { icon: 'legal', ask: ['matter', 'starts_at', 'kind', 'status', 'interpreter_language'], line: ['kind', 'starts_at'], at: 'starts_at' },
  referrals: { icon: 'out', ask: ['service', 'receiving_organisation', 'needs', 'urgency', 'outgoing_details', 'consent'], begin: () => ({ direction: 'outgoing', status: 'draft' }), line: ['receiving_organisation', 'service', 'needs'] },
  stays: { icon: 'home', ask: ['bed', 'status', 'check_in', 'expected_end', 'care_notes'], begin: () => ({ status: 'planned' }), line: ['bed', 'status'], at: 'check_in' },
  risk_assessments: { icon: 'shield', ask: ['kind', 'assessed_on', 'level', 'survivor_level', 'survivor_words', 'findings', 'mitigation', 'next_review_on'], begin: (now) => ({ status: 'preliminary', assessed_on: today(now) }), line: ['level', 'survivor_level'], at: 'assessed_on' },
  safety_plans: { icon: 'shield', ask: ['warning_signs', 'steps', 'agreed_responses', 'safe_people', 'safe_places', 'go_bag', 'device_safety', 'children_plan', 'review_on'], begin: () => ({ status: 'draft' }), line: ['status', 'steps'], at: 'review_on' },
  goals: { icon: 'sun', ask: ['domain', 'wording', 'due_on'], line: ['wording'], at: 'due_on' },
  follow_ups: { icon: 'clock', ask: ['due_on', 'mode', 'outcome', 'note'], begin: () => ({ status: 'planned' }), line: ['mode', 'status'], at: 'due_on' },
  dependents: { icon: 'person', ask: ['alias', 'relation', 'age_band', 'gender', 'whereabouts', 'travels_along', 'immediate_danger', 'needs'], line: ['alias', 'relation'] },
  survivors: {
    icon: 'person',
    ask: ['alias', 'pronouns', 'gender', 'age_band', 'primary_language', 'interpreter_needed', 'interpreter_gender', 'literacy', 'safe_channel', 'safe_hours', 'leave_message', 'do_not_contact', 'immediate_danger', 'do_not_disclose', 'access_needs', 'diets', 'contact_notes'],
    line: ['alias'],
  },
  identities: { icon: 'key', ask: ['given_name', 'family_name', 'romanised_name', 'aliases', 'birth_date', 'safe_phone', 'mobile_phone'], line: ['given_name', 'family_name'] },
  cases: { icon: 'cases', ask: ['status', 'risk_level', 'survivor_risk_level', 'priority', 'needs', 'next_review_on'], line: ['number', 'status'] },
  consents: { icon: 'shield', ask: [], line: ['purpose', 'decision'], at: 'given_at' },
  documents: { icon: 'note', ask: ['kind', 'title'], line: ['title', 'kind'] },
};

/** What can be added to a case, in the order in which it is offered. */
export const addable: readonly string[] = ['notes', 'tasks', 'encounters', 'medicines', 'allergies', 'legal_matters', 'deadlines', 'hearings', 'referrals', 'stays', 'risk_assessments', 'safety_plans', 'follow_ups', 'dependents'];
