/**
 * The scenario `carry`: what leaves, and what is watched. A forwarder to a file, a rule for alerts of its own, an anchor to a file; all in a directory below
 * the faulted one, so that their calls have faults as well, and kills leave of them what they left of the rest.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMap, parseDocument } from 'yaml';
import { readAlertSettings } from '../../../src/alerts/rules-file.ts';
import { readTargets } from '../../../src/anchor/targets.ts';
import { cursorsDirectory, listCursors, readCursor } from '../../../src/forward/cursor-file.ts';
import { openAnchors } from '../../../src/server/anchors.ts';
import type { OpenTrail } from '../../../src/server/compose.ts';
import { verifyAnchors } from '../../../src/server/verify-anchors.ts';
import type { Acknowledged, Answered, FaultedServer } from './faulted-server.ts';
import { eventAt } from './seeds.ts';

const outside = 'outside';
const rule = 'each-update';
const delivered = 'out.ndjson';

/** The configuration of the server, for a data directory, which gets what it names. */
export function carryConfig(dataDir: string): string {
  const at = (name: string): string => join(dataDir, outside, name);
  for (const name of ['forwarded', 'anchors']) mkdirSync(at(name), { recursive: true });
  return [
    `anchors: [{kind: file, name: elsewhere, dir: ${JSON.stringify(at('anchors'))}, every: 3s}]`,
    `forwarding: {directory: ${JSON.stringify(at('forwarded'))}}`,
    `alerts: {rules: [{name: ${rule}, severity: high, logs: [default], q: action:order.update, by: /id, why: a drill}]}`,
    '',
  ].join('\n');
}

const why = { purpose: 'a drill', reference: 'T-3' };

/** Asks all of it; false when there is nobody to talk to any more. */
export async function carry(server: FaultedServer, acknowledged: Acknowledged, told: (answer: Answered) => boolean): Promise<boolean> {
  const set = async (name: string): Promise<boolean> => {
    const setting = { destination: { kind: 'file', file: name === 'out' ? delivered : 'other.ndjson' }, from: 'start', ...why };
    const answer = await server.ask('PUT', `/api/v1/forwarders/${name}`, setting, 'admin');
    if (isDone(answer)) acknowledged.facts.add(`forwarder ${name}`);
    return told(answer);
  };
  if (!(await set('out')) || !(await set('other'))) return false;
  if (!told(await server.append([eventAt('c'), eventAt('d')]))) return false;
  if (acknowledged.facts.has('forwarder other')) {
    const answer = await server.ask('DELETE', '/api/v1/forwarders/other', undefined, 'admin');
    if (isDone(answer)) acknowledged.facts.add('removed other');
    if (!told(answer)) return false;
  }
  const made = await server.ask('POST', '/api/v1/keys', { role: 'operator' }, 'admin');
  if (!told(made)) return false;
  const operator = bodyOf(made) as { key: string } | undefined;
  if (!operator) return untilAnchored(server);
  for (let tries = 0; tries < 20; tries++) {
    const answer = await server.ask('GET', '/api/v1/alerts', undefined, operator);
    if (!told(answer)) return false;
    const [first] = (bodyOf(answer) as { alerts: { id: string; rule: string }[] } | undefined)?.alerts.filter((one) => one.rule === rule) ?? [];
    if (first === undefined) {
      await sleep(50);
      continue;
    }
    const dealt = await server.ask('POST', `/api/v1/alerts/${first.id}/acknowledge`, why, operator);
    if (isDone(dealt)) acknowledged.facts.add(`acknowledged ${first.id}`);
    return told(dealt) && untilAnchored(server);
  }
  return untilAnchored(server);
}

/** Anchors come by the clock, seconds after the start; where a fault keeps them away, nobody waits for ever. */
async function untilAnchored(server: FaultedServer): Promise<boolean> {
  const filed = (log: string): boolean =>
    existsSync(join(server.dataDir, 'anchors', log)) && readdirSync(join(server.dataDir, 'anchors', log)).length > 0;
  for (const untilMs = performance.now() + 8_000; performance.now() < untilMs && !server.hasEnded;) {
    if (filed('default') && filed('_system')) break;
    await sleep(50);
  }
  return !server.hasEnded;
}

/** Before the next start: what a cursor says was delivered is in the file. @throws Error what is violated */
export function checkDelivered(dataDir: string): void {
  const cursors = join(dataDir, cursorsDirectory);
  const there = leavesIn(join(dataDir, outside, 'forwarded', delivered));
  const nextOf = listCursors(cursors).map((id) => readCursor(cursors, id, 'default') ?? 0);
  // Of two forwarders one has this file, and the other one as good as the same.
  const other = leavesIn(join(dataDir, outside, 'forwarded/other.ndjson'));
  for (const next of nextOf)
    if (!hasAllBelow(there, next) && !hasAllBelow(other, next)) throw new Error(`a cursor is at leaf ${next}, and not all before it was delivered`);
}

/** Where a directory was copied, it is what a disk would have that was not: cursors know it by its inode. */
export function takeForOwn(dataDir: string, place = join(dataDir, cursorsDirectory, 'place')): void {
  // A crash may have left half of it, which is nobody's.
  if (!existsSync(place) || !readFileSync(place, 'utf8').endsWith('\n')) return;
  const { ino, birthtimeNs } = statSync(place, { bigint: true });
  writeFileSync(place, `${JSON.stringify({ format: 1, inode: String(ino), bornNs: String(birthtimeNs) })}\n`);
}

/** As `serve` does after it has opened a trail. */
export async function startCarried(trail: OpenTrail, dataDir: string): Promise<void> {
  await trail.startAlerts(readAlertSettings(carryConfig(dataDir), 'config'));
  await trail.startForwarding({ secrets: {}, directory: join(dataDir, outside, 'forwarded') });
}

/** Everything that was promised about what leaves and is watched. @throws Error what is violated */
export async function checkCarried(trail: OpenTrail, dataDir: string, acknowledged: Acknowledged): Promise<void> {
  await trail.alertsIdle();
  await checkAlerts(trail, acknowledged);
  const untilMs = performance.now() + 20_000;
  for (let missing = await missingOf(trail, dataDir, acknowledged); missing !== undefined; missing = await missingOf(trail, dataDir, acknowledged)) {
    if (performance.now() > untilMs) throw new Error(missing);
    await sleep(20);
  }
  const list = parseDocument(carryConfig(dataDir)).contents;
  const anchors = openAnchors(dataDir, readTargets(isMap(list) ? list.toJSON().anchors : []));
  for (const log of trail.logs()) {
    const { anchors: checked } = await verifyAnchors(log, trail.vkeyOf(log), anchors);
    for (const { ok, file, detail } of checked) if (ok !== true) throw new Error(`anchor ${file}: ${detail}`);
  }
}

/** One for each event that came, whatever happened, and each told once. */
async function checkAlerts(trail: OpenTrail, acknowledged: Acknowledged): Promise<void> {
  const alerts = trail.alerts.list({ limit: 100 }).filter((alert) => alert.rule === rule);
  const leaves = alerts.flatMap((alert) => alert.leaves);
  for (const [id, leafIndex] of acknowledged.leaves)
    if (leaves.filter((leaf) => leaf === leafIndex).length !== 1)
      throw new Error(`leaf ${leafIndex} (${id}) is in ${leaves.filter((leaf) => leaf === leafIndex).length} alerts`);
  const { events } = await trail.search('_system', { q: 'action:alert.raise', limit: 100 });
  const ids = events.map(({ record }) => record['id']);
  if (new Set(ids).size !== ids.length) throw new Error('an alert is told twice in _system');
  for (const { id } of alerts) if (!ids.includes(id)) throw new Error(`alert ${id} is not told in _system`);
  for (const fact of acknowledged.facts) {
    const [what, of] = fact.split(' ');
    if (what === 'acknowledged' && alerts.find(({ id }) => id === of)?.state !== 'acknowledged') throw new Error(`alert ${of} is open again`);
  }
}

/** What was promised to be there and is not yet; undefined where all is. */
async function missingOf(trail: OpenTrail, dataDir: string, { facts, leaves }: Acknowledged): Promise<string | undefined> {
  const forwarders = await trail.forwarders.list();
  const names = forwarders.map(({ setting }) => setting.name);
  if (facts.has('removed other') && names.includes('other')) return 'the forwarder other was removed, and is there';
  const out = forwarders.find(({ setting }) => setting.name === 'out');
  if (!out) return facts.has('forwarder out') ? 'the forwarder out was set, and is not there' : undefined;
  if (out.state !== 'running') return `the forwarder out has stopped: ${out.reason}`;
  const there = leavesIn(join(dataDir, outside, 'forwarded', delivered));
  const last = Math.max(0, ...leaves.values());
  return hasAllBelow(there, last + 1) ? undefined : `not all of ${last + 1} records were delivered`;
}

function hasAllBelow(there: ReadonlySet<number>, next: number): boolean {
  for (let leaf = 0; leaf < next; leaf++) if (!there.has(leaf)) return false;
  return true;
}

/** Of every line that is whole: one that a crash cut short comes again. */
function leavesIn(file: string): Set<number> {
  const leaves = new Set<number>();
  if (!existsSync(file)) return leaves;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue;
    try {
      leaves.add((JSON.parse(line) as { leafIndex: number }).leafIndex);
    } catch {
      continue;
    }
  }
  return leaves;
}

function isDone(answer: Answered): boolean {
  return bodyOf(answer) !== undefined;
}

function bodyOf(answer: Answered): unknown {
  return answer === 'gone' || answer.status >= 300 ? undefined : answer.body;
}
