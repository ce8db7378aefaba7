/** `--listen HOST:PORT`. */
import type { FastifyInstance } from 'fastify';
import { isIP } from 'node:net';
import { VeiltrailError } from '../core/errors.ts';

export const listenDefault = '127.0.0.1:7420';

export interface ListenAddress {
  host: string;
  /** 0 lets the system choose. */
  port: number;
}

/** Reads `127.0.0.1:7420`, `localhost:7420`, `[::1]:7420`. @throws VeiltrailError `listen_syntax` */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(0|[1-9]\d{0,4})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) {
    throw new VeiltrailError('listen_syntax', 'an address to listen on is HOST:PORT, such as 127.0.0.1:7420 or [::1]:7420');
  }
  return { host, port };
}

/** Whether only this machine can reach it. From anywhere else keys would cross the network in the clear, unless something puts TLS before us. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Connections that the system keeps until the server takes them. With its default of 511, of a thousand senders that come at once half wait a
 * second or three, until they try again.
 */
const backlogMax = 4_096;

/** Starts to listen; returns the URL to reach it by. @throws VeiltrailError `listen_failed` */
export async function listen(app: FastifyInstance, address: ListenAddress): Promise<string> {
  try {
    return await app.listen({ host: address.host, port: address.port, backlog: backlogMax });
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    const why = errno === 'EADDRINUSE' ? 'something else listens there' : errno === 'EACCES' ? 'no right to' : 'not an address of this machine';
    throw new VeiltrailError('listen_failed', `cannot listen on ${address.host}:${address.port}: ${why}`, {}, { cause });
  }
}
