/**
 * What a forwarder is set to: which records of which logs go where, and how. It is what a second person approves, so it holds everything that decides
 * where records go, and no secret: those are named, and stand in files or variables that the server's configuration names (secrets.ts).
 *
 * ```json
 * {"name": "siem", "logs": ["default", "_system"], "query": "action:alert.raise", "format": "cloudevents",
 *  "destination": {"kind": "http", "url": "https://siem.example.com/in", "secret": "siem-token", "gzip": true}}
 * ```
 */
import { logNamePattern } from '../access/access-file.ts';
import { parseAddress } from '../access/networks.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { parseQuery } from '../search/query.ts';
import { isPrivateAddress, isPublicAddress } from './guarded-lookup.ts';

export const forwardFormats = ['ndjson', 'cloudevents'] as const;
export type ForwardFormat = (typeof forwardFormats)[number];

/** An HTTP(S) endpoint: each batch is one POST. */
export type HttpSetting = {
  kind: 'http';
  url: string;
  /** Names a secret: sent as `Authorization: Bearer …`, or as it is in `header`. */
  secret?: string;
  header?: string;
  /** Names a secret: each request bears an HMAC-SHA-256 of its body under it. */
  signingSecret?: string;
  gzip: boolean;
  batchRecords: number;
  batchBytes: number;
  /** Milliseconds in which records gather before a batch that is not full goes out. */
  waitMs: number;
  timeoutMs: number;
  /** PEM: who vouches for the receiver [whom Node.js trusts]. */
  ca?: string;
  /** Addresses of this machine and of private networks are meant; the only ones that may be reached without TLS. */
  private: boolean;
};

/** RFC 5424 over TLS (RFC 5425) or TCP (RFC 6587, octet counting). */
export type SyslogSetting = {
  kind: 'syslog';
  host: string;
  port: number;
  tls: boolean;
  /** RFC 5424, table 1 [13, log audit]. */
  facility: number;
  waitMs: number;
  timeoutMs: number;
  ca?: string;
  private: boolean;
};

/** A file of that name, in the directory that the server's configuration names: lines are added to it. */
export type FileSetting = { kind: 'file'; file: string };

export type DestinationSetting = HttpSetting | SyslogSetting | FileSetting;

/** As it is approved: defaults are filled in. (A type, because it is JSON.) */
export type ForwarderSetting = {
  name: string;
  logs: string[];
  /** Which records: see search/query.ts; empty: all. */
  query: string;
  format: ForwardFormat;
  /** Where it begins: at the first leaf, or with what comes [where the forwarder of that name was; `now` where there was none]. */
  from?: 'start' | 'now';
  destination: DestinationSetting;
};

export const forwarderNamePattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
const secretNamePattern = /^[a-z0-9][a-z0-9-]{0,63}$/;
const filePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const headerPattern = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
const logsMax = 32;
const caMax = 65_536;
/** Headers that say what the request is, or are ours. */
const ownHeaders =
  /^(?:host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|cookie|date|user-agent|idempotency-key|veiltrail-.*|content-.*)$/i;

/**
 * Reads a setting and fills in its defaults.
 * @throws VeiltrailError `forwarder_invalid`, which names the member and what would be right; `query_syntax`, `query_too_complex`
 */
export function parseForwarderSetting(value: JsonValue | undefined): ForwarderSetting {
  const from = new Members(value, 'a forwarder', ['name', 'logs', 'query', 'format', 'from', 'destination']);
  const name = from.text('name', forwarderNamePattern, '1 to 32 lower-case letters, digits and -');
  const logs = from.value('logs') ?? ['default'];
  if (!Array.isArray(logs) || logs.length === 0 || logs.length > logsMax || !logs.every((log) => typeof log === 'string' && logNamePattern.test(log)))
    throw wrong(`logs must be 1 to ${logsMax} names of logs`);
  if (new Set(logs).size < logs.length) throw wrong('logs names one twice');
  const query = from.value('query') ?? '';
  if (typeof query !== 'string') throw wrong('query must be a text');
  parseQuery(query);
  const format = forwardFormats.find((one) => one === (from.value('format') ?? 'ndjson'));
  if (!format) throw wrong(`format is one of ${forwardFormats.join(', ')}`);
  const begins = from.value('from');
  if (begins !== undefined && begins !== 'start' && begins !== 'now') throw wrong('from is start or now');
  const destination = parseDestination(from.value('destination'));
  return { name, logs: (logs as string[]).toSorted(), query, format, ...(begins === undefined ? {} : { from: begins }), destination };
}

function parseDestination(value: JsonValue | undefined): DestinationSetting {
  const kind = isJsonObject(value) ? value['kind'] : undefined;
  switch (kind) {
    case 'http':
      return parseHttp(value);
    case 'syslog':
      return parseSyslog(value);
    case 'file': {
      const from = new Members(value, 'destination', ['kind', 'file']);
      return { kind, file: from.text('file', filePattern, 'a name of letters, digits, dots, _ and -, without a directory') };
    }
    default:
      throw wrong('destination.kind is one of http, syslog, file');
  }
}

function parseHttp(value: JsonValue | undefined): HttpSetting {
  const allowed = ['url', 'secret', 'header', 'signingSecret', 'gzip', 'batchRecords', 'batchBytes', 'waitMs', 'timeoutMs', 'ca', 'private'];
  const from = new Members(value, 'destination', ['kind', ...allowed]);
  const isPrivate = from.flag('private', false);
  const text = from.value('url');
  const url = typeof text === 'string' ? URL.parse(text) : null;
  // What stands in a URL is shown to whoever sees the setting, and kept by whatever is on the way.
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrong('destination.url must be a URL of https or http, without user, query and fragment: secrets are named by secret');
  if (url.protocol === 'http:' && !isPrivate)
    throw wrong('destination.url must be https; http only where private says that it does not leave your network');
  refuseUnlessMeant(url.hostname, isPrivate, url.protocol === 'https:');
  const secret = from.optional('secret', secretNamePattern, 'the name of a secret');
  const header = from.optional('header', headerPattern, 'the name of a header');
  const signingSecret = from.optional('signingSecret', secretNamePattern, 'the name of a secret');
  if (header !== undefined && (secret === undefined || ownHeaders.test(header)))
    throw wrong('destination.header names the header for secret, none that HTTP needs');
  const ca = parseCa(from);
  return {
    kind: 'http',
    url: url.href,
    ...(secret === undefined ? {} : { secret }),
    ...(header === undefined ? {} : { header }),
    ...(signingSecret === undefined ? {} : { signingSecret }),
    gzip: from.flag('gzip', false),
    batchRecords: from.number('batchRecords', 1, 1_000, 500),
    batchBytes: from.number('batchBytes', 1_024, 4_194_304, 524_288),
    waitMs: from.number('waitMs', 0, 60_000, 200),
    timeoutMs: from.number('timeoutMs', 100, 120_000, 30_000),
    ...(ca === undefined ? {} : { ca }),
    private: isPrivate,
  };
}

function parseSyslog(value: JsonValue | undefined): SyslogSetting {
  const from = new Members(value, 'destination', ['kind', 'host', 'port', 'tls', 'facility', 'waitMs', 'timeoutMs', 'ca', 'private']);
  const isPrivate = from.flag('private', false);
  const tls = from.flag('tls', true);
  const host = from.text('host', /^[A-Za-z0-9.:-]{1,253}$/, 'a name or an address');
  if (!tls && !isPrivate) throw wrong('destination.tls must be true; false only where private says that it does not leave your network');
  refuseUnlessMeant(host, isPrivate, tls);
  const ca = parseCa(from);
  return {
    kind: 'syslog',
    host,
    port: from.number('port', 1, 65_535, tls ? 6_514 : 601),
    tls,
    facility: from.number('facility', 0, 23, 13),
    waitMs: from.number('waitMs', 0, 60_000, 200),
    timeoutMs: from.number('timeoutMs', 100, 120_000, 30_000),
    ...(ca === undefined ? {} : { ca }),
    private: isPrivate,
  };
}

function parseCa(from: Members): string | undefined {
  const ca = from.value('ca');
  if (ca === undefined) return undefined;
  if (typeof ca !== 'string' || ca.length > caMax || !ca.includes('-----BEGIN CERTIFICATE-----') || ca.includes('PRIVATE KEY'))
    throw wrong('destination.ca must be certificates as PEM');
  return ca;
}

/** An address that is written out is refused at once; what a name stands for, when it is connected to. */
function refuseUnlessMeant(host: string, isPrivateMeant: boolean, isSecure: boolean): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (!parseAddress(address)) return;
  if (!isPrivateMeant && !isPublicAddress(address))
    throw wrong('destination is an address of this machine or of a private network: say so with private');
  if (!isSecure && !isPrivateAddress(address)) throw wrong('destination is an address outside your network: it is reached by TLS only');
}

/** The members of an object, one by one; others than those are refused. */
class Members {
  readonly #object: JsonObject;
  readonly #at: string;

  constructor(value: JsonValue | undefined, what: string, allowed: readonly string[]) {
    if (!isJsonObject(value)) throw wrong(`${what} must be a JSON object`);
    this.#at = what === 'destination' ? 'destination.' : '';
    const unknown = Object.keys(value).find((name) => !allowed.includes(name));
    if (unknown !== undefined) throw wrong(`${what} has an unknown member; there are ${allowed.join(', ')}`);
    this.#object = value;
  }

  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  text(name: string, pattern: RegExp, right: string): string {
    const value = this.value(name);
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(`${this.#at}${name} must be ${right}`);
    return value;
  }

  optional(name: string, pattern: RegExp, right: string): string | undefined {
    return this.value(name) === undefined ? undefined : this.text(name, pattern, right);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.value(name) ?? otherwise;
    if (typeof value !== 'boolean') throw wrong(`${this.#at}${name} must be true or false`);
    return value;
  }

  number(name: string, least: number, most: number, otherwise: number): number {
    const value = this.value(name) ?? otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw wrong(`${this.#at}${name} must be a whole number, ${least} to ${most}`);
    return value;
  }
}

function wrong(message: string): VeiltrailError {
  return new VeiltrailError('forwarder_invalid', message);
}
