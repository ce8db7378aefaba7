/**
 * Every metric: its name, what it says, and how it is made of the figures. The page docs/reference/metrics.md is written from it.
 *
 * Labels are names of logs, patterns of routes, codes and actions of our own and the policy's label: nothing that a sender could make up.
 */
import { alertSeverities } from '../alerts/rule.ts';
import type { AnchorFigures } from '../anchor/anchoring.ts';
import type { TrailFigures } from '../app/trail.ts';
import type { LaneFigures } from '../forward/lane.ts';
import type { WitnessFigures } from '../witness/log-witnesses.ts';
import type { RequestCounts } from './request-counts.ts';
import type { SelfVerifyFigures } from './self-verify.ts';

/** A label's name, and what it says. */
type Labels = Record<string, string>;
type Sample = [value: number | undefined, labels?: Labels];

/** What metrics are made of. */
export interface Facts {
  figures: TrailFigures;
  requests: RequestCounts;
  heldBytes: number;
  anchors: readonly AnchorFigures[];
  verification: SelfVerifyFigures | undefined;
}

export interface Metric {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  labels?: readonly string[];
  samples: (facts: Facts) => Iterable<Sample>;
}

const classes = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];

export const metrics: readonly Metric[] = [
  {
    name: 'veiltrail_events_accepted_total',
    help: 'Events appended since the start, those that a stub stands for included.',
    type: 'counter',
    samples: ({ figures }) => [[figures.events.accepted]],
  },
  {
    name: 'veiltrail_events_duplicate_total',
    help: 'Events that were there already.',
    type: 'counter',
    samples: ({ figures }) => [[figures.events.duplicates]],
  },
  {
    name: 'veiltrail_events_conflict_total',
    help: 'Events appended although their id was used before with another content.',
    type: 'counter',
    samples: ({ figures }) => [[figures.events.conflicts]],
  },
  {
    name: 'veiltrail_events_stub_total',
    help: 'Events that could not be processed and that a stub stands for, by reason.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ figures }) => Array.from(figures.events.stubs, ([reason, count]): Sample => [count, { reason }]),
  },
  {
    name: 'veiltrail_http_requests_total',
    help: 'Requests by the pattern of their route and the class of their status; none: the client went away before an answer.',
    type: 'counter',
    labels: ['method', 'route', 'status'],
    *samples({ requests }) {
      for (const { method, route, answers } of requests.routes) {
        for (const [i, count] of answers.byClass.entries()) if (count > 0) yield [count, { method, route, status: classes[i] as string }];
      }
    },
  },
  {
    name: 'veiltrail_requests_refused_total',
    help: 'Requests that were refused, by the code their sender was told.',
    type: 'counter',
    labels: ['code'],
    samples: ({ requests }) => Array.from(requests.refused, ([code, count]): Sample => [count, { code }]),
  },
  {
    name: 'veiltrail_system_events_total',
    help: 'Events that the server appended to _system since the start; of auth.fail, the failures they tell of. Severity 4 and 5 is for alerting.',
    type: 'counter',
    labels: ['action', 'outcome', 'severity'],
    samples: ({ figures }) => figures.told.map(({ count, ...labels }): Sample => [count, labels]),
  },
  {
    name: 'veiltrail_access_recorded_total',
    help: 'Reads, refusals and changes that are on record in _system.',
    type: 'counter',
    samples: ({ figures }) => [[figures.access.recorded]],
  },
  {
    name: 'veiltrail_access_waiting',
    help: 'Reads and refusals that wait to be on record: more than a minute of them means that the disk takes nothing.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.access.waiting]],
  },
  {
    name: 'veiltrail_access_unrecorded_total',
    help: 'Requests that were refused because nothing more could wait to be on record.',
    type: 'counter',
    samples: ({ figures }) => [[figures.access.unrecorded]],
  },
  {
    name: 'veiltrail_log_tree_size',
    help: 'Leaves of the published checkpoint.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) => figures.logs.map(({ log, treeSize }): Sample => [treeSize, { log }]),
  },
  {
    name: 'veiltrail_log_checkpoint_timestamp_seconds',
    help: 'When the checkpoint was published, in seconds since 1970: its age is time() less this.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) =>
      figures.logs.map(({ log, checkpointAtMs }): Sample => [checkpointAtMs === undefined ? undefined : checkpointAtMs / 1_000, { log }]),
  },
  {
    name: 'veiltrail_index_behind_leaves',
    help: 'Published leaves that search still reads one by one. Absent while the index is too busy to say.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) =>
      figures.logs.map(({ log, treeSize, indexedTo }): Sample => [indexedTo === undefined ? undefined : Math.max(0, treeSize - indexedTo), { log }]),
  },
  {
    name: 'veiltrail_log_witnessed_size',
    help: 'Leaves under the newest checkpoint that has the quorum of the witness policy.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) => figures.logs.map(({ log, witnesses }): Sample => [witnesses?.witnessedSize, { log }]),
  },
  {
    name: 'veiltrail_log_unwitnessed_since_timestamp_seconds',
    help: 'Since when something is published without a quorum, in seconds since 1970; absent while all of it has one.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) =>
      figures.logs.map(({ log, witnesses }): Sample => [
        witnesses?.behindSinceMs === undefined ? undefined : witnesses.behindSinceMs / 1_000,
        { log },
      ]),
  },
  {
    name: 'veiltrail_log_history_forked',
    help: '1: a witness holds another history, and the log is stopped until an administrator decides. Anything above 0 is an alarm.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) => figures.logs.map(({ log, witnesses }): Sample => [witnesses && Number(witnesses.forked), { log }]),
  },
  {
    name: 'veiltrail_witness_cosignatures_total',
    help: 'Cosignatures by each witness of the policy, since the start.',
    type: 'counter',
    labels: ['log', 'witness'],
    samples: ({ figures }) => ofWitnesses(figures, ({ cosignatures }) => cosignatures),
  },
  {
    name: 'veiltrail_witness_failures_total',
    help: 'Requests to each witness that brought no cosignature, since the start.',
    type: 'counter',
    labels: ['log', 'witness'],
    samples: ({ figures }) => ofWitnesses(figures, ({ failures }) => failures),
  },
  {
    name: 'veiltrail_witness_cosigned_timestamp_seconds',
    help: 'When each witness cosigned last, in seconds since 1970; absent before it did.',
    type: 'gauge',
    labels: ['log', 'witness'],
    samples: ({ figures }) => ofWitnesses(figures, ({ cosignedAtMs }) => (cosignedAtMs === undefined ? undefined : cosignedAtMs / 1_000)),
  },
  {
    name: 'veiltrail_waiting_bytes',
    help: 'Bodies that are being appended.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.waitingBytes]],
  },
  {
    name: 'veiltrail_http_held_bytes',
    help: 'Bodies of all requests under way, as sent and as unpacked.',
    type: 'gauge',
    samples: ({ heldBytes }) => [[heldBytes]],
  },
  {
    name: 'veiltrail_policy_info',
    help: 'Always 1; the label is that of the policy in force, as records show it.',
    type: 'gauge',
    labels: ['policy'],
    samples: ({ figures }) => [[1, { policy: figures.policy }]],
  },
  {
    name: 'veiltrail_canary_runs_total',
    help: 'Runs of canaries since the start.',
    type: 'counter',
    samples: ({ figures }) => [[figures.canary.runs]],
  },
  {
    name: 'veiltrail_canary_leaked',
    help: 'Canaries of the last run that were found where they must not be, and events that could not be looked at: anything above 0 is an alarm.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.canary.leaked]],
  },
  {
    name: 'veiltrail_canary_last_run_timestamp_seconds',
    help: 'When canaries were last run, in seconds since 1970.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.canary.atMs === undefined ? undefined : figures.canary.atMs / 1_000]],
  },
  {
    name: 'veiltrail_log_fields',
    help: 'Fields in the registry.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) => figures.logs.map(({ log, fields }): Sample => [fields, { log }]),
  },
  {
    name: 'veiltrail_log_fields_new_total',
    help: 'Fields that were never seen before, since the start.',
    type: 'counter',
    labels: ['log'],
    samples: ({ figures }) => figures.logs.map(({ log, newFields }): Sample => [newFields, { log }]),
  },
  {
    name: 'veiltrail_withheld_values',
    help: 'Values in quarantine whose field nobody has classified yet.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.withheld]],
  },
  {
    name: 'veiltrail_tokens_revealed_total',
    help: 'Tokens whose values somebody was shown, since the start.',
    type: 'counter',
    samples: ({ figures }) => [[figures.lookUps.reveals]],
  },
  {
    name: 'veiltrail_value_searches_total',
    help: 'Searches by real values.',
    type: 'counter',
    samples: ({ figures }) => [[figures.lookUps.searches]],
  },
  {
    name: 'veiltrail_look_ups_refused_total',
    help: 'Reveals and searches by real values that were refused.',
    type: 'counter',
    labels: ['use'],
    samples: ({ figures: { lookUps } }) => [
      [lookUps.revealsRefused, { use: 'reveal' }],
      [lookUps.searchesRefused, { use: 'search' }],
    ],
  },
  {
    name: 'veiltrail_sweeps_total',
    help: 'Times that somebody looked up more different tokens or values than the policy allows: an alarm each.',
    type: 'counter',
    samples: ({ figures }) => [[figures.lookUps.sweeps]],
  },
  {
    name: 'veiltrail_stopped_principals',
    help: 'Principals that are stopped for a sweep.',
    type: 'gauge',
    samples: ({ figures }) => [[figures.lookUps.stopped]],
  },
  {
    name: 'veiltrail_alerts_open',
    help: 'Alerts that nobody has dealt with yet.',
    type: 'gauge',
    labels: ['severity'],
    samples: ({ figures }) => alertSeverities.map((severity): Sample => [figures.alerts.open.get(severity) ?? 0, { severity }]),
  },
  {
    name: 'veiltrail_alerts_raised_total',
    help: 'Alerts that were raised and told in _system since the start.',
    type: 'counter',
    labels: ['severity'],
    samples: ({ figures }) => alertSeverities.map((severity): Sample => [figures.alerts.raised.get(severity) ?? 0, { severity }]),
  },
  {
    name: 'veiltrail_alerts_behind_leaves',
    help: 'Published leaves that the rules for alerts have not looked at yet, of logs that rules look at.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ figures }) => figures.alerts.behind.map(({ log, leaves }): Sample => [leaves, { log }]),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of all threads, user and system.',
    type: 'counter',
    samples: () => [[microsecondsOfCpu() / 1e6]],
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    type: 'gauge',
    samples: () => [[process.memoryUsage.rss()]],
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    type: 'gauge',
    samples: () => [[Math.round(performance.timeOrigin) / 1_000]],
  },
  {
    name: 'veiltrail_anchor_tree_size',
    help: 'Leaves in the newest checkpoint that a target keeps.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) => anchors.map((one) => [one.treeSize, ofAnchor(one)]),
  },
  {
    name: 'veiltrail_anchor_behind_leaves',
    help: 'Published leaves that are in no checkpoint of a target.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) => anchors.map((one) => [one.behind, ofAnchor(one)]),
  },
  {
    name: 'veiltrail_anchor_timestamp_seconds',
    help: 'When the newest anchor was made.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) => anchors.map((one) => [one.madeAtMs === undefined ? undefined : one.madeAtMs / 1_000, ofAnchor(one)]),
  },
  {
    name: 'veiltrail_anchor_segments',
    help: 'Sealed segments that a bucket was last seen to keep.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) => anchors.filter(({ segments }) => segments !== undefined).map((one) => [one.segments, ofAnchor(one)]),
  },
  {
    name: 'veiltrail_anchor_locked_until_seconds',
    help: 'When the first lock ends of what a bucket keeps of a log.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) =>
      anchors.flatMap((one): Sample[] => (one.lockedUntilMs === undefined ? [] : [[one.lockedUntilMs / 1_000, ofAnchor(one)]])),
  },
  {
    name: 'veiltrail_anchor_failures',
    help: 'Tries in a row that failed.',
    type: 'gauge',
    labels: ['log', 'target'],
    samples: ({ anchors }) => anchors.map((one) => [one.failures, ofAnchor(one)]),
  },
  {
    name: 'veiltrail_verified_leaves',
    help: 'Leaves that the server read and found in order: their entries, tiles, records and tokens.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ verification }) => (verification?.logs ?? []).map(({ log, verifiedTo }): Sample => [verifiedTo, { log }]),
  },
  {
    name: 'veiltrail_verified_timestamp_seconds',
    help: 'When the oldest of those checks was made: each of these leaves was read then or later, in seconds since 1970.',
    type: 'gauge',
    labels: ['log'],
    samples: ({ verification }) => (verification?.logs ?? []).map(({ log, sinceMs }): Sample => [sinceMs / 1_000, { log }]),
  },
  {
    name: 'veiltrail_verified_files_timestamp_seconds',
    help: 'When databases, vault and requests were last found in order, in seconds since 1970; absent before that.',
    type: 'gauge',
    samples: ({ verification }) => [[verification?.filesMs === undefined ? undefined : verification.filesMs / 1_000]],
  },
  {
    name: 'veiltrail_verification_problems',
    help: 'What the last verification found wrong: anything above 0 is an alarm. Absent before the first.',
    type: 'gauge',
    samples: ({ verification }) => [[verification?.problems]],
  },
  {
    name: 'veiltrail_verification_failures_total',
    help: 'Verifications that found something wrong, since the start.',
    type: 'counter',
    samples: ({ verification }) => [[verification?.failures]],
  },
  {
    name: 'veiltrail_forwarder_stopped',
    help: 'Whether a forwarder has stopped, because its receiver refuses for good: anything above 0 is an alarm.',
    type: 'gauge',
    labels: ['forwarder'],
    samples: ({ figures }) => figures.forwarders.map(({ setting, state }): Sample => [state === 'stopped' ? 1 : 0, { forwarder: setting.name }]),
  },
  {
    name: 'veiltrail_forwarder_behind_leaves',
    help: 'Published leaves that a forwarder has not looked at or not delivered yet.',
    type: 'gauge',
    labels: ['forwarder', 'log'],
    samples: ({ figures }) => ofForwarders(figures, ({ behind }) => behind),
  },
  {
    name: 'veiltrail_forwarder_lag_seconds',
    help: 'Time since the oldest record that waits for a forwarder was received; 0 where none waits.',
    type: 'gauge',
    labels: ['forwarder', 'log'],
    samples: ({ figures }) => ofForwarders(figures, ({ lagSeconds }) => lagSeconds),
  },
  {
    name: 'veiltrail_forwarder_sent_total',
    help: 'Records that a forwarder has delivered since it started.',
    type: 'counter',
    labels: ['forwarder', 'log'],
    samples: ({ figures }) => ofForwarders(figures, ({ sent }) => sent),
  },
  {
    name: 'veiltrail_forwarder_failures_total',
    help: 'Tries of a forwarder that failed since it started, and were or will be made again.',
    type: 'counter',
    labels: ['forwarder', 'log'],
    samples: ({ figures }) => ofForwarders(figures, ({ failures }) => failures),
  },
  {
    name: 'veiltrail_forwarder_unreadable_total',
    help: 'Leaves that a forwarder passed over since it started, because their records are damaged.',
    type: 'counter',
    labels: ['forwarder', 'log'],
    samples: ({ figures }) => ofForwarders(figures, ({ unreadable }) => unreadable),
  },
];

function ofForwarders({ forwarders }: TrailFigures, value: (lane: LaneFigures) => number): Sample[] {
  return forwarders.flatMap(({ setting, progress = [] }) =>
    progress.map((lane): Sample => [value(lane), { forwarder: setting.name, log: lane.log }]),
  );
}

function ofAnchor({ log, target }: AnchorFigures): Labels {
  return { log, target };
}

function ofWitnesses({ logs }: TrailFigures, value: (witness: WitnessFigures) => number | undefined): Sample[] {
  return logs.flatMap(({ log, witnesses }) => (witnesses?.witnesses ?? []).map((one): Sample => [value(one), { log, witness: one.name }]));
}

function microsecondsOfCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
