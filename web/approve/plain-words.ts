/**
 * What a request would do, in a sentence. The sentence leads; what counts is the list of every member of the detail below it, which is what the
 * digest is over.
 */
import { quoted } from '../../src/core/visible.ts';
import type { RequestShown } from './request.ts';

export interface PlainWords {
  /** What will be done. */
  does: string;
  /** What cannot be taken back. */
  warning?: string;
}

type Detail = Record<string, unknown>;

const forGood = 'This cannot be undone.';
const notUnseen = 'What was shown cannot be unseen.';

const sentences: Readonly<Record<string, (detail: Detail) => PlainWords>> = {
  'token.reveal': () => ({ does: 'Show whoever asked the real value that a token stands for.', warning: notUnseen }),
  'token.reveal-bulk': ({ tokens }) => ({
    does: `Show whoever asked the real values behind ${counted(tokens, 'token')}, all at once.`,
    warning: notUnseen,
  }),
  'subject.erase': ({ operation, tokens, logs }) => ({
    does:
      operation === 'unlink'
        ? `Forget what is behind ${counted(tokens, 'token')}. The records stay, and nobody can tell any more whom they are about.`
        : `Erase a person: the values behind ${counted(tokens, 'token')}, and every record about them in ${named('log', logs)}.`,
    warning: forGood,
  }),
  'value.redact': ({ log }) => ({ does: `Take values out of records of the log ${named('', log)}.`, warning: forGood }),
  'hold.lift': ({ hold }) => ({ does: `Lift the hold ${named('', hold)}: what it covers can be erased, redacted and expire again.` }),
  'retention.shorten': ({ shorter }) => ({
    does: `Keep records for a shorter time: ${counted(shorter, 'rule')}.`,
    warning: 'Records whose time is over are removed soon after, for good.',
  }),
  'policy.change': ({ classify, as, log, name, version }) =>
    classify === undefined
      ? { does: `Put another privacy policy in force: ${named('', name)}, version ${named('', version)}. It may protect less than the one before.` }
      : {
          does: `Treat the field ${named('', classify)} as “${named('', as)}” in ${log === undefined || log === '' ? 'every log' : named('log', log)}: more of it may be shown than before.`,
        },
  'export.raw': () => ({ does: 'Export data as it is.', warning: notUnseen }),
  'key.create': ({ rotates, role, logs, owner }) =>
    rotates === undefined
      ? {
          does: `Make an API key with the role ${named('', role)}, for ${logs === undefined ? 'all logs' : named('log', logs)}${owner === undefined ? '' : `, which belongs to ${named('', owner)}`}. Whoever asked is shown the key.`,
        }
      : { does: `Make another API key in the place of ${named('', rotates)}, with the same rights. Whoever asked is shown the key.` },
  'key.destroy': ({ purpose, version }) => ({
    does: `Destroy version ${named('', version)} of the ${named('', purpose)} key: what was made with it is never found again.`,
    warning: forGood,
  }),
  'forwarder.set': () => ({ does: 'Send records on to another system.' }),
  'approver.enrol': ({ approver, owner }) => ({
    does: `Let the key ${named('', approver)} of ${named('', owner)} approve requests from now on.`,
    warning: 'Compare the key’s id with the one on that person’s own screen.',
  }),
  'approver.remove': ({ approver }) => ({ does: `Take the key ${named('', approver)} off the approvers.`, warning: forGood }),
};

export function inPlainWords({ action, detail }: RequestShown): PlainWords {
  const sentence = Object.hasOwn(sentences, action) ? sentences[action] : undefined;
  return sentence?.(detail) ?? { does: 'Something that this page has no words for: read what follows.' };
}

/**
 * Every scalar of a detail with where it stands, so that nothing of it is out of sight. Two details that differ have different rows: names and texts
 * are in quotes wherever they could be taken for something else, and nothing in them is invisible.
 */
export function members(value: unknown, at = ''): [where: string, text: string][] {
  if (!isContainer(value)) return [[at, inLine(value)]];
  if (!Array.isArray(value)) {
    const entries = Object.entries(value);
    return entries.length === 0 ? [[at, '{}']] : entries.flatMap(([name, one]) => members(one, below(at, inLine(name))));
  }
  if (value.length === 0) return [[at, '[]']];
  if (!value.some(isContainer)) return [[`${at} (${value.length})`, value.map(inLine).join('\n')]];
  if (value.every(isFlat))
    return value.map((one, i) => [
      `${at}, ${i + 1} of ${value.length}`,
      Object.entries(one)
        .map(([name, each]) => `${inLine(name)}: ${inLine(each)}`)
        .join(', '),
    ]);
  return value.flatMap((one, i) => members(one, below(at, `[${i}]`)));
}

function below(at: string, name: string): string {
  return at === '' ? name : `${at} › ${name}`;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isFlat(value: unknown): value is object {
  return isContainer(value) && !Array.isArray(value) && Object.keys(value).length > 0 && !Object.values(value).some(isContainer);
}

/** Words of plain letters and digits, and what names of ours are made of. */
const plain = /^(?:[\w./-]+(?: [\w./-]+)*|[\w./:@-]+)$/;

/** In quotes where it could be taken for what stands around it, for a number or another value that is no text, or for a text that looks like it. */
function inLine(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const isOther = value === 'true' || value === 'false' || value === 'null' || !Number.isNaN(Number(value));
  return plain.test(value) && !isOther ? value : quoted(value);
}

function counted(value: unknown, one: string): string {
  const count = Array.isArray(value) ? value.length : 0;
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** What comes from the request, as text; `one` before it, in the plural where there are several. */
function named(one: string, value: unknown): string {
  const names = (Array.isArray(value) ? value : [value]).map((each) => inLine(each ?? null));
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  return one === '' ? shown : `the ${one}${names.length === 1 ? '' : 's'} ${shown}`;
}
