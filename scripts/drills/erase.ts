/**
 * Drill: forget a person out of 100,000 events, on a data directory of its own.
 *
 *     node scripts/drills/erase.ts [--events 100000] [--of 500] [--keep DIR]
 *
 * Shows: `verify` is well before and after; what a hold covers is refused; the person's values and tokens are in no byte of the directory
 * afterwards, opened with all keys that are left; the certificate verifies; and how long the erasure took. Exits 1 if any of it fails.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VeiltrailError } from '../../src/core/errors.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import { openTrailReader } from '../../src/server/open-reader.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { verifyCertificate } from '../../src/verify/index.ts';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '100000' }, of: { type: 'string', default: '500' }, keep: { type: 'string' } },
});
const events = Number(values.events);
const of = Number(values.of);
const secondsMax = 10;
const batch = 1_000;
const person = { id: 'u-4711', email: 'ada.okonkwo-lindqvist@example.com', name: 'Ada Okonkwo-Lindqvist', phone: '+1 415 555 0142' };
const secrets = [person.email, person.name, 'okonkwo-lindqvist', '4155550142', '415 555 0142'];

const dir = values.keep ?? mkdtempSync(join(tmpdir(), 'veiltrail-drill-'));
const dataDir = join(dir, 'data');
let failed = 0;

function show(what: string, ok: boolean, detail = ''): void {
  if (!ok) failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${what}${detail === '' ? '' : `  (${detail})`}`);
}

function eventAt(i: number): object {
  const isTheirs = i % Math.floor(events / of) === 7;
  const other = { id: `u-${i % 5_000}`, email: `user.${i % 5_000}@example.org`, name: `Person ${i % 5_000}` };
  const actor = isTheirs ? { type: 'user', id: person.id, email: person.email, name: person.name, phone: person.phone } : { type: 'user', ...other };
  // Some mention the person in a text, in the middle of somebody else's event.
  const message = i % 1_000 === 13 ? `asked ${person.email} for a signature` : `read file ${i}`;
  return {
    id: `drill-${i}`,
    time: new Date(Date.UTC(2026, 0, 1) + i * 1_000).toISOString(),
    action: 'file.read',
    outcome: 'success',
    actor,
    message,
  };
}

async function fill(trail: OpenTrail): Promise<void> {
  await trail.createLog('default');
  const waiting = new Set<Promise<unknown>>();
  for (let from = 0; from < events; from += batch) {
    const lines = Array.from({ length: Math.min(batch, events - from) }, (_, k) => JSON.stringify(eventAt(from + k)));
    const done = trail.append({ log: 'default', principal: 'drill', body: Buffer.from(lines.join('\n')), format: 'ndjson' });
    waiting.add(done);
    void done.finally(() => waiting.delete(done));
    if (waiting.size >= 8) await Promise.race(waiting);
  }
  await Promise.all(waiting);
}

async function verify(what: string): Promise<void> {
  const report = await verifyStoredLog(dataDir, { log: 'default', others: true });
  const { verified, erased } = report.records;
  show(
    what,
    report.ok,
    `${report.treeSize} leaves, ${verified} records verified, ${erased} erased${report.ok ? '' : `: ${report.problems[0]?.message}`}`,
  );
}

/** Files of the directory in whose bytes one of the texts stands. */
function filesWith(texts: readonly string[]): string[] {
  const needles = texts.map((text) => Buffer.from(text));
  return readdirSync(dataDir, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(dataDir, name)).isFile())
    .filter((name) => {
      const bytes = readFileSync(join(dataDir, name));
      return needles.some((needle) => bytes.includes(needle));
    });
}

/** Records that say one of the texts, read with all keys that are left. */
async function recordsWith(texts: readonly string[]): Promise<number> {
  const reader = await openTrailReader(dataDir);
  let count = 0;
  try {
    let cursor: string | undefined;
    do {
      const page = await reader.search('default', { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { record } of page.events) {
        const json = JSON.stringify(record);
        if (texts.some((text) => json.includes(text))) count++;
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  } finally {
    await reader.close();
  }
  return count;
}

const asked = { principal: 'drill', purpose: 'a drill', reference: 'drill' };
const request = { mode: 'erase', ids: [person.id], values: [{ kind: 'email', value: person.email }] } as const;
try {
  let trail = await openTrail({ dataDir });
  await fill(trail);
  await trail.close();
  await verify('verify is well before');

  trail = await openTrail({ dataDir });
  const plan = await trail.dataProtection.planErasure(request, asked);
  show('the person is found', plan.records > 0 && plan.tokens >= 3, `${plan.records} records, ${plan.tokens} values in the vault`);
  const tokens = plan.subject.tokens.map(({ token }) => token);

  await trail.dataProtection.setHold({ name: 'drill', why: 'a drill', subject: [person.id] }, 'drill');
  const refused = await trail.dataProtection.eraseSubject(request, asked).then(
    () => undefined,
    (error: unknown) => (error instanceof VeiltrailError ? error : undefined),
  );
  show('what a hold covers is refused, and the hold named', refused?.code === 'held' && refused.message.includes('drill'), refused?.message);
  await trail.dataProtection.liftHold('drill', asked);

  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const { removal, certificate } = await trail.dataProtection.eraseSubject(request, asked);
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  show(
    `erased out of ${events} events in less than ${secondsMax} s`,
    seconds < secondsMax,
    `${seconds.toFixed(2)} s, CPU ${((user + system) / 1e6).toFixed(2)} s; ${removal.records} records, ${removal.tokens} values; load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`,
  );
  show('as many records as were listed', removal.records === plan.records && removal.tokens === plan.tokens);
  const { proved } = verifyCertificate(
    certificate,
    trail.logs().map((log) => trail.vkeyOf(log)),
  );
  show(
    'the certificate verifies, and names nobody',
    proved.length === removal.tombstones.length && ![...secrets, ...tokens, person.id].some((text) => certificate.includes(text)),
  );
  const revealed = await Promise.allSettled(tokens.map((token) => trail.lookUps.reveal({ ...asked, tokens: [token] })));
  show(
    'no token opens',
    revealed.every(({ status }) => status === 'rejected'),
  );
  await trail.close();

  await verify('verify is well after');
  show('the values are in no byte of the directory', filesWith(secrets).length === 0, filesWith(secrets).join(', '));
  show('no record says them, nor the id, nor a token, with all keys that are left', (await recordsWith([...secrets, person.id, ...tokens])) === 0);
} finally {
  if (values.keep === undefined) rmSync(dir, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
