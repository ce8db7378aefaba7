/** No input costs more than linear time: the exponent of growth is fitted over doubling sizes, as noble-hashes does for its primitives. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { readEvents } from '../../src/ingest/read-events.ts';
import { growthOf } from '../setup/cpu-time.ts';

const hostile: Readonly<Record<string, (length: number) => string>> = {
  'opening brackets': (n) => '['.repeat(n),
  'opening brackets in an object': (n) => `{"a":${'['.repeat(n)}`,
  'opening braces': (n) => '{"a":'.repeat(n / 5),
  'closed brackets': (n) => `${'['.repeat(n / 2)}${']'.repeat(n / 2)}`,
  quotes: (n) => `["${'"'.repeat(n)}`,
  backslashes: (n) => `{"a":"${'\\'.repeat(n)}"}`,
  'escaped quotes': (n) => `{"a":"${'\\"'.repeat(n / 2)}"}`,
  'quotes behind runs of backslashes': (n) => `[${'"\\\\\\\\",'.repeat(n / 7)}1`,
  'blank lines': (n) => `{}\n${'\n'.repeat(n)}{}`,
  'a line of spaces': (n) => `{}\n${' '.repeat(n)}\n{}`,
  'spaces in an array': (n) => `[${' '.repeat(n)}]`,
  commas: (n) => `[${','.repeat(n)}]`,
  'one digit a line': (n) => '1\n'.repeat(n / 2),
  'a long number': (n) => `{"a":1${'0'.repeat(n)}}`,
  'a long fraction': (n) => `{"a":0.${'0'.repeat(n)}1}`,
  'a long name': (n) => `{"${'a_'.repeat(n / 2)}":1}`,
  'a CloudTrail file never closed': (n) => `{"Records":[${'{},'.repeat(Math.min(9_000, n / 3))}"${'x'.repeat(n)}`,
  'names that fill metadata': (n) =>
    `{"action":"a","actor":{"type":"user","id":"u"},"metadata":{${Array.from({ length: Math.min(1_000, Math.sqrt(n)) }, (_, i) => `"x${'_'.repeat(i)}":1`).join()}},"x":1,"pad":"${'x'.repeat(n / 2)}"}`,
  'a time of digits': (n) => `{"time":"${'1'.repeat(n)}"}`,
  'an address of colons': (n) => `{"ip":"${':'.repeat(n)}"}`,
  'an action like a policy': (n) => `{"eventVersion":"1","eventSource":"iam.x","eventName":"Put${'Policy'.repeat(n / 6)}x"}`,
};

/** What is refused costs as well. */
function read(body: Buffer): void {
  try {
    readEvents(body, 'auto');
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
  }
}

describe('readEvents takes time in proportion to', () => {
  for (const [name, make] of Object.entries(hostile)) {
    it(name, () => {
      const prepare = (length: number): (() => void) => {
        const body = Buffer.from(make(length));
        return () => read(body);
      };
      expect(growthOf([125_000, 250_000, 500_000, 1_000_000], prepare, { exponentMax: 1.6 })).toBeLessThanOrEqual(1.6);
    });
  }

  // Of processor time, in a process of its own: measuring the coverage of a loop of ten million turns takes longer than the loop. Such a loop takes
  // longer on a slow machine, too: what that is allowed is a multiple of one.
  it('10 MB of [: in less than 100 ms, or what ten times looking at each byte takes here', () => {
    const program = `
      const { readEvents } = await import(${JSON.stringify(new URL('../../src/ingest/read-events.ts', import.meta.url).href)});
      const { leastCpuMs } = await import(${JSON.stringify(new URL('../setup/cpu-time.ts', import.meta.url).href)});
      const body = Buffer.alloc(10_000_000, '[');
      const refuse = () => { try { readEvents(body, 'auto'); } catch {} };
      let sum = 0;
      const look = () => { for (let i = 0; i < body.length; i++) sum += body[i]; };
      process.stdout.write(JSON.stringify({ refusing: leastCpuMs(refuse, 0), looking: leastCpuMs(look, 0), sum }));`;
    // How this process takes coverage, and what it tells its parent, is not for that one.
    const { NODE_V8_COVERAGE: _coverage, NODE_OPTIONS: _options, ...env } = process.env;
    const told = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program], { encoding: 'utf8', env });
    const { refusing, looking } = JSON.parse(told) as { refusing: number; looking: number };
    expect(refusing).toBeLessThan(Math.max(100, 10 * looking));
  });
});
