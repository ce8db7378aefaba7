/**
 * What a destination's name stands for is looked at when it is connected to, and only what was looked at is connected to: a name that comes to mean
 * an address of this machine or of a private network (DNS rebinding) reaches nothing, unless the setting says that such ones are meant. Without TLS
 * nothing else is reached.
 */
import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { parseAddress } from '../access/networks.ts';
import { DeliveryError } from './destination.ts';

/** Whether an address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  return parseAddress(address)?.range() === 'unicast';
}

/** What may be connected to: `private`, nothing but this machine and private networks, where there is no TLS; `any` of both; else `public`. */
export type MeantAddresses = 'public' | 'private' | 'any';

export function meantAddresses({ isPrivateMeant, isSecure }: { isPrivateMeant: boolean; isSecure: boolean }): MeantAddresses {
  if (!isSecure) return 'private';
  return isPrivateMeant ? 'any' : 'public';
}

/** Ranges that do not leave the network: what only stands for an address of another kind (NAT64, 6to4) may. */
const privateRanges = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat']);

export function isPrivateAddress(address: string): boolean {
  return privateRanges.has(parseAddress(address)?.range() ?? '');
}

/** @returns a reason why not; undefined where it is meant */
function refusalOf(address: string, meant: MeantAddresses): string | undefined {
  if (meant === 'public' && !isPublicAddress(address)) return 'private_address';
  return meant === 'private' && !isPrivateAddress(address) ? 'public_address' : undefined;
}

/** For the option `lookup` of sockets. Fails with a {@link DeliveryError} `private_address` or `public_address` if one of the addresses is not meant. */
export function guardedLookup(meant: MeantAddresses): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, []);
      const refused = addresses.map(({ address }) => refusalOf(address, meant)).find((reason) => reason !== undefined);
      if (refused !== undefined) return callback(new DeliveryError(refused, { isFinal: true }), []);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

/** Addresses that are written out are not looked up. @throws DeliveryError `private_address`, `public_address` */
export function checkHost(host: string, meant: MeantAddresses): void {
  const address = host.replace(/^\[|\]$/g, '');
  const refused = parseAddress(address) && refusalOf(address, meant);
  if (refused !== undefined) throw new DeliveryError(refused, { isFinal: true });
}
