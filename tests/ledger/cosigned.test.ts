/** Checkpoints with the cosignatures of witnesses: published, kept over a crash, never backwards; and logs that are stopped. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatCosigned, mergeCosigned, openCosigned, withCosignatures } from '../../src/ledger/cosigned.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createCosignatureVerifier, createCosigner } from '../../src/log/cosignature.ts';
import { createNoteSigner, createNoteVerifier } from '../../src/log/note-key.ts';
import { formatNote, formatSignatureLine, openNote, parseNote } from '../../src/log/note.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { numbered } from './batches.ts';
import { Installation, originOf, testSigner } from './installation.ts';

const witnesses = [createCosigner('w1.example', new Uint8Array(32).fill(1)), createCosigner('w2.example', new Uint8Array(32).fill(2))];

let at: Installation;
let ledger: Ledger;
beforeEach(async () => {
  at = new Installation();
  ledger = await at.openWith(['main']);
  await append(3);
});
afterEach(async () => {
  await ledger.close();
  at.remove();
});

async function append(count: number): Promise<string> {
  const { checkpoint } = await at.append(ledger, { log: 'main', events: numbered(ledger.logs()[0]?.published.treeSize ?? 0, count) });
  return checkpoint;
}

/** The log is left as a crash leaves it: nothing is closed, nothing sealed. */
async function crash(): Promise<void> {
  const copy = new Installation();
  cpSync(at.dataDir, copy.dataDir, { recursive: true });
  await ledger.close();
  rmSync(at.dataDir, { recursive: true });
  cpSync(copy.dataDir, at.dataDir, { recursive: true });
  copy.remove();
  ledger = await at.open();
}

function file(name: string): string {
  return join(dataDirPaths(at.dataDir).logs, 'main', name);
}

function published(): string {
  return readFileSync(file('checkpoint'), 'utf8');
}

function cosign(checkpoint: string, which = [0], timeSeconds = 1_000): string {
  const { text, signatures } = parseNote(checkpoint);
  return formatNote({ text, signatures: [...signatures, ...which.map((i) => (witnesses[i] as (typeof witnesses)[0]).cosign(text, timeSeconds))] });
}

function cosignersOf(checkpoint: string): string[] {
  const keys = [createNoteVerifier(testSigner('main').vkey), ...witnesses.map(({ vkey }) => createCosignatureVerifier(vkey))];
  return openNote(checkpoint, keys).signatures.map(({ name }) => name);
}

test('the newest checkpoint gains its cosignatures, and keeps them over an orderly stop and over a crash', async () => {
  const cosigned = cosign(published());
  await ledger.cosigned('main', cosigned);
  expect(published()).toBe(cosigned);
  expect(readFileSync(file('checkpoint.witnessed'), 'utf8')).toBe(cosigned);
  expect(ledger.logs()[0]).toMatchObject({ published: { treeSize: 3, checkpoint: cosigned }, witnessed: { treeSize: 3, checkpoint: cosigned } });
  await crash();
  expect(published()).toBe(cosigned);
  await ledger.close();
  ledger = await at.open();
  expect(published()).toBe(cosigned);
  expect(ledger.logs()[0]?.witnessed?.treeSize).toBe(3);
});

test('cosignatures of an older size stay beside the newest checkpoint, which has none', async () => {
  const older = published();
  const newest = await append(2);
  await ledger.cosigned('main', cosign(older));
  expect(published()).toBe(newest);
  await crash();
  expect(published()).toBe(newest);
  expect(ledger.logs()[0]).toMatchObject({ published: { treeSize: 5 }, witnessed: { treeSize: 3, checkpoint: cosign(older) } });
  expect(await at.check('main')).toBe(5);
});

test('what grows behind it never takes it backwards, however both interleave', async () => {
  const seen: number[] = [];
  for (let i = 0; i < 20; i++) {
    const before = published();
    await Promise.all([append(1), ledger.cosigned('main', cosign(before))]);
    seen.push(Number(published().split('\n')[1]));
    expect(ledger.logs()[0]?.published.checkpoint).toBe(published());
  }
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => 4 + i));
});

test('lines that come later join those before, the newer one of each witness', async () => {
  const plain = published();
  await ledger.cosigned('main', cosign(plain, [0], 1_000));
  await ledger.cosigned('main', cosign(plain, [1], 1_001));
  expect(cosignersOf(published())).toEqual([originOf('main'), 'w2.example', 'w1.example']);
  await ledger.cosigned('main', cosign(plain, [0], 2_000));
  expect(cosignersOf(published())).toEqual([originOf('main'), 'w1.example', 'w2.example']);
  expect(published()).toContain(formatSignatureLine(cosignature(plain, 2_000)));
  expect(published()).not.toContain(formatSignatureLine(cosignature(plain, 1_000)));
});

test('an older one than is kept is not kept', async () => {
  const older = published();
  await append(2);
  const newer = cosign(published());
  await ledger.cosigned('main', newer);
  await ledger.cosigned('main', cosign(older));
  expect(readFileSync(file('checkpoint.witnessed'), 'utf8')).toBe(newer);
});

describe('is refused', () => {
  test('one of a size that was never published', async () => {
    const { text } = parseNote(published());
    const signer = testSigner('main');
    const ahead = text.replace('\n3\n', '\n4\n');
    const note = formatNote({ text: ahead, signatures: [{ name: signer.name, keyId: signer.keyId, signature: signer.sign(ahead) }] });
    await expect(ledger.cosigned('main', note)).rejects.toMatchObject({ code: 'cosigned_unpublished' });
  });

  test('one that the log did not sign', async () => {
    const other = createNoteSigner(originOf('main'), new Uint8Array(32).fill(5));
    const { text } = parseNote(published());
    const note = formatNote({ text, signatures: [{ name: other.name, keyId: other.keyId, signature: other.sign(text) }] });
    await expect(ledger.cosigned('main', note)).rejects.toMatchObject({ code: 'note_unverified' });
    await expect(ledger.cosigned('other', published())).rejects.toMatchObject({ code: 'log_not_found' });
    expect(existsSync(file('checkpoint.witnessed'))).toBe(false);
  });
});

describe('a start', () => {
  test('refuses records that are older than what witnesses saw, though the checkpoint was put back with them', async () => {
    await ledger.close();
    const kept = new Installation();
    cpSync(at.dataDir, kept.dataDir, { recursive: true });
    ledger = await at.open();
    await append(2);
    const cosigned = cosign(published());
    await ledger.cosigned('main', cosigned);
    await ledger.close();
    rmSync(at.dataDir, { recursive: true });
    cpSync(kept.dataDir, at.dataDir, { recursive: true });
    kept.remove();
    writeFileSync(file('checkpoint.witnessed'), cosigned);
    await expect(at.open()).rejects.toMatchObject({ code: 'behind_checkpoint', detail: { committed: 3, published: 5 } });
    rmSync(file('checkpoint.witnessed'));
    ledger = await at.open();
  });

  test('refuses one that the log did not sign, and takes an empty file for none', async () => {
    await ledger.cosigned('main', cosign(published()));
    await ledger.close();
    const good = readFileSync(file('checkpoint.witnessed'), 'utf8');
    writeFileSync(file('checkpoint.witnessed'), good.replace('\n3\n', '\n2\n'));
    await expect(at.open()).rejects.toMatchObject({ code: 'checkpoint_damaged' });
    writeFileSync(file('checkpoint.witnessed'), '');
    ledger = await at.open();
    expect(cosignersOf(published())).toEqual([originOf('main')]);
  });
});

test('a log that is stopped takes nothing and publishes nothing, others go on, and it goes on when it may', async () => {
  await ledger.createLog('other', originOf('other'));
  ledger.halt('main', true);
  const before = published();
  await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
  expect(published()).toBe(before);
  await at.append(ledger, { log: 'other', events: numbered(0, 1) });
  ledger.halt('main', false);
  await append(1);
  expect(await at.check('main')).toBe(4);
  expect(() => ledger.halt('none', true)).toThrow('no such log');
});

test('a batch that waits when its log is stopped is rejected, and so is one whose publication was under way', async () => {
  const tiles = at.openTiles();
  let stopAt: 'commit' | undefined;
  const records = at.openRecords();
  await ledger.close();
  ledger = await at.open({
    tiles,
    records: new Proxy(records, {
      get(of, name) {
        const value = Reflect.get(of, name) as unknown;
        if (name === 'commit') {
          return async (appends: Parameters<typeof of.commit>[0]) => {
            await of.commit(appends);
            if (stopAt) ledger.halt('main', true);
          };
        }
        return typeof value === 'function' ? value.bind(of) : value;
      },
    }),
  });
  const waits = append(1);
  ledger.halt('main', true);
  await expect(waits).rejects.toMatchObject({ code: 'history_forked' });
  ledger.halt('main', false);
  stopAt = 'commit';
  await expect(append(1)).rejects.toMatchObject({ code: 'not_published', detail: { cause: 'history_forked' } });
  expect(published().split('\n')[1]).toBe('3');
  stopAt = undefined;
  ledger.halt('main', false);
  // Sent again: it is there, and now it is seen.
  await append(1);
  expect(published().split('\n')[1]).toBe('4');
});

test('the parts: opened, merged, printed', () => {
  const plain = published();
  const signer = testSigner('main');
  const twice = cosign(plain, [0, 0]);
  const opened = openCosigned(twice, originOf('main'), [signer]);
  expect(opened.cosignatures).toHaveLength(1);
  expect(formatCosigned(opened)).toBe(cosign(plain));
  expect(withCosignatures(plain, undefined)).toBe(plain);
  expect(withCosignatures(plain, opened)).toBe(cosign(plain));
  expect(mergeCosigned(undefined, opened)).toBe(opened);
});

function cosignature(checkpoint: string, timeSeconds: number): ReturnType<(typeof witnesses)[0]['cosign']> {
  return (witnesses[0] as (typeof witnesses)[0]).cosign(parseNote(checkpoint).text, timeSeconds);
}
