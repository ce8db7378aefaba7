/**
 * Which names of accounts are those of people: `jane.doe`, `jdoe`, `jane`, but not `backup-agent`, `grafana`, `i-0abc12`. For places where accounts
 * of machines stand as often as those of people: sessions of roles, paths of URLs, entries of directories.
 */
import { commonWords, systemAccounts } from '../lexicon.ts';
import { familyRank, givenRank, known, lookUp } from '../name-lexicon.ts';
import { isCommon, partsOf } from '../name-parts.ts';

const partsMax = 4;
const initialFamilyMin = 4;
/** Known as these, a word is no name of an account's owner. */
const notPeople = known.ofLogs | known.body | known.thing | known.company | known.common | known.brand;

/** Is the account, by its name, a person's? `joined`: any two parts with a dot between are a name there (`qxz.wrk`). */
export function isPersonalAccount(account: string, joined = false): boolean {
  if (account.length > 64 || !isAccountName(account)) return false;
  const parts = partsOf(account.toLowerCase());
  const [first] = parts;
  if (first === undefined || parts.length > partsMax || account.replace(/[\d._-]/g, '').length < 3) return false;
  if (parts.length === 1) return isPersonalWord(first);
  // `a_b_c`: of a name at most two parts are initials.
  if (parts.filter((part) => part.length === 1).length > parts.length - 1) return false;
  let names = 0;
  for (const part of parts) {
    const what = lookUp(part);
    const isName = givenRank(what) + familyRank(what) > 0;
    if (isCommon(part) || (what & (known.thing | known.company | known.brand)) !== 0 || (!isName && (what & notPeople) !== 0)) return false;
    if (isName && part.length > 2 && (what & known.common) === 0) names++;
  }
  return names > 0 ? parts.length < 4 : joined && account.includes('.') && parts.length < 4 && parts.every((part) => part.length > 1);
}

/** `jane`, `jwhitfield`. */
function isPersonalWord(word: string): boolean {
  const what = lookUp(word);
  if ((what & (notPeople | known.other)) !== 0) return false;
  if ((givenRank(what) > 1 || (givenRank(what) > 0 && word.length > initialFamilyMin)) && (what & known.place) === 0) return true;
  return what === 0 && word.length > initialFamilyMin && isFamily(word.slice(1));
}

function isFamily(word: string): boolean {
  const what = lookUp(word);
  return (familyRank(what) > 1 || (familyRank(what) > 0 && word.length > initialFamilyMin)) && (what & (notPeople | known.other | known.place)) === 0;
}

/** Looks like the name of somebody's account: letters first, not a word of every log, not hex or a number. */
export function isAccountName(value: string): boolean {
  if (value.length < 3 || value.length > 64 || !/^[\p{L}][\p{L}\p{M}\p{N}._-]*$/u.test(value)) return false;
  const plain = value.toLowerCase();
  if (plain.startsWith('tok_') || plain.startsWith('hash_v') || systemAccounts.has(plain)) return false;
  return (
    !plain.split(/[._-]/).every((part) => commonWords.has(part) || systemAccounts.has(part) || /^\d*$/.test(part)) && !/^[0-9a-f]{16,}$/.test(plain)
  );
}
