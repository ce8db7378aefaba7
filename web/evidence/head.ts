/** The verdict, for whom and why, and what was proved and what was not. */
import { visible } from '../../src/core/visible.ts';
import type { EvidenceReport } from '../../src/verify/index.ts';
import { type Child, element, said } from '../dom.ts';

export function renderHead(report: EvidenceReport): HTMLElement[] {
  return [
    element('header', {}, element('p', 'kicker', 'Evidence from an audit log'), element('h1', {}, said(report.log?.origin ?? 'Unknown log'))),
    renderVerdict(report),
    ...(report.export ? [renderFacts(report)] : []),
    renderClaims(report),
  ];
}

function renderVerdict({ ok, problems }: EvidenceReport): HTMLElement {
  if (ok) {
    return element(
      'section',
      { class: 'verdict good', attributes: { role: 'status' } },
      element('h2', {}, 'Verified'),
      element('p', {}, 'Nothing in this file was changed since it was exported, and every leaf it accounts for is in the log.'),
      element(
        'p',
        {},
        'Whether it is the log that you mean, only you can tell: ',
        element('a', { attributes: { href: '#signer' } }, 'compare its key'),
        '.',
      ),
    );
  }
  return element(
    'section',
    { class: 'verdict bad', attributes: { role: 'alert' } },
    element('h2', {}, `${problems.length === 1 ? 'A problem' : `${problems.length} problems`}: do not rely on this file`),
    element(
      'ul',
      {},
      ...problems.slice(0, 50).map(({ where, message, leafIndex }) => {
        const place =
          leafIndex === undefined
            ? element('strong', {}, visible(where))
            : element('a', { attributes: { href: `#leaf-${leafIndex}` } }, visible(where));
        return element('li', {}, place, visible(`: ${message}`));
      }),
      problems.length > 50 && element('li', {}, `… and ${problems.length - 50} more`),
    ),
  );
}

function renderFacts(report: EvidenceReport): HTMLElement {
  const { audience, purpose, by, at, selection } = report.export as NonNullable<EvidenceReport['export']>;
  const { query, since, until, fields } = selection;
  const shown = report.events.filter((event) => event.fields).length;
  const rows: [string, Child][] = [
    ['Made for', said(audience)],
    ['Purpose', said(purpose)],
    ['Exported by', element('span', {}, by.name === undefined ? '' : said(by.name), by.name === undefined ? '' : ' · ', said(by.principal, 'mono'))],
    ['Exported at', time(at)],
    ['Events', `${shown} shown, ${report.events.length - shown} hidden, of ${report.checkpoint?.treeSize ?? '?'} in the log`],
    ['Query', query !== undefined && said(query, 'mono')],
    ['Since', since !== undefined && time(since)],
    ['Until', until !== undefined && time(until)],
    ['Fields', fields !== undefined && said(fields.join('  '), 'mono')],
    ['Privacy policy', report.policy && said(report.policy.label, 'mono')],
  ];
  return element(
    'section',
    { attributes: { 'aria-labelledby': 'about' } },
    element('h2', { id: 'about' }, 'About this file'),
    element('dl', 'facts', ...rows.flatMap(([name, value]) => (value ? [element('dt', {}, name), element('dd', {}, value)] : []))),
    element(
      'p',
      'note',
      'What stands here is the exporter’s statement, under the log’s signature. If you are not whom it was made for, this is a copy.',
    ),
  );
}

function renderClaims({ proved, notProved }: EvidenceReport): HTMLElement {
  const list = (title: string, className: string, claims: readonly string[]): HTMLElement =>
    element('div', {}, element('h3', {}, title), element('ul', className, ...claims.map((claim) => element('li', {}, visible(claim)))));
  return element(
    'section',
    { class: 'claims', attributes: { 'aria-label': 'What was proved and what was not' } },
    list('Proved, by this page, just now', 'yes', proved.length > 0 ? proved : ['Nothing.']),
    list('Not proved', 'no', notProved),
  );
}

export function time(text: string): HTMLElement {
  return element(
    'time',
    { attributes: { datetime: text } },
    said(
      text
        .replace('T', ' ')
        .replace(/\.000Z$/, 'Z')
        .replace('Z', ' UTC'),
    ),
  );
}
