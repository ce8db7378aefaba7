/** Evidence as people make and check it: from a data directory and from a server, as a file and as a page. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillEvidencePage, openEvidencePage } from '../../src/app/evidence-page.ts';
import { createCosigner } from '../../src/log/index.ts';
import { run } from './product.ts';

const events = Array.from({ length: 12 }, (_, i) => ({
  id: `e-${i}`,
  time: `2026-11-0${1 + (i % 9)}T10:00:00Z`,
  action: i % 3 === 0 ? 'user.login' : 'object.read',
  actor: { type: 'user', id: `u-${i}`, email: `jane.doe${i}@acme-corp.com` },
  message: i === 3 ? '</script><img src=x onerror=alert(1)>' : `what happened ${i}`,
}));

let data: string;
beforeAll(async () => {
  data = join(mkdtempSync(join(tmpdir(), 'veiltrail-evidence-')), 'data');
  const ingested = await run(['ingest', '-', '--data', data], { input: events.map((event) => JSON.stringify(event)).join('\n') });
  expect(ingested.code, ingested.err).toBe(0);
});
afterAll(() => rmSync(join(data, '..'), { recursive: true, force: true }));

const forSomebody = ['--audience', 'Example Court, case 12', '--purpose', 'who logged in'];

describe('from a data directory', () => {
  test('is exported, on record, verified, and found when it was changed', async () => {
    const out = join(data, '../evidence.json');
    const made = await run([
      'export',
      '--data',
      data,
      '--evidence',
      'action:user.login',
      '--range',
      '0-9',
      ...forSomebody,
      '--by',
      'Ada',
      '--out',
      out,
      '--json',
    ]);
    expect(made.code, made.err).toBe(0);
    expect(JSON.parse(made.out)).toMatchObject({ shown: [0, 3, 6, 9], leaves: 10, treeSize: 12 });
    const text = readFileSync(out, 'utf8');
    expect(text).not.toContain('jane.doe');

    const verified = await run(['verify', out, '--json', '--audience', 'Example Court, case 12']);
    expect(verified.code, verified.err).toBe(0);
    const report = JSON.parse(verified.out) as { ok: boolean; signers: { vkey: string }[]; events: unknown };
    expect(report).toMatchObject({ ok: true, treeSize: 12, export: { by: { name: 'Ada' } }, events: { hidden: 6 } });
    const [{ vkey } = { vkey: '' }] = report.signers;
    expect((await run(['verify', out, '--vkey', vkey, '--audience', 'somebody else'])).code).toBe(1);

    const changed = join(data, '../changed.json');
    writeFileSync(changed, text.replace('what happened 6', 'what happened 7'));
    const found = await run(['verify', changed, '--vkey', vkey]);
    expect(found.code).toBe(1);
    expect(found.out).toMatch(/leaf 6: .*not what was recorded/);
    expect(found.out).toMatch(/first bad leaf: 6/);

    const recorded = await run(['search', '--data', data, '--log', '_system', 'action:evidence.export', '--json']);
    const lines = recorded.out.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ record: { action: 'evidence.export', metadata: { shown: 4, leaves: 10 } } });
    // Nothing that is there is overwritten.
    expect((await run(['export', '--data', data, '--evidence', 'action:user.login', ...forSomebody, '--out', out])).code).not.toBe(0);
  });

  test('refuses what nobody can mean', async () => {
    const out = ['--out', join(data, '../x.json')];
    const refusals: [string[], number, RegExp][] = [
      [['--evidence', 'x', '--purpose', 'y', ...out], 2, /--audience/],
      [['--evidence', 'x', ...forSomebody], 2, /--out FILE/],
      [['--evidence', '', '--range', '8-2', ...forSomebody, ...out], 2, /--range/],
      // Left out in silence, they would show more than was meant.
      [['--evidence', 'x', '--limit', '3', ...forSomebody, ...out], 2, /--limit says nothing about evidence/],
      [['--raw', 'x', '--fields', '/action', ...forSomebody, ...out], 2, /--fields says nothing about a raw export/],
      [['--backup', join(data, '../backup'), '--since', '2026-11-01T00:00:00Z'], 2, /--since says nothing about a backup/],
    ];
    for (const [args, code, words] of refusals) {
      const refused = await run(['export', '--data', data, ...args]);
      expect([args, refused.code]).toEqual([args, code]);
      expect(refused.err).toMatch(words);
    }
    expect((await run(['export', '--data', join(data, '../nowhere'), '--evidence', 'x', ...forSomebody, ...out])).code).toBe(3);
  });
});

describe('what is demanded and cannot be checked', () => {
  test('is refused, and not passed over', async () => {
    const file = join(data, '../evidence.json'); // of the first test
    const policy = join(data, '../witnesses.policy');
    writeFileSync(policy, `witness w ${createCosigner('w.example', new Uint8Array(32)).vkey}\nquorum w\n`);
    const demanded = await run(['verify', file, '--witness-policy', policy, '--json']);
    expect(demanded.code, demanded.err).toBe(1);
    expect(JSON.parse(demanded.out)).toMatchObject({ ok: false, problems: [{ code: 'quorum_missing', where: 'checkpoint' }] });
    for (const [target, option] of [
      [file, '--event'],
      [data, '--audience'],
      [data, '--alert'],
      ['http://127.0.0.1:9', '--config'],
    ] as const) {
      const refused = await run(['verify', target, option, 'x']);
      expect([option, refused.code]).toEqual([option, 2]);
      expect(refused.err).toContain(`${option} says nothing about`);
    }
  });
});

describe('in a page', () => {
  const page = '<!doctype html>\n<title>x</title><script type="application/json" id="evidence">{{evidence}}</script>\n';

  test('goes in and comes out as it is', () => {
    const filled = fillEvidencePage(page, '{"a":"\\u003c"}\n');
    expect(openEvidencePage(filled)).toEqual({ evidence: '{"a":"\\u003c"}\n', page });
    expect(() => fillEvidencePage('<p>', '{}')).toThrow(/not the page/);
    expect(() => fillEvidencePage(page, '<')).toThrow(/not evidence/);
    expect(() => openEvidencePage('<p>')).toThrow(/without evidence/);
    // As browsers read it, whatever mail or an editor made of it; and what is shown must be what is verified.
    for (const newline of ['\r\n', '\r']) expect(openEvidencePage(`\ufeff${filled.replaceAll('\n', newline)}`)).toEqual(openEvidencePage(filled));
    expect(() => openEvidencePage(`<!-- ${filled} -->${filled}`)).toThrow(/two pieces of evidence/);
  });

  test('is verified, and a page of somebody else’s is told', async () => {
    const out = join(data, '../evidence.json'); // of the first test
    const html = join(data, '../evidence.html');
    writeFileSync(html, fillEvidencePage(page, readFileSync(out, 'utf8')));
    const sent = join(data, '../sent.html');
    writeFileSync(sent, `\ufeff${readFileSync(html, 'utf8').replaceAll('\n', '\r\n')}`);
    expect(await run(['verify', sent, '--json'])).toMatchObject({ code: 0 });
    const verified = await run(['verify', html, '--json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ ok: true, page: { shipped: false } });
    expect((await run(['verify', html])).out).toMatch(/not the one of this version/);
  });
});
