/**
 * What Fastify makes of schemas. A serializer prints the members that its schema names, and no others: what a route should not have put into an
 * answer does not get out. It is made with the first answer, not at the start: eighty of them are half of what setting up HTTP takes.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';
import { compileValidator } from './validator.ts';

type Factory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

const makeSerializers = SerializerSelector();

export const schemaCompilers: Factory = {
  // Its type is that of Ajv's, which is not loaded for it.
  buildValidator: (() => compileValidator) as unknown as NonNullable<Factory['buildValidator']>,
  buildSerializer(schemas, options) {
    const compile = makeSerializers(schemas, options);
    return (route) => {
      let serialize: ReturnType<typeof compile> | undefined;
      return (data) => (serialize ??= compile(route))(data);
    };
  },
};
