/**
 * What forwarders may use, in the configuration file: whoever sets one names a secret or a file, and where those are is said at the machine alone.
 *
 * ```yaml
 * forwarding:
 *   secrets:
 *     siem-token: {file: /etc/veiltrail/siem.token}     # mode 0600
 *     siem-hmac: {env: SIEM_HMAC}
 *   directory: /var/log/veiltrail                       # of destinations that are files [none may be]
 * ```
 */
import { isAbsolute } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { readSecretPlaces, type SecretPlaces } from '../forward/secrets.ts';

export interface ForwardConfig {
  secrets: SecretPlaces;
  directory?: string;
}

/** @throws VeiltrailError `config_invalid`, whose message begins with the setting's name */
export function readForwardConfig(value: unknown): ForwardConfig {
  const wrong = (what: string): VeiltrailError => new VeiltrailError('config_invalid', `forwarding${what}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(' must have secrets, directory');
  const { secrets = {}, directory, ...rest } = value as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw wrong(`.${unknown} is not a setting; there are secrets, directory`);
  if (directory !== undefined && (typeof directory !== 'string' || !isAbsolute(directory))) throw wrong('.directory must be an absolute path');
  return { secrets: readSecretPlaces(secrets), ...(directory === undefined ? {} : { directory }) };
}
