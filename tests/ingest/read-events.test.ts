import { describe, expect, it } from 'vitest';
import { limits } from '../../src/core/limits.ts';
import type { Format, Incoming, Unprocessable } from '../../src/ingest/incoming.ts';
import { laterFormats } from '../../src/ingest/incoming.ts';
import { readEvents } from '../../src/ingest/read-events.ts';

const read = (text: string, format: Format = 'auto', contentType?: string): (Incoming | Unprocessable)[] =>
  readEvents(Buffer.from(text), format, contentType);
const messages = (text: string, format?: Format, contentType?: string): unknown[] =>
  read(text, format, contentType).map((one) => ('event' in one ? one.event['message'] : one.stub.reason));
const a = '{"message":"a"}';
const b = '{"message":"b"}';

describe('framing', () => {
  it.each<[string, string, Format | undefined, string | undefined]>([
    ['lines', `${a}\n${b}\n`, undefined, undefined],
    ['lines without the last end', `${a}\n${b}`, undefined, undefined],
    ['lines with CRLF', `${a}\r\n${b}\r\n`, undefined, undefined],
    ['lines between blank ones', `\n\r\n  \n${a}\n\n${b}\n\t\n`, undefined, undefined],
    ['lines behind a byte order mark', `\ufeff${a}\n${b}\n`, undefined, undefined],
    ['lines by content type', `${a}\n${b}\n`, undefined, 'application/x-ndjson; charset=utf-8'],
    ['lines by name', `${a}\n${b}\n`, 'ndjson', undefined],
    ['an array', `[${a},${b}]`, undefined, undefined],
    ['an array with room in it', ` \n[ ${a} ,\r\n\t${b} ] \n`, undefined, undefined],
    ['an array by content type', `[${a},${b}]`, undefined, 'application/json'],
    ['an array by name', `[${a},${b}]`, 'json', undefined],
    ['a CloudTrail file', `{"Records":[${a},${b}]}`, 'cloudtrail', undefined],
    ['a CloudTrail file with room in it', ` { "Records" : [ ${a}, ${b} ] } `, 'json', undefined],
    ['a CloudTrail file nobody announced', `{"Records":[${a},${b}]}`, undefined, undefined],
    ['texts', 'a\nb\n', 'text', undefined],
    ['texts by content type', 'a\r\nb', undefined, 'text/plain'],
    ['JSON texts', '"a"\n"b"', undefined, undefined],
  ])('reads %s', (_name, text, format, contentType) => {
    expect(messages(text, format, contentType)).toEqual(['a', 'b']);
  });

  it('believes text/plain of what does not look like JSON', () => {
    expect(messages(a, 'auto', 'text/plain;charset=UTF-8')).toEqual(['a']);
    expect(messages(`\ufeff\n[ ${a}]`, 'auto', 'text/plain')).toEqual(['a']);
    expect(messages('[2026-11-22] {x}', 'auto', 'text/plain')).toEqual(['[2026-11-22] {x}']);
    expect(messages(a, 'text', 'text/plain')).toEqual([a]);
  });

  it('reads one object over many lines', () => {
    expect(messages('{\n  "message": "a",\n  "x": {\n    "y": [1, 2]\n  }\n}\n')).toEqual(['a']);
    expect(read('{\n"message":"a"}', 'auto', 'application/json').length).toBe(1);
  });

  it('is not misled by brackets, quotes and backslashes in texts', () => {
    for (const text of ['[', ']', '{', '}', '"', '\\', '\\"', '\\\\"]', '}{', '\n', ',']) {
      const event = JSON.stringify({ message: text });
      expect(messages(`[${event},${event}]`)).toEqual([text, text]);
      expect(messages(`${event}\n${event}`)).toEqual([text, text]);
    }
  });

  it('finds nothing in nothing', () => {
    for (const text of ['', '\n\n', '[]', ' [ ] ', '{"Records":[]}']) expect(read(text)).toEqual([]);
    expect(read('', 'ndjson')).toEqual([]);
    expect(read('', 'text')).toEqual([]);
  });

  it('keeps good lines beside a first line that is broken', () => {
    expect(messages(`{"message":\n${a}\n`)).toEqual(['json_syntax', 'a']);
    expect(messages(`{"message":"x}\n${a}\n${b}`)).toEqual(['json_syntax', 'a', 'b']);
  });

  it('reads lines that are UTF-8 beside lines that are not', () => {
    const bytes = Buffer.concat([Buffer.from('\ufeff{"message":"ä"}\r\n\n'), Buffer.from([0xff, 0xfe]), Buffer.from('\n{"message":"€"}')]);
    const found = readEvents(bytes, 'auto');
    expect(found.map((one) => ('event' in one ? [one.event['message'], one.bytes] : [one.stub.reason, one.stub.line]))).toEqual([
      ['ä', 16],
      ['invalid_utf8', 3],
      ['€', 17],
    ]);
  });

  it('refuses an array, or one object, that is not UTF-8', () => {
    expect(() => readEvents(Buffer.from([0x5b, 0xff, 0x0a, 0x5d]), 'auto')).toThrow(expect.objectContaining({ code: 'invalid_utf8' }));
    expect(() => readEvents(Buffer.from([0x7b, 0xff, 0x0a, 0x7d]), 'json')).toThrow(expect.objectContaining({ code: 'invalid_utf8' }));
    expect(() => readEvents(Buffer.from([0x7b, 0xff, 0x7d]), 'auto')).toThrow(expect.objectContaining({ code: 'invalid_utf8' }));
  });

  it.each([
    ['words', 'hello'],
    ['an array and something behind it', `[${a}] x`],
    ['an array never closed', `[${a},${b}`],
    ['an array without commas', `[${a} ${b}]`],
    ['an array that ends in a comma', `[${a},]`],
    ['an array of nothing and commas', '[,]'],
    ['an array with something in it that is no JSON', `[${a},{x}]`],
    ['two objects on one line', `${a} ${b}`],
    ['an object closed twice', `${a}}`],
    ['a text never closed', '"a'],
    ['a closing bracket', ']'],
  ])('refuses %s', (_name, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'json_syntax' }));
  });

  it('refuses more than one JSON text where one was announced', () => {
    expect(() => read(`${a}\n${b}`, 'json')).toThrow(expect.objectContaining({ code: 'json_syntax' }));
    expect(() => read(`[${a}]\n[${b}]`, 'json')).toThrow(expect.objectContaining({ code: 'json_syntax' }));
    expect(read(`[${a}]\n[${b}]`).length).toBe(2);
  });

  it('takes an object that only begins like a CloudTrail file for what it is', () => {
    const [one] = read('{"Records":[1],"message":"a"}') as Incoming[];
    expect(one?.event).toEqual({ message: 'a', metadata: { Records: [1] } });
  });

  it('says what it does not read yet', () => {
    for (const format of laterFormats)
      expect(() => read(a, format as unknown as Format)).toThrow(expect.objectContaining({ code: 'format_unsupported' }));
  });

  it('refuses a batch of more events than it may have, before it holds them all', () => {
    const max = limits.batchEventsMax;
    expect(read('1\n'.repeat(max), 'ndjson').length).toBe(max);
    for (const text of ['{}\n'.repeat(max + 1), `[${'1,'.repeat(max)}1]`, `{"Records":[${'1,'.repeat(max)}1]}`]) {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'batch_too_large', detail: { eventsMax: max } }));
    }
    const lines = Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.from('1\n'.repeat(max))]);
    expect(() => readEvents(lines, 'ndjson')).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
  });

  it('counts bytes as sent', () => {
    expect((read('{"message":"a€"}')[0] as Incoming).bytes).toBe(18);
    expect((read('[{"message":"a€"}, {"message":"ab"}]') as Incoming[]).map(({ bytes }) => bytes)).toEqual([18, 16]);
  });
});

describe('one object', () => {
  it('unwraps {source, event}, and lets the wrapper name the source', () => {
    const [one] = read('{"source":"okta","event":{"eventType":"user.login","source":{"x":1},"n":1e400}}') as Incoming[];
    expect(one).toMatchObject({
      event: { source: 'okta', action: 'user.login', metadata: { source: { x: 1 }, n: '1e400' } },
      notes: [{ pointer: '/metadata/n', note: 'number_kept_as_string' }],
    });
    const [two] = read('{"source":"outer","event":{"source":"inner","action":"a"}}') as Incoming[];
    expect(two?.event).toEqual({ source: 'outer', action: 'a', metadata: { source: 'inner' } });
    const [three] = read('{"source":"outer","event":{"source":"outer","action":"a"}}') as Incoming[];
    expect(three?.event).toEqual({ source: 'outer', action: 'a' });
  });

  it('finds room for the inner source beside a member of that name', () => {
    const own = '{"action":"a","actor":{"type":"user","id":"u"},"source":9007199254740993,"metadata":{"source":"taken"}}';
    const [one] = read(`{"source":"outer","event":${own}}`) as Incoming[];
    expect(one).toMatchObject({
      event: { source: 'outer', metadata: { source: 'taken', source_: '9007199254740993' } },
      notes: [{ pointer: '/metadata/source_', note: 'number_kept_as_string' }],
    });
  });

  it('leaves alone what only looks like a wrapper', () => {
    const [one] = read('{"source":"s","event":{"action":"a"},"other":1}') as Incoming[];
    expect(one?.event).toEqual({ source: 's', action: 'a', metadata: { other: 1 } });
  });
});

describe('pointers', () => {
  it('refuses a long name above so many members that their pointers would fill the memory', () => {
    const members = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`m${i}`, i]));
    const [stubbed, fine] = [{ ['x'.repeat(2_000)]: members }, members].map((event) => readEvents(Buffer.from(JSON.stringify(event)), 'json')[0]);
    expect(stubbed).toMatchObject({ stub: { reason: 'pointer_too_long' } });
    expect(fine).toMatchObject({ event: { metadata: { m4999: 4_999 } } });
  });
});

describe('content', () => {
  const contentOf = (text: string, format?: Format): string => (read(text, format)[0] as Incoming).content;
  const sent = { action: 'a', actor: { type: 'user', id: 7 }, time: '2026-01-02T03:04:05+01:00', unknown: [1, null, 'ü "quoted"\n'], n: 200 };

  it('is what was sent, before anything of it was moved, and however it is spaced, escaped and framed', () => {
    const content = JSON.stringify(sent);
    const escaped = content.replaceAll('ü', '\\u00fc').replaceAll('"n"', '"\\u006e"');
    for (const text of [content, JSON.stringify(sent, null, 2), escaped, ` [ ${content} ] `, `{"Records":[${content}]}`])
      expect(contentOf(text)).toBe(content);
    expect(contentOf(`\n${content}\r\n`, 'ndjson')).toBe(content);
  });

  it('differs where what was sent differs', () => {
    const others = [
      { ...sent, n: 201 },
      { ...sent, time: '2026-01-02T02:04:05Z' },
      { ...sent, unknown: [1, 'ü "quoted"\n'] },
      { source: 's', event: sent },
    ];
    expect(new Set([sent, ...others].map((one) => contentOf(JSON.stringify(one)))).size).toBe(5);
  });

  it('of a line of text is not that of the same line as JSON', () => {
    expect(contentOf(a, 'text')).not.toBe(contentOf(a, 'ndjson'));
  });
});
