/** The commands' connection to a server: the SDK, in the shape of a data directory. */
import type { JsonObject } from '../core/json.ts';
import type { FoundEvent } from '../app/trail.ts';
import { createClient, type FoundEvent as SentEvent } from '../sdk/client.ts';
import { createTokenClient } from '../sdk/tokens.ts';
import type { Connection } from './connection.ts';

/** @throws VeiltrailError `invalid_url`; calls throw what the SDK throws */
export function openRemote(url: string, key: string): Connection {
  const client = createClient({ url, key });
  const tokens = createTokenClient({ url, key, retry: { retriesMax: 6 } });
  return {
    async append({ log, body, format, contentType, dedupe, repeats, onConflict }) {
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
      // In a body: a query may hold a real value, and URLs are kept by many.
      const { events, ...rest } = await tokens.search({ log, ...request });
      return { ...rest, events: events.map(foundEvent) };
    },
    async readEvent(log, leafIndex) {
      const found = await client.read(leafIndex, { log });
      return found && foundEvent(found);
    },
    proveEvent: (log, leafIndex) => client.prove(leafIndex, { log }),
    checkpoint: (log) => client.checkpoint({ log }),
    close: () => Promise.resolve(),
  };
}

function foundEvent({ record, ...found }: SentEvent): FoundEvent {
  return { ...found, record: record as JsonObject };
}
