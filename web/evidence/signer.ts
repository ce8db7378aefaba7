/** Whose key signed, and a place to compare it. */
import { type EvidenceReport, verifyEvidence } from '../../src/verify/index.ts';
import { element, said } from '../dom.ts';

export function renderSigner(report: EvidenceReport, text: string): HTMLElement[] {
  if (report.signers.length === 0) return [];
  const result = element('p', { class: 'result', id: 'compared', attributes: { role: 'status' } });
  const input = element('input', {
    id: 'key',
    attributes: {
      type: 'text',
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-describedby': 'compared',
      placeholder: 'fingerprint or verifier key',
    },
  });
  input.addEventListener('input', () => {
    const { className, words } = compare(input.value, report, text);
    result.className = `result ${className}`;
    result.textContent = words;
  });
  return [
    element(
      'section',
      { attributes: { 'aria-labelledby': 'signer' } },
      element('h2', { id: 'signer' }, 'Who signed'),
      ...report.signers.map(({ vkey, fingerprint }) =>
        element(
          'div',
          'key',
          element('p', 'fingerprint mono', ...(fingerprint.match(/.{4}/g) ?? []).map((group) => element('span', {}, group))),
          element('details', {}, element('summary', {}, 'Verifier key'), element('p', 'mono', said(vkey))),
        ),
      ),
      element(
        'p',
        'note',
        'Anybody can make a key and a file like this one. Compare the fingerprint with the one that the log’s owner published or told you by another way than this file.',
      ),
      element('p', 'compare', element('label', { attributes: { for: 'key' } }, 'Compare with'), input),
      result,
    ),
    ...(report.witnesses.length > 0 ? [renderWitnesses(report)] : []),
  ];
}

function renderWitnesses({ witnesses }: EvidenceReport): HTMLElement {
  return element(
    'section',
    { attributes: { 'aria-labelledby': 'witnesses' } },
    element('h2', { id: 'witnesses' }, 'Who else saw it'),
    element(
      'ul',
      {},
      ...witnesses.map(({ name, timeSeconds }) =>
        element('li', {}, said(name, 'mono'), `, on ${new Date(timeSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`),
      ),
    ),
    element('p', 'note', 'A witness signs a log only if it has grown from what it saw before. Their keys come with this file: compare them as well.'),
  );
}

function compare(typed: string, { signers }: EvidenceReport, text: string): { className: string; words: string } {
  const key = typed.trim();
  if (key === '') return { className: '', words: '' };
  const hex = key.replaceAll(/[\s:]/g, '').toLowerCase();
  if (signers.some(({ fingerprint, vkey }) => fingerprint === hex || vkey === key))
    return { className: 'good', words: 'That is the key that signed.' };
  if (/^[0-9a-f]{64}$/.test(hex)) return { className: 'bad', words: 'Another key signed this file.' };
  try {
    verifyEvidence(text, { vkeys: [key] });
    return { className: 'bad', words: 'Another key signed this file.' };
  } catch {
    return { className: '', words: 'That is neither a fingerprint (64 hex digits) nor a verifier key yet.' };
  }
}
