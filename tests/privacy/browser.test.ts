/** `veiltrail/privacy` where there is no Node: bundled for browsers, run in a realm that has nothing but what browsers have too. */
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/privacy/index.ts';

const entry = new URL('../../src/privacy/index.ts', import.meta.url).pathname;
let code = '';

beforeAll(async () => {
  const bundle = await rolldown({ input: entry, platform: 'browser', logLevel: 'silent', treeshake: true });
  const { output } = await bundle.generate({ format: 'iife', name: 'privacy', minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  expect(output[0].imports).toEqual([]);
  code = output[0].code;
});

/** The module's exports in a realm of its own. */
function load(): typeof import('../../src/privacy/index.ts') {
  const web = { TextEncoder, TextDecoder, URL, TransformStream, ReadableStream, crypto: globalThis.crypto, structuredClone, performance };
  return runInContext(`${code};privacy`, createContext(web)) as typeof import('../../src/privacy/index.ts');
}

describe('in a browser', () => {
  it('has no need of Node', () => {
    expect(code).not.toMatch(/(?:from|require\()\s*["'](?:node:|fs|crypto|buffer)/);
  });

  it('does what it does in Node', () => {
    const key = { version: 1, key: new Uint8Array(32).fill(9) };
    const event = {
      actor: { name: 'Jane Doe', email: 'jane.doe@acme-corp.com' },
      context: { ip: '81.2.69.160' },
      message: 'Jane Doe paid with 4111 1111 1111 1111; encoded amFuZS5kb2VAYWNtZS1jb3JwLmNvbQ==',
    };
    const after = load().createRedactor({ key }).redact(event);
    expect(JSON.stringify(after)).toBe(JSON.stringify(createRedactor({ key }).redact(event)));
    expect(JSON.stringify(after)).not.toMatch(/jane|4111|amFu/i);
  });

  it('keeps to its budget', () => {
    expect(gzipSync(code).length).toBeLessThan(320 * 1_024);
  });
});
