/**
 * Values whose field is the element before them in a list: `["save", "username", "jdoe"]`, `["--password", "hunter2"]`, arguments of commands and
 * parameters of statements. Lists are as often of names alone (columns, scopes, roles), so the value must look like one of its kind.
 */
import { commonWords, systemAccounts } from './lexicon.ts';
import { known, lookUp, nameRanks } from './name-lexicon.ts';

const listed = /^(?<option>--?|\/)?(?<name>[A-Za-z][\w.-]{1,39}?)[:=]?$/;

/** What options of commands call their values, where fields are called otherwise. */
const optionNames: ReadonlyMap<string, string> = new Map([
  ...['user', 'login', 'usr', 'user-name'].map((name) => [name, 'username'] as const),
  ...['pass', 'token', 'api-key', 'apikey', 'access-token', 'auth-token', 'secret-key', 'client-secret'].map((name) => [name, 'password'] as const),
]);

/** A name that may announce the next element. */
export interface ListedName {
  readonly name: string;
  /** `--user`: an option announces its value, whatever that looks like. */
  readonly isOption: boolean;
}

/** The name that an element is, if it may be one. */
export function listedName(element: string): ListedName | undefined {
  if (element.length > 44) return undefined;
  const { option, name } = listed.exec(element)?.groups ?? {};
  if (name === undefined) return undefined;
  return { name: option === undefined ? name : (optionNames.get(name.toLowerCase()) ?? name), isOption: option !== undefined };
}

/** Is the element behind a name for the kind a value, and no word of its own? */
export function isListedValue(kind: string | undefined, value: string, { isOption }: ListedName): boolean {
  if (kind === undefined || value.length < 2 || value.length > 256 || value.startsWith('-')) return false;
  const plain = value.toLowerCase();
  if (commonWords.has(plain) || systemAccounts.has(plain)) return false;
  if (kind === 'secret') return isOption || /[^a-z_.:-]/.test(value);
  if (kind === 'person_name') return (isOption || /^[\p{Lu}\p{Lo}]/u.test(value)) && !/[/\\:=]/.test(value);
  if (kind === 'username') return isOption || !/^[a-z]+$/.test(value) || !isNobodysWord(plain);
  return /\d|@/.test(value);
}

function isNobodysWord(word: string): boolean {
  const what = lookUp(word);
  return (what & (known.common | known.other | known.ofLogs | known.thing)) !== 0 && (what & nameRanks) === 0;
}
