/**
 * Where the same value has the same token, as the policy wants it: in the whole installation, in a log, or in a tenant. A tenant is named by the
 * event as it was sent; the scope has a keyed digest of the name, for it stands in the vault in the clear.
 */
import { encodeBase64url } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import type { JsonObject } from '../core/json.ts';
import { createMac } from '../core/sha256.ts';
import { subjectOf } from '../privacy/subject.ts';
import type { VaultRules } from '../privacy/vault-rules.ts';
import { formatScope } from '../vault/token.ts';

export const installationScope = formatScope({ of: 'installation' });

const digestBytes = 16;
/** Tenants whose digests are kept at hand. */
const tenantsMax = 10_000;

/** The scope of an event's tokens; undefined where all are in one. */
export function createScopes({ scope, tenant }: VaultRules, tenantKey: Uint8Array): ((event: JsonObject, log: string) => string) | undefined {
  if (scope === 'installation') return undefined;
  if (scope === 'log') return (_event, log) => formatScope({ of: 'log', name: log });
  const mac = createMac(tenantKey);
  let known = new Map<string, string>();
  return (event) => {
    // What an event has beside our own members is under metadata once it is read.
    const name = subjectOf(event, tenant) ?? '';
    let digest = known.get(name);
    if (digest === undefined) {
      if (known.size >= tenantsMax) known = new Map();
      // Events that name no tenant are one tenant's: that of those who name none.
      digest = name === '' ? 'none' : encodeBase64url(mac(utf8(name)).subarray(0, digestBytes));
      known.set(name, digest);
    }
    return formatScope({ of: 'tenant', name: digest });
  };
}
