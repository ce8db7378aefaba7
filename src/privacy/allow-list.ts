/** What a policy lets stay: values, expressions for values, networks, domains. Asked only about what would be changed. */
import { canonicalIp } from './detectors/network.ts';
import { compilePattern } from './pattern.ts';
import type { AllowRule } from './policy-model.ts';
import ipaddr from 'ipaddr.js';

export type CanonicalOf = (kind: string, value: string) => string;

/** May this value stay? */
export type AllowList = (kind: string, value: string, canonical: string) => boolean;

/** @returns undefined where nothing is allowed, so that nobody asks */
export function createAllowList(rules: readonly AllowRule[], canonicalOf: CanonicalOf): AllowList | undefined {
  if (rules.length === 0) return undefined;
  const tests = rules.map((rule) => createTest(rule, canonicalOf));
  return (kind, value, canonical) => tests.some((test) => test(kind, value, canonical));
}

function createTest({ kinds, values = [], patterns = [], networks = [], domains = [] }: AllowRule, canonicalOf: CanonicalOf): AllowList {
  const expressions = patterns.map((pattern) => {
    const { source, flags } = compilePattern(pattern);
    return new RegExp(`^(?:${source})$`, flags);
  });
  const ranges = networks.map((network) => ipaddr.parseCIDR(network));
  const suffixes = domains.map((domain) => `.${normalDomain(domain)}`);
  // By kind, because equal values are those with equal canonical forms, and those are the kind's.
  const canonicals = new Map<string, ReadonlySet<string>>();
  const ofKind = (kind: string): ReadonlySet<string> => {
    let known = canonicals.get(kind);
    if (!known) canonicals.set(kind, (known = new Set(values.map((value) => canonicalOf(kind, value)))));
    return known;
  };
  return (kind, value, canonical) => {
    if (kinds && !kinds.includes(kind)) return false;
    if (values.length > 0 && ofKind(kind).has(canonical)) return true;
    if (expressions.some((expression) => expression.test(value))) return true;
    if (ranges.length > 0 && kind === 'ip_address' && isWithin(value, ranges)) return true;
    return suffixes.length > 0 && isBelow(value, suffixes);
  };
}

function isWithin(value: string, ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]): boolean {
  const text = canonicalIp(value);
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/** Does the value name a host below one of the domains: an address, a URL, or the host itself? */
function isBelow(value: string, suffixes: readonly string[]): boolean {
  const text = value.trim();
  const at = text.lastIndexOf('@');
  const scheme = text.indexOf('://');
  let host = at >= 0 && scheme < 0 ? text.slice(at + 1) : text;
  // The authority of a URL ends at the first of these; user and password before the `@` are no host, and are never allowed by one.
  if (scheme >= 0) host = text.slice(scheme + 3).split(/[/?#]/, 1)[0] as string;
  if (scheme >= 0 && host.includes('@')) return false;
  host = normalDomain(host.replace(/:\d{1,5}$/, ''));
  if (!/^[\p{L}\p{N}._-]{1,253}$/u.test(host)) return false;
  return suffixes.some((suffix) => `.${host}`.endsWith(suffix));
}

export function normalDomain(domain: string): string {
  return domain
    .trim()
    .toLowerCase()
    .replace(/^\.|\.$/g, '');
}
