/** One request, whole: what it would do, everything it commits to, who signed so far, and the two buttons. */
import { visible } from '../../src/core/visible.ts';
import type { Approval, Decision } from '../../src/verify/index.ts';
import { type Child, element, said } from '../dom.ts';
import { inPlainWords, members } from './plain-words.ts';
import { type ApproverShown, isAsShown, isSignedBy, keysAt, type RequestShown } from './request.ts';

export const stateWords: Readonly<Record<string, string>> = {
  pending: 'waits for a second person',
  approved: 'approved, not used yet',
  denied: 'denied',
  used: 'used',
  expired: 'expired',
};

export interface RequestViewParts {
  request: RequestShown;
  approvers: readonly ApproverShown[];
  /** Why no key can be used on this page; undefined where one can. */
  noKey: string | undefined;
  decide: (approver: ApproverShown, decision: Decision) => Promise<void>;
  close: () => void;
}

/** The heading takes the focus: whoever opened it goes on reading there. */
export function renderRequest(parts: RequestViewParts): HTMLElement {
  const { request, approvers } = parts;
  const { does, warning } = inPlainWords(request);
  const asShown = isAsShown(request);
  const back = element('button', { attributes: { type: 'button' } }, 'Back to the list');
  back.addEventListener('click', () => parts.close());
  return element(
    'section',
    { class: 'request', attributes: { 'aria-labelledby': 'asked' } },
    element('p', {}, back),
    element('h2', { id: 'asked', attributes: { tabindex: '-1' } }, 'What is asked'),
    ...(asShown ? [] : [renderTampered()]),
    element('p', 'does', said(does)),
    warning !== undefined && element('p', 'warning', warning),
    element('h3', {}, 'Exactly this, and nothing else'),
    element(
      'dl',
      { class: 'facts detail', attributes: { tabindex: '0', 'aria-label': 'All members of the request' } },
      ...facts([
        ['action', said(request.action, 'mono')],
        ...members(request.detail).map(([where, text]): [string, Child] => [where, said(text, 'mono')]),
      ]),
    ),
    element('h3', {}, 'Who, why and until when'),
    element(
      'dl',
      'facts',
      ...facts([
        [
          'Asked by',
          element(
            'span',
            {},
            said(request.by, 'mono'),
            request.owner === undefined ? '' : ' · ',
            request.owner !== undefined && said(request.owner, 'mono'),
          ),
        ],
        ['Purpose', said(request.purpose)],
        ['Reference', request.reference !== undefined && said(request.reference)],
        ['Asked at', said(when(request.createdAt))],
        ['Decide before', said(when(request.expiresAt))],
        ['State', stateWords[request.state] ?? said(request.state)],
        ['May be used until', request.state === 'approved' && request.usableUntil !== undefined && said(when(request.usableUntil))],
        ['Used', request.usedAt !== undefined && said(`${when(request.usedAt)} by ${request.usedBy ?? ''}`)],
        ['Request', said(request.id, 'mono')],
        ['Digest', said(request.digest, 'mono')],
      ]),
    ),
    element(
      'p',
      'note',
      'This page worked out the digest, and the request’s id, from what stands above. Your key signs both: for anything else your signature is worth nothing.',
    ),
    element('h3', {}, 'Signatures so far'),
    request.decisions.length === 0
      ? element('p', {}, 'None.')
      : element('ul', 'signatures', ...request.decisions.map((one) => renderSignature(request, one, approvers))),
    ...(asShown && (request.state === 'pending' || request.state === 'approved') ? [renderDecision(parts)] : []),
  );
}

function renderTampered(): HTMLElement {
  return element(
    'div',
    { class: 'verdict bad', attributes: { role: 'alert' } },
    element('h2', {}, 'This is not what its id says'),
    element(
      'p',
      {},
      'The digest or the id that the server sent is not that of the request it shows. Somebody changed it on the way or in the server. This page signs nothing for it; tell whoever is in charge.',
    ),
  );
}

function renderSignature(request: RequestShown, decision: Approval, approvers: readonly ApproverShown[]): HTMLElement {
  const name = approvers.find(({ id }) => id === decision.approver)?.name;
  const isGood = isSignedBy(request, decision, approvers);
  return element(
    'li',
    isGood ? '' : 'problem',
    decision.decision === 'approve' ? 'Approved' : 'Denied',
    ' by ',
    name !== undefined && said(`${name} `),
    said(decision.approver, 'mono'),
    visible(`, ${when(decision.time)}: `),
    isGood ? 'the signature is good' : 'the signature is not good, or its key is no approver’s',
  );
}

function renderDecision({ request, approvers, noKey, decide }: RequestViewParts): HTMLElement {
  const keys = keysAt(location.hostname, approvers);
  const result = element('p', { class: 'result', id: 'decided', attributes: { role: 'status' } });
  const head = element('h3', { id: 'decide' }, 'Decide');
  const cli = element(
    'p',
    'note',
    'With a key file instead: ',
    element('code', {}, `veiltrail request approve ${request.id} --approver-key FILE`),
    '.',
  );
  const section = (...children: Child[]): HTMLElement =>
    element('section', { class: 'decide', attributes: { 'aria-labelledby': 'decide' } }, head, ...children);
  if (noKey !== undefined) return section(element('p', 'warning', noKey), cli);
  if (keys.length === 0)
    return section(element('p', {}, 'No approver’s key was made on this address. Make one below, and have an admin enrol it.'), cli);
  const choice = element(
    'select',
    { id: 'approver' },
    ...keys.map(({ id, name }) => element('option', { attributes: { value: id } }, name === undefined ? id : `${name} (${id.slice(0, 8)}…)`)),
  );
  const buttons: HTMLButtonElement[] = [];
  const button = (name: string, className: string, decision: Decision): HTMLElement => {
    const made = element('button', { class: className, attributes: { type: 'button', 'aria-describedby': 'decided' } }, name);
    made.addEventListener('click', () => {
      const approver = keys.find(({ id }) => id === choice.value) as ApproverShown;
      for (const one of buttons) one.disabled = true;
      result.className = 'result';
      result.textContent = 'Your browser asks for your security key …';
      decide(approver, decision).catch((error: unknown) => {
        result.className = 'result bad';
        result.textContent = wordsOf(error);
        for (const one of buttons) one.disabled = false;
      });
    });
    buttons.push(made);
    return made;
  };
  return section(
    element('p', 'choice', element('label', { attributes: { for: 'approver' } }, 'Your key'), choice),
    element(
      'p',
      'choice',
      request.state === 'pending' && button('Approve with my key', 'approve', 'approve'),
      button(request.state === 'pending' ? 'Deny with my key' : 'Take the approval back: deny', 'deny', 'deny'),
    ),
    result,
    cli,
  );
}

/** What went wrong, for people: of WebAuthn in our words, of the server in its own. */
export function wordsOf(error: unknown): string {
  const { name = '', message = '', code } = error as { name?: string; message?: string; code?: unknown };
  if (name === 'NotAllowedError') return 'No key signed: it was taken away, refused, or not touched in time. Nothing was sent.';
  if (name === 'SecurityError') return 'The browser does not allow keys on this address. Nothing was sent.';
  if (code === 'approval_signature')
    return 'Another key signed than the one that was chosen, or the server does not take it. Choose your own key, and try again.';
  if (code === 'request_own') return 'You asked for this yourself: it takes somebody else to decide.';
  return typeof code === 'string' ? visible(`${message} (${code})`) : 'Something went wrong, and nothing was decided.';
}

export function when(time: string): string {
  return time.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC');
}

function facts(rows: readonly [string, Child][]): Node[] {
  return rows.flatMap(([name, value]) => (value ? [element('dt', {}, said(name)), element('dd', {}, value)] : []));
}
