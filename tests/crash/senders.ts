/**
 * Senders that never give up: several at a time, single events and small batches, some with personal data and some with people nobody has seen
 * before, so that the vault has to write. What was not answered is sent again with the same ids, mixed into other batches. The book holds every
 * answer against those before it: an event keeps its leaf, and a leaf its event.
 */
import { VeiltrailError } from '../../src/core/errors.ts';
import { createClient, type Client, type Receipt } from '../../src/sdk/client.ts';
import type { SeededRandom } from '../simulation/seeded-random.ts';

export interface SentEvent {
  id: string;
  /** Who it is about, for us; the event itself bears the address only. */
  person: string | undefined;
  event: object;
}

/** What was sent and what was answered, of all servers that there were. */
export class Book {
  /** Leaf of every acknowledged event, by id. */
  readonly leaves = new Map<string, number>();
  /** Checkpoints that came with answers, by tree size. */
  readonly checkpoints = new Map<number, string>();
  readonly sent = new Map<string, SentEvent>();
  /** Sent and not answered. */
  readonly unanswered = new Set<SentEvent>();
  readonly #idOfLeaf = new Map<number, string>();
  /** Events that turned out to be stored although nobody had been told. */
  storedUntold = 0;
  repeated = 0;

  get treeSizeTold(): number {
    return Math.max(0, ...this.checkpoints.keys());
  }

  send(batch: readonly SentEvent[]): void {
    for (const event of batch) {
      this.sent.set(event.id, event);
      if (!this.leaves.has(event.id)) this.unanswered.add(event);
    }
  }

  /** @param neverSent ids that no earlier request bore: none of them can be a duplicate */
  acknowledge(batch: readonly SentEvent[], receipts: readonly Receipt[], treeSize: number, checkpoint: string, neverSent: ReadonlySet<string>): void {
    if (receipts.length !== batch.length) throw new Error(`${batch.length} events, ${receipts.length} receipts`);
    for (const [i, sent] of batch.entries()) {
      const { id, leafIndex, duplicate, stub } = receipts[i] as Receipt & { stub?: string };
      if (id !== sent.id || stub !== undefined)
        throw new Error(`event ${sent.id} was answered as ${id}${stub === undefined ? '' : `, a stub: ${stub}`}`);
      if (duplicate && neverSent.has(id)) throw new Error(`${id} is new and was called a duplicate`);
      const known = this.leaves.get(id);
      if (known !== undefined && (known !== leafIndex || !duplicate)) throw new Error(`${id} has leaf ${known} and was given ${leafIndex}`);
      const holder = this.#idOfLeaf.get(leafIndex);
      if (holder !== undefined && holder !== id) throw new Error(`leaf ${leafIndex} is that of ${holder} and was given to ${id}`);
      if (leafIndex >= treeSize) throw new Error(`leaf ${leafIndex} is beyond the tree of ${treeSize} it was answered with`);
      if (known !== undefined) this.repeated++;
      else if (duplicate) this.storedUntold++;
      this.leaves.set(id, leafIndex);
      this.#idOfLeaf.set(leafIndex, id);
      this.unanswered.delete(sent);
    }
    this.checkpoints.set(treeSize, checkpoint);
  }
}

export interface Load {
  /** Events acknowledged so far. */
  readonly acknowledged: number;
  /** Settled when nobody sends any more. */
  readonly ended: Promise<unknown>;
  /** Lets requests under way end, and returns then. @throws what no dying server excuses */
  stop(): Promise<void>;
}

export interface LoadOptions {
  url: string;
  key: string;
  book: Book;
  random: SeededRandom;
  senders: number;
  onAcknowledged?: (events: number) => void;
}

const peopleNew = 0.25;
const peopleKnown = 0.25;
const addresses = (n: number): string =>
  `${['ann', 'bo', 'carla', 'dmitri', 'eve', 'fatima', 'grace', 'hugo'][n % 8] as string}.${n}@people.example.net`;

let made = 0;
let peopleMade = 0;

/** An event that nobody has sent yet. */
function newEvent(random: SeededRandom): SentEvent {
  const n = made++;
  const about = random.below(1_000) / 1_000;
  let person: string | undefined;
  if (about < peopleNew) person = addresses(peopleMade++);
  else if (about < peopleNew + peopleKnown && peopleMade > 0) person = addresses(random.below(peopleMade));
  const id = `kill-${n}`;
  const event = {
    id,
    time: new Date().toISOString(),
    action: 'order.update',
    actor: { type: 'user', id: `u${n % 11}`, ...(person === undefined ? {} : { email: person }) },
    metadata: { number: n, note: person === undefined ? 'nobody' : `asked for by ${person}`, padding: 'x'.repeat(random.below(300)) },
  };
  return { id, person, event };
}

/** Starts to send; goes on until it is stopped or the server is gone. */
export function startLoad(options: LoadOptions): Load {
  const client = createClient({ url: options.url, key: options.key, retry: { retriesMax: 0 }, timeoutMs: 30_000 });
  // Shared by all senders, so that what one had sent comes back in the batches of others.
  const again = [...options.book.unanswered];
  const state = { acknowledged: 0, stopped: false };
  const running = Promise.all(
    Array.from({ length: options.senders }, async () => {
      while (!state.stopped) {
        const count = await sendOnce(client, nextBatch(again, options), options.book);
        if (count === undefined) return;
        state.acknowledged += count;
        options.onAcknowledged?.(count);
      }
    }),
  );
  running.catch(() => undefined); // told by `stop`
  return {
    get acknowledged() {
      return state.acknowledged;
    },
    ended: running,
    async stop() {
      state.stopped = true;
      await running;
    },
  };
}

function nextBatch(again: SentEvent[], { book, random }: LoadOptions): SentEvent[] {
  const size = random.chance(0.4) ? 1 : 2 + random.below(11);
  const batch: SentEvent[] = [];
  for (let i = 0; i < size; i++) {
    if (again.length > 0 && random.chance(0.7)) batch.push(again.splice(random.below(again.length), 1)[0] as SentEvent);
    else batch.push(newEvent(random));
  }
  // Somebody always repeats what was answered long ago.
  if (random.chance(0.1) && book.leaves.size > 0) {
    const id = `kill-${random.below(made)}`;
    if (book.leaves.has(id) && !batch.some((event) => event.id === id)) batch.push(book.sent.get(id) as SentEvent);
  }
  return batch;
}

/** Events acknowledged; undefined when the server is gone. */
async function sendOnce(client: Client, batch: SentEvent[], book: Book): Promise<number | undefined> {
  const neverSent = new Set(batch.filter(({ id }) => !book.sent.has(id)).map(({ id }) => id));
  book.send(batch);
  try {
    const { receipts, treeSize, checkpoint } = await client.append(batch.map(({ event }) => event));
    book.acknowledge(batch, receipts, treeSize, checkpoint, neverSent);
    return batch.length;
  } catch (error) {
    if (error instanceof VeiltrailError && ['unreachable', 'unexpected_answer', 'stopping'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Sends again what was not answered, until all of it is. */
export async function sendAllAgain(options: Omit<LoadOptions, 'senders'>): Promise<void> {
  const client = createClient({ url: options.url, key: options.key, retry: { retriesMax: 0 } });
  const left = [...options.book.unanswered];
  while (left.length > 0) {
    if ((await sendOnce(client, left.splice(0, 200), options.book)) === undefined) throw new Error('the server is gone');
  }
}
