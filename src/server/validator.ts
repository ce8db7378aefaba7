/**
 * Parameters and bodies against their schemas. Nothing is coerced, dropped or filled in: what does not fit is refused, by name where it is ours.
 * A schema is compiled when something is first held against it: most are not needed for days, and a start is the wrong time for all of them.
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { VeiltrailError } from '../core/errors.ts';

export interface Shape<T extends TSchema> {
  Check(value: unknown): value is Static<T>;
}

/** Whether a value has the shape of a schema. */
export function shapeOf<T extends TSchema>(schema: T): Shape<T> {
  const compiled = compileOnce(schema);
  return { Check: (value): value is Static<T> => compiled().Check(value) };
}

type Compiled<T extends TSchema> = ReturnType<typeof Compile<T>>;

function compileOnce<T extends TSchema>(schema: T): () => Compiled<T> {
  let compiled: Compiled<T> | undefined;
  return () => (compiled ??= Compile(schema));
}

/** Bodies are bytes here; a schema for one only describes it. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return () => true;
  const compiled = compileOnce(schema);
  return (value) => {
    if (compiled().Check(value)) return true;
    // Only a parameter that the schema knows is named: any other name is the sender's own.
    const parameter = compiled()
      .Errors(value)
      .map(({ instancePath }) => /^\/([A-Za-z]{1,20})$/.exec(instancePath)?.[1])
      .find((name) => name !== undefined && Object.hasOwn((schema as { properties?: object }).properties ?? {}, name));
    const described = (schema as { properties?: Record<string, { description?: string }> }).properties?.[parameter ?? '']?.description;
    const message =
      parameter === undefined
        ? 'a parameter is unknown or missing'
        : `the parameter ${parameter} is not as described${described === undefined ? '' : `: ${described}`}`;
    return { error: new VeiltrailError('invalid_parameter', message, parameter === undefined ? {} : { parameter }) };
  };
};
