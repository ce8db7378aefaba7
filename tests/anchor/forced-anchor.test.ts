/** An anchor that is made again of the same size: the quote beside it is its own, and an earlier proof that still holds is kept. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Anchor, type AnchorCheck, type AnchorTarget, formatAnchor } from '../../src/anchor/anchor.ts';
import { Anchoring } from '../../src/anchor/anchoring.ts';
import { isQuoteOf, quotedAt, verifyQuote } from '../../src/anchor/anchor-quote.ts';
import { AnchorStore, type FiledAnchor } from '../../src/anchor/anchor-store.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createTrust } from '../../src/log/index.ts';
import { verifyAnchors } from '../../src/server/verify-anchors.ts';
import { anchored as checkpoint, checkpointOf, digestOf, logOf, quoteOf, signer } from '../verify/quoted-evidence.ts';

let home: string;
let store: AnchorStore;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'veiltrail-forced-'));
  store = new AnchorStore(home);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const anchored = { log: 'log', origin: 'example.com/log', treeSize: 1, checkpoint };
const quote = (anchor: Anchor): Promise<string> => Promise.resolve(quoteOf(digestOf(formatAnchor(anchor))).quote);
const anchorOf = (token: string): Anchor => ({
  ...anchored,
  kind: 'rfc3161',
  target: 'tsa',
  madeAt: '2026-01-01T00:00:00.000Z',
  proof: { token },
});

/** A target whose proofs are numbered, and what makes anchors with it, with or without the right to write to the log. */
function numbered(check: () => AnchorCheck | Error, more: JsonObject = {}): { target: AnchorTarget; server: Anchoring; command: Anchoring } {
  let count = 0;
  const target: AnchorTarget = {
    name: 'tsa',
    kind: 'rfc3161',
    everyMs: 1_000_000,
    isBeacon: true,
    put: () => Promise.resolve({ token: `proof ${++count}`, ...more }),
    check() {
      const said = check();
      return said instanceof Error ? Promise.reject(said) : Promise.resolve(said);
    },
  };
  const parts = { targets: [target], store, clock: systemClock, checkpoints: () => Promise.resolve([anchored]), onResult: () => undefined };
  return { target, server: new Anchoring({ ...parts, quote }), command: new Anchoring(parts) };
}

async function kept(): Promise<FiledAnchor & { anchor: Anchor }> {
  const [one, ...others] = await store.list('log');
  expect(others).toEqual([]);
  if (!one?.anchor) throw new Error(one?.problem ?? 'nothing is kept');
  return { ...one, anchor: one.anchor };
}

test('what takes its place has no quote of the earlier one, and gets its own at the next turn', async () => {
  const { target, server, command } = numbered(() => ({ ok: false, detail: 'gone' }));
  await server.anchorNow(target);
  const first = await kept();
  expect(isQuoteOf(first.quote as string, first.anchor)).toBe(true);
  await command.anchorNow(target, true);
  expect(await kept()).toMatchObject({ anchor: { proof: { token: 'proof 2' } } });
  expect(await kept()).not.toHaveProperty('quote');
  expect(await server.anchorNow(target)).toEqual([]);
  const second = await kept();
  expect(verifyQuote(second.quote as string, second.anchor, createTrust([signer.vkey]))).toMatchObject({ leafIndex: 1 });
  await server.anchorNow(target, true);
  const third = await kept();
  expect(third.anchor.proof).toEqual({ token: 'proof 3' });
  expect(isQuoteOf(third.quote as string, third.anchor)).toBe(true);
});

test('the quote of another that an older version left is replaced', async () => {
  const { target, server } = numbered(() => ({ ok: true, detail: '' }));
  await server.anchorNow(target);
  for (const wrong of [await quote(anchorOf('another')), 'no disclosure']) {
    await store.addQuote((await kept()).anchor, wrong);
    await server.anchorNow(target);
    const { quote: text, anchor } = await kept();
    expect(quotedAt(text as string)).toBe(1);
    expect(isQuoteOf(text as string, anchor)).toBe(true);
  }
});

test('a quote that comes when its anchor was replaced is not kept', async () => {
  const [one, other] = [anchorOf('one'), anchorOf('other')];
  await store.add(one);
  await store.add(other);
  await store.addQuote(one, await quote(one));
  expect(await kept()).not.toHaveProperty('quote');
  await store.addQuote(other, await quote(other));
  expect(await kept()).toHaveProperty('quote');
});

test('the earlier one stays where it still proves when; where its lock ends, or its target cannot say, or not any more, it does not', async () => {
  const proves = { ok: true, detail: '', provedAt: '2026-01-01T00:00:00.000Z' };
  let said: AnchorCheck | Error = proves;
  const { target, server, command } = numbered(() => said);
  await server.anchorNow(target);
  const first = await kept();
  expect(await command.anchorNow(target, true)).toEqual([{ anchor: first.anchor }]);
  expect(await kept()).toEqual(first);
  said = new Error('away');
  expect(await command.anchorNow(target, true)).toMatchObject([{ error: { code: 'anchor_failed' } }]);
  expect(await kept()).toEqual(first);
  said = { ok: true, detail: 'no time' };
  await command.anchorNow(target, true);
  expect((await kept()).anchor.proof).toEqual({ token: 'proof 4' });
  rmSync(join(home, 'anchors'), { recursive: true });
  const locked = numbered(() => proves, { retainUntil: '2027-01-01T00:00:00.000Z' });
  await locked.server.anchorNow(locked.target);
  await locked.command.anchorNow(locked.target, true);
  expect((await kept()).anchor.proof).toMatchObject({ token: 'proof 2' });
});

test('the quote of the one whose place it took, as older versions left it, is told apart from a quote of something else', () => {
  const anchor = anchorOf('now');
  const trust = createTrust([signer.vkey]);
  const before = digestOf(formatAnchor(anchorOf('before')));
  const place = { target: 'tsa', kind: 'rfc3161', treeSize: 1 };
  expect(verifyQuote(quoteOf(digestOf(formatAnchor(anchor)), 'digest', place).quote, anchor, trust)).toMatchObject({ isOfThis: true });
  expect(verifyQuote(quoteOf(before, 'digest', place).quote, anchor, trust)).toMatchObject({ isOfThis: false, leafIndex: 1 });
  for (const other of [{ target: 'other' }, { kind: 's3' }, { treeSize: 2 }])
    expect(() => verifyQuote(quoteOf(before, 'digest', { ...place, ...other }).quote, anchor, trust)).toThrow(/quotes another anchor/);
  // No version of since leaves one: the anchor was replaced.
  const replaced = { ...anchor, madeAt: '2026-11-23T00:00:00.000Z' };
  expect(() => verifyQuote(quoteOf(before, 'digest', place).quote, replaced, trust)).toThrow(/quotes another anchor/);
  expect(verifyQuote(quoteOf(digestOf(formatAnchor(replaced)), 'digest', place).quote, replaced, trust)).toMatchObject({ isOfThis: true });
});

test.each([
  ['provedAt', '2026-11-22T12:00:00.000Z', true],
  ['provedAt', '2026-12-01T00:00:00.000Z', false],
  ['notBefore', '2026-12-01T00:00:00.000Z', false],
])('beside the quote of another, %s %s by its target: %s', async (name, time, ok) => {
  const place = { target: 'tsa', kind: 'rfc3161', treeSize: 1 };
  const before = digestOf(formatAnchor(anchorOf('before')));
  const { hashes, root } = logOf(before, 'digest', place);
  const anchor = { ...anchorOf('now'), checkpoint: checkpointOf(1, hashes[0] as Uint8Array) };
  await store.add(anchor);
  // By hand, as an older version left it.
  const [file] = readdirSync(join(home, 'anchors', 'log'));
  writeFileSync(join(home, 'anchors', 'log', (file as string).replace(/\.json$/, '.quote')), quoteOf(before, 'digest', place).quote);
  const { target } = numbered(() => ({ ok: true, detail: 'there', [name]: time }));
  const tiles = {
    async read(_log: string, path: string): Promise<Uint8Array | undefined> {
      if (path === 'checkpoint') return utf8(checkpointOf(3, root));
      const [, width] = /^tile\/0\/000\.p\/(\d+)$/.exec(path) ?? [];
      return width === undefined ? undefined : concatBytes(...hashes.slice(0, Number(width)));
    },
  };
  const { anchors } = await verifyAnchors('log', signer.vkey, { store, tiles, targets: [target] } as never);
  expect(anchors).toMatchObject([{ ok, detail: expect.stringMatching(ok ? /bounds nothing/ : /it was replaced/) }]);
});
