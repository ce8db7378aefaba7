/**
 * Revealing what tokens stand for: to whoever says why, by policy with a second person's consent, and never many by one alone.
 *
 * A reveal is on record in `_system`, durably, before anything is answered: who, why, which tokens and kinds, and who agreed; never a value.
 * So is every refusal. What was typed in a token's place is on no record: it may be the value itself.
 */
import { VeiltrailError } from '../core/errors.ts';
import { encodeBase64 } from '../core/base64.ts';
import type { JsonObject } from '../core/json.ts';
import { needsSecondPerson, type VaultRules } from '../privacy/vault-rules.ts';
import type { Revealed } from '../vault/vault-reader.ts';
import type { RevealedToken } from '../verify/token-opening.ts';
import type { AccessEntry } from './access-recorder.ts';
import { permissionFacts, permitOperation } from './asked-operation.ts';
import { type LookUpLimits, stopped } from './look-up-limits.ts';
import { type Asker, checkReasons, countedAs, type Reasons, recordRefusal, type ReportParts, reportSweep, whoAndWhy } from './look-up-report.ts';
import type { RequestDesk } from './requests.ts';

export interface RevealRequest extends Asker, Reasons {
  /** One, or several: then a second person is asked. As records have them, shaped ones too. */
  tokens: readonly string[];
  /** The request that was approved. */
  request?: string;
}

export interface RevealAnswer {
  /** In the order in which they were asked for. */
  tokens: RevealedToken[];
  /** Tokens that stand for nothing any more, or never did. */
  missing: string[];
}

export interface RevealParts extends ReportParts {
  vault: {
    kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]>;
    reveal(token: string): Promise<Revealed | undefined>;
  };
  rules: VaultRules;
  limits: LookUpLimits;
  desk: Pick<RequestDesk, 'permit'>;
}

export const revealTokensMax = 1_000;

/**
 * Reveals.
 * @throws VeiltrailError `token_syntax`, `reveal_request`, `purpose_needed`, `reference_needed`, `look_up_rate`, `look_up_stopped`, `token_unknown`
 * and those of `RequestDesk.permit`; each is on record
 */
export async function revealTokens(parts: RevealParts, asked: RevealRequest): Promise<RevealAnswer> {
  const facts: RevealFacts = {};
  try {
    return await reveal(parts, asked, facts);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    parts.counts.revealsRefused++;
    if (!facts.isRecorded) await recordRefusal(parts.recorder, revealEntry(asked, facts, { outcome: 'denied', reason: error.code }));
    throw error;
  }
}

/** What is known of a reveal so far, and goes on record. */
interface RevealFacts {
  tokens?: string[];
  kinds?: string[];
  permitted?: JsonObject;
  /** The desk has put the refusal on record: it knows of the request. */
  isRecorded?: boolean;
}

async function reveal(parts: RevealParts, asked: RevealRequest, facts: RevealFacts): Promise<RevealAnswer> {
  const { vault, rules, limits, desk, recorder, counts } = parts;
  const tokens = checkTokens(asked.tokens);
  facts.tokens = tokens;
  const { purpose, reference } = checkReasons(asked);
  limits.enter(countedAs(asked), 'reveal');
  const kinds = await vault.kindsOf(tokens);
  const known = tokens.filter((_, i) => kinds[i] !== undefined);
  if (known.length === 0) throw unknownToken();
  facts.kinds = [...new Set(kinds.filter((kind) => kind !== undefined))].toSorted();
  const isBulk = tokens.length > 1;
  const needsTwo = isBulk || needsSecondPerson(rules, kinds[0] as string);
  const agreed = needsTwo || asked.request !== undefined;
  const by = { ...asked, purpose, reference };
  facts.isRecorded = agreed;
  const permission = agreed
    ? await permitOperation(
        desk,
        isBulk ? 'token.reveal-bulk' : 'token.reveal',
        isBulk ? { tokens: tokens.toSorted() } : { token: tokens[0] as string },
        by,
      )
    : undefined;
  facts.isRecorded = false;
  if (agreed) facts.permitted = permissionFacts(permission);
  // What somebody else agreed to is no sweep.
  const stop = permission ? undefined : limits.count(countedAs(asked), 'reveal', known);
  if (stop) {
    await reportSweep(parts, asked, stop);
    throw stopped(stop);
  }
  const answer: RevealAnswer = { tokens: [], missing: [] };
  for (const token of tokens) {
    const revealed = await vault.reveal(token);
    if (revealed) answer.tokens.push(revealedToken(token, revealed));
    else answer.missing.push(token);
  }
  // Erased since we looked.
  if (answer.tokens.length === 0) throw unknownToken();
  await recorder.write(revealEntry(asked, facts, { outcome: 'success' }));
  counts.reveals += answer.tokens.length;
  parts.alert(
    `${asked.principal} revealed ${answer.tokens.length} ${answer.tokens.length === 1 ? 'token' : 'tokens'} (${facts.kinds.join(', ')}); see action:token.reveal in the log _system`,
  );
  return answer;
}

export function revealedToken(token: string, { kind, value, canonical, origin, r }: Revealed): RevealedToken {
  return { token, kind, value, opening: { kind, origin, canonical, r: encodeBase64(r) } };
}

function revealEntry(asked: RevealRequest, { tokens, kinds, permitted }: RevealFacts, how: Pick<AccessEntry, 'outcome' | 'reason'>): AccessEntry {
  const one = tokens?.length === 1 ? tokens[0] : undefined;
  return {
    action: 'token.reveal',
    category: 'detokenise',
    severity: how.outcome === 'success' ? 4 : 3,
    ...how,
    ...whoAndWhy(asked),
    ...(one === undefined ? {} : { target: { type: 'token', id: one } }),
    metadata: {
      ...(kinds ? { kinds } : {}),
      ...(tokens && tokens.length > 1 ? { tokens, count: tokens.length } : {}),
      ...(asked.request !== undefined && /^[a-z0-9_]{1,64}$/.test(asked.request) ? { request: asked.request } : {}),
      ...permitted,
    },
  };
}

const tokenIn = /^(?:[a-z][a-z0-9_]{0,63}:|[a-z][a-z0-9-]{0,63}-)?(tok_[A-Za-z0-9_-]{27})(?:@token\.invalid|-token)?$/;

/** Each once. @throws VeiltrailError `token_syntax`, `reveal_request` */
function checkTokens(asked: readonly string[]): string[] {
  if (asked.length === 0 || asked.length > revealTokensMax)
    throw new VeiltrailError('reveal_request', `1 to ${revealTokensMax} tokens are revealed at once`);
  return [...new Set(asked.map(plainToken))];
}

/**
 * The token in a text of a record: `tok_…`, `tok_…@token.invalid`, `phone:tok_…`, `user-tok_…-token`.
 * @throws VeiltrailError `token_syntax`, which does not repeat the text
 */
export function plainToken(text: string): string {
  const token = text.length <= 256 ? tokenIn.exec(text)?.[1] : undefined;
  if (token === undefined) throw new VeiltrailError('token_syntax', 'not a token: tok_ and 27 characters of base64url');
  return token;
}

function unknownToken(): VeiltrailError {
  return new VeiltrailError('token_unknown', 'no value stands behind this token: it was erased, or never was');
}
