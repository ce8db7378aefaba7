/** What has to be reached, by data set. A data set that is not there has bars that are not measured. */
import type { EventFigures, LogFigures } from './measure.ts';
import type { DataScore, Score } from './score.ts';

export interface Scores {
  /** All labels but the neutral ones. */
  readonly all: DataScore;
  /** Only what has a form of its own. */
  readonly pattern: DataScore;
  /** All but addresses that are nobody's (loopback, private, documentation), which stay. */
  readonly public: DataScore;
  /** The same, and without labels whose text was lost, and kinds that the data set never labels. */
  readonly judged: DataScore;
  /** All but places, ages, nationalities and domains, which a policy may well keep. */
  readonly core: DataScore;
}

export interface Figures {
  readonly scores: ReadonlyMap<string, Scores>;
  readonly logs: readonly LogFigures[];
  readonly events: readonly EventFigures[];
  /** redact-pii's figures on the same logs. */
  readonly peerLogs: readonly LogFigures[];
}

export interface Bar {
  readonly what: string;
  readonly wanted: string;
  readonly measured: number | undefined;
  readonly reached: boolean | undefined;
}

const noScore: Score = { labels: 0, leak: 0, precision: 0, recall: 0, f1: 0, f2: 0, exact: { precision: 0, recall: 0, f2: 0 } };

export function judgeBars({ scores, logs, events, peerLogs }: Figures): Bar[] {
  const set = (part: string): Scores | undefined => [...scores].find(([name]) => name.includes(part))?.[1];
  const audit = set('audit-log')?.all;
  const synth = set('presidio-synth');
  const other = set('pii-anon-other')?.all;
  const datafog = set('datafog')?.all;
  const apache = logs.find(({ path }) => path.includes('apache'));
  const peer = peerLogs.find(({ path }) => path === apache?.path);
  const trail = events.find(({ path }) => path.includes('cloudtrail'));
  const group = (score: DataScore | undefined, name: string): Score | undefined => (score ? (score.byGroup.get(name) ?? noScore) : undefined);
  return [
    ...['name', 'email', 'ip'].map((name) => atMost(`audit-log texts: leaked characters of ${name}`, 0.01, group(audit, name)?.leak)),
    atLeast('presidio-synth: binary F2, all labels but title, organisation, time', 0.85, synth?.all.binary.f2),
    atLeast('presidio-synth: binary F2, without place, age, nationality, domain', 0.85, synth?.core.binary.f2),
    atLeast('presidio-synth: binary F2, pattern kinds alone', 0.97, synth?.pattern.binary.f2),
    atLeast('presidio-synth: recall of names', 0.8, group(synth?.all, 'name')?.recall),
    atLeast('presidio-synth: precision of names', 0.8, group(synth?.all, 'name')?.precision),
    atMost('pii-anon other: leaked characters', 0.05, other?.binary.leak),
    atLeast('datafog: F1, every IP address', 0.97, datafog?.binary.f1),
    atLeast('datafog: F1, loopback, private and documentation addresses aside', 0.97, set('datafog')?.public.binary.f1),
    atLeast('datafog: F1, the same, labels without a letter and kinds it never labels aside', 0.97, set('datafog')?.judged.binary.f1),
    atLeast('datafog: texts without anything, in which nothing is found', 1, datafog && datafog.emptyClean / datafog.empty),
    atMost('Apache log: lines changed per 1,000, IP addresses and queries aside', 1, apache && (apache.changedOtherwise / apache.lines) * 1000),
    atLeast('CloudTrail: resource names, request ids, versions intact', 1, trail && 1 - trail.broken / trail.keepers),
    atLeast('throughput on real logs, MB/s', 50, apache?.megabytesPerSecond),
    atLeast('throughput, times that of redact-pii', 10, apache && peer && apache.megabytesPerSecond / peer.megabytesPerSecond),
  ];
}

function atLeast(what: string, bar: number, measured: number | undefined): Bar {
  return { what, wanted: `≥ ${bar}`, measured, reached: measured === undefined ? undefined : measured >= bar };
}

function atMost(what: string, bar: number, measured: number | undefined): Bar {
  return { what, wanted: `≤ ${bar}`, measured, reached: measured === undefined ? undefined : measured <= bar };
}
