/**
 * A bucket of an S3 service, as far as write-once storage needs it: put under Object Lock, read by version, list versions. Requests are signed by
 * aws4fetch (Signature Version 4); keys and secrets are in no URL and no error.
 *
 * A lock protects a *version* of an object. A plain DELETE only puts a marker in front of it, and a PUT another version: so whoever verifies asks
 * for versions, and the oldest one is what was written first.
 */
import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { utf8 } from '../core/bytes.ts';
import { failed, refused } from './anchor.ts';

export interface BucketSettings {
  /** For messages: the target's name. */
  name: string;
  /** `https://s3.eu-central-1.amazonaws.com` or another service's. */
  endpoint: string;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  timeoutMs?: number;
}

/** How long an object is locked, and how hard. */
export interface Lock {
  /** GOVERNANCE can be lifted by whoever has a permission for it; COMPLIANCE by nobody, the root user included. */
  mode: 'COMPLIANCE' | 'GOVERNANCE';
  retainUntil: Date;
  /** Without an end, until it is lifted. */
  legalHold: boolean;
}

export interface ObjectVersion {
  key: string;
  versionId: string;
  lastModified: string;
  size: number;
  isDeleteMarker: boolean;
}

export interface StoredObject {
  bytes: Uint8Array;
  versionId: string;
  lock: { mode?: string; retainUntil?: string; legalHold: boolean };
  /** When the service says that it got it; of one that came in parts, when the first of them was announced. */
  lastModified: Date;
  /** It came at once, by its ETag: so it was whole when it came. False where the service does not say. */
  isWhole: boolean;
}

const answerBytesMax = 64 * 1_048_576;
const listPagesMax = 10_000;
/** Slower than this, sending something large is given up. */
const bytesPerMsMin = 128;
const xmlns = 'http://s3.amazonaws.com/doc/2006-03-01/';

export class Bucket {
  readonly #client: AwsClient;
  readonly #base: string;
  readonly #name: string;
  readonly #bucket: string;
  readonly #timeoutMs: number;

  constructor({ name, endpoint, region, bucket, accessKeyId, secretAccessKey, sessionToken, timeoutMs = 60_000 }: BucketSettings) {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw refused(name, 'not the name of a bucket');
    const session = sessionToken === undefined ? {} : { sessionToken };
    this.#client = new AwsClient({ accessKeyId, secretAccessKey, ...session, service: 's3', region, retries: 3, initRetryMs: 200 });
    this.#base = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
    this.#name = name;
    this.#bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Refuses a bucket in which what is written can be overwritten or deleted.
   * @throws VeiltrailError `anchor_refused` with what to switch on, `anchor_failed`
   */
  async checkLocked(): Promise<void> {
    const versioning = await this.#xml('GET', '?versioning');
    if (textIn(versioning, 'VersioningConfiguration', 'Status') !== 'Enabled') {
      throw refused(
        this.#name,
        `bucket ${this.#bucket} keeps no versions: switch on Bucket Versioning and Object Lock (a new bucket: --object-lock-enabled-for-bucket)`,
      );
    }
    const response = await this.#fetch('GET', '?object-lock');
    const lock = response.ok ? this.#parse(await response.text()) : undefined;
    if (textIn(lock, 'ObjectLockConfiguration', 'ObjectLockEnabled') !== 'Enabled')
      throw refused(this.#name, `bucket ${this.#bucket} has no Object Lock: what is written there can be deleted; switch on Object Lock`);
  }

  /**
   * Writes an object under a lock; returns its version.
   * @param content a blob is read as it is sent, twice
   * @throws VeiltrailError `anchor_failed`, `anchor_refused` when the service took the object and not the lock
   */
  async put(key: string, content: Uint8Array | Blob, { mode, retainUntil, legalHold }: Lock): Promise<string> {
    const headers = {
      'content-type': 'application/octet-stream',
      // Object Lock wants it, and it is checked before anything is stored.
      'content-md5': await this.#md5(content),
      'x-amz-object-lock-mode': mode,
      'x-amz-object-lock-retain-until-date': retainUntil.toISOString(),
      ...(legalHold ? { 'x-amz-object-lock-legal-hold': 'ON' } : {}),
    };
    const response = await this.#fetch('PUT', pathOf(key), headers, content);
    await this.#check(response, `put ${key}`);
    const versionId = response.headers.get('x-amz-version-id');
    if (!versionId || versionId === 'null') throw refused(this.#name, `${key} was stored without a version: switch on Bucket Versioning`);
    // Some services take the headers and do nothing.
    const stored = await this.head(key, versionId);
    // It keeps whole seconds.
    const isLocked = stored?.mode === mode && Date.parse(stored.retainUntil ?? '') > retainUntil.getTime() - 2_000;
    if (!isLocked || (legalHold && !stored.legalHold))
      throw refused(this.#name, `${key} was stored without its lock: this service does not do Object Lock`);
    return versionId;
  }

  /** The lock of a version, or undefined when it is not there. @throws VeiltrailError `anchor_failed` */
  async head(key: string, versionId: string): Promise<StoredObject['lock'] | undefined> {
    const response = await this.#fetch('HEAD', `${pathOf(key)}?versionId=${encodeURIComponent(versionId)}`);
    if (response.status === 404) return undefined;
    await this.#check(response, `look at ${key}`);
    return lockOf(response.headers);
  }

  /** A version of an object, or undefined when it is not there. @throws VeiltrailError `anchor_failed` */
  async get(key: string, versionId: string): Promise<StoredObject | undefined> {
    const response = await this.#fetch('GET', `${pathOf(key)}?versionId=${encodeURIComponent(versionId)}`);
    if (response.status === 404) return undefined;
    await this.#check(response, `get ${key}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > answerBytesMax) throw failed(this.#name, `${key} is larger than anything written here`);
    return {
      bytes,
      versionId,
      lock: lockOf(response.headers),
      lastModified: new Date(response.headers.get('last-modified') ?? NaN),
      // Of a multipart upload it ends in the number of parts.
      isWhole: /^"?[^"-]+"?$/.test(response.headers.get('etag') ?? ''),
    };
  }

  /** A part of a version: bytes `from` up to, not including, `to`, or fewer at its end; undefined when it is not there. @throws VeiltrailError `anchor_failed` */
  async read(key: string, versionId: string, from: number, to: number): Promise<Uint8Array | undefined> {
    if (to <= from) return new Uint8Array(0);
    const response = await this.#fetch('GET', `${pathOf(key)}?versionId=${encodeURIComponent(versionId)}`, { range: `bytes=${from}-${to - 1}` });
    if (response.status === 404) return undefined;
    // Behind its end there is nothing.
    if (response.status === 416) return new Uint8Array(0);
    await this.#check(response, `get ${key}`);
    if (response.status !== 206) throw failed(this.#name, `${key} cannot be read in parts`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > to - from) throw failed(this.#name, `more of ${key} came than was asked for`);
    return bytes;
  }

  /** Locks a version until a later time: an earlier one is refused by the service. @throws VeiltrailError `anchor_failed` */
  async extend(key: string, versionId: string, { mode, retainUntil }: Pick<Lock, 'mode' | 'retainUntil'>): Promise<void> {
    const body = `<Retention xmlns="${xmlns}"><Mode>${mode}</Mode><RetainUntilDate>${retainUntil.toISOString()}</RetainUntilDate></Retention>`;
    await this.#subresource('retention', key, versionId, body);
  }

  /** Puts the legal hold of a version on, or lifts it. @throws VeiltrailError `anchor_failed` */
  async hold(key: string, versionId: string, on: boolean): Promise<void> {
    await this.#subresource('legal-hold', key, versionId, `<LegalHold xmlns="${xmlns}"><Status>${on ? 'ON' : 'OFF'}</Status></LegalHold>`);
  }

  /** Every version below a prefix, delete markers too, by key, the newest of each key first. @throws VeiltrailError `anchor_failed` */
  async *versions(prefix: string): AsyncGenerator<ObjectVersion> {
    let marker = '';
    for (let page = 0; page < listPagesMax; page++) {
      const answer = await this.#xml('GET', `?versions&prefix=${encodeURIComponent(prefix)}&max-keys=1000${marker}`);
      const result = (answer as { ListVersionsResult?: Record<string, unknown> }).ListVersionsResult ?? {};
      for (const [tag, isDeleteMarker] of [
        ['Version', false],
        ['DeleteMarker', true],
      ] as const) {
        for (const one of (result[tag] ?? []) as Record<string, string>[]) {
          yield {
            key: String(one['Key']),
            versionId: String(one['VersionId']),
            lastModified: String(one['LastModified']),
            size: Number(one['Size'] ?? 0),
            isDeleteMarker,
          };
        }
      }
      if (result['IsTruncated'] !== 'true') return;
      marker = `&key-marker=${encodeURIComponent(String(result['NextKeyMarker']))}&version-id-marker=${encodeURIComponent(String(result['NextVersionIdMarker']))}`;
    }
    throw failed(this.#name, 'the bucket lists without end');
  }

  async #subresource(name: string, key: string, versionId: string, text: string): Promise<void> {
    const body = utf8(text);
    const headers = { 'content-type': 'application/xml', 'content-md5': await this.#md5(body) };
    const response = await this.#fetch('PUT', `${pathOf(key)}?${name}&versionId=${encodeURIComponent(versionId)}`, headers, body);
    await this.#check(response, `set the ${name} of ${key}`);
  }

  async #md5(content: Uint8Array | Blob): Promise<string> {
    const hash = createHash('md5');
    if (content instanceof Uint8Array) return hash.update(content).digest('base64');
    try {
      for await (const part of content.stream()) hash.update(part);
    } catch (cause) {
      throw failed(this.#name, 'what is to be written cannot be read', cause);
    }
    return hash.digest('base64');
  }

  async #xml(method: string, path: string): Promise<unknown> {
    const response = await this.#fetch(method, path);
    await this.#check(response, `look at bucket ${this.#bucket}`);
    return this.#parse(await response.text());
  }

  #parse(text: string): unknown {
    if (text.length > answerBytesMax || XMLValidator.validate(text) !== true) throw failed(this.#name, 'the bucket does not answer in XML');
    const parser = new XMLParser({
      parseTagValue: false,
      processEntities: true,
      isArray: (tag) => tag === 'Version' || tag === 'DeleteMarker',
    });
    return parser.parse(text);
  }

  async #fetch(method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array | Blob): Promise<Response> {
    try {
      return await this.#client.fetch(`${this.#base}${path.startsWith('?') ? '/' : ''}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs + (body instanceof Blob ? Math.ceil(body.size / bytesPerMsMin) : 0)),
        ...(body === undefined ? {} : { body: body instanceof Blob ? body : Uint8Array.from(body) }),
      });
    } catch (cause) {
      const { name, cause: why } = cause as Error & { cause?: { code?: unknown } };
      throw failed(this.#name, `the bucket is out of reach (${typeof why?.code === 'string' ? why.code : name})`, cause);
    }
  }

  async #check(response: Response, what: string): Promise<void> {
    if (response.ok) return;
    // The service's code says what is wrong; the rest may repeat what was sent.
    const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(await response.text())?.[1] ?? '';
    if (code === 'NoSuchBucket')
      throw refused(this.#name, `there is no bucket ${this.#bucket}: make one with Object Lock (--object-lock-enabled-for-bucket)`);
    throw failed(this.#name, `cannot ${what}: ${response.status} ${code}`.trim());
  }
}

function lockOf(headers: Headers): StoredObject['lock'] {
  const mode = headers.get('x-amz-object-lock-mode');
  const retainUntil = headers.get('x-amz-object-lock-retain-until-date');
  return {
    ...(mode === null ? {} : { mode }),
    ...(retainUntil === null ? {} : { retainUntil }),
    legalHold: headers.get('x-amz-object-lock-legal-hold') === 'ON',
  };
}

/** Keys are of letters, digits and `/-._%`, so they stand in a path as they are. */
function pathOf(key: string): string {
  return `/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function textIn(value: unknown, ...path: readonly string[]): string | undefined {
  let at: unknown = value;
  for (const name of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined;
  return typeof at === 'string' ? at : undefined;
}
