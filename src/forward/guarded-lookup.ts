/**
 * What a destination's name stands for is looked at when it is connected to, and only what was looked at is connected to: a name that comes to mean
 * an address of this machine or of a private network (DNS rebinding) reaches nothing, unless the setting says that such ones are meant.
 */
import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { parseAddress } from '../access/networks.ts';
import { DeliveryError } from './destination.ts';

/** Whether an address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  return parseAddress(address)?.range() === 'unicast';
}

/** For the option `lookup` of sockets. Fails with a {@link DeliveryError} `private_address` if one of the addresses is not public. */
export function guardedLookup(isPrivateMeant: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, []);
      if (!isPrivateMeant && !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new DeliveryError('private_address', { isFinal: true }), []);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

/** Addresses that are written out are not looked up. @throws DeliveryError `private_address` */
export function checkHost(host: string, isPrivateMeant: boolean): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (!isPrivateMeant && parseAddress(address) && !isPublicAddress(address)) throw new DeliveryError('private_address', { isFinal: true });
}
