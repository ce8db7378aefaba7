/** The registry of fields of a data directory, and what it takes to classify one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FieldRegistry, isClassification } from '../app/field-registry.ts';
import { classificationEvent } from '../app/tell-fields.ts';
import type { RequestDesk } from '../app/requests.ts';
import type { ClassifyRequest, Trail } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import type { WorkerPool } from '../pipeline/pool.ts';
import { kindSpecs } from '../privacy/detectors/all.ts';
import type { Policy } from '../privacy/policy-model.ts';
import { openSqliteFieldSource, openSqliteFieldStore } from '../storage/sqlite/field-store.ts';
import type { FieldSource } from '../storage/field-store.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';

const fieldsFileName = 'fields.db';

export interface OpenFields {
  registry: FieldRegistry;
  close(): void;
}

/** For the one writer of the directory. @throws VeiltrailError `sealed_text_damaged`, and those of `storage-error.ts` */
export function openFields(dataDir: string, keyring: Keyring): OpenFields {
  return openedOn(openSqliteFieldStore(join(dataDir, fieldsFileName)), keyring);
}

/** For reading beside whoever writes. A directory of an earlier version has no registry yet. */
export function openFieldsReader(dataDir: string, keyring: Keyring): OpenFields {
  const path = join(dataDir, fieldsFileName);
  return openedOn(existsSync(path) ? openSqliteFieldSource(path) : nothing, keyring);
}

const nothing: FieldSource = { fields: () => [], classifications: () => [], close: () => undefined };

function openedOn(store: FieldSource, keyring: Keyring): OpenFields {
  try {
    const sealer = createTextSealer(keyring.secrets('seal'), 'fields', systemRandom);
    return { registry: new FieldRegistry(store, { sealer, clock: systemClock }), close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

export interface ClassifierParts {
  registry: FieldRegistry;
  pool: Pick<WorkerPool, 'classify' | 'settleWithheld'>;
  policy: Policy;
  /** Appends an event of the server's own. */
  tell: (event: JsonObject) => Promise<void>;
  desk: Pick<RequestDesk, 'permit'>;
}

/**
 * Classifies fields, one after the other: written down; in force in every worker; then what was withheld is settled; then the log tells of it.
 * A crash in between: the next start does the rest (`finish`), which may tell of it twice and never not at all.
 */
export function createClassifier({ registry, pool, policy, tell, desk }: ClassifierParts): {
  classify: Trail['classifyField'];
  finish(): Promise<void>;
} {
  const kinds = new Set([...kindSpecs.keys(), ...Object.keys(policy.kinds), ...policy.custom.map(({ kind }) => kind)]);
  let last: Promise<unknown> = Promise.resolve();
  const settle = async (made: ReturnType<FieldRegistry['classify']>): ReturnType<Trail['classifyField']> => {
    const { id: _id, isDone: _isDone, ...classification } = made;
    const field = registry.classified().find(({ rule, log }) => log === made.log && rule.path[0] === made.path);
    const values = await pool.settleWithheld(field as NonNullable<typeof field>);
    await tell(classificationEvent(classification, values));
    registry.finish(made);
    return { classification, values };
  };
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.catch(() => undefined).then(work);
    last = done;
    return done;
  };
  return {
    classify: ({ path, log = '', as, by, why, person = { principal: by }, request }: ClassifyRequest) =>
      serially(async () => {
        if (!isClassification(as, kinds))
          throw new VeiltrailError('field_kind', 'a field is keep, scan, redact, drop, or a kind of personal data: see "policy kinds"');
        // These two show more than before: a weaker policy, in all but its text.
        const showsMore = as === 'keep' || as === 'scan';
        const named = request === undefined ? (why === undefined ? {} : { ask: { purpose: why } }) : { request };
        const approvals = showsMore ? await desk.permit({ ...person, action: 'policy.change', detail: { classify: path, log, as }, ...named }) : [];
        const approved = approvals.length > 0 && request !== undefined ? { request } : {};
        const made = registry.classify({ path, log, as, by, ...(why === undefined ? {} : { why }), ...approved });
        await pool.classify(registry.classified());
        return settle(made);
      }),
    finish: () =>
      serially(async () => {
        for (const made of registry.unfinished()) await settle(made);
      }),
  };
}
