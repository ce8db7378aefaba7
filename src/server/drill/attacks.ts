/**
 * The attacks of a drill, by class and adversary, each with what SECURITY.md claims: found by `verify` alone, found only with something kept elsewhere, or
 * found by nobody. A claim that does not come true, in either direction, fails the drill.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../../core/errors.ts';
import { parseEntryBundle, formatEntryBundle } from '../../log/entry-bundle.ts';
import { packedBytesMax, packRecord, unpackRecord } from '../../log/packed-record.ts';
import { openTrail } from '../compose.ts';
import type { Attack } from './attack.ts';
import { attacksAtWork } from './attacks-at-work.ts';
import { attacksOnExports } from './attacks-on-exports.ts';
import { edit, putBackFilled, rewriteHistory, type Stage, tileFile, turnBit, turnBitOfFile, unseal } from './stage.ts';

const anyChunk = 'SELECT rowid AS id, sealed FROM chunks WHERE log = (SELECT id FROM logs WHERE name = ?) ORDER BY first_leaf';

export const attacks: readonly Attack[] = [
  {
    class: 'bit',
    name: 'a bit of a stored record',
    by: 'thief of the disk',
    claim: 'alone',
    act: ({ dir, log }) =>
      edit(dir, 'records.db', (database) => {
        const row = database.prepare(anyChunk).get(log);
        database.prepare('UPDATE chunks SET sealed = ? WHERE rowid = ?').run(turnBit(row?.['sealed'] as Uint8Array), row?.['id'] as number);
      }),
  },
  {
    class: 'bit',
    name: 'a bit of an entry',
    by: 'thief of the disk',
    claim: 'alone',
    act: ({ dir, log }) => turnBitOfFile(tileFile(dir, log, /tile\/entries\//)),
  },
  {
    class: 'bit',
    name: 'a bit of a leaf tile',
    by: 'thief of the disk',
    claim: 'alone',
    act: ({ dir, log }) => turnBitOfFile(tileFile(dir, log, /tile\/0\//)),
  },
  {
    class: 'bit',
    name: 'a bit of a tile above',
    by: 'thief of the disk',
    claim: 'alone',
    act: ({ dir, log }) => turnBitOfFile(tileFile(dir, log, /tile\/1\//)),
  },
  {
    class: 'bit',
    name: 'a bit of the checkpoint',
    by: 'thief of the disk',
    claim: 'alone',
    act: ({ dir, log }) => turnBitOfFile(tileFile(dir, log, /^checkpoint$/)),
  },
  {
    class: 'bit',
    name: 'a bit of the entries that the next start goes on from',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log }) =>
      edit(dir, 'records.db', (database) => {
        const own = 'log = (SELECT id FROM logs WHERE name = ?)';
        const row = database.prepare(`SELECT commitments FROM staged WHERE ${own} ORDER BY first_leaf DESC`).get(log);
        const last = `first_leaf = (SELECT max(first_leaf) FROM staged WHERE ${own})`;
        database.prepare(`UPDATE staged SET commitments = ? WHERE ${own} AND ${last}`).run(turnBit(row?.['commitments'] as Uint8Array), log, log);
      }),
  },
  {
    class: 'truncation',
    name: 'the newest records deleted, the log left',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log }) =>
      edit(dir, 'records.db', (database) => {
        const rows = database.prepare(anyChunk).all(log);
        database.prepare('DELETE FROM chunks WHERE rowid = ?').run(rows.at(-1)?.['id'] as number);
      }),
  },
  {
    class: 'truncation',
    name: 'a tile file cut short',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log }) => cutFile(tileFile(dir, log, /tile\/entries\//)),
  },
  {
    class: 'truncation',
    name: 'a tile file deleted',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log }) => rmSync(tileFile(dir, log, /tile\/0\/000$/)),
  },
  {
    class: 'reorder',
    name: 'two entries swapped in their bundle',
    by: 'administrator',
    claim: 'alone',
    act({ dir, log }) {
      const file = tileFile(dir, log, /tile\/entries\/000$/);
      const entries = parseEntryBundle(readFileSync(file), 256);
      [entries[3], entries[4]] = [entries[4] as Uint8Array, entries[3] as Uint8Array];
      writeFileSync(file, formatEntryBundle(entries));
    },
  },
  {
    class: 'reorder',
    name: 'two records swapped, and everything signed again',
    by: 'administrator with all keys',
    claim: 'kept',
    act: ({ dir, log }) =>
      rewriteHistory(dir, log, (records) => {
        [records[3], records[4]] = [records[4] as Uint8Array, records[3] as Uint8Array];
        return records;
      }),
  },
  {
    class: 'swap between logs',
    name: "another log's records in the place of this one's",
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log, other }) =>
      edit(dir, 'records.db', (database) => {
        const foreign = database.prepare(anyChunk).get(other);
        const own = database.prepare(anyChunk).get(log);
        database.prepare('UPDATE chunks SET sealed = ? WHERE rowid = ?').run(foreign?.['sealed'] as Uint8Array, own?.['id'] as number);
      }),
  },
  {
    class: 'swap between logs',
    name: "another log's tiles and checkpoint in the place of this one's",
    by: 'administrator',
    claim: 'alone',
    act({ dir, log, other }) {
      rmSync(join(dir, 'logs', log), { recursive: true });
      cpSync(join(dir, 'logs', other), join(dir, 'logs', log), { recursive: true });
    },
  },
  {
    class: 'rollback',
    name: 'an older copy of the records under the newer log',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, earlier }) => cpSync(join(earlier, 'records.db'), join(dir, 'records.db')),
  },
  {
    class: 'rollback',
    name: 'an older checkpoint put back, of a size that fills its tiles',
    by: 'administrator',
    claim: 'alone',
    act: putBackFilled,
  },
  {
    class: 'rollback',
    name: 'an older copy of everything',
    by: 'administrator',
    claim: 'kept',
    act({ dir, earlier }) {
      rmSync(dir, { recursive: true });
      cpSync(earlier, dir, { recursive: true });
    },
  },
  {
    class: 'fork with the real key',
    name: 'an older copy that was gone on with, by the server itself',
    by: 'administrator with all keys',
    claim: 'kept',
    async act({ dir, earlier, log }) {
      rmSync(dir, { recursive: true });
      cpSync(earlier, dir, { recursive: true });
      const trail = await openTrail({ dataDir: dir });
      try {
        const body = Buffer.from(Array.from({ length: 80 }, (_, i) => JSON.stringify({ action: 'drill.other', metadata: { n: i } })).join('\n'));
        await trail.append({ log, principal: 'drill', body, format: 'ndjson' });
      } finally {
        await trail.close();
      }
    },
  },
  {
    class: 're-signed history',
    name: 'one value of a record changed, and everything signed again',
    by: 'administrator with all keys',
    claim: 'kept',
    act: ({ dir, log }) => rewriteHistory(dir, log, (records) => records.map((packed, i) => (i === 7 ? forge(packed) : packed))),
  },
  {
    class: 'deleted newest rows',
    name: 'the newest events cut from records, log and checkpoint, and signed again',
    by: 'administrator with all keys',
    claim: 'kept',
    act: ({ dir, log }) => rewriteHistory(dir, log, (records) => records.slice(0, -25)),
  },
  {
    class: 'deleted newest rows',
    name: 'the newest events cut before anybody kept a checkpoint of them',
    by: 'administrator with all keys',
    claim: 'nobody',
    async act(stage) {
      // What came behind the kept checkpoint, as far as anybody outside knows, never was.
      const trail = await openTrail({ dataDir: stage.dir });
      let treeSize = 0;
      try {
        const body = Buffer.from('{"action":"drill.unseen"}');
        treeSize = (await trail.append({ log: stage.log, principal: 'drill', body, format: 'json' })).treeSize;
      } finally {
        await trail.close();
      }
      unseal(stage.dir);
      await rewriteHistory(stage.dir, stage.log, (records) => records.slice(0, treeSize - 1));
    },
  },
  {
    class: 'edited vault row',
    name: 'two values of the vault swapped',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir }) =>
      edit(dir, 'vault.db', (database) => {
        const [a, b] = database.prepare('SELECT id, sealed FROM tokens ORDER BY id LIMIT 2').all();
        if (!a || !b) throw new VeiltrailError('drill_failed', 'the vault is too small for this attack');
        const set = database.prepare('UPDATE tokens SET sealed = ? WHERE id = ?');
        set.run(a['sealed'] as Uint8Array, b['id'] as number);
        set.run(b['sealed'] as Uint8Array, a['id'] as number);
      }),
  },
  {
    class: 'edited vault row',
    name: 'a value of the vault deleted, as if it had been erased',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir }) => edit(dir, 'vault.db', (database) => database.exec("UPDATE tokens SET sealed = x'' WHERE id = (SELECT min(id) FROM tokens)")),
  },
  {
    class: 'edited vault row',
    name: 'a row of the vault deleted',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir }) => edit(dir, 'vault.db', (database) => database.exec('DELETE FROM tokens WHERE id = (SELECT min(id) FROM tokens)')),
  },
  {
    class: 'restored old segment',
    name: 'records of before a redaction put back',
    by: 'administrator with all keys',
    claim: 'alone',
    act: ({ dir, earlier, log, redacted }) =>
      edit(dir, 'records.db', (database) => {
        const old = chunkOf(earlier, log, redacted);
        const set = database.prepare('UPDATE chunks SET sealed = ? WHERE log = (SELECT id FROM logs WHERE name = ?) AND first_leaf = ?');
        set.run(old.sealed, log, old.firstLeaf);
      }),
  },
  {
    class: 'restored old segment',
    name: 'the vault of before an erasure put back',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, earlier }) => cpSync(join(earlier, 'vault.db'), join(dir, 'vault.db')),
  },
  {
    class: 'removed tombstone',
    name: 'the mark of a tombstone deleted from the vault',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir }) => edit(dir, 'vault.db', (database) => database.exec('DELETE FROM tombstones')),
  },
  {
    class: 'removed tombstone',
    name: 'the mark of one of several tombstones deleted from the vault',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir, log }) => edit(dir, 'vault.db', (database) => database.prepare('DELETE FROM tombstones WHERE log = ?').run(log)),
  },
  {
    class: 'removed tombstone',
    name: 'records destroyed without a tombstone, by the keys and not by the engine',
    by: 'administrator with all keys',
    claim: 'alone',
    act: ({ dir, log }) =>
      edit(dir, 'records.db', (database) => {
        database.prepare('DELETE FROM chunks WHERE first_leaf = 0 AND log = (SELECT id FROM logs WHERE name = ?)').run(log);
      }),
  },
  {
    class: 'clock set back',
    name: 'the newest time of receipt set back in the records',
    by: 'administrator',
    claim: 'alone',
    act: ({ dir }) => edit(dir, 'records.db', (database) => database.exec('UPDATE trees SET last_received_at_ms = 1')),
  },
  ...attacksAtWork,
  ...attacksOnExports,
  {
    class: 'witness colluding',
    name: 'another history, cosigned by one of two witnesses, both of which are demanded',
    by: 'administrator with all keys and a witness',
    claim: 'witnesses',
    quorum: 'both',
    act: forkWithWitness,
  },
  {
    class: 'witness colluding',
    name: 'another history, cosigned by one of two witnesses, either of which will do, the other one not asked',
    by: 'administrator with all keys and a witness',
    claim: 'nobody',
    quorum: 'either',
    act: forkWithWitness,
  },
];

function cutFile(path: string): void {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 40));
}

/** The same record with another outcome, under its own seed: nothing in it says that it was not always so. */
function forge(packed: Uint8Array): Uint8Array {
  const { seed, fields } = unpackRecord(packed);
  const forged = fields.map(({ pointer, value }) => ({ pointer, value: pointer === '/action' ? '"drill.forged"' : value }));
  const out = new Uint8Array(packedBytesMax(forged));
  return out.slice(0, packRecord(out, 0, seed, forged));
}

function chunkOf(dir: string, log: string, leafIndex: number): { firstLeaf: number; sealed: Uint8Array } {
  let found: { firstLeaf: number; sealed: Uint8Array } | undefined;
  edit(dir, 'records.db', (database) => {
    const row = database
      .prepare(
        'SELECT first_leaf, sealed FROM chunks WHERE log = (SELECT id FROM logs WHERE name = ?) AND first_leaf <= ? ORDER BY first_leaf DESC LIMIT 1',
      )
      .get(log, leafIndex);
    if (row) found = { firstLeaf: row['first_leaf'] as number, sealed: row['sealed'] as Uint8Array };
  });
  if (!found) throw new VeiltrailError('drill_failed', 'the log is too small for this attack');
  return found;
}

/** The history of before goes on otherwise, and the colluding witness cosigns it as if it had seen nothing else. */
async function forkWithWitness({ dir, log, colludes }: Stage): Promise<void> {
  await rewriteHistory(dir, log, (records) => records.map((packed, i) => (i === 7 ? forge(packed) : packed)));
  const file = join(dir, 'logs', log, 'checkpoint');
  writeFileSync(file, colludes(readFileSync(file, 'utf8')));
}

/** What every attack on a stopped directory begins with. */
export function prepare({ dir }: Stage): void {
  unseal(dir);
}
