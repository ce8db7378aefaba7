/**
 * One name for what data sets and programs call differently: labels and kinds of all of them are put into groups, within which a finding of
 * one counts for a label of the other.
 */
import ipaddr from 'ipaddr.js';

const groups: Record<string, readonly string[]> = {
  name: ['PERSON', 'PERSON_NAME', 'person_name', 'username', 'USERNAME', 'NAME'],
  email: ['EMAIL', 'EMAIL_ADDRESS', 'email'],
  phone: ['PHONE', 'PHONE_NUMBER', 'phone'],
  ip: ['IP_ADDRESS', 'ip', 'ip_address', 'ipv4', 'ipv6'],
  mac: ['MAC_ADDRESS', 'mac', 'mac_address'],
  address: ['STREET_ADDRESS', 'ADDRESS', 'ZIP_CODE', 'ZIPCODE', 'postal_address', 'postcode', 'postal_code'],
  place: ['GPE', 'LOCATION', 'location', 'place'],
  card: ['CREDIT_CARD', 'CREDIT_CARD_NUMBER', 'credit_card', 'card'],
  iban: ['IBAN', 'IBAN_CODE', 'DE_IBAN', 'iban'],
  bic: ['SWIFT_BIC_CODE', 'bic', 'swift_bic'],
  account: ['BANK_ACCOUNT_NUMBER', 'US_BANK_NUMBER', 'bank_account'],
  ssn: ['US_SSN', 'SSN', 'SOCIAL_SECURITY_NUMBER', 'US_SOCIAL_SECURITY_NUMBER', 'us_ssn'],
  licence: ['US_DRIVER_LICENSE', 'us_driver_license', 'us_driver_licence', 'driver_licence', 'driver_license'],
  born: ['DATE_OF_BIRTH', 'date_of_birth'],
  age: ['AGE', 'age'],
  nationality: ['NRP', 'nationality'],
  domain: ['DOMAIN_NAME', 'domain', 'URL', 'url'],
};

const groupOf = new Map(Object.entries(groups).flatMap(([group, names]) => names.map((name) => [name, group] as const)));

/** The group of a label or kind; one that is in no group is a group by itself. */
export function groupOfLabel(label: string): string {
  return groupOf.get(label) ?? label.toLowerCase();
}

/** Labelled, but nothing that has to be taken out: of no account in either direction. */
export const neutralLabels: ReadonlySet<string> = new Set(['TIMESTAMP', 'DATE_TIME', 'DATE', 'TITLE', 'ORGANIZATION', 'ORGANIZATION_NAME']);

/** Is the address one that stays, because it is nobody's: loopback, private, documentation, broadcast? */
export function isNobodysAddress(text: string): boolean {
  const plain = text.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(plain) && ipaddr.process(plain).range() !== 'unicast';
}

/** Groups whose members have a form of their own. */
export const patternGroups: ReadonlySet<string> = new Set(['email', 'phone', 'ip', 'mac', 'card', 'iban', 'bic', 'ssn', 'licence']);
