/** When leaves were there, and when not yet, by somebody else's word, and on what that word rests. */
import { type EvidenceReport, type LowerTimeBound, type TimeBound, verifyEvidence } from '../../src/verify/index.ts';
import { element, said } from '../dom.ts';
import { time } from './head.ts';

export function renderTimes(report: EvidenceReport, text: string): HTMLElement[] {
  const bounds = boundsOf(report);
  if (bounds.length === 0) return [];
  const place = element('div', {}, ...renderBounds(bounds));
  const result = element('p', { class: 'result', id: 'vouched', attributes: { role: 'status' } });
  const input = element('textarea', {
    id: 'certificate',
    class: 'mono',
    attributes: {
      rows: '3',
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-describedby': 'vouched',
      placeholder: '-----BEGIN CERTIFICATE-----',
    },
  });
  input.addEventListener('input', () => {
    const { words, className, now } = judge(input.value, bounds, text);
    result.className = `result ${className}`;
    result.textContent = words;
    place.replaceChildren(...renderBounds(now));
  });
  return [
    element(
      'section',
      { attributes: { 'aria-labelledby': 'times' } },
      element('h2', { id: 'times' }, 'When it was there'),
      element(
        'p',
        {},
        'A time-stamp authority signed that it saw a checkpoint of this log: what lies below that size was there by then, and is unchanged since, whoever ruled over the log meanwhile. Where a leaf quotes such a signature, it and all behind it came later. The signatures are right; whose they are, the certificates say that come with them.',
      ),
      place,
      element(
        'p',
        {},
        element('label', { attributes: { for: 'certificate' } }, 'A certificate that you trust (PEM), of an authority or of who vouches for it'),
      ),
      input,
      result,
      element('p', 'note', 'Whether a certificate was revoked, this page cannot know.'),
    ),
  ];
}

/** What an event was there by: the earliest that anybody says. */
export function existedBy({ bounds }: EvidenceReport, leafIndex: number): string | undefined {
  return bounds
    .filter(({ treeSize }) => treeSize > leafIndex)
    .map((bound) => bound.existedBy)
    .toSorted()[0];
}

/** What an event came after: the latest that anybody says. */
export function cameAfter({ lowerBounds }: EvidenceReport, leafIndex: number): string | undefined {
  return lowerBounds
    .filter((bound) => bound.leafIndex <= leafIndex)
    .map((bound) => bound.cameAfter)
    .toSorted()
    .at(-1);
}

type Bound = TimeBound | LowerTimeBound;

function boundsOf({ bounds, lowerBounds }: EvidenceReport): Bound[] {
  return [...lowerBounds, ...bounds];
}

/** Of which leaves, and what is said of them. */
function saidOf(bound: Bound): [string, HTMLElement | string][] {
  if ('cameAfter' in bound)
    return [
      ['Came after', time(bound.cameAfter)],
      ['What', `Leaf ${bound.leafIndex} and all behind it`],
    ];
  const { existedBy: by, treeSize } = bound;
  return [
    ['There by', time(by)],
    ['What', treeSize === 1 ? 'Leaf 0' : `Leaves 0 to ${treeSize - 1}`],
  ];
}

function renderBounds(bounds: readonly Bound[]): HTMLElement[] {
  return bounds.map((bound) => {
    const { chain, root, isTrusted } = bound;
    const last = chain.at(-1);
    const rows: [string, HTMLElement | string][] = [
      ...saidOf(bound),
      ['Says who', said(chain[0]?.name ?? '')],
      ['Vouched for by', element('span', {}, said(last?.name ?? ''), last?.name !== root && ', signed by ', last?.name !== root && said(root))],
      ['SHA-256', element('span', 'mono', last?.fingerprint ?? '')],
      ['Trust', element('span', `badge ${isTrusted ? 'proven' : 'unproven'}`, isTrusted ? 'Trusted by you' : 'Not compared')],
    ];
    return element('dl', 'facts times', ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
  });
}

function judge(value: string, bounds: readonly Bound[], text: string): { words: string; className: string; now: readonly Bound[] } {
  if (value.trim() === '') return { words: '', className: '', now: bounds };
  try {
    const now = boundsOf(verifyEvidence(text, { timeStampRoots: [value] }));
    const trusted = now.filter(({ isTrusted }) => isTrusted).length;
    if (trusted === 0) return { words: 'It vouches for none of these time stamps.', className: 'bad', now };
    return { words: `It vouches for ${trusted} of ${now.length} time ${now.length === 1 ? 'stamp' : 'stamps'}.`, className: 'good', now };
  } catch {
    return { words: 'That is no certificate.', className: 'bad', now: bounds };
  }
}
