/** The commands' connection to a server: the SDK, in the shape of a data directory. */
import type { JsonObject } from '../core/json.ts';
import type { FoundEvent } from '../app/trail.ts';
import { isMemoryAlarm } from '../sdk/checkpoint-memory.ts';
import { type Client, createClient, type FoundEvent as SentEvent } from '../sdk/client.ts';
import { createTokenClient } from '../sdk/tokens.ts';
import { openCheckpointFiles } from './checkpoint-files.ts';
import type { Connection } from './connection.ts';

/** @throws VeiltrailError `invalid_url`; calls throw what the SDK throws */
export function openRemote(url: string, key: string): Connection {
  const client = createClient({ url, key, checkpoints: openCheckpointFiles() ?? false });
  const seen = new Set<string>();
  const tokens = createTokenClient({ url, key, retry: { retriesMax: 6 } });
  return {
    async append({ log, body, format, contentType, dedupe, repeats, onConflict }) {
      seen.add(log);
      return client.appendBody(body as Uint8Array<ArrayBuffer>, {
        log,
        format,
        ...(contentType === undefined ? {} : { contentType }),
        ...(dedupe === undefined ? {} : { dedupe }),
        ...(onConflict === undefined ? {} : { conflict: onConflict }),
        ...(repeats === undefined ? {} : { repeats }),
      });
    },
    async search(log, request) {
      seen.add(log);
      // In a body: a query may hold a real value, and URLs are kept by many.
      const { events, ...rest } = await tokens.search({ log, ...request });
      return { ...rest, events: events.map(foundEvent) };
    },
    async readEvent(log, leafIndex) {
      seen.add(log);
      const found = await client.read(leafIndex, { log });
      return found && foundEvent(found);
    },
    async proveEvent(log, leafIndex) {
      seen.add(log);
      return client.prove(leafIndex, { log });
    },
    checkpoint: (log) => client.checkpoint({ log }),
    async close() {
      // Every contact with a log is one with its newest checkpoint, which must have grown from the one before.
      for (const log of seen) await look(client, log);
    },
  };
}

/** Whether the server answers just now is no matter of this; what it answers is. */
async function look(client: Client, log: string): Promise<void> {
  try {
    await client.checkpoint({ log });
  } catch (error) {
    if (isMemoryAlarm(error)) throw error;
  }
}

function foundEvent({ record, ...found }: SentEvent): FoundEvent {
  return { ...found, record: record as JsonObject };
}
