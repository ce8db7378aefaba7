import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { Incoming, Unprocessable } from '../../src/ingest/incoming.ts';
import { stubReasons } from '../../src/ingest/incoming.ts';
import { readEvents } from '../../src/ingest/read-events.ts';
import { badInputs, parseBadInputTable } from './bad-inputs.ts';

const document = readFileSync(new URL('../../docs/reference/bad-input.md', import.meta.url), 'utf8');
const rows = parseBadInputTable(document);
const good = '{"action":"a","actor":{"type":"user","id":"u"}}';

function outcomeOf(read: () => (Incoming | Unprocessable)[]): string {
  try {
    const [first, ...more] = read();
    expect(more).toEqual([]);
    if (!first) return 'nothing';
    if ('stub' in first) return `stub ${first.stub.reason}`;
    return first.notes.length === 0 ? 'event' : `event, note ${first.notes.map(({ note }) => note).join()}`;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return `400 ${error.code}`;
  }
}

describe('docs/reference/bad-input.md', () => {
  it('has a row for every input that is tried, and the other way round', () => {
    expect(rows.map(({ input }) => input).toSorted()).toEqual(Object.keys(badInputs).toSorted());
  });

  it('names every reason for a stub', () => {
    for (const reason of stubReasons) expect(document).toContain(`stub \`${reason}\``);
  });

  for (const { input, body, line } of rows) {
    const bytes = badInputs[input] as Uint8Array;

    it(`${input}: ${body} as one body`, () => {
      expect(outcomeOf(() => readEvents(bytes, 'auto', 'application/json'))).toBe(body);
    });

    it(`${input}: ${line} as one line, and its neighbours are events`, () => {
      const mark = bytes[0] === 0xef;
      const lines = Buffer.concat([Buffer.from(mark ? '' : `${good}\n`), bytes, Buffer.from(`\n${good}\n`)]);
      const read = readEvents(lines, 'ndjson');
      expect(read.map((one) => 'event' in one)).toEqual(mark ? [true, true] : [true, line.startsWith('event'), true]);
      expect(outcomeOf(() => [read[mark ? 0 : 1] as Incoming | Unprocessable])).toBe(line);
      const stub = read.find((one) => 'stub' in one) as Unprocessable | undefined;
      if (stub) expect(stub.stub).toMatchObject({ line: 2, bytes: bytes.length });
    });
  }

  it('gives an array what it gives lines, for whatever is JSON', () => {
    for (const { input, line } of rows) {
      const bytes = badInputs[input] as Uint8Array;
      if (/json_syntax|invalid_utf8/.test(line) || input.startsWith('10 MB') || bytes[0] === 0xef) continue;
      const read = readEvents(Buffer.concat([Buffer.from(`[${good}, `), bytes, Buffer.from(` ,${good}]`)]), 'json');
      expect(read.length).toBe(3);
      expect(
        outcomeOf(() => [read[1] as Incoming | Unprocessable]),
        input,
      ).toBe(line);
    }
  });
});

describe('what is stored of unusual input', () => {
  const event = (input: string): Incoming => readEvents(badInputs[input] as Uint8Array, 'auto')[0] as Incoming;

  it('keeps numbers that a double cannot hold as they were written', () => {
    expect(event('1e400')).toMatchObject({
      event: { metadata: { amount: '1e400' } },
      notes: [{ pointer: '/metadata/amount', note: 'number_kept_as_string' }],
    });
    expect(event('9007199254740993').event).toEqual({ metadata: { amount: '9007199254740993' } });
  });

  it('keeps a time it cannot read under metadata and gives none', () => {
    const { event: stored, timeMs, notes } = event('a date in the year 99999');
    expect(stored).toEqual({ action: 'a', actor: { type: 'user', id: 'u' }, metadata: { time: '99999-01-01T00:00:00Z' } });
    expect(timeMs).toBeUndefined();
    expect(notes).toEqual([{ pointer: '/metadata/time', note: 'time_unreadable' }]);
  });

  it('takes __proto__ for a name and changes nobody', () => {
    const { event: stored } = event('`__proto__` as a name');
    expect(JSON.stringify(stored)).toBe('{"metadata":{"__proto__":{"polluted":true},"constructor":"c"}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps a long text whole', () => {
    expect((event('a text of 70 kB in an event').event['message'] as string).length).toBe(70_000);
  });

  it('names the offset behind which it is not JSON', () => {
    const offsetOf = (text: string): unknown => {
      try {
        readEvents(Buffer.from(text), 'json');
      } catch (error) {
        return (error as VeiltrailError).detail['offset'];
      }
      return undefined;
    };
    expect(offsetOf('[{"a":1},{"b":tru}]')).toBe(14);
    expect(offsetOf('\ufeff  {"a":1}x')).toBe(9);
    expect(offsetOf('[1 2]')).toBe(3);
    expect(offsetOf('[1,]')).toBe(3);
    expect(offsetOf('{"a":x}')).toBe(5);
    expect(offsetOf('   ')).toBe(3);
  });

  it('says of a stub what it was by digest and nothing else', () => {
    const [a, b, c] = readEvents(Buffer.from('{x1}\n{x2}\n{x1}'), 'ndjson') as Unprocessable[];
    expect(a?.stub.contentDigest).toBe(c?.stub.contentDigest);
    expect(a?.stub.contentDigest).not.toBe(b?.stub.contentDigest);
    expect(a?.stub.contentDigest).toMatch(/^[0-9a-f]{64}$/);
  });
});
