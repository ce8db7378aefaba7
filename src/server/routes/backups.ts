/**
 * Backups are made where the data directory is, by a command beside the server; what the server does is put that on record. The answer bears the
 * checkpoint under which it stands.
 */
import type { FastifyInstance } from 'fastify';
import { type BackupPart, backupEntry } from '../../app/backup-record.ts';
import type { Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemLog } from '../data-files.ts';
import { backupBody, backupTold } from '../request-schemas.ts';
import { noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';
import { jsonOf } from './tokens.ts';

export function registerBackupRoute(app: FastifyInstance, { access, checkpoint }: Pick<Trail, 'access' | 'checkpoint'>): void {
  const shape = shapeOf(backupBody);
  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/backups',
    {
      schema: {
        summary: 'Put on record that a backup is made, by a command on the data directory',
        querystring: noQuery,
        body: backupBody,
        response: { 201: backupTold },
      },
    },
    async ({ body, principal: { id, role } }, reply) => {
      const value = jsonOf(body);
      if (!shape.Check(value)) throw new VeiltrailError('backup_request', 'a backup is {"parts": ["state", "keys"], "purpose"?, "reference"?}');
      const { parts, purpose, reference } = value;
      const why = { ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
      await access.write(backupEntry(parts as BackupPart[], { principal: id, role, ...why }));
      return reply.code(201).send({ checkpoint: (await checkpoint(systemLog)) ?? '' });
    },
  );
}
