/** The leaves: each event with its fields, and how many leaves are hidden between them. */
import { visible } from '../../src/core/visible.ts';
import type { CheckedEvent, CheckedField, EvidenceReport } from '../../src/verify/index.ts';
import { type Child, element, said } from '../dom.ts';
import { cameAfter, existedBy, type Said } from './event-times.ts';
import { time } from './head.ts';

const words = {
  proven: 'Proved',
  changed: 'Changed',
  unproven: 'Not proved',
} as const;

/** Events whose fields are there from the start; those of the others are made when they are opened. */
const openAtFirst = 20;

export interface Events {
  readonly elements: readonly HTMLElement[];
  /** Says anew when events were there, by a report on the same file with other certificates. */
  judge(report: EvidenceReport): void;
}

/** When events were there, by the newest report; and how to say it anew in each event that is filled in. */
interface Times {
  report: EvidenceReport;
  readonly tellAgain: (() => void)[];
}

export function renderEvents(report: EvidenceReport): Events {
  const times: Times = { report, tellAgain: [] };
  const rows: HTMLElement[] = [];
  let shown = 0;
  for (let i = 0; i < report.events.length;) {
    const event = report.events[i] as CheckedEvent;
    const run = runOf(report.events, i);
    if (run > 0) {
      rows.push(renderHidden(report.events.slice(i, i + run)));
      i += run;
      continue;
    }
    rows.push(renderEvent(event, shown < openAtFirst || event.status === 'changed', times));
    shown++;
    i++;
  }
  const count = element('output', { class: 'note', attributes: { for: 'filter' } });
  const list = element('div', rows.length > 200 ? 'events many' : 'events', ...rows);
  const section = element(
    'section',
    { attributes: { 'aria-labelledby': 'events' } },
    element('h2', { id: 'events' }, 'Events'),
    ...(shown > 1 ? [renderTools(list, count)] : []),
    list,
  );
  return {
    elements: [section],
    judge(judged) {
      times.report = judged;
      for (const tell of times.tellAgain) tell();
    },
  };
}

/** How many leaves from there on are hidden, in one run, with nothing wrong with them. */
function runOf(events: readonly CheckedEvent[], from: number): number {
  let end = from;
  for (let next: CheckedEvent | undefined; (next = events[end]); end++) {
    const before = events[end - 1];
    if (next.fields || next.status === 'changed' || (end > from && before && next.leafIndex !== before.leafIndex + 1)) break;
  }
  return end - from;
}

function renderTools(list: HTMLElement, count: HTMLElement): HTMLElement {
  const filter = element('input', { id: 'filter', attributes: { type: 'search', autocomplete: 'off', 'aria-controls': 'events' } });
  filter.addEventListener('input', () => {
    const wanted = filter.value.trim().toLowerCase();
    let found = 0;
    for (const row of list.children) {
      const hit = wanted === '' || ((row as HTMLElement).dataset['text'] ?? '').includes(wanted);
      (row as HTMLElement).hidden = !hit;
      if (hit) found++;
    }
    count.textContent = wanted === '' ? '' : `${found} of ${list.children.length}`;
  });
  const all = (open: boolean): void => {
    for (const row of list.querySelectorAll('details.event')) (row as HTMLDetailsElement).open = open;
  };
  const button = (name: string, open: boolean): HTMLElement => {
    const made = element('button', { attributes: { type: 'button' } }, name);
    made.addEventListener('click', () => all(open));
    return made;
  };
  // What is printed is all of it.
  addEventListener('beforeprint', () => all(true));
  return element(
    'p',
    'tools',
    element('label', { attributes: { for: 'filter' } }, 'Find'),
    filter,
    count,
    button('Open all', true),
    button('Close all', false),
  );
}

function renderEvent(event: CheckedEvent, open: boolean, times: Times): HTMLElement {
  const { leafIndex, status, fields = [], problem } = event;
  const valueAt = (pointer: string): string => {
    const value = fields.find((field) => field.pointer === pointer)?.value;
    return typeof value === 'string' ? value : '';
  };
  const when = valueAt('/time') || valueAt('/receivedAt');
  const summary = element(
    'summary',
    {},
    element('span', 'leaf', `Leaf ${leafIndex}`),
    element('span', 'what', said(valueAt('/action') || (event.fields ? 'event' : 'hidden'))),
    when !== '' && time(when),
    valueAt('/outcome') !== '' && said(valueAt('/outcome'), 'outcome'),
    element('span', `badge ${status}`, words[status]),
  );
  const row = element('details', { class: `event ${status}`, id: `leaf-${leafIndex}` }, summary);
  row.dataset['text'] = visible(fields.map(({ pointer = '', value }) => `${pointer} ${textOf(value)}`).join(' ')).toLowerCase();
  let made = false;
  const fill = (): void => {
    if (made) return;
    made = true;
    if (problem !== undefined) row.append(element('p', 'problem', visible(problem)));
    row.append(fields.length > 0 ? renderFields(fields) : element('p', 'note', 'None of this leaf can be shown.'));
    if (status === 'proven') {
      const note = element('p', 'note when');
      const tell = (): void => {
        note.replaceChildren(...saysWhen(times.report, leafIndex));
        note.hidden = note.childNodes.length === 0;
      };
      tell();
      times.tellAgain.push(tell);
      row.append(note);
    }
    if (event.entry) row.append(renderEntries([event], 'Entry in the log'));
  };
  row.addEventListener('toggle', fill);
  addEventListener('beforeprint', fill);
  if (open) {
    row.open = true;
    fill();
  }
  return row;
}

/** A sentence for each side of time, which says whether it is to be believed. */
function saysWhen(report: EvidenceReport, leafIndex: number): Node[] {
  const sentence = (words: string, bound: Said | undefined): Child[] =>
    bound
      ? [
          words,
          time(bound.time),
          ', as ',
          element('a', { attributes: { href: '#times' } }, 'a time stamp'),
          bound.isTrusted ? ' says whose signer you trust. ' : ' says, if it is whose it seems. ',
        ]
      : [];
  const says = [...sentence('It came after ', cameAfter(report, leafIndex)), ...sentence('It was there by ', existedBy(report, leafIndex))];
  return says.length > 0 ? [element('span', {}, ...says)] : [];
}

function renderFields(fields: readonly CheckedField[]): HTMLElement {
  return element(
    'table',
    {},
    element('thead', 'visually-hidden', element('tr', {}, element('th', {}, 'Field'), element('th', {}, 'Value'))),
    element(
      'tbody',
      {},
      ...fields.map((field) => {
        const { pointer } = field;
        const name = element('th', { class: 'mono', attributes: { scope: 'row' } }, pointer === undefined ? '(a field)' : said(pointer));
        if ('value' in field)
          return element('tr', {}, name, element('td', {}, said(textOf(field.value), typeof field.value === 'string' ? '' : 'mono')));
        const kept = pointer === undefined ? 'redacted, with its name' : 'kept back or redacted: only its digest is here';
        return element('tr', 'kept', name, element('td', {}, kept));
      }),
    ),
  );
}

function renderHidden(events: readonly CheckedEvent[]): HTMLElement {
  const [first, last] = [events[0] as CheckedEvent, events.at(-1) as CheckedEvent];
  const one = events.length === 1;
  const { status } = first;
  const row = element(
    'details',
    { class: `hidden ${status}`, id: `leaf-${first.leafIndex}` },
    element(
      'summary',
      {},
      element('span', 'leaf', one ? `Leaf ${first.leafIndex}` : `Leaves ${first.leafIndex}–${last.leafIndex}`),
      element('span', 'what', one ? 'hidden' : `${events.length} hidden`),
      element('span', `badge ${status}`, words[status]),
    ),
  );
  row.dataset['text'] = 'hidden';
  row.addEventListener('toggle', () => {
    if (row.children.length === 1) row.append(renderEntries(events, 'Entries in the log', true));
  });
  return row;
}

/** The entries themselves, for who wants to compare them with the log’s own files. */
function renderEntries(events: readonly CheckedEvent[], title: string, open = false): HTMLElement {
  const shown = events.slice(0, 2_000);
  const list = element(
    'ol',
    { class: 'entries mono', attributes: { 'aria-label': title } },
    ...shown.map(({ leafIndex, entry }) => element('li', {}, `${leafIndex}  ${hex(entry)}`)),
    events.length > shown.length && element('li', {}, `… and ${events.length - shown.length} more, in the file`),
  );
  return open ? list : element('details', 'entry', element('summary', {}, title), list);
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes ? Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') : 'unreadable';
}

function textOf(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
