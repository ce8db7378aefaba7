/** Microseconds per record of 15 fields: flatten, commit, pack, each by the ways there are. Run: node bench/commitment.ts */
import { randomBytes } from 'node:crypto';
import { RecordCommitter } from '../src/log/commit-record.ts';
import { commitFields, commitPacked, flattenRecord, packedBytesMax, packRecord, unpackRecord } from '../src/log/index.ts';

const record = {
  id: '0190a6b2-7c3e-7d4f-8a1b-2c3d4e5f6a7b',
  time: '2026-03-14T09:26:53.589Z',
  receivedAt: '2026-03-14T09:26:53.701Z',
  action: 'object.read',
  outcome: 'success',
  actor: { id: 'tok_Zm9vYmFyYmF6cXV4Zm9vYmFyYmE', type: 'user', ip: '203.0.113.0/24' },
  target: { id: 'bucket/reports/2026/q1.pdf', type: 'object' },
  source: { service: 'storage', region: 'eu-central-1', version: 12 },
  privacy: { policy: 'default@3', applied: [{ pointer: '/actor/id', kind: 'user', transform: 'tokenize', keyVersion: 1 }] },
};
const fields = flattenRecord(record);
const seed = randomBytes(32);

function measure(name: string, run: () => void): void {
  for (let i = 0; i < 5_000; i++) run();
  const best = Math.min(...Array.from({ length: 5 }, () => time(run, 20_000)));
  console.log(`${name.padEnd(28)} ${best.toFixed(2)} µs`);
}

function time(run: () => void, times: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; i++) run();
  return Number(process.hrtime.bigint() - start) / times / 1000;
}

console.log(`${fields.length} fields, ${fields.reduce((sum, field) => sum + field.pointer.length + field.value.length, 0)} characters`);
const origin = 'localhost/veiltrail/bench/default';
const out = new Uint8Array(packedBytesMax(fields));
const packed = out.slice(0, packRecord(out, 0, seed, fields));
const committer = new RecordCommitter(origin);
const commitment = new Uint8Array(32);

measure('flattenRecord', () => flattenRecord(record));
measure('commitFields', () => commitFields(origin, fields, seed));
measure('packRecord', () => packRecord(out, 0, seed, fields));
measure('unpackRecord', () => unpackRecord(packed));
measure('commitPacked', () => commitPacked(origin, packed));
measure('RecordCommitter, one', () => {
  committer.reset();
  committer.commit(record, seed, 0, commitment, 0);
  committer.flush();
});
let position = 0;
measure('RecordCommitter, one of 64', () => {
  if (position++ % 64 === 0) {
    committer.flush();
    committer.reset();
  }
  committer.commit(record, seed, 0, commitment, 0);
});
