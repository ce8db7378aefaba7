/** A crash at any step of a removal: the next start finishes it. Or, where it had not begun, nothing has happened. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { LedgerClient } from '../../src/ledger/ledger-client.ts';
import { SearchClient } from '../../src/search/search-client.ts';
import { VaultClient } from '../../src/vault/vault-client.ts';
import { append, bearsText, copyOf, event, loot, makeDataDir, openOn, tokenOf, verify } from './trail.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Copies the directory before and after each of these calls: what a process that is killed there leaves behind. */
function copyAtSteps(dataDir: string): { step: string; copy: string }[] {
  const copies: { step: string; copy: string }[] = [];
  const take = (step: string): void => void copies.push({ step, copy: copyOf(dataDir) });
  const watch = <T extends object>(prototype: T, name: keyof T & string): void => {
    const original = prototype[name] as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype as Record<string, (...args: unknown[]) => Promise<unknown>>, name).mockImplementation(async function (this: T, ...args) {
      take(`before ${name}`);
      const result = await original.apply(this, args);
      take(`after ${name}`);
      return result;
    });
  };
  for (const name of ['eraseTokens', 'addTombstones', 'renewKeys', 'finishErasure'] as const) watch(VaultClient.prototype, name);
  for (const name of ['rewrite', 'forgetIds', 'scrub'] as const) watch(LedgerClient.prototype, name);
  watch(SearchClient.prototype, 'forget');
  return copies;
}

test('is finished by the next start, wherever it came', async () => {
  const dataDir = makeDataDir();
  const trail = await openOn(dataDir);
  await append(trail, [event('jane', '1', { note: 'a secret of hers' }), event('joe', 'a slip of joe'), event('ann')]);
  await append(trail, [event('jane'), event('joe')], 'second');
  const token = await tokenOf(trail, 0);
  const copies = copyAtSteps(dataDir);
  await trail.remove({
    operation: 'erase',
    tokens: [token],
    fields: [{ log: 'default', leafIndex: 1, pointers: ['/metadata/slot'] }],
    reason: 'gdpr-art-17',
    by: 'local',
  });
  vi.restoreAllMocks();
  await trail.close();
  expect(new Set(copies.map(({ step }) => step)).size).toBeGreaterThanOrEqual(16);
  // One of each step, and where nothing is written between two of them, one of both.
  const distinct = copies.filter(({ step }, i) => (i === 0 || !step.startsWith('before')) && copies.findIndex((one) => one.step === step) === i);
  for (const { step, copy } of distinct) {
    const half = await verify(copy);
    expect({ step, problems: half.problems }).toEqual({ step, problems: [] }); // under way, and accounted for
    const again = await openOn(copy);
    const [first] = await append(again, [event('jane')]);
    expect(await tokenOf(again, first as number)).not.toBe(token);
    await again.close();
    expect({ step, journal: existsSync(join(copy, 'removal.json')) }).toEqual({ step, journal: false });
    expect(readdirSync(copy).filter((name) => name.includes('removal'))).toEqual([]);
    const left = loot(copyOf(copy));
    const found = {
      step,
      secret: bearsText(left.records, 'a secret of hers'),
      slip: bearsText(left.records, 'a slip of joe'),
      token: bearsText(left.records, token),
    };
    expect(found).toEqual({ step, secret: 0, slip: 0, token: 0 });
    expect(left.values.filter((value) => value === 'jane@example.com')).toHaveLength(1); // her new one
    const report = await verify(copy);
    expect({ step, problems: report.problems, erased: report.records.erased, redacted: report.records.redacted }).toEqual({
      step,
      problems: [],
      erased: 1,
      redacted: 1,
    });
    expect(readdirSync(join(copy, 'keys')).filter((name) => name.startsWith('root'))).toHaveLength(1);
    // One tombstone a log, however often the step was done.
    const told = left.records.filter((packed) => Buffer.from(packed).includes('/tombstone/removal'));
    expect({ step, tombstones: told.length }).toEqual({ step, tombstones: 3 });
  }
});
