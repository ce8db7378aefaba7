/**
 * IPv4 addresses as fields named for them have them: nothing but four numbers. Most events have one, another each time. What all detectors together find
 * in one that may be somebody's is the address, whatever else it could be (tests/privacy/plain-address.test.ts).
 */
import { isPersonalIpv4, parseIpv4 } from './detectors/network.ts';
import type { Candidate } from './finding.ts';
import { isDigit } from './survey.ts';

/** How sure the detector of addresses is. */
export const addressConfidence = 0.9;

/** The finding that is all of such an address; undefined for every other text, and for fields of other names. @param field normalised */
export function plainAddress(text: string, field: string): Candidate | undefined {
  // A look tells most other texts.
  if (!isDigit(text.charCodeAt(0)) || text.length > 15 || !(field.endsWith('ip') || field.endsWith('ipaddress') || field.endsWith('ipaddr')))
    return undefined;
  const address = parseIpv4(text);
  if (address === undefined || !isPersonalIpv4(address) || !isShortest(address, text)) return undefined;
  return { kind: 'ip_address', start: 0, end: text.length, confidence: addressConfidence };
}

/** Is the address written without leading zeros? */
export function isShortest(address: number, text: string): boolean {
  let size = 3;
  for (let shift = 24; shift >= 0; shift -= 8) {
    const octet = (address >>> shift) & 255;
    size += octet > 99 ? 3 : octet > 9 ? 2 : 1;
  }
  return size === text.length;
}
