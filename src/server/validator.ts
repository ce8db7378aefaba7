/** Path and query parameters against their schemas. Nothing is coerced, dropped or filled in: what does not fit is refused, by name where it is ours. */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { VeiltrailError } from '../core/errors.ts';

/** Bodies are bytes here; a schema for one only describes it. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return () => true;
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return true;
    // Only a parameter that the schema knows is named: any other name is the sender's own.
    const parameter = compiled
      .Errors(value)
      .map(({ instancePath }) => /^\/([A-Za-z]{1,20})$/.exec(instancePath)?.[1])
      .find((name) => name !== undefined && Object.hasOwn((schema as { properties?: object }).properties ?? {}, name));
    const message = parameter === undefined ? 'a parameter is unknown or missing' : `the parameter ${parameter} is not as described`;
    return { error: new VeiltrailError('invalid_parameter', message, parameter === undefined ? {} : { parameter }) };
  };
};
