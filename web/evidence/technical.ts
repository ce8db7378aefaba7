/** What a specialist wants to see: the checkpoint as signed, the ranges, anchors, the policy; and the file itself. */
import { visible } from '../../src/core/visible.ts';
import type { EvidenceReport } from '../../src/verify/index.ts';
import { type Child, element, said } from '../dom.ts';

export function renderTechnical(report: EvidenceReport, text: string): HTMLElement[] {
  const { checkpoint, ranges, anchors, policy } = report;
  const rows: [string, Child][] = [
    ['Tree', checkpoint && `${checkpoint.treeSize} leaves, root ${hex(checkpoint.root)}`],
    ['Ranges', ranges.length > 0 && ranges.map(({ start, end }) => `${start}–${end - 1}`).join(', ')],
    ['Checkpoint', checkpoint && element('pre', {}, said(checkpoint.text))],
    ['Policy digest', policy && `SHA-256 ${policy.digest}`],
    ['Policy', policy?.text !== undefined && element('pre', {}, said(policy.text))],
    ...anchors.map(({ kind, status, detail }): [string, Child] => [visible(`Anchor: ${kind}`), visible(`${status}: ${detail}`)]),
  ];
  return [
    element(
      'section',
      { attributes: { 'aria-labelledby': 'technical' } },
      element('h2', { id: 'technical' }, 'For specialists'),
      element(
        'details',
        {},
        element('summary', {}, 'Checkpoint, ranges, anchors, policy'),
        element('dl', 'facts mono', ...rows.flatMap(([name, value]) => (value ? [element('dt', {}, name), element('dd', {}, value)] : []))),
      ),
      element(
        'p',
        'note',
        'The same check without this page: ',
        element('code', {}, 'veiltrail verify THIS-FILE.html --vkey KEY'),
        '. It reads the evidence out of the page, or out of the file below, and says whether the page itself is as it was shipped.',
      ),
      element('p', {}, download(text)),
    ),
    element('footer', {}, element('p', 'note', 'This page works without a network and connects to nothing. It was made by veiltrail.')),
  ];
}

function download(text: string): HTMLElement {
  const button = element('button', { attributes: { type: 'button' } }, 'Save the evidence as a file');
  button.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    const link = element('a', { attributes: { href: url, download: 'evidence.json' } });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  return button;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
