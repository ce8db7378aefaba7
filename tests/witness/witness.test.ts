/** Every answer that the specification of witnesses (C2SP tlog-witness) names, byte by byte, over HTTP and on a real database. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addCheckpointBytesMax, formatAddCheckpoint } from '../../src/log/add-checkpoint.ts';
import { createCosignatureVerifier, createCosigner } from '../../src/log/cosignature.ts';
import { createNoteSigner, createNoteVerifier, openNote, signNote } from '../../src/log/index.ts';
import { openSqliteWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import type { WitnessStore } from '../../src/storage/witness-store.ts';
import { createRateLimit } from '../../src/witness/rate-limit.ts';
import { createWitnessServer } from '../../src/witness/witness-http.ts';
import { Witness } from '../../src/witness/witness.ts';
import { checkpointAt, origin, proofBetween, requestAt, rootAt, signer } from './sample-tree.ts';

const cosigner = createCosigner('witness.example.com/w1', new Uint8Array(32).fill(2));
const timeSeconds = 1_700_000_000;

let folder: string;
let store: WitnessStore;
let url: string;
let nowMs: number;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'veiltrail-witness-'));
  store = openSqliteWitnessStore(join(folder, 'witness.db'));
  store.addLog(origin, signer.vkey);
  nowMs = timeSeconds * 1_000 + 999;
  const clock = { now: () => nowMs };
  const witness = new Witness({ cosigner, store, clock, rate: createRateLimit({ burst: 10, perSecond: 1, clock }) });
  const server = createWitnessServer(witness, {
    report(error) {
      throw error;
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});

afterEach(async () => {
  await close();
  store.close();
  rmSync(folder, { recursive: true });
});

async function add(body: string | Uint8Array<ArrayBuffer>): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('200', () => {
  test('the first checkpoint: golden bytes', async () => {
    const { status, text } = await add(requestAt(0, 7));
    expect(status).toBe(200);
    expect(text).toBe(
      '— witness.example.com/w1 dF+16AAAAABlU/EAZw3jMuEOsvU/Oeq2bKbTTwwW1Q7mPm3eL0neIPlYH/uufzlPpjG9rMGo5hL3xbR0f4xZBaw/NVVZfxMjwddnDQ==\n',
    );
  });

  test('a grown one, whose cosignature verifies, and the log is seen that far', async () => {
    await add(requestAt(0, 7));
    const { status, text } = await add(requestAt(7, 300));
    expect(status).toBe(200);
    const opened = openNote(checkpointAt(300) + text, [createNoteVerifier(signer.vkey), createCosignatureVerifier(cosigner.vkey)]);
    expect(opened.signatures).toHaveLength(2);
    expect(store.log(origin)).toMatchObject({ treeSize: 300, root: rootAt(300), timeSeconds });
  });

  test('the same size and root again, with the time of now', async () => {
    const first = await add(requestAt(0, 7));
    nowMs += 5_000;
    const again = await add(requestAt(7, 7));
    expect(again.status).toBe(200);
    expect(again.text).not.toBe(first.text);
  });

  test('a clock that was set back does not make cosignatures older', async () => {
    await add(requestAt(0, 7));
    nowMs -= 3_600_000;
    await add(requestAt(7, 9));
    expect(store.log(origin)?.timeSeconds).toBe(timeSeconds);
  });

  test('an empty log', async () => {
    expect((await add(requestAt(0, 0))).status).toBe(200);
    expect((await add(requestAt(0, 4))).status).toBe(200);
  });

  test('signatures of unknown keys are ignored, and not passed on', async () => {
    const other = createNoteSigner('somebody.example', new Uint8Array(32).fill(8));
    const line = signNote('x\n', [other]).split('\n\n')[1] as string;
    expect((await add(requestAt(0, 7) + line)).status).toBe(200);
    expect(store.log(origin)?.checkpoint).not.toContain('somebody');
  });

  test('of a log with two keys, either', async () => {
    const next = createNoteSigner(origin, new Uint8Array(32).fill(3));
    store.addLog(origin, next.vkey);
    expect((await add(requestAt(0, 7))).status).toBe(200);
    const grown = formatAddCheckpoint({ oldSize: 7, proof: proofBetween(7, 9), checkpoint: checkpointAt(9, rootAt(9), next) });
    expect((await add(grown)).status).toBe(200);
    expect(store.removeKey(origin, signer.vkey)).toBe(true);
    expect((await add(requestAt(9, 12))).status).toBe(403);
  });
});

describe('400', () => {
  test.each([
    ['nothing', ''],
    ['no empty line', 'old 0\n'],
    ['no old line', `\n${checkpointAt(7)}`],
    ['an old size with a leading zero', `old 00\n\n${checkpointAt(7)}`],
    ['a negative old size', `old -1\n\n${checkpointAt(7)}`],
    ['an old size beyond every integer', `old 99999999999999999999\n\n${checkpointAt(7)}`],
    ['a hash that is none', `old 3\nAAAA\n\n${checkpointAt(7)}`],
    ['base64 that could be written otherwise', `old 3\n${'A'.repeat(42)}B=\n\n${checkpointAt(7)}`],
    ['64 hashes', `old 3\n${`${'A'.repeat(43)}=\n`.repeat(64)}\n${checkpointAt(7)}`],
    ['a carriage return', `old 0\r\n\n${checkpointAt(7)}`],
    ['a checkpoint without signatures', `old 0\n\n${origin}\n7\n`],
    ['a checkpoint that is a text', 'old 0\n\nhello\n'],
    ['an old size above the size', requestAt(0, 7).replace('old 0', 'old 8')],
  ])('%s', async (_, body) => {
    expect((await add(body)).status).toBe(400);
  });

  test('bytes that are no UTF-8', async () => {
    expect((await add(Uint8Array.of(0x6f, 0xff, 0x0a))).status).toBe(400);
  });

  test('a signed note that is no checkpoint', async () => {
    expect((await add(`old 0\n\n${signNote(`${origin}\nseven\nAAAA\n`, [signer])}`)).status).toBe(400);
  });
});

test('404 for a log that is not known, whatever it signed', async () => {
  const other = createNoteSigner('example.com/other', new Uint8Array(32).fill(1));
  expect((await add(`old 0\n\n${checkpointAt(7, rootAt(7), other)}`)).status).toBe(404);
  store.removeKey(origin, signer.vkey);
  expect((await add(requestAt(0, 7))).status).toBe(404);
});

describe('403', () => {
  test('no signature of a key of the log', async () => {
    const thief = createNoteSigner(origin, new Uint8Array(32).fill(9));
    expect((await add(`old 0\n\n${checkpointAt(7, rootAt(7), thief)}`)).status).toBe(403);
  });

  test('a signature of the log that does not verify', async () => {
    const body = requestAt(0, 7).replace(`${origin}\n7\n`, `${origin}\n8\n`);
    expect((await add(body)).status).toBe(403);
  });
});

describe('409', () => {
  test('an old size that is not what was cosigned last: golden bytes', async () => {
    await add(requestAt(0, 7));
    expect(await add(requestAt(0, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '7\n' });
    expect(await add(requestAt(8, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '7\n' });
  });

  test('before the first checkpoint: 0', async () => {
    expect(await add(requestAt(3, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '0\n' });
  });

  test('a log that was rolled back', async () => {
    await add(requestAt(0, 300));
    expect(await add(requestAt(7, 9))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '300\n' });
  });
});

describe('422', () => {
  const otherRoot = rootAt(8);

  test('a proof that does not lead there', async () => {
    await add(requestAt(0, 7));
    const proof = proofBetween(7, 300).with(0, new Uint8Array(32));
    expect((await add(formatAddCheckpoint({ oldSize: 7, proof, checkpoint: checkpointAt(300) }))).status).toBe(422);
    expect((await add(formatAddCheckpoint({ oldSize: 7, proof: [], checkpoint: checkpointAt(300) }))).status).toBe(422);
    expect(store.log(origin)?.treeSize).toBe(7);
  });

  test('a history of another root', async () => {
    await add(requestAt(0, 7));
    expect((await add(formatAddCheckpoint({ oldSize: 7, proof: proofBetween(7, 9), checkpoint: checkpointAt(9, otherRoot) }))).status).toBe(422);
  });

  test('the same size with another root', async () => {
    await add(requestAt(0, 7));
    expect((await add(formatAddCheckpoint({ oldSize: 7, proof: [], checkpoint: checkpointAt(7, otherRoot) }))).status).toBe(422);
  });

  test('the same size with a proof that proves nothing', async () => {
    await add(requestAt(0, 7));
    expect((await add(formatAddCheckpoint({ oldSize: 7, proof: [rootAt(7)], checkpoint: checkpointAt(7) }))).status).toBe(422);
  });

  test('a proof from the empty tree', async () => {
    expect((await add(formatAddCheckpoint({ oldSize: 0, proof: [rootAt(7)], checkpoint: checkpointAt(7) }))).status).toBe(422);
  });

  test('an empty tree with another root', async () => {
    const text = `${origin}\n0\n${Buffer.from(otherRoot).toString('base64')}\n`;
    expect((await add(`old 0\n\n${signNote(text, [signer])}`)).status).toBe(422);
  });
});

test('429 for a log that asks too often, and only when something would be cosigned', async () => {
  for (let i = 0; i < 10; i++) expect((await add(requestAt(i, i + 1))).status).toBe(200);
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: requestAt(10, 11) });
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await add(requestAt(3, 11))).status).toBe(409);
  nowMs += 1_000;
  expect((await add(requestAt(10, 11))).status).toBe(200);
});

test('a request that is too large is answered 413, whether or not it says so', async () => {
  expect((await add('x'.repeat(addCheckpointBytesMax + 1))).status).toBe(413);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
    socket.write(`${(addCheckpointBytesMax + 1).toString(16)}\r\n${'x'.repeat(addCheckpointBytesMax + 1)}\r\n`);
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    setTimeout(() => socket.end('0\r\n\r\n'), 200);
  });
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
});

test('other routes and methods', async () => {
  expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
  expect((await fetch(`${url}/`, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
  expect(await (await fetch(url)).text()).toContain(cosigner.vkey);
});

test('monitors read the newest checkpoint, with the log’s signature and the cosignature that was given', async () => {
  const monitor = `${url}/${createHash('sha256').update(origin).digest('hex')}/checkpoint`;
  expect((await fetch(monitor)).status).toBe(404);
  const { text } = await add(requestAt(0, 7));
  const response = await fetch(monitor);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe(checkpointAt(7) + text);
  expect((await fetch(`${url}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
});

describe('of two at once', () => {
  test('one moves the log, the other is told how far it is', async () => {
    await add(requestAt(0, 7));
    const answers = await Promise.all([add(requestAt(7, 20)), add(requestAt(7, 30)), add(requestAt(7, 40))]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    const winner = [20, 30, 40][answers.findIndex(({ status }) => status === 200)];
    expect(answers.filter(({ status }) => status === 409).map(({ text }) => text)).toEqual([`${winner}\n`, `${winner}\n`]);
  });

  test('in two processes, or in between: the state moves by compare-and-swap', () => {
    const second = openSqliteWitnessStore(join(folder, 'witness.db'));
    try {
      const clock = { now: () => nowMs };
      const rate = createRateLimit({ burst: 10, perSecond: 1, clock });
      // Sees the state before, as a request does that was verified while another was committed.
      const before = store.log(origin);
      const stale: WitnessStore = { ...bound(store), log: () => before };
      const slow = new Witness({ cosigner, store: stale, clock, rate });
      const fast = new Witness({ cosigner, store: second, clock, rate });
      expect(fast.addCheckpoint(bytes(requestAt(0, 30))).status).toBe(200);
      expect(slow.addCheckpoint(bytes(requestAt(0, 20))).status).toBe(409);
      expect(second.log(origin)?.treeSize).toBe(30);
      // The same size with another root is another state, too.
      expect(
        second.advance({ origin, from: { treeSize: 30, root: rootAt(29) }, to: { treeSize: 31, root: rootAt(31), checkpoint: '', timeSeconds: 1 } }),
      ).toBe(false);
    } finally {
      second.close();
    }
  });
});

function bound(of: WitnessStore): WitnessStore {
  return {
    logs: () => of.logs(),
    log: (name) => of.log(name),
    addLog: (name, vkey) => of.addLog(name, vkey),
    removeKey: (name, vkey) => of.removeKey(name, vkey),
    advance: (step) => of.advance(step),
    close: () => of.close(),
  };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
