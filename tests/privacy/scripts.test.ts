/** Names in scripts that no list of names covers, by what stands around them and by how they would be written in Latin letters; digits of all scripts. */
import { describe, expect, test } from 'vitest';
import { nominatives } from '../../src/privacy/declension.ts';
import { romanized } from '../../src/privacy/romanize.ts';
import { cleaned, engineOf } from './engine-for-test.ts';
import { notPeopleByScript, peopleByScript, scriptTemplates } from './hostile/scripts.ts';

const engine = engineOf();

function outcome(event: Record<string, string>): string {
  return Object.values(cleaned(engine, event).event).map(String).join('\n');
}

describe('names', () => {
  /** Of six names in eight sentences: how many may stay, in part or whole. */
  test.each(Object.entries(peopleByScript))('%s in English sentences', (_script, names) => {
    const left = names.flatMap((name) =>
      scriptTemplates
        .map((template) => outcome({ message: template.replace('{}', name) }))
        .filter((text) => name.split(' ').some((part) => text.includes(part))),
    );
    expect(left.length, left.join('\n')).toBeLessThanOrEqual(2);
  });

  test.each(Object.entries(peopleByScript))('%s: a name of a field, in parts, in the other text of the event', (_script, names) => {
    for (const name of names) {
      const [given, family] = name.split(' ') as [string, string];
      const text = outcome({ fullName: name, note: `asked ${family} again`, other: `${given} ${family} / ${family}, ${given}` });
      expect(
        [given, family].filter((part) => text.includes(part)),
        text,
      ).toEqual([]);
    }
  });

  test('what something was called, set to or translated as stays', () => {
    expect(notPeopleByScript.map((message) => outcome({ message }))).toEqual(notPeopleByScript);
  });

  test('in Latin letters', () => {
    expect(romanized('রহমান')).toContain('rahman');
    expect(romanized('ਹਰਪ੍ਰੀਤ')).toContain('harpreet');
    expect(romanized('గిరి')).toContain('giri');
    expect(romanized('გიორგი')).toEqual(['giorgi']);
    expect(romanized('արուս')).toEqual(['arus']);
    expect(romanized('አበበ')).toEqual(['abebe']);
    expect(romanized('jane')).toEqual([]);
  });
});

describe('declined names', () => {
  test.each([
    ['Jan Kowalski', 'odebrano dostęp Kowalskiego i Kowalskiemu'],
    ['Ewa Nowacka', 'konto Nowackiej, z Nowacką'],
    ['Karl Müller', 'Müllers Konto'],
    ['Иван Кузнецов', 'доступ выдан Кузнецову, заявка Кузнецова, закрыто Кузнецовым'],
    ['Анна Лаврова', 'заявка Лавровой, доступ для Лаврову'],
    ['Пётр Достоевский', 'учётная запись Достоевского'],
    ['Petr Novák', 'přístup pro Nováka, předáno Novákovi'],
    ['Γιώργος Παπαδόπουλος', 'ο λογαριασμός του Παπαδόπουλου'],
    ['Jonas Petrauskas', 'Petrausko paskyra'],
  ])('%s: %s', (name, message) => {
    const stem = (name.split(' ')[1] as string).slice(0, -2);
    expect(outcome({ fullName: name, message }).split('\n')[1]).not.toContain(stem);
  });

  test('only of names that are known, in capitals, and no words of logs', () => {
    const message = 'Kowalskiego was not found; Does it run? users of parkers';
    expect(outcome({ message })).toBe(message);
    expect(outcome({ fullName: 'Ann Parker', message: 'parkers lane' })).toContain('parkers lane');
    expect(nominatives('does')).toEqual([]);
  });
});

/** Zeros of scripts whose digits are read as ours. */
const zeros = {
  bengali: 0x9e6,
  gujarati: 0xae6,
  tamil: 0xbe6,
  telugu: 0xc66,
  thai: 0xe50,
  lao: 0xed0,
  burmese: 0x1040,
  khmer: 0x17e0,
  adlam: 0x1e950,
};

describe('digits', () => {
  test.each(Object.entries(zeros))('%s', (_, zero) => {
    const written = (text: string): string => text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
    for (const [before, value] of [
      ['SSN ', '536-22-1845'],
      ['card ', '4111 1111 1111 1111'],
      ['phone: ', '+49 170 5551234'],
      ['IBAN ', 'DE89370400440532013000'],
    ] as const) {
      expect(outcome({ message: `${before}${written(value)} seen` })).not.toContain(written(value.slice(-4)));
    }
  });
});
