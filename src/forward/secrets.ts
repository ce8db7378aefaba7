/**
 * Secrets of destinations: the server's configuration says in which file or variable each is, by name; a forwarder's setting uses the name. So whoever
 * sets forwarders from afar can have no file sent but those that somebody at the machine meant for it. They are read anew for each request, which
 * is how they are changed, and kept nowhere.
 */
import { readFileSync, statSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { DeliveryError } from './destination.ts';

export type SecretPlace = { file: string } | { env: string };
export type SecretPlaces = Readonly<Record<string, SecretPlace>>;

/** @throws DeliveryError `secret_unknown`, `secret_unreadable`, `secret_open` (others may read its file), `secret_syntax` */
export type Secrets = (name: string) => string;

const secretMax = 8_192;

export function createSecrets(places: SecretPlaces): Secrets {
  return (name) => {
    const place = Object.hasOwn(places, name) ? places[name] : undefined;
    if (!place) throw new DeliveryError('secret_unknown');
    const text = ('env' in place ? process.env[place.env] : readPrivate(place.file))?.trim();
    if (!text) throw new DeliveryError('secret_unreadable');
    // It goes into a header.
    if (text.length > secretMax || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) throw new DeliveryError('secret_syntax');
    return text;
  };
}

function readPrivate(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > 2 * secretMax) return undefined;
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) throw new DeliveryError('secret_open');
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const namePattern = /^[a-z0-9][a-z0-9-]{0,63}$/;
const placesMax = 100;

/** Reads the table of the configuration. @throws VeiltrailError `config_invalid`, whose message begins with the setting's name */
export function readSecretPlaces(value: unknown): SecretPlaces {
  const wrong = (what: string): VeiltrailError => new VeiltrailError('config_invalid', `forwarding.secrets${what}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length > placesMax)
    throw wrong(` must be names, each with {file} or {env}`);
  const places: Record<string, SecretPlace> = {};
  for (const [name, place] of Object.entries(value as Record<string, unknown>)) {
    const members = typeof place === 'object' && place !== null ? Object.entries(place) : [];
    const [member, where] = members[0] ?? [];
    if (!namePattern.test(name)) throw wrong(': a name is lower-case letters, digits and -');
    if (members.length !== 1 || typeof where !== 'string' || where === '' || (member !== 'file' && member !== 'env'))
      throw wrong(`.${name} must be {file} or {env}`);
    places[name] = member === 'file' ? { file: where } : { env: where };
  }
  return places;
}
