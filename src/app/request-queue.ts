/** Requests that wait for a worker, by log, and which of them travel together. */
import { groupRequestsMax, mayShareGroup } from '../pipeline/group-message.ts';
import type { BatchRequest } from '../pipeline/process-batch.ts';

/** Bodies in one group. A request that is larger by itself fills a worker well enough alone. */
const groupBytesMax = 262_144;

export class RequestQueue<Item extends { request: BatchRequest }> {
  /** In the order in which they take turns, each in the order of arrival. */
  readonly #byLog = new Map<string, Item[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The request of a log that has waited longest. */
  firstOf(log: string): Item | undefined {
    return this.#byLog.get(log)?.[0];
  }

  push(item: Item): void {
    const { log } = item.request;
    const waiting = this.#byLog.get(log);
    if (waiting) waiting.push(item);
    else this.#byLog.set(log, [item]);
    this.#length++;
  }

  /** The next requests of the log whose turn it is, at least one: as many as may be in one group. */
  takeGroup(): Item[] {
    const [[log, waiting]] = this.#byLog as unknown as [[string, Item[]]];
    const { request: first } = waiting[0] as Item;
    let count = 1;
    for (let bytes = first.body.length; count < waiting.length && count < groupRequestsMax; count++) {
      const { request } = waiting[count] as Item;
      bytes += request.body.length;
      if (bytes > groupBytesMax || !mayShareGroup(first, request)) break;
    }
    const group = waiting.splice(0, count);
    this.#length -= count;
    // The others first.
    this.#byLog.delete(log);
    if (waiting.length > 0) this.#byLog.set(log, waiting);
    return group;
  }
}
