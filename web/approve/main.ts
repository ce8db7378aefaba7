/**
 * The page on which an approver decides. It asks this server alone, with the key that is typed in, which is kept in a variable and nowhere else. What
 * a key signs is worked out here, from what is shown (`checkRequest`): a server that shows one thing and means another gets no signature.
 *
 * The page comes from that server, too. Whoever trusts it less than that approves with `veiltrail request approve`, from a program of their own.
 */
import { createRequestClient, type RequestClient } from '../../src/sdk/index.ts';
import { checkRequest, type Decision } from '../../src/verify/index.ts';
import { element, said } from '../dom.ts';
import { signDecision, whyNoKey } from './authenticator.ts';
import { renderKeyMaker } from './key-view.ts';
import { inPlainWords } from './plain-words.ts';
import { type ApproverShown, isAsShown, readApprover, readRequest, type RequestShown } from './request.ts';
import { renderRequest, stateWords, when, wordsOf } from './request-view.ts';

/** A key that was typed in, until it is forgotten. */
interface Visit {
  client: RequestClient;
  /** Aborted as soon as the key is forgotten: what is under way ends, what answers later is dropped. */
  forgotten: AbortSignal;
}

interface Session extends Visit {
  approvers: ApproverShown[];
  requests: RequestShown[];
}

const page = document.getElementById('page') as HTMLElement;
const content = element('div', { id: 'content' });
const noKey = whyNoKey();
let session: Session | undefined;
let forgetting = new AbortController();

function start(): void {
  page.replaceChildren(
    element('header', {}, element('p', 'kicker', 'veiltrail at ', said(location.host)), element('h1', {}, 'Requests for a second person')),
    content,
    renderKeyMaker(noKey),
    element(
      'footer',
      {},
      element(
        'p',
        'note',
        'This page connects to its own server only, and keeps the API key in memory until you close it. It was made by the server that it comes from: ',
        element('code', {}, 'veiltrail request approve'),
        ' does the same with a program of your own.',
      ),
    ),
  );
  showSignIn();
  // A page that the browser keeps for its back button must not keep the key.
  addEventListener('pagehide', () => showSignIn());
}

function showSignIn(problem?: string): void {
  session = undefined;
  forgetting.abort();
  forgetting = new AbortController();
  const key = element('input', { id: 'key', attributes: { type: 'password', autocomplete: 'off', spellcheck: 'false', required: '' } });
  const button = element('button', { attributes: { type: 'submit' } }, 'Show requests');
  const result = element('p', { class: 'result bad', attributes: { role: 'alert' } }, problem);
  const form = element('form', 'choice', element('label', { attributes: { for: 'key' } }, 'API key or token'), key, button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const visit = startVisit(key.value.trim());
    key.value = '';
    button.disabled = true;
    load(visit).catch((error: unknown) => {
      result.textContent = wordsOf(error);
      button.disabled = false;
      key.focus();
    });
  });
  content.replaceChildren(
    element(
      'section',
      { attributes: { 'aria-labelledby': 'sign-in' } },
      element('h2', { id: 'sign-in' }, 'Sign in'),
      element('p', 'note', 'With an API key of the role approver, or a token of your identity provider.'),
      form,
      result,
    ),
  );
}

/** Nothing is sent with the key any more once it is forgotten: no second try, and nothing that was to follow. */
function startVisit(key: string): Visit {
  const forgotten = forgetting.signal;
  const send: typeof fetch = (url, init) => fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, forgotten]) : forgotten });
  return { client: createRequestClient({ url: `${location.origin}/`, key, fetch: send, retry: { retriesMax: 1 } }), forgotten };
}

/** @throws what the server says; `AbortError` where the key was forgotten meanwhile */
async function load({ client, forgotten }: Visit): Promise<void> {
  const [requests, { approvers }] = await Promise.all([client.list(), client.approvers()]);
  forgotten.throwIfAborted();
  session = { client, forgotten, requests: requests.map(readRequest), approvers: approvers.map(readApprover) };
  showList();
}

function showList(words?: string): void {
  if (!session) return;
  const visit = session;
  const { requests } = visit;
  const open = requests.filter(({ state }) => state === 'pending' || state === 'approved');
  const result = element('p', { class: 'result good', attributes: { role: 'status' } }, words);
  const again = element('button', { attributes: { type: 'button' } }, 'Look again');
  again.addEventListener('click', () => {
    load(visit).catch((error: unknown) => {
      result.className = 'result bad';
      result.textContent = wordsOf(error);
    });
  });
  const leave = element('button', { attributes: { type: 'button' } }, 'Forget the API key');
  leave.addEventListener('click', () => showSignIn());
  const others = requests.length - open.length;
  const heading = element('h2', { id: 'open', attributes: { tabindex: '-1' } }, open.length === 0 ? 'Nothing waits' : 'Open requests');
  content.replaceChildren(
    element(
      'section',
      { attributes: { 'aria-labelledby': 'open' } },
      heading,
      result,
      element('ul', 'requests', ...open.map(renderRow)),
      ...(others > 0
        ? [
            element(
              'details',
              {},
              element('summary', {}, `${others} that ${others === 1 ? 'is' : 'are'} over`),
              element('ul', 'requests', ...requests.filter((one) => !open.includes(one)).map(renderRow)),
            ),
          ]
        : []),
      element('p', 'choice', again, leave),
    ),
  );
  heading.focus();
}

function renderRow(request: RequestShown): HTMLElement {
  const row = element(
    'button',
    { class: 'row', attributes: { type: 'button' } },
    element('span', 'what', said(inPlainWords(request).does)),
    element('span', 'about', said(`${request.by}, ${when(request.createdAt)}: ${request.purpose}`)),
    element('span', `badge ${request.state}`, isAsShown(request) ? (stateWords[request.state] ?? said(request.state)) : 'not what its id says'),
  );
  row.addEventListener('click', () => showRequest(request));
  return element('li', {}, row);
}

function showRequest(request: RequestShown): void {
  if (!session) return;
  const { approvers } = session;
  content.replaceChildren(
    renderRequest({
      request,
      approvers,
      noKey,
      decide: (approver, decision) => decide(request, approver, decision),
      close: () => showList(),
    }),
  );
  document.getElementById('asked')?.focus();
}

/** What is signed is what is shown: the very object, checked once more. */
async function decide(request: RequestShown, approver: ApproverShown, decision: Decision): Promise<void> {
  if (!session) return;
  const visit = session;
  checkRequest(request);
  const { id, digest } = request;
  const approval = await signDecision(approver, { request: id, digest, decision });
  visit.forgotten.throwIfAborted();
  await visit.client.decide(id, decision, approval);
  await load(visit);
  showList(decision === 'approve' ? 'Approved. Whoever asked may do it once, within the time that the request says.' : 'Denied, for good.');
}

start();
