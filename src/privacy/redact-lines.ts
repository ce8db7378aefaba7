/** A redactor for lines: NDJSON or plain text, as a stream of the web platform (Node, Deno, Bun and browsers have them) and as a hook for pino. */
import { createRedactor, type Redactor, type RedactorOptions } from './redactor.ts';

export interface RedactLinesOptions extends RedactorOptions {
  /** Bytes of a line; a longer one is not held in memory, and a line that says so stands in its place [1 MiB]. */
  lineBytesMax?: number;
}

const lineBytesMaxDefault = 1_048_576;
const lineFeed = 10;

/**
 * Bytes in, bytes out, line by line: `input.pipeThrough(redactLines())`, or `stream.pipeline(process.stdin, redactLines(), process.stdout)`.
 * A line is never passed on as it came when reading it fails. Bytes that are not UTF-8 become U+FFFD.
 */
export function redactLines(options: RedactLinesOptions = {}): TransformStream<Uint8Array, Uint8Array> {
  const redactor = createRedactor(options);
  const lineBytesMax = options.lineBytesMax ?? lineBytesMaxDefault;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** The beginning of a line whose end has not come yet. */
  let open: Uint8Array[] = [];
  let openBytes = 0;
  const keep = (piece: Uint8Array): void => {
    openBytes += piece.length;
    if (openBytes > lineBytesMax) open = [];
    // A copy: whoever sent the chunk may use its memory again.
    else if (piece.length > 0) open.push(piece.slice());
  };
  const close = (piece: Uint8Array): string => {
    const bytes = openBytes + piece.length;
    const text = bytes > lineBytesMax ? markOf(`a line of ${bytes} bytes`) : redactLine(redactor, decoder.decode(joined(open, piece)));
    open = [];
    openBytes = 0;
    return text;
  };
  return new TransformStream({
    transform(chunk, controller) {
      let out = '';
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        out += `${close(chunk.subarray(start, end))}\n`;
        start = end + 1;
      }
      keep(chunk.subarray(start));
      if (out !== '') controller.enqueue(encoder.encode(out));
    },
    flush(controller) {
      if (openBytes > 0) controller.enqueue(encoder.encode(close(new Uint8Array())));
    },
  });
}

/**
 * Options for pino that anonymise each line behind everything that adds to it: bindings, serializers, mixins, formatters, the message.
 *
 *     const logger = pino({ ...pinoRedactor({ key }) });
 */
export function pinoRedactor(options: RedactorOptions = {}): { hooks: { streamWrite: (line: string) => string } } {
  const redactor = createRedactor(options);
  return { hooks: { streamWrite: (line) => (line.endsWith('\n') ? `${redactLine(redactor, line.slice(0, -1))}\n` : redactLine(redactor, line)) } };
}

/** A logger must not throw, and must not let through what could not be read. */
function redactLine(redactor: Redactor, line: string): string {
  try {
    return redactor.redactText(line);
  } catch {
    return markOf('a line that could not be anonymised');
  }
}

/** What stands in a line's place is JSON, so that whoever reads lines of JSON goes on. */
function markOf(what: string): string {
  return JSON.stringify({ redacted: what });
}

function joined(pieces: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  if (pieces.length === 0) return last;
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, last.length));
  let at = 0;
  for (const piece of [...pieces, last]) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
