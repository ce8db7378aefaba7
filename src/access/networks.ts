/** Networks as people write them (CIDR), and addresses as sockets do. */
import ipaddr from 'ipaddr.js';
import { VeiltrailError } from '../core/errors.ts';

export const networksMax = 100;

/**
 * Reads networks such as `203.0.113.0/24`, `2001:db8::/32`, or single addresses.
 * @returns whether an address is in one of them; what is no address is in none
 * @throws VeiltrailError `network_syntax`
 */
export function parseNetworks(texts: readonly string[]): (address: string) => boolean {
  if (texts.length === 0 || texts.length > networksMax) throw syntax();
  const networks = texts.map(parseNetwork);
  return (address) => {
    const parsed = parseAddress(address);
    return parsed !== undefined && networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network as never, bits));
  };
}

/** The network that stands for an address where who it was need not be known: /24 of IPv4, /48 of IPv6. */
export function generalizeAddress(address: string | undefined): string {
  const parsed = parseAddress(address ?? '');
  if (!parsed) return 'unknown';
  const bits = parsed.kind() === 'ipv4' ? 24 : 48;
  const network =
    parsed.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/${bits}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${bits}`);
  return `${network.toString()}/${bits}`;
}

/** An address as it is meant: IPv4 mapped into IPv6, as sockets that listen to both have it, is IPv4. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // Of IPv4 only the usual form: `10.1` and `0x7f.1` are addresses to some, too.
  if (!(text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text))) return undefined;
  return ipaddr.process(text);
}

function parseNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [address = '', bits, more] = text.split('/');
  const parsed = address.includes(':')
    ? ipaddr.IPv6.isValid(address) && !address.includes('%') && ipaddr.IPv6.parse(address)
    : ipaddr.IPv4.isValidFourPartDecimal(address) && ipaddr.IPv4.parse(address);
  if (!parsed || more !== undefined || (bits !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(bits))) throw syntax();
  const most = parsed.kind() === 'ipv4' ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (length > most) throw syntax();
  return [parsed, length];
}

function syntax(): VeiltrailError {
  return new VeiltrailError('network_syntax', `networks are 1 to ${networksMax} of the form 203.0.113.0/24, 2001:db8::/32, or an address`);
}
