// People are found by a name as one heard it, in one's own letters.
import { expect, test } from 'vitest';
import { Index, romanised, soundOf } from '../src/core/search';

const people: Record<string, string[]> = {
  lucero: ['Lucerito', 'CA-26-0007'],
  mohammed: ['محمد حداد'],
  oksana: ['Оксана Шевченко'],
  sita: ['सीता तामाङ', '+977 98-1234567'],
  zoe: ['Zoë Großmann'],
};
const index = new Index();
for (const [id, texts] of Object.entries(people)) index.add(id, texts);

test.each([
  ['lucerit', 'lucero'], ['Luzerito', 'lucero'], ['لوسريتو', 'lucero'], ['Лусерито', 'lucero'], ['ca-26', 'lucero'],
  ['Mohammed', 'mohammed'], ['Muhamad Hadad', 'mohammed'], ['Мухаммед', 'mohammed'],
  ['Oksana', 'oksana'], ['shevchenko', 'oksana'], ['Sita', 'sita'], ['tamang', 'sita'], ['zoe grossmann', 'zoe'], ['977', 'sita'],
])('%s finds %s', (sought, id) => expect(index.find(sought)[0]).toBe(id));

test.each(['', ' ', '-', 'nobody', '0008', 'Lucerito Haddad'])('%j finds nobody', (sought) => expect(index.find(sought)).toEqual([]));

test('the nearest comes first', () => {
  const two = new Index();
  two.add('sound', ['Marja']);
  two.add('whole', ['Maria']);
  expect(two.find('maria')[0]).toBe('whole');
});

test('two thousand people are searched at once', () => {
  const many = new Index();
  for (let i = 0; i < 2000; i++) many.add(String(i), [`Alias ${i}`, `Given${i % 97} Family${i % 89}`]);
  expect(many.find('alias 1999')).toEqual(['1999']);
});

test('digits of every script are the same digits, and a word sounds like its consonants', () => {
  expect(romanised('٤٧ ४७ 47')).toEqual(['47', '47', '47']);
  expect(soundOf('walid')).toBe(soundOf('valeed'));
});
