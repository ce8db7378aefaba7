/** The description of the API, made from the routes' own schemas: /openapi.json. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { problemSchema } from './schemas.ts';
import { problemType } from './problem.ts';

export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'veiltrail',
        version,
        description: 'An audit log that proves everything and leaks nothing.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key, or a token of an identity provider that the server knows' },
        },
      },
    },
    transform: ({ schema, url, route }) => ({
      url: url.replace('/*', '/:path'),
      schema: { ...schema, security: route.config?.rule?.right === undefined ? [] : [{ key: [] }] },
    }),
    transformObject: (document) => ('openapiObject' in document ? withProblems(document.openapiObject) : document.swaggerObject),
  });
  let description: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    description ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(description);
  });
}

/** Every operation may answer with a problem instead. */
function withProblems<T extends { paths?: object }>(document: T): T {
  for (const path of Object.values(document.paths ?? {}) as Record<string, { responses?: Record<string, unknown> }>[]) {
    for (const operation of Object.values(path)) {
      operation.responses = { ...operation.responses, default: { description: 'A problem', content: { [problemType]: { schema: problemSchema } } } };
    }
  }
  return document;
}
