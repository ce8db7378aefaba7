/**
 * How well personal data is found, beside other programs, in one run:
 *
 *     npm run eval -- DIR [--json] [--part TEXT] [--alone] [--peers DIR] [--seconds N]
 *     npm run eval -- DIR --show LABEL|false|false:KIND [--part TEXT]
 *
 * DIR holds labelled texts (`.jsonl`), logs (`.log`) and events (`.ndjson`), see eval/data.ts; `--part` takes only files whose name holds TEXT.
 * Every program runs in a child process of its own. Peers are installed on demand (into the system's folder for temporary files, or `--peers`);
 * `--alone` leaves them out. `--show` prints what was missed of a label, or what was found in vain.
 *
 * A label is found if a finding overlaps it; `exact` asks for the same span. `leaked` are the labelled letters and digits that no finding
 * covers which the default policy takes out. By kind, a finding must be of the label's kind. Figures of speed are of CPU time, the best of
 * several rounds; those of one event are over the least time that each event took.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { judgeBars, type Scores } from './eval/bars.ts';
import { npmPeers } from './eval/contestants.ts';
import { type DataFiles, findData, type LabelledText, readLabelled } from './eval/data.ts';
import { installNpmPeers, installPresidio } from './eval/install.ts';
import { groupOfLabel, isNobodysAddress, patternGroups } from './eval/labels.ts';
import type { Measured } from './eval/measure.ts';
import { scoreTexts } from './eval/score.ts';
import { showTexts } from './eval/show.ts';
import { formatReport, type Report } from './eval/tables.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    part: { type: 'string', default: '' },
    show: { type: 'string' },
    peers: { type: 'string', default: join(tmpdir(), 'veiltrail-eval-peers') },
    seconds: { type: 'string', default: '5' },
  },
});
const [dir] = positionals;
if (dir === undefined) {
  console.error('usage: npm run eval -- DIR [--json] [--part TEXT] [--alone] [--peers DIR] [--seconds N] [--show LABEL|false|false:KIND]');
  process.exitCode = 2;
} else {
  const files = findData(dir, values.part);
  if (values.show === undefined) evaluate(files);
  else showTexts(files, values.show);
}

function evaluate(files: DataFiles): void {
  const missing = new Map<string, string>();
  const notes: string[] = [];
  const measured = new Map([['veiltrail', measureIn(process.execPath, 'measure.ts', 'veiltrail', files)]]);
  if (!values.alone) {
    for (const [name, why] of installNpmPeers(values.peers)) missing.set(name, why);
    for (const name of Object.keys(npmPeers)) if (!missing.has(name)) tryPeer(name, process.execPath, 'measure.ts', files, measured, missing);
    const presidio = installPresidio(values.peers);
    if ('missing' in presidio) missing.set('presidio', presidio.missing);
    else tryPeer('presidio', presidio.python, 'presidio.py', files, measured, missing);
    const { model } = (measured.get('presidio') ?? {}) as { model?: string | null };
    if (model === null) notes.push('presidio: no spaCy model (they are not on PyPI), its pattern recognisers alone: no names, places, nationalities');
  }
  const texts = new Map(files.labelled.map((path) => [path, readLabelled(path)]));
  const programs = [...measured].map(([name, own]) => ({
    name,
    measured: own,
    scores: new Map(own.labelled.map(({ path, found }) => [basename(path), scoresOf(texts.get(path) ?? [], found)])),
  }));
  const scores = programs[0]?.scores ?? new Map<string, Scores>();
  const { logs = [], events = [] } = measured.get('veiltrail') ?? {};
  const bars = judgeBars({ scores, logs, events, peerLogs: measured.get('redact-pii')?.logs ?? [] });
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`;
  const report: Report = { machine, programs, missing, notes, bars };
  console.log(values.json ? JSON.stringify(report, plain, 2) : formatReport(report));
}

function scoresOf(texts: Parameters<typeof scoreTexts>[0], found: Parameters<typeof scoreTexts>[1]): Scores {
  const labelled = judgedGroups(texts);
  const beyondCore = new Set(['place', 'age', 'nationality', 'domain']);
  return {
    all: scoreTexts(texts, found, () => true),
    pattern: scoreTexts(texts, found, (group) => patternGroups.has(group)),
    core: scoreTexts(texts, found, (group) => !beyondCore.has(group)),
    public: scoreTexts(texts.map(withoutNobodys), found, () => true),
    judged: scoreTexts(texts.map(withoutNobodys).map(withoutDamaged), found, (group) => labelled.has(group)),
  };
}

/** What a corpus never labels it cannot judge: a passport's number found in one without passports is neither right nor wrong. */
function judgedGroups(texts: Parameters<typeof scoreTexts>[0]): ReadonlySet<string> {
  return new Set(texts.flatMap(({ labels }) => labels.map(({ type }) => groupOfLabel(type))));
}

/** Labelled text without a letter or digit (`???`: its encoding was lost before it came here) says nothing to anybody. */
function withoutDamaged({ text, labels, ignored }: LabelledText): LabelledText {
  const damaged = labels.filter(({ start, end }) => !/[\p{L}\p{N}]/u.test(text.slice(start, end)));
  return { text, labels: labels.filter((label) => !damaged.includes(label)), ignored: [...ignored, ...damaged] };
}

/** Addresses that are nobody's are of no account: a program may take them out or not. */
function withoutNobodys({ text, labels, ignored }: LabelledText): LabelledText {
  const nobodys = labels.filter(({ type, start, end }) => groupOfLabel(type) === 'ip' && isNobodysAddress(text.slice(start, end)));
  return { text, labels: labels.filter((label) => !nobodys.includes(label)), ignored: [...ignored, ...nobodys] };
}

/** Maps as objects; what was found in each text stays out. */
function plain(key: string, value: unknown): unknown {
  if (key === 'labelled') return undefined;
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function tryPeer(
  name: string,
  command: string,
  script: string,
  files: DataFiles,
  measured: Map<string, Measured>,
  missing: Map<string, string>,
): void {
  try {
    measured.set(name, measureIn(command, script, name, files));
  } catch (error) {
    missing.set(name, error instanceof Error ? (error.message.split('\n').at(-2) ?? error.message) : String(error));
  }
}

/** Runs a script of eval/ on the files, in a process of its own. */
function measureIn(command: string, script: string, name: string, files: DataFiles): Measured {
  const work = mkdtempSync(join(tmpdir(), 'veiltrail-eval-'));
  try {
    const out = join(work, 'out.json');
    writeFileSync(join(work, 'job.json'), JSON.stringify({ name, peers: values.peers, files, out, seconds: Number(values.seconds) }));
    if (!values.json) console.error(`measuring ${name} …`);
    execFileSync(command, [fileURLToPath(new URL(`./eval/${script}`, import.meta.url)), join(work, 'job.json')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return JSON.parse(readFileSync(out, 'utf8')) as Measured;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
