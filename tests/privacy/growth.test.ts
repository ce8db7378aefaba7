/** No text costs more than linear time: `growth-run.ts` measures, here is what came of it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { detectors } from '../../src/privacy/detectors/all.ts';

const parts = [
  'the survey',
  ...detectors.map(({ detect }) => detect.name),
  'decoding',
  'the search for known people',
  'a text through the whole engine',
  'an event through plan and apply, the text as value and as name',
  'an event of many members, people and texts',
];

describe('time grows no faster than the text', () => {
  let measured: Map<string, string[]>;

  beforeAll(async () => {
    const { NODE_V8_COVERAGE: _coverage, NODE_OPTIONS: _options, ...env } = process.env;
    const run = promisify(execFile)(process.execPath, [fileURLToPath(new URL('growth-run.ts', import.meta.url))], { env });
    const lines = (await run).stdout.trim().split('\n');
    measured = new Map(lines.map((line) => JSON.parse(line) as { part: string; tooFast: string[] }).map(({ part, tooFast }) => [part, tooFast]));
  }, 900_000);

  // Where texts are surveyed in lanes, and beyond.
  test.each(['a quadratic search', 'growth by 1.25'])('the measure itself: %s fails', (planted) =>
    expect(measured.get(planted)).toEqual(['it is', 'it is']),
  );

  test.each(parts)('%s', (part) => expect(measured.get(part)).toEqual([]));
});
