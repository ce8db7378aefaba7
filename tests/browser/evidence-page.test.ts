/** The evidence page in a real browser, from a file, without a network. Skipped, and said so, where no Chromium runs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEvidencePageElsewhere } from '../../scripts/build-elsewhere.ts';
import { buildEvidencePage } from '../../scripts/build-evidence-page.ts';
import { fillEvidencePage } from '../../src/app/evidence-page.ts';
import { encodeBase64 } from '../../src/core/base64.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { formatKeptAnchor } from '../../src/verify/evidence/index.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';
import { rawTransaction } from '../verify/arweave-transaction.ts';
import { anchored, anchorOf, evidenceWith } from '../verify/quoted-evidence.ts';
import { all, checkpointOf, sampleEvidence, signer } from '../verify/sample-evidence.ts';
import { authorityExtensions, createTimeStampAuthorities, stampedAnchor, stampExtensions } from '../verify/time-stamp-authorities.ts';
import { openBrowser } from './browser.ts';
import { contrastOf } from './contrast.ts';

const opened = await openBrowser();
const absent = 'absent' in opened ? opened.absent : undefined;
if (absent !== undefined) console.warn(`no browser runs here, so the evidence page is not tried in one: ${absent}`);
const browser = opened as Browser;

const hostile = '</script><img src=x onerror="globalThis.hurt=1">&lt;b&gt;\u202Eevil\u0007';
const { text } = sampleEvidence({
  ranges: [{ start: 1, end: 7 }],
  shown: { 2: all, 4: all, 5: (pointer) => pointer === '/action' },
  change: (evidence) => ({
    ...evidence,
    export: {
      ...evidence.export,
      audience: hostile.slice(0, -1),
      by: { principal: '<script>globalThis.hurt=2</script>' },
      selection: { query: '"><script>globalThis.hurt=3</script>' },
    },
    policy: { ...evidence.policy, label: '<style>*{display:none}</style>' },
  }),
});

let dir: string;
let html: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-page-'));
  ({ html } = await buildEvidencePage());
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  if (absent === undefined) await browser.close();
});

interface Opened {
  page: Page;
  /** Whatever the page asked for but itself, and whatever it complained of. */
  unwanted: string[];
}

let files = 0;
async function open(evidence: string, options: { colorScheme?: 'light' | 'dark'; width?: number } = {}): Promise<Opened> {
  const file = join(dir, `${files++}.html`);
  writeFileSync(file, fillEvidencePage(html, evidence));
  const context = await browser.newContext({
    offline: true,
    colorScheme: options.colorScheme ?? 'light',
    viewport: { width: options.width ?? 1_000, height: 800 },
  });
  const page = await context.newPage();
  const unwanted: string[] = [];
  const url = pathToFileURL(file).href;
  page.on('request', (request) => {
    if (request.url() !== url) unwanted.push(request.url());
  });
  page.on('console', (message) => unwanted.push(message.text()));
  page.on('pageerror', (error) => unwanted.push(error.message));
  await page.goto(url);
  return { page, unwanted };
}

/** Runs in the page: `document` is the page's. */
const inPage = <T>(page: Page, code: string): Promise<T> => page.evaluate(code);

describe('the build', () => {
  it('is the same wherever it is built, and asks nobody for anything', async () => {
    const again = await buildEvidencePage();
    expect(again.html).toBe(html);
    expect(buildEvidencePageElsewhere()).toBe(again.digest);
    expect(again.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(html).toMatch(/default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'/);
    expect(html.replace(/<script[^]*?<\/script>/g, '')).not.toMatch(/(?:src|href|url\()\s*=?\s*["']?(?:https?:)?\/\//);
    expect(html.length).toBeLessThan(200_000);
  });
});

describe.skipIf(absent !== undefined)('in a browser, offline, from a file', () => {
  it('verifies, says what is shown and hidden, and what was proved and not', async () => {
    const { page, unwanted } = await open(text);
    expect(await page.title()).toBe('Verified · Evidence from example.com/log');
    expect(await page.locator('.verdict.good h2').innerText()).toBe('Verified');
    expect(await page.locator('details.event').count()).toBe(3);
    expect(await page.locator('details.hidden').count()).toBe(3);
    expect(await page.locator('#leaf-2').innerText()).toContain('event 2, čeština 漢字 😀');
    expect(await page.locator('#leaf-5').innerText()).toContain('only its digest is here');
    expect(await page.locator('.claims .yes').innerText()).toContain('Of leaves 1 to 6 none is left out: 3 shown, 3 hidden');
    expect(await page.locator('.claims .no').innerText()).toContain('Whose key signed');
    expect(unwanted).toEqual([]);
  });

  it('shows what strangers wrote as text, whatever it is', async () => {
    const { page, unwanted } = await open(text);
    expect(await inPage(page, 'globalThis.hurt')).toBeUndefined();
    expect(await page.locator('main img, main script, main style, main iframe').count()).toBe(0);
    expect(await page.locator('#leaf-4').innerText()).toContain('</script><img src=x onerror=alert(1)>');
    const facts = await page.locator('.facts').first().innerText();
    expect(facts).toContain('</script><img src=x onerror="globalThis.hurt=1">&lt;b&gt;\\u{202e}evil');
    expect(facts).toContain('<script>globalThis.hurt=2</script>');
    expect(unwanted).toEqual([]);
  });

  it('runs nothing but its own script, and reaches nobody', async () => {
    const { page } = await open(text);
    const ran = await inPage<unknown>(
      page,
      `(() => { const one = document.createElement('script'); one.textContent = 'globalThis.foreign = 1'; document.body.append(one); return globalThis.foreign; })()`,
    );
    expect(ran).toBeUndefined();
    expect(await inPage(page, `fetch('https://example.com/').then(() => 'reached', () => 'refused')`)).toBe('refused');
  });

  it('shows a changed character at the right event', async () => {
    const lines = text.split('\n');
    for (const leaf of [2, 4, 5]) {
      const at = lines.findIndex((line) => line.includes(`"leafIndex":${leaf}`));
      const line = lines[at] as string;
      for (const offset of [20, Math.floor(line.length / 2), line.length - 25]) {
        const was = line[offset] as string;
        const changed = lines.with(at, line.slice(0, offset) + (was === 'A' ? 'B' : 'A') + line.slice(offset + 1)).join('\n');
        const { page, unwanted } = await open(changed);
        expect(await page.title()).toBe('Not as exported · Evidence from example.com/log');
        expect(await page.locator('.verdict.bad').innerText()).toContain(`leaf ${leaf}`);
        expect(await page.locator('.changed[id]').evaluateAll((rows) => rows.map((row) => (row as unknown as { id: string }).id))).toEqual([
          `leaf-${leaf}`,
        ]);
        expect(await page.locator(`#leaf-${leaf} .badge`).innerText()).toBe('Changed');
        expect(await page.locator(`#leaf-${leaf} .problem`).isVisible()).toBe(true);
        expect(unwanted).toEqual([]);
        await page.context().close();
      }
    }
    const { page } = await open(text.replace('"purpose":"who', '"purpose":"why'));
    expect(await page.locator('.verdict.bad').innerText()).toContain('export: the line of “export” is not the one that was signed');
  });

  it('compares a key', async () => {
    const { page } = await open(text);
    const fingerprint = (await page.locator('.fingerprint').innerText()).replaceAll(/\s/g, '');
    const compare = async (typed: string): Promise<string> => {
      await page.locator('#key').fill(typed);
      return page.locator('#compared').innerText();
    };
    expect(await compare(signer.vkey)).toBe('That is the key that signed.');
    expect(await compare(fingerprint.toUpperCase().replaceAll(/(..)/g, '$1:').slice(0, -1))).toBe('That is the key that signed.');
    expect(await compare('0'.repeat(64))).toBe('Another key signed this file.');
    expect(await compare('00')).toMatch(/neither a fingerprint/);
  });

  it('is used by keyboard alone, and found by words', async () => {
    const { page } = await open(text);
    const hidden = page.locator('#leaf-1');
    await hidden.locator('summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await hidden.evaluate((row) => (row as unknown as { open: boolean }).open)).toBe(true);
    expect(await hidden.locator('.entries').innerText()).toMatch(/^1 {2}01[0-9a-f]{64}/);
    await page.locator('#filter').fill('object.read');
    expect(await page.locator('.events > details:visible').count()).toBe(1);
    await page.getByRole('button', { name: 'Close all' }).click();
    expect(await page.locator('details.event[open]').count()).toBe(0);
    await inPage(page, `dispatchEvent(new Event('beforeprint'))`);
    expect(await page.locator('details.event[open]').count()).toBe(3);
  });

  it('fits a telephone, and is readable in the dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(text, { colorScheme, width: 340 });
      expect(await inPage(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(340);
      for (const selector of ['h1', '.verdict p', '.note', '.badge.proven', 'tbody th', 'dt']) {
        expect([colorScheme, selector, await contrastOf(page, selector)]).toEqual([
          colorScheme,
          selector,
          expect.toSatisfy((ratio: number) => ratio >= 4.5),
        ]);
      }
    }
  });

  it.skipIf(!hasOpenssl())('says when leaves were there, on whose word, and compares a certificate (needs openssl)', async () => {
    const tsas = createTimeStampAuthorities();
    try {
      tsas.issue({ name: 'Root of trust', key: 'p384', extensions: authorityExtensions });
      tsas.issue({ name: '<b>Stamps</b>', key: 'p256', by: 'Root of trust', extensions: stampExtensions });
      const stamped = sampleEvidence({
        change: (evidence) => ({ ...evidence, anchors: [...evidence.anchors, stampedAnchor(tsas, '<b>Stamps</b>', checkpointOf(4))] }),
      });
      const seems = /It was there by 20[^,]*, as a time stamp says, if it is whose it seems\./;
      for (const width of [1_000, 340]) {
        const { page, unwanted } = await open(stamped.text, { width });
        expect(await inPage(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        const row = page.locator('.times');
        const words = await row.innerText();
        expect(words).toContain('Leaves 0 to 3');
        expect(words).toContain('<b>Stamps</b>');
        expect(words).toMatch(/signed by Root of trust\s+SHA-256\s+[0-9a-f]{64}\s+Trust\s+Not compared/);
        expect(await page.locator('#leaf-2').innerText()).toMatch(seems);
        expect(await page.locator('#leaf-5').innerText()).not.toContain('It was there by');
        await page.locator('#certificate').fill('no certificate');
        expect(await page.locator('#vouched').innerText()).toBe('That is no certificate.');
        await page.locator('#certificate').fill(tsas.pem('Root of trust'));
        expect(await page.locator('#vouched').innerText()).toBe('It vouches for 1 of 1 time stamp.');
        expect(await row.innerText()).toMatch(/Root of trust\s+SHA-256\s+[0-9a-f]{64}\s+Trust\s+Trusted by you/);
        expect(await page.locator('#leaf-2').innerText()).toMatch(/It was there by 20[^,]*, as a time stamp says whose signer you trust\./);
        await page.locator('#certificate').fill('');
        expect(await page.locator('#leaf-2').innerText()).toMatch(seems);
        if (process.env['VEILTRAIL_SCREENSHOTS'])
          await page.screenshot({ path: join(process.env['VEILTRAIL_SCREENSHOTS'], `times-${width}.png`), fullPage: true });
        expect(unwanted).toEqual([]);
      }
    } finally {
      tsas.close();
    }
  });

  it.skipIf(!hasOpenssl())('says what leaves came after, by the time stamp that one before them quotes (needs openssl)', async () => {
    const tsas = createTimeStampAuthorities();
    try {
      tsas.issue({ name: '<i>Stamps</i>', key: 'p256', extensions: stampExtensions });
      const token = encodeBase64(tsas.stamp('<i>Stamps</i>', utf8(anchored)));
      const { page, unwanted } = await open(evidenceWith(anchorOf({ token })));
      expect(await page.locator('.times').innerText()).toMatch(/Came after\s+20\d\d[^]*Leaf 1 and all behind it[^]*<i>Stamps<\/i>[^]*Not compared/);
      expect(await page.locator('#leaf-2').innerText()).toContain('It came after 20');
      await page.locator('#certificate').fill(tsas.pem('<i>Stamps</i>'));
      expect(await page.locator('#vouched').innerText()).toBe('It vouches for 1 of 1 time stamp.');
      expect(unwanted).toEqual([]);
    } finally {
      tsas.close();
    }
  });

  it('says which wallet signed over the checkpoint on Arweave, and what only a gateway can say', async () => {
    const transaction = await rawTransaction(checkpointOf(4));
    const anchorOn = (proof: JsonObject): string => {
      const kept = { format: 'veiltrail.anchor/v1', kind: 'arweave', target: 'ar', checkpoint: checkpointOf(4), madeAt: '2026-11-22T12:00:00Z' };
      const anchor = formatKeptAnchor(JSON.stringify({ ...kept, proof }));
      return sampleEvidence({ change: (evidence) => ({ ...evidence, anchors: [...evidence.anchors, anchor] }) }).text;
    };
    const id = transaction['id'] as string;
    const { page, unwanted } = await open(anchorOn({ id, transaction }), { width: 340 });
    expect(await page.locator('.verdict.good h2').innerText()).toBe('Verified');
    expect(await page.locator('.claims .yes').innerText()).toMatch(/The wallet \S{43} signed transaction \S{43} of Arweave/);
    expect(await page.locator('.claims .no').innerText()).toContain(`that Arweave holds transaction ${id}: whether it does, and since when`);
    expect(await inPage(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(340);
    expect(unwanted).toEqual([]);
    // Signed by the log's key all the same: an exporter who lies.
    const lie = await open(anchorOn({ id, transaction: { ...transaction, reward: '7' } }));
    expect(await lie.page.locator('.verdict.bad').innerText()).toContain('not a transaction of Arweave that signs this checkpoint');
  });

  it('has one row for a run of hidden leaves', async () => {
    const many = sampleEvidence({ ranges: [{ start: 0, end: 9 }], shown: {} }).text;
    const { page, unwanted } = await open(many);
    expect(await page.locator('details.hidden').count()).toBe(1);
    expect(await page.locator('details.hidden .what').innerText()).toBe('9 hidden');
    expect(unwanted).toEqual([]);
  });
});

it('is built from what is here', () => {
  expect(readFileSync(new URL('../../web/evidence/page.html', import.meta.url), 'utf8')).toContain('{{evidence}}');
});
