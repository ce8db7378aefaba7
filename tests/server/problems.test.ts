import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { codeOf, problemOf, problems, retryAfterOf, type ProblemCode } from '../../src/server/problem.ts';

const src = fileURLToPath(new URL('../../src', import.meta.url));
const codes = Object.keys(problems) as ProblemCode[];

describe('the table of problems', () => {
  it('is the one of docs/reference/errors.md', () => {
    const document = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
    const rows = [...document.matchAll(/^\| `([a-z0-9_]+)` \| (\d{3}) \| \S/gm)].map(([, code, status]) => [code, Number(status)]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(codes.map((code) => [code, problems[code].status])));
    expect(rows.length).toBe(codes.length);
  });

  it('has no code that nothing throws', () => {
    const source = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('problem.ts'))
      .map((name) => readFileSync(join(src, name), 'utf8'))
      .join('\n');
    // These two are what other codes mean to a client.
    const meant = new Set(['internal', 'access_unavailable']);
    expect(codes.filter((code) => !meant.has(code) && !source.includes(`'${code}'`))).toEqual([]);
  });

  it('has what refuses an append for now', () => {
    // What `Ledger.append` and `Vault.settle` document as refusals that pass: none of them is a mistake of ours.
    for (const code of [
      'disk_full',
      'storage_readonly',
      'storage_busy',
      'not_published',
      'queue_full',
      'ledger_closed',
      'vault_closed',
      'search_stopped',
    ]) {
      expect(problemOf(new VeiltrailError(code, '')).status, code).toBe(503);
    }
  });

  it('says when to come again exactly where that helps', () => {
    for (const code of codes) expect(retryAfterOf(code) !== undefined, code).toBe(problems[code].status === 429 || problems[code].status === 503);
  });
});

describe('problemOf', () => {
  it('tells of a known error its facts, of a failure of ours nothing', () => {
    expect(problemOf(new VeiltrailError('json_syntax', 'not JSON, at offset 3', { offset: 3 }))).toEqual({
      type: 'urn:veiltrail:problem:json_syntax',
      title: 'The body is not JSON',
      status: 400,
      code: 'json_syntax',
      detail: 'not JSON, at offset 3',
      offset: 3,
    });
    for (const error of [new Error('/home/x: secret'), new VeiltrailError('tree_moved', '/home/x', { path: '/home/x' }), 'text', undefined]) {
      expect(problemOf(error)).toEqual({ type: 'urn:veiltrail:problem:internal', title: 'A mistake of ours', status: 500, code: 'internal' });
    }
    expect(problemOf(new VeiltrailError('disk_full', 'no room in /home/x', { path: '/home/x' }))).not.toHaveProperty('detail');
  });

  it('is not fooled by facts that bear the names of its own members, or by names every object has', () => {
    expect(problemOf(new VeiltrailError('not_found', 'm', { status: 200, code: 'fine' }))).toMatchObject({ status: 404, code: 'not_found' });
    for (const code of ['constructor', 'toString', '__proto__']) expect(codeOf(new VeiltrailError(code, ''))).toBe('internal');
  });
});
