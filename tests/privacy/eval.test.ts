/** The evaluation itself: what it counts, on texts small enough to count by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Found, layOver } from '../../bench/eval/contestants.ts';
import { readLabelled } from '../../bench/eval/data.ts';
import { changedLeaves } from '../../bench/eval/intact.ts';
import { isNobodysAddress } from '../../bench/eval/labels.ts';
import { scoreTexts } from '../../bench/eval/score.ts';

const everything = (): boolean => true;

describe('a score', () => {
  const text = 'Jane Doe of Acme wrote to jo@example.net';
  const labels = [
    { type: 'PERSON', start: 0, end: 8 },
    { type: 'ORGANIZATION', start: 12, end: 16 },
    { type: 'EMAIL_ADDRESS', start: 26, end: 40 },
  ];
  const score = (...found: Found[]): ReturnType<typeof scoreTexts> => scoreTexts([{ text, labels, ignored: [] }], [found], everything);

  test('is full marks for the very spans', () => {
    const { binary } = score(['person_name', 0, 8, true], ['email', 26, 40, true]);
    expect(binary).toMatchObject({ labels: 2, leak: 0, precision: 1, recall: 1, f2: 1, exact: { precision: 1, recall: 1, f2: 1 } });
  });

  test('counts what survives by letters and digits, and a part as found but not as exact', () => {
    const { binary, byGroup } = score(['person_name', 0, 4, true], ['email', 26, 40, true]);
    expect(binary.recall).toBe(1);
    expect(binary.exact.recall).toBe(0.5);
    expect(binary.leak).toBeCloseTo(3 / 19, 10);
    expect(byGroup.get('name')).toMatchObject({ recall: 1, leak: 3 / 7, exact: { recall: 0 } });
  });

  test('what is found and kept leaks all the same', () => {
    expect(score(['person_name', 0, 8, false]).byGroup.get('name')).toMatchObject({ recall: 1, leak: 1 });
  });

  test('a name that is a company is wrong as a name, and of no account otherwise', () => {
    const { binary, byGroup } = score(['person_name', 0, 8, true], ['person_name', 12, 16, true]);
    expect(byGroup.get('name')?.precision).toBe(0.5);
    expect(binary.precision).toBe(1);
  });

  test('what is found where nothing is labelled is wrong', () => {
    const { binary } = score(['person_name', 0, 8, true], ['phone', 17, 22, true]);
    expect(binary).toMatchObject({ precision: 0.5, recall: 0.5 });
    expect(binary.f2).toBeCloseTo(0.5, 10);
  });

  test('a finding of another kind does not count for a kind, but for all as one', () => {
    const { binary, byGroup } = score(['phone', 26, 40, true]);
    expect(byGroup.get('email')?.recall).toBe(0);
    expect(binary.recall).toBe(0.5);
  });

  test('texts without a label have to be left alone', () => {
    const texts = [
      { text: 'nothing', labels: [], ignored: [] },
      { text: 'nothing', labels: [], ignored: [] },
    ];
    expect(scoreTexts(texts, [[], [['phone', 0, 3, true]]], everything)).toMatchObject({ empty: 2, emptyClean: 1 });
  });
});

describe('data', () => {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-eval-test-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('offsets in code points become offsets in UTF-16 units', () => {
    const path = join(dir, 'a.jsonl');
    writeFileSync(path, `${JSON.stringify({ text: '😀 Jane', spans: [{ type: 'PERSON', start: 2, end: 6 }] })}\n`);
    const [row] = readLabelled(path);
    expect(row?.labels.map(({ start, end }) => row.text.slice(start, end))).toEqual(['Jane']);
  });
});

describe('a redacted text, laid over the original', () => {
  const spans = (text: string, redacted: string): string[] =>
    layOver(text, redacted).map(([kind, start, end]) => `${kind}: ${text.slice(start, end)}`);

  test('shows what was taken out', () => {
    expect(spans('Dear Jane Doe, write to a@b.co now', 'Dear PERSON_NAME, write to EMAIL_ADDRESS now')).toEqual([
      'PERSON_NAME: Jane Doe',
      'EMAIL_ADDRESS: a@b.co',
    ]);
    expect(spans('a@b.co', 'EMAIL_ADDRESS')).toEqual(['EMAIL_ADDRESS: a@b.co']);
    expect(spans('no URL here', 'no URL here')).toEqual([]);
    expect(spans('clean', 'clean')).toEqual([]);
  });
});

test('resource names, request ids and versions have to stay', () => {
  const before = { requestID: 'a-1', eventVersion: '1.08', requestParameters: { bucketName: 'x', userName: 'jane' }, items: [{ instanceId: 'i-1' }] };
  const after = { requestID: 'a-1', eventVersion: '1.0', requestParameters: { bucketName: 'x', userName: 'tok_' }, items: [{}] };
  expect(changedLeaves(before, before)).toEqual({ keepers: 4, changed: [] });
  expect(changedLeaves(before, after).changed.toSorted()).toEqual(['/eventVersion', '/items/0/instanceId']);
});

test('addresses that are nobody’s', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '203.0.113.9', '[192.0.2.1]', '::1', '2001:db8::1']) expect(isNobodysAddress(address)).toBe(true);
  for (const address of ['8.8.8.8', '2a00:1450::1', 'jane']) expect(isNobodysAddress(address)).toBe(false);
});
