/** `forwarder list | set | remove | resume`: what leaves for other systems. */
import type { Command } from 'commander';
import type { ForwarderInfo } from '../../app/forwarders.ts';
import { VeiltrailError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { type DestinationSetting, type ForwarderSetting, forwardFormats, parseForwarderSetting } from '../../forward/setting.ts';
import { colors, errorColors } from '../colors.ts';
import { connectReader } from '../connection.ts';
import { withForwarders } from '../forwarders.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, counted, type ProtectionOptions, type WhyOptions } from '../protection.ts';
import { readText } from '../vkey-option.ts';

interface SetOptions extends ProtectionOptions, WhyOptions {
  log?: string[];
  query?: string;
  format?: string;
  from?: string;
  http?: string;
  secret?: string;
  header?: string;
  signingSecret?: string;
  gzip?: boolean;
  batchRecords?: string;
  batchBytes?: string;
  syslog?: string;
  tls: boolean;
  facility?: string;
  file?: string;
  ca?: string;
  private?: boolean;
  wait?: string;
  timeout?: string;
  dryRun?: boolean;
  limit: string;
}

export function addForwarder(program: Command): void {
  const forwarder = program
    .command('forwarder')
    .description('What leaves for other systems: records of logs that a search finds, as they come, to HTTP, syslog or a file.');
  addProtectionOptions(forwarder.command('list').description('Forwarders, and how far they are.'), 'admin, auditor or operator').action(
    listForwarders,
  );
  addWhyOptions(
    addProtectionOptions(
      forwarder
        .command('set')
        .description('Set a forwarder, in the place of the one of that name. Takes a second person, where there is one.')
        .argument('<name>', 'lower-case letters, digits and -'),
      'admin',
    ),
  )
    .option('--log <name...>', 'the logs [default]')
    .option('--query <query>', 'only records that this finds [all]')
    .option('--format <format>', `${forwardFormats.join(' or ')} [ndjson]`)
    .option('--from <where>', 'start: at the first leaf; now: what comes [where the one of that name was, else now]')
    .option('--http <url>', 'to an HTTP(S) endpoint, which is sent a POST for each batch')
    .option('--secret <name>', 'with --http: a secret of the configuration, sent as bearer')
    .option('--header <name>', 'with --secret: in this header instead')
    .option('--signing-secret <name>', 'with --http: a secret of the configuration; each request bears an HMAC-SHA-256 under it')
    .option('--gzip', 'with --http: pack bodies')
    .option('--batch-records <n>', 'with --http: records in a batch, 1 to 1000 [500]')
    .option('--batch-bytes <n>', 'with --http: bytes of records after which a batch goes out [524288]')
    .option('--syslog <host:port>', 'to syslog, RFC 5424 over TLS')
    .option('--no-tls', 'with --syslog: over TCP; only with --private')
    .option('--facility <n>', 'with --syslog: 0 to 23 [13]')
    .option('--file <name>', 'to a file in the directory that the configuration names')
    .option('--ca <file>', 'certificates (PEM) that vouch for the receiver [whom Node.js trusts]')
    .option('--private', 'addresses of this machine and of private networks are meant')
    .option('--wait <ms>', 'how long records gather before a batch that is not full goes out [200]')
    .option('--timeout <ms>', 'of one try [30000]')
    .option('--dry-run', 'set nothing: print the newest records that it would have sent, as it would send them (with a key that may read them)')
    .option('--limit <n>', 'with --dry-run: how many of each log', '10')
    .addHelpText(
      'after',
      '\n  veiltrail forwarder set siem --log _system --query action:alert.raise --http https://siem.example.com/in --secret siem-token --purpose "alerts to the SIEM"\n  veiltrail forwarder set syslog --log default _system --syslog logs.example.com:6514 --purpose "the central log"',
    )
    .action(setForwarder);
  addProtectionOptions(
    forwarder.command('remove').description('Remove a forwarder. Takes nobody else: less leaves then.').argument('<name>'),
    'admin',
  ).action(removeForwarder);
  addProtectionOptions(
    forwarder.command('resume').description('Start a forwarder again that stopped because its receiver refused.').argument('<name>'),
    'admin',
  ).action(resumeForwarder);
}

async function listForwarders(options: ProtectionOptions): Promise<void> {
  const forwarders = await withForwarders(options, (here) => here.list());
  for (const info of forwarders) {
    if (options.json) printJson(info);
    else printForwarder(info);
  }
  if (!options.json) say(errorColors.dim(counted(forwarders.length, 'forwarder')));
}

function printForwarder({ setting, state, reason, setBy, setAt, progress = [] }: ForwarderInfo): void {
  const { name, logs, query, format, destination } = setting;
  const how = state === 'running' ? colors.green(state) : colors.red(`${state} (${reason ?? ''})`);
  print(
    [colors.bold(name), how, logs.join(','), query === '' ? 'everything' : query, format, whereTo(destination), setAt.slice(0, 10), setBy].join('  '),
  );
  for (const { log, next, behind, lagSeconds, sent, failing, unreadable } of progress) {
    const trouble = [
      ...(failing === undefined ? [] : [`failing: ${failing}`]),
      ...(unreadable === 0 ? [] : [`${unreadable} leaves could not be read`]),
    ];
    print([`  ${log}`, `at leaf ${next}`, `${behind} behind`, `${lagSeconds.toFixed(1)} s`, `${sent} sent`, ...trouble].join('  '));
  }
}

function whereTo(destination: DestinationSetting): string {
  if (destination.kind === 'http') return destination.url;
  return destination.kind === 'file' ? `file ${destination.file}` : `syslog ${destination.host}:${destination.port}`;
}

async function setForwarder(name: string, options: SetOptions): Promise<void> {
  const setting = settingOf(name, options);
  if (options.dryRun) return tryForwarder(setting, options);
  const { purpose } = options;
  if (purpose === undefined) throw new VeiltrailError('purpose_needed', 'say why records shall leave: --purpose');
  const info = await withForwarders(options, (here) => here.set(setting, { ...options, purpose }));
  if (options.json) printJson(info);
  else say(`the forwarder ${name} is set: ${setting.logs.join(', ')} to ${whereTo(info.setting.destination)}`);
}

function settingOf(name: string, options: SetOptions): ForwarderSetting {
  const { log, query, format, from } = options;
  return parseForwarderSetting({
    name,
    ...(log === undefined ? {} : { logs: log }),
    ...(query === undefined ? {} : { query }),
    ...(format === undefined ? {} : { format }),
    ...(from === undefined ? {} : { from }),
    destination: destinationOf(options),
  });
}

function destinationOf(options: SetOptions): JsonObject {
  const { http, syslog, file, secret, header, signingSecret, gzip, batchRecords, batchBytes, tls, facility, ca, wait, timeout } = options;
  if ([http, syslog, file].filter((one) => one !== undefined).length !== 1)
    throw new VeiltrailError('forwarder_invalid', 'say where to, in one way: --http, --syslog or --file');
  const common: JsonObject = {
    ...(ca === undefined ? {} : { ca: readText(ca) }),
    ...(options.private ? { private: true } : {}),
    ...(wait === undefined ? {} : { waitMs: numberOf(wait) }),
    ...(timeout === undefined ? {} : { timeoutMs: numberOf(timeout) }),
  };
  const ofHttp: JsonObject = {
    ...(secret === undefined ? {} : { secret }),
    ...(header === undefined ? {} : { header }),
    ...(signingSecret === undefined ? {} : { signingSecret }),
    ...(gzip ? { gzip } : {}),
    ...(batchRecords === undefined ? {} : { batchRecords: numberOf(batchRecords) }),
    ...(batchBytes === undefined ? {} : { batchBytes: numberOf(batchBytes) }),
  };
  const ofSyslog: JsonObject = { ...(tls ? {} : { tls }), ...(facility === undefined ? {} : { facility: numberOf(facility) }) };
  // What is not of this kind is refused, by name, where the setting is read.
  if (http !== undefined) return { kind: 'http', url: http, ...ofHttp, ...ofSyslog, ...common };
  if (file !== undefined) return { kind: 'file', file, ...ofHttp, ...ofSyslog, ...common };
  const [, host, bare, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(syslog ?? '') ?? [];
  return { kind: 'syslog', host: host ?? bare ?? '', ...(port === undefined ? {} : { port: Number(port) }), ...ofHttp, ...ofSyslog, ...common };
}

/** What is no number is refused where the setting is read. */
function numberOf(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** The newest records that match, as they would leave, the oldest of them first. Whoever tries it must be allowed to read them. */
async function tryForwarder(setting: ForwarderSetting, options: SetOptions): Promise<void> {
  const limit = /^[1-9]\d{0,2}$/.test(options.limit) ? Number(options.limit) : Number.NaN;
  if (Number.isNaN(limit)) throw new VeiltrailError('limit_invalid', 'a limit is a number from 1 to 999');
  const { formatItem } = await import('../../forward/envelope.ts');
  const connection = await connectReader({ ...options, log: 'default' });
  try {
    for (const log of setting.logs) {
      const checkpoint = await connection.checkpoint(log);
      const origin = checkpoint?.slice(0, checkpoint.indexOf('\n')) ?? '';
      const found = [];
      let cursor: string | undefined;
      do {
        const page = await connection.search(log, { q: setting.query, limit: limit + 1 - found.length, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.events);
        cursor = page.nextCursor;
      } while (cursor !== undefined && found.length <= limit);
      for (const { leafIndex, record, redacted } of found.slice(0, limit).toReversed())
        print(formatItem({ origin, log, leafIndex, record, ...(redacted ? { redacted } : {}) }, setting.format));
      say(errorColors.dim(found.length > limit ? `${log}: the newest ${limit} of those that match` : `${log}: all that match, ${found.length}`));
    }
  } finally {
    await connection.close();
  }
}

async function removeForwarder(name: string, options: ProtectionOptions): Promise<void> {
  await withForwarders(options, (here) => here.remove(name));
  if (options.json) printJson({ removed: name });
  else say(`the forwarder ${name} is removed; nothing more leaves by it`);
}

async function resumeForwarder(name: string, options: ProtectionOptions): Promise<void> {
  const info = await withForwarders(options, (here) => here.resume(name));
  if (options.json) printJson(info);
  else say(`the forwarder ${name} goes on where it was`);
}
