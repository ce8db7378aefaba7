/** A real server whose system calls have faults, and somebody who sends to it and keeps what was acknowledged. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, type ServerProcess, spawnServer, type StartServer } from './server-process.ts';

/** Nothing may take longer: a server that neither answers nor ends hangs. */
const hangsMs = 60_000;

export interface AcknowledgedLists {
  erasing: string[];
  erased: string[];
  redacting: string[];
  facts: string[];
  leaves: [string, number][];
  checkpoints: [number, string][];
  sent: [string, { id: string }][];
}

/** What was promised to the sender, whichever server promised it. */
export class Acknowledged {
  /** Ids of events whose erasure was asked for, and of those whose erasure was acknowledged. */
  readonly erasing = new Set<string>();
  readonly erased = new Set<string>();
  /** Ids of events of which something was asked to be removed. */
  readonly redacting = new Set<string>();
  /** What else was said to be done (scenarios.ts). */
  readonly facts = new Set<string>();
  /** Leaf by id. */
  readonly leaves = new Map<string, number>();
  /** Checkpoints that came with answers, by tree size. */
  readonly checkpoints = new Map<number, string>();
  /** Everything that was ever sent, by id. */
  readonly sent = new Map<string, { id: string }>();
  /** As it was when each request went out. */
  readonly moments: Acknowledged[] = [];

  /** A request goes out now. */
  begin(): void {
    this.moments.push(this.copy());
  }

  copy(): Acknowledged {
    return Acknowledged.from(this.toJSON());
  }

  toJSON(): AcknowledgedLists {
    return {
      erasing: [...this.erasing],
      erased: [...this.erased],
      redacting: [...this.redacting],
      facts: [...this.facts],
      leaves: [...this.leaves],
      checkpoints: [...this.checkpoints],
      sent: [...this.sent],
    };
  }

  static from({ erasing, erased, redacting, facts, leaves, checkpoints, sent }: AcknowledgedLists): Acknowledged {
    const made = new Acknowledged();
    for (const id of erasing) made.erasing.add(id);
    for (const id of erased) made.erased.add(id);
    for (const id of redacting) made.redacting.add(id);
    for (const fact of facts) made.facts.add(fact);
    for (const [id, leafIndex] of leaves) made.leaves.set(id, leafIndex);
    for (const [treeSize, text] of checkpoints) made.checkpoints.set(treeSize, text);
    for (const [id, event] of sent) made.sent.set(id, event);
    return made;
  }

  /** All but what something was to be removed of: those ids are forgotten. */
  toSendAgain(): { id: string }[] {
    return [...this.sent.values()].filter(({ id }) => !this.erasing.has(id) && !this.redacting.has(id));
  }

  take({ receipts, treeSize, checkpoint }: Answer): void {
    for (const { id, leafIndex, stub } of receipts) {
      if (stub !== undefined) throw new Error(`${id} became a stub: ${stub}`);
      const known = this.leaves.get(id);
      if (known !== undefined && known !== leafIndex) throw new Error(`${id} has leaf ${known} and was given ${leafIndex}`);
      if (leafIndex >= treeSize) throw new Error(`leaf ${leafIndex} is beyond the tree of ${treeSize} that it was answered with`);
      this.leaves.set(id, leafIndex);
    }
    const text = this.checkpoints.get(treeSize);
    if (text !== undefined && text !== checkpoint) throw new Error(`two checkpoints of ${treeSize} leaves were answered`);
    this.checkpoints.set(treeSize, checkpoint);
  }
}

interface Answer {
  receipts: { id: string; leafIndex: number; stub?: string }[];
  treeSize: number;
  checkpoint: string;
}

/** `gone`: the connection broke, because the process ended. */
export type Answered = { status: number; code?: string; body?: unknown } | 'gone';

export class FaultedServer {
  readonly #process: ServerProcess;
  readonly dataDir: string;
  readonly #acknowledged: Acknowledged;
  readonly ended: Promise<Ended>;
  hasEnded = false;
  said = '';
  url = '';

  /** @param more arguments of the command */
  constructor(dataDir: string, acknowledged: Acknowledged, more: readonly string[] = [], start: StartServer = spawnServer()) {
    this.dataDir = dataDir;
    this.#acknowledged = acknowledged;
    this.#process = start(['--data', dataDir, '--listen', '127.0.0.1:0', ...more]);
    this.ended = this.#process.ended.finally(() => (this.hasEnded = true));
    this.#process.hear((text) => (this.said += text));
  }

  /** Whether it serves now; false when it has ended instead. */
  async answers(): Promise<boolean> {
    for (const untilMs = performance.now() + hangsMs; performance.now() < untilMs;) {
      this.url = /http:\/\/127\.0\.0\.1:\d+/.exec(this.said)?.[0] ?? '';
      if (this.url !== '') return true;
      if (this.hasEnded) return false;
      await sleep(5);
    }
    throw new Error('the server hangs in its start');
  }

  async append(events: readonly { id: string }[]): Promise<Answered> {
    for (const event of events) this.#acknowledged.sent.set(event.id, event);
    const sent = await this.ask('POST', '/api/v1/logs/default/events', events, 'writer');
    if (sent === 'gone') return 'gone';
    if (sent.status === 201) this.#acknowledged.take(sent.body as Answer);
    return { status: sent.status, ...(sent.code === undefined ? {} : { code: sent.code }) };
  }

  /** @throws Error for an answer that keeps no rule: 2xx, a 503 that says when to come back, or what follows from another one: a rotation under way, a hold, nobody known */
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, by: 'writer' | 'admin' | { key: string }): Promise<Answered> {
    const key = typeof by === 'string' ? readFileSync(join(this.dataDir, `keys/${by}.key`), 'utf8').trim() : by.key;
    this.#acknowledged.begin();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(hangsMs),
      });
      text = await response.text();
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw new Error('the server hangs in a request', { cause: error });
      return 'gone';
    }
    const { status } = response;
    const value = (text === '' ? {} : JSON.parse(text)) as { code?: string };
    if (status >= 200 && status < 300) return { status, body: value };
    if (value.code === 'key_rotation_running') return { status, code: value.code };
    // Nothing is known of somebody whose event was refused.
    if (value.code === 'subject_unknown' && !this.#acknowledged.leaves.has('a')) return { status, code: value.code };
    // The hold that a fault kept from being lifted.
    if (value.code === 'held' && !this.#acknowledged.facts.has('lifted case-1')) return { status, code: value.code };
    if (status !== 503 || !(Number(response.headers.get('retry-after')) > 0))
      throw new Error(`a fault of the disk was answered ${status} ${value.code}`);
    return { status, ...(value.code === undefined ? {} : { code: value.code }) };
  }

  /** Ends it in order, or at once; returns how it ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<Ended> {
    if (!this.hasEnded) this.#process.kill(signal);
    const hangs = sleep(hangsMs, undefined, { ref: false }).then(() => undefined);
    const ended = await Promise.race([this.ended, hangs]);
    if (ended) return ended;
    this.#process.kill('SIGKILL');
    await this.ended;
    throw new Error('the server hangs in its stop');
  }
}
