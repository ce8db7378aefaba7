/** Rehearses attacks on copies of a data directory, and compares what finds them with what is claimed. */
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VeiltrailError } from '../../core/errors.ts';
import { dataDirPaths, isDataDirInUse } from '../../storage/data-dir.ts';
import type { VerifyReport } from '../../app/verify-log.ts';
import { systemClock } from '../../core/clock.ts';
import { systemRandom } from '../../core/random.ts';
import { createCosigner } from '../../log/cosignature.ts';
import { formatNote, parseNote } from '../../log/note.ts';
import { parseWitnessPolicy } from '../../log/witness-policy.ts';
import { witnessedPath } from '../../storage/tile-store.ts';
import { type OpenTrail, openTrail } from '../compose.ts';
import { verifyStoredLog } from '../verify.ts';
import { type Attack, type Claim, claimedDefences, type Defence, defences, type DirectoryAttack, type ExportAttack } from './attack.ts';
import { attacks, prepare } from './attacks.ts';
import { type ExportedFile, exportNewest, findingOf } from './attacks-on-exports.ts';
import { copyStage, type Stage } from './stage.ts';

export interface DrillOptions {
  /** A data directory that is not in use; a copy of it is attacked. Without it one is made. */
  dataDir?: string;
  /** Classes whose name holds this text. */
  only?: string;
  onResult?: (result: DrillResult) => void;
}

export interface DrillResult {
  class: string;
  name: string;
  by: string;
  claim: Claim;
  /** What found or prevented it. */
  foundBy: Claim;
  /** The codes of the problems that said so, the first few. */
  checks: string[];
  firstBadLeaf: number | null;
  /** Whom it deceives: whether each defence finds it, and by which checks. What has no effect needs none. */
  against: Record<Defence, { found: boolean; claimed: boolean; checks: string[] }>;
  /** How long the verification that found it took. */
  seconds: number;
  /** The claim came true. */
  ok: boolean;
}

/** Where the honest witness is asked: nobody listens there, the drill answers. */
const honestUrl = 'https://honest.drill.example';

/** Events of a directory that is made for a drill: more than two tiles' worth. */
const madeEvents = 600;
const laterEvents = 60;

export function drillClasses(): string[] {
  return [...new Set(attacks.map((attack) => attack.class))];
}

/** @throws VeiltrailError `data_dir_missing`, `data_dir_in_use`, `drill_failed` when the stage itself does not verify */
export async function runDrill({ dataDir, only = '', onResult }: DrillOptions): Promise<DrillResult[]> {
  const home = mkdtempSync(join(tmpdir(), 'veiltrail-drill-'));
  try {
    const stage = await setStage(home, dataDir);
    await expectGood(stage);
    const results: DrillResult[] = [];
    let exported: ExportedFile | undefined;
    for (const [i, attack] of attacks.entries()) {
      if (!attack.class.includes(only)) continue;
      const result =
        'change' in attack
          ? await judge(attack, changeExport(attack, (exported ??= await makeExport(home))))
          : await rehearse(attack, stage, join(home, `attack-${i}`));
      results.push(result);
      onResult?.(result);
    }
    return results;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Attacks a copy of the stage. */
async function rehearse(attack: DirectoryAttack, stage: Stage, dir: string): Promise<DrillResult> {
  const copy = copyStage(stage, dir);
  prepare(copy);
  writeFileSync(join(dataDirPaths(copy.dir).logs, copy.log, witnessedPath), copy.cosigned);
  const prevented = await attack.act(copy);
  const result = await judge(attack, { prevented, verify: (defence) => verifyUnder(copy, defence, attack.quorum) });
  rmSync(copy.dir, { recursive: true, force: true });
  return result;
}

/** Of a log of the drill's own: of somebody's directory, two persons may be needed for it. */
async function makeExport(home: string): Promise<ExportedFile> {
  const dir = join(home, 'exported');
  await appendTo(dir, { default: 20 });
  return withTrail(dir, (trail) => exportNewest(trail, 'default'));
}

function changeExport(attack: ExportAttack, { vkey, lines }: ExportedFile): Attacked {
  const attacked = { vkey, lines: attack.change(lines) };
  return {
    prevented: undefined,
    verify() {
      const startedMs = performance.now();
      const found = findingOf(attacked);
      if (!found) return Promise.resolve(undefined);
      return Promise.resolve({ checks: [found.code], firstBadLeaf: found.leafIndex, seconds: (performance.now() - startedMs) / 1_000 });
    },
  };
}

/** What there is after an attack. */
interface Attacked {
  prevented: unknown;
  readonly verify: (defence: Defence) => Promise<Found | undefined>;
}

async function judge(attack: Attack, { prevented, verify: verifyAs }: Attacked): Promise<DrillResult> {
  const { claim, by, name, quorum } = attack;
  const claimed = claimedDefences(attack);
  const found = {} as Record<Defence, Found | undefined>;
  // What is found with nothing else is found with more: each verification only adds to that.
  for (const defence of defences) found[defence] = found.nothing ?? (await verifyAs(defence));
  const against = {} as DrillResult['against'];
  for (const defence of defences)
    against[defence] = { found: found[defence] !== undefined, claimed: claimed[defence], checks: found[defence]?.checks ?? [] };
  const first = found.nothing ?? (quorum === undefined ? found.checkpoint : found.witnesses);
  const isPrevented = first === undefined && typeof prevented === 'string';
  const foundBy = found.nothing ? 'alone' : first ? (quorum === undefined ? 'kept' : 'witnesses') : isPrevented ? 'prevented' : 'nobody';
  return {
    class: attack.class,
    name,
    by,
    claim,
    foundBy,
    checks: isPrevented ? [prevented] : (first?.checks ?? []),
    firstBadLeaf: first?.firstBadLeaf ?? null,
    against,
    seconds: first?.seconds ?? 0,
    ok: claim === foundBy && defences.every((defence) => against[defence].found === claimed[defence]),
  };
}

interface Found {
  checks: string[];
  firstBadLeaf: number | null;
  seconds: number;
}

async function verifyUnder(stage: Stage, defence: Defence, quorum: DirectoryAttack['quorum']): Promise<Found | undefined> {
  const startedMs = performance.now();
  const report = await verify(stage, defence, quorum);
  if (report.ok) return undefined;
  const checks = [...new Set(report.problems.map(({ code }) => code))].slice(0, 4);
  return { checks, firstBadLeaf: report.firstBadLeaf, seconds: (performance.now() - startedMs) / 1_000 };
}

function verify(
  { dir, log, vkey, checkpoint, policies, cosigned }: Stage,
  defence: Defence,
  quorum: 'both' | 'either' = 'both',
): Promise<VerifyReport> {
  if (defence === 'nothing') return verifyStoredLog(dir, { log, others: true });
  if (defence === 'checkpoint') return verifyStoredLog(dir, { log, vkey, keptCheckpoint: checkpoint, others: true });
  const ask = { askWitness: (url: string) => Promise.resolve(url === honestUrl ? cosigned : undefined) };
  return verifyStoredLog(dir, { log, vkey, witnessPolicy: parseWitnessPolicy(policies[quorum]), ...(quorum === 'both' ? ask : {}) });
}

async function expectGood(stage: Stage): Promise<void> {
  const report = await verify(stage, 'checkpoint');
  if (!report.ok)
    throw new VeiltrailError(
      'drill_failed',
      `the directory does not verify before any attack: ${report.problems[0]?.message ?? ''}`,
      {},
      { cause: report.problems },
    );
}

/** A directory, and the same one some events earlier. */
async function setStage(home: string, dataDir: string | undefined): Promise<Stage> {
  const earlier = join(home, 'earlier');
  const dir = join(home, 'stage');
  const log = 'default';
  const other = 'drill-other';
  if (dataDir !== undefined) {
    if (!existsSync(join(dataDir, 'config.json')))
      throw new VeiltrailError('data_dir_missing', `${dataDir} is not a data directory: it has no config.json`);
    if (isDataDirInUse(dataDir))
      throw new VeiltrailError('data_dir_in_use', 'another process has this data directory: stop it, or drill without --data');
    cpSync(dataDir, earlier, { recursive: true });
  }
  await appendTo(earlier, { [log]: dataDir === undefined ? madeEvents : 300, [other]: 300 });
  cpSync(earlier, dir, { recursive: true });
  const redacted = await withTrail(dir, (trail) => removeSome(trail, log));
  // Behind the tombstones: so an attacker who cuts the newest events cuts none of those.
  await appendTo(dir, { [log]: laterEvents });
  return withTrail(dir, async (trail) => {
    const vkey = trail.vkeyOf(log);
    const checkpoint = (await trail.checkpoint(log)) as string;
    return { dir, earlier, log, other, checkpoint, vkey, redacted, ...witnessesOf(vkey, checkpoint) };
  });
}

async function withTrail<T>(dataDir: string, work: (trail: OpenTrail) => Promise<T>): Promise<T> {
  const trail = await openTrail({ dataDir });
  try {
    return await work(trail);
  } finally {
    await trail.close();
  }
}

/** A value redacted, and a token erased: what an attacker may want back. */
async function removeSome(trail: OpenTrail, log: string): Promise<number> {
  const { events } = await trail.search(log, { q: 'action:drill.event', limit: 2 });
  const [redacted, erased] = events;
  const token = /tok_[A-Za-z0-9_-]{27}/.exec(JSON.stringify(erased?.record))?.[0];
  if (!redacted || token === undefined) throw new VeiltrailError('drill_failed', 'the log is too small for a drill');
  const by = { reason: 'drill', by: 'drill' };
  await trail.remove({ operation: 'redact', fields: [{ log, leafIndex: 5, pointers: ['/action'] }], ...by });
  await trail.remove({ operation: 'unlink', tokens: [token], ...by });
  return 5;
}

/** Two witnesses of a drill's own, of which the second colludes. */
function witnessesOf(vkey: string, checkpoint: string): Pick<Stage, 'policies' | 'colludes' | 'cosigned'> {
  const honest = createCosigner('drill.example/honest', systemRandom.bytes(32));
  const colluding = createCosigner('drill.example/colluding', systemRandom.bytes(32));
  const policyOf = (group: string): string =>
    `log ${vkey}\nwitness honest ${honest.vkey} ${honestUrl}\nwitness colluding ${colluding.vkey}\ngroup demanded ${group} honest colluding\nquorum demanded\n`;
  const nowSeconds = Math.floor(systemClock.now() / 1_000);
  const note = parseNote(checkpoint);
  const by = [honest, colluding].map((witness) => witness.cosign(note.text, nowSeconds));
  return {
    cosigned: formatNote({ text: note.text, signatures: [...note.signatures, ...by] }),
    policies: { both: policyOf('all'), either: policyOf('any') },
    colludes(checkpoint) {
      const { text, signatures } = parseNote(checkpoint);
      return formatNote({ text, signatures: [...signatures, colluding.cosign(text, Math.floor(systemClock.now() / 1_000))] });
    },
  };
}

function appendTo(dataDir: string, logs: Record<string, number>): Promise<void> {
  return withTrail(dataDir, async (trail) => {
    for (const [log, count] of Object.entries(logs)) {
      await trail.createLog(log);
      const events = Array.from({ length: count }, (_, i) => ({
        action: 'drill.event',
        actor: { type: 'user', email: `person-${i % 40}@example.org` },
        metadata: { n: i },
      }));
      const body = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
      await trail.append({ log, principal: 'drill', body, format: 'ndjson' });
    }
  });
}
