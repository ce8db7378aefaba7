/** Making a key of one's own, and the card that an admin enrols. */
import { element, said } from '../dom.ts';
import { makeKey } from './authenticator.ts';
import { wordsOf } from './request-view.ts';

/** @param noKey why no key can be used on this page; undefined where one can */
export function renderKeyMaker(noKey: string | undefined): HTMLElement {
  const name = element('input', { id: 'name', attributes: { type: 'text', autocomplete: 'off', maxlength: '64', placeholder: 'approver' } });
  const make = element('button', { attributes: { type: 'submit' } }, 'Make a key');
  const result = element('p', { class: 'result', attributes: { role: 'status' } });
  const card = element('div', {});
  const form = element(
    'form',
    { class: 'choice' },
    element('label', { attributes: { for: 'name' } }, 'Name it, for your own list of keys'),
    name,
    make,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    make.disabled = true;
    const onStep = (words: string): void => {
      result.className = 'result';
      result.textContent = words;
    };
    makeKey(name.value.trim() || 'approver', onStep)
      .then((made) => {
        result.className = 'result good';
        result.textContent = 'The key is made. It approves nothing yet: an admin has to enrol it.';
        card.replaceChildren(...renderCard(made.id, `${JSON.stringify(made)}\n`));
      })
      .catch((error: unknown) => {
        result.className = 'result bad';
        result.textContent = wordsOf(error);
      })
      .finally(() => (make.disabled = false));
  });
  return element(
    'section',
    { attributes: { 'aria-labelledby': 'own-key' } },
    element('h2', { id: 'own-key' }, 'A key of your own'),
    element(
      'p',
      'note',
      'A security key or passkey that approves in your name. It stays with you; the server gets its public half and a signature that shows that you have it. It works on this address only: ',
      said(location.origin, 'mono'),
      '.',
    ),
    ...(noKey === undefined ? [form, result, card] : [element('p', 'warning', noKey)]),
  );
}

function renderCard(id: string, text: string): HTMLElement[] {
  const shown = element('textarea', { id: 'card', attributes: { readonly: '', rows: '6', spellcheck: 'false' } }, text);
  const copied = element('output', { attributes: { for: 'card' } });
  const copy = element('button', { attributes: { type: 'button' } }, 'Copy');
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(text).then(
      () => (copied.textContent = 'Copied.'),
      () => (shown.select(), (copied.textContent = 'Select it and copy it.')),
    );
  });
  const save = element('button', { attributes: { type: 'button' } }, 'Save as card.json');
  save.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    element('a', { attributes: { href: url, download: 'card.json' } }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  return [
    element('p', {}, 'Its id: ', said(id, 'mono'), '. Tell it to the admin by another way as well, so that they can compare.'),
    element('p', {}, element('label', { attributes: { for: 'card' } }, 'Its card, for the admin')),
    shown,
    element('p', 'choice', copy, save, copied),
    element(
      'p',
      'note',
      'The admin runs ',
      element('code', {}, 'veiltrail request approver enrol card.json --owner YOU --url … --key …'),
      '. Where there is an approver already, that takes one of them to approve it.',
    ),
  ];
}
