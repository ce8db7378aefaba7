/** When leaves were there, and when not yet, by somebody else's word, and on what that word rests. */
import { type EvidenceReport, type LowerTimeBound, type TimeBound, verifyEvidence } from '../../src/verify/index.ts';
import { element, said } from '../dom.ts';
import { time } from './head.ts';

/** @param onJudged is given the report by the certificate that was pasted, or by none again */
export function renderTimes(report: EvidenceReport, text: string, onJudged: (report: EvidenceReport) => void): HTMLElement[] {
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
    const { words, className, now } = judge(input.value, report, text);
    result.className = `result ${className}`;
    result.textContent = words;
    place.replaceChildren(...renderBounds(boundsOf(now)));
    onJudged(now);
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

type Bound = TimeBound | LowerTimeBound;

/** Those of whom is trusted lead. */
function boundsOf({ bounds, lowerBounds }: EvidenceReport): Bound[] {
  return [...lowerBounds, ...bounds].toSorted((a, b) => Number(b.isTrusted) - Number(a.isTrusted));
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

function judge(value: string, report: EvidenceReport, text: string): { words: string; className: string; now: EvidenceReport } {
  if (value.trim() === '') return { words: '', className: '', now: report };
  try {
    const now = verifyEvidence(text, { timeStampRoots: [value] });
    const bounds = boundsOf(now);
    const trusted = bounds.filter(({ isTrusted }) => isTrusted).length;
    if (trusted === 0) return { words: 'It vouches for none of these time stamps.', className: 'bad', now };
    return { words: `It vouches for ${trusted} of ${bounds.length} time ${bounds.length === 1 ? 'stamp' : 'stamps'}.`, className: 'good', now };
  } catch {
    return { words: 'That is no certificate.', className: 'bad', now: report };
  }
}
