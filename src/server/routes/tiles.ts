/**
 * The log itself, C2SP tlog-tiles: static bytes for everybody, since nothing in them says anything without an opening. A checkpoint is never
 * cached; a tile never changes. Neither header stands on an error, which may be a success a second later.
 */
import type { FastifyInstance } from 'fastify';
import type { Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { logParams } from '../schemas.ts';

export function registerTileRoutes(app: FastifyInstance, trail: Trail): void {
  app.get<{ Params: { log: string } }>(
    '/logs/:log/checkpoint',
    { schema: { summary: 'The newest checkpoint (C2SP)', params: logParams, produces: ['text/plain'] } },
    async (request, reply) => {
      const checkpoint = await forStrangers(() => trail.checkpoint(request.params.log));
      return reply
        .headers({ 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' })
        .type('text/plain; charset=utf-8')
        .send(checkpoint);
    },
  );

  app.get<{ Params: { log: string } }>(
    '/logs/:log/checkpoint.witnessed',
    { schema: { summary: 'The newest checkpoint that witnesses cosigned', params: logParams, produces: ['text/plain'] } },
    async (request, reply) => {
      const checkpoint = await forStrangers(() => trail.witnessedCheckpoint(request.params.log));
      return reply
        .headers({ 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' })
        .type('text/plain; charset=utf-8')
        .send(checkpoint);
    },
  );

  app.get<{ Params: { log: string; '*': string } }>(
    '/logs/:log/tile/*',
    {
      schema: { summary: 'A tile or an entry bundle (C2SP tlog-tiles)', params: logParams, produces: ['application/octet-stream'] },
    },
    async (request, reply) => {
      const tile = await forStrangers(() => trail.tile(request.params.log, `tile/${request.params['*']}`));
      return reply
        .headers({
          'access-control-allow-origin': '*',
          'cross-origin-resource-policy': 'cross-origin',
          'cache-control': 'public, max-age=604800, immutable',
        })
        .type('application/octet-stream')
        .send(Buffer.from(tile.buffer, tile.byteOffset, tile.byteLength));
    },
  );
}

/** What is there, or 404: whoever has no key is not told whether it is the log or the tile that is missing. */
async function forStrangers<T>(read: () => Promise<T | undefined>): Promise<T> {
  let value: T | undefined;
  try {
    value = await read();
  } catch (error) {
    if (!(error instanceof VeiltrailError) || !['log_unknown', 'log_not_found', 'log_name', 'tile_path'].includes(error.code)) throw error;
  }
  if (value === undefined) throw new VeiltrailError('not_found', 'there is nothing here');
  return value;
}
