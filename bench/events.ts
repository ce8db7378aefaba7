/**
 * Audit events to measure with: about 500 bytes, 15 to 20 fields, personal data where real ones have it (user names, e-mail and IP addresses, a
 * sentence that names the person). Seeded, every event with an id of its own; people come from a pool, as they do.
 */
const givenNames = [
  'Ada',
  'Björn',
  'Carla',
  'Dmitri',
  'Elena',
  'Farid',
  'Grace',
  'Henrik',
  'Ines',
  'Jonas',
  'Keiko',
  'Lars',
  'Mira',
  'Noor',
  'Oskar',
  'Priya',
];
const familyNames = [
  'Albrecht',
  'Bianchi',
  'Castillo',
  'Dvorak',
  'Eriksson',
  'Fischer',
  'Grünwald',
  'Hoffmann',
  'Ivanova',
  'Jansen',
  'Kowalski',
  'Lindqvist',
];
const actions = ['customer.read', 'customer.update', 'invoice.export', 'session.start', 'session.end', 'role.assign', 'file.download', 'report.view'];

/** A small seeded generator (mulberry32): the same seed gives the same events. */
export function createSeeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param people size of the pool that actors come from */
export function createEvents(seed: number, people = 5000): () => object {
  const random = createSeeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const hex = (digits: number): string => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
  const startMs = Date.now();
  let count = 0;
  return () => {
    const person = Math.floor(random() * people);
    const given = givenNames[person % givenNames.length] as string;
    const family = familyNames[Math.floor(person / givenNames.length) % familyNames.length] as string;
    const action = pick(actions);
    const customer = Math.floor(random() * 100_000);
    return {
      id: `${hex(8)}-${seed.toString(16)}-${count.toString(16)}`,
      time: new Date(startMs + count++).toISOString(),
      source: 'crm-api',
      action,
      category: 'sensitive_record',
      outcome: random() < 0.95 ? 'success' : 'denied',
      severity: 2,
      actor: { type: 'user', id: `u-${person}`, name: `${given} ${family}`, email: `${given}.${family}${person}@example-corp.com`.toLowerCase() },
      targets: [{ type: 'customer', id: `c-${customer}` }],
      context: {
        ip: `81.${person % 200}.${Math.floor(random() * 250)}.${Math.floor(random() * 250)}`,
        requestId: hex(24),
        userAgent: 'crm-web/4.18.2 (Linux; x86_64)',
      },
      message: `${given} ${family} used ${action} on customer c-${customer}`,
    };
  };
}
