/**
 * Where a request comes from: the socket's address, or behind proxies that the configuration trusts what they say in X-Forwarded-For. Whoever
 * comes from elsewhere can write what it likes there, and is not believed.
 */
import type { IncomingMessage } from 'node:http';
import { parseAddress } from '../access/networks.ts';

const hopsMax = 20;

export type ClientAddress = (request: IncomingMessage) => string;

/** @param isTrusted whether an address is a proxy's; absent: none is */
export function createClientAddress(isTrusted?: (address: string) => boolean): ClientAddress {
  return (request) => {
    const direct = request.socket.remoteAddress ?? '';
    if (!isTrusted || !isTrusted(direct)) return direct;
    // Each proxy appends whom it was asked by: from the right, the first that is no proxy of ours is the client.
    const hops = String(request.headers['x-forwarded-for'] ?? '').split(',', hopsMax + 1);
    let client = direct;
    if (hops.length > hopsMax) return client;
    for (const hop of hops.toReversed()) {
      const address = parseAddress(hop.trim());
      if (!address) break;
      client = address.toString();
      if (!isTrusted(client)) break;
    }
    return client;
  };
}
