/** What labels, columns and fields give away: person attributes, dates of birth, pay, addresses, coordinates; crypto addresses; what stays. */
import { describe, expect, test } from 'vitest';
import { findInNumber } from '../../src/privacy/numbers.ts';
import { passesBase58Check, passesBech32, passesEip55 } from '../../src/privacy/detectors/crypto-addresses.ts';
import { LabelSet } from '../../src/privacy/detectors/labels.ts';
import { cleaned, engineOf, foundIn } from './engine-for-test.ts';

const engine = engineOf();

function vectors(family: string, list: readonly (readonly [string, ...string[]])[]): void {
  describe(family, () => {
    for (const [text, ...expected] of list) test(JSON.stringify(text), () => expect(foundIn(engine, text)).toEqual(expected));
  });
}

vectors('dates of birth', [
  ['DOB: 1983-12-04', 'date_of_birth:1983-12-04'],
  ['(DOB: 12/04/1983, MRN)', 'date_of_birth:12/04/1983'],
  ['Date of birth (YYYY-MM-DD): 1983-12-04.', 'date_of_birth:1983-12-04'],
  ['born on May 4, 1983 in all', 'date_of_birth:May 4, 1983'],
  ['born on the 4th of May 1983', 'date_of_birth:4th of May 1983'],
  ['geboren am 04.12.1983', 'date_of_birth:04.12.1983'],
  ['née le 4 mai 1983', 'date_of_birth:4 mai 1983'],
  ['fecha de nacimiento: 04/12/1983', 'date_of_birth:04/12/1983'],
  ['data urodzenia 4 maja 1983', 'date_of_birth:4 maja 1983'],
  ['"dateOfBirth":"19831204"', 'date_of_birth:19831204'],
  ['{"dob": "1983-12-04T00:00:00Z"}', 'date_of_birth:1983-12-04T00:00:00Z'],
  ['<person dob="1983-12-04">', 'date_of_birth:1983-12-04'],
  ['born: 1983年5月4日', 'date_of_birth:1983年5月4日'],
  ['born in 1983', 'date_of_birth:1983'],
  ['DOB 31.12.83', 'date_of_birth:31.12.83'],
  ['DOB: 45/45/1983'],
  ['DOB: 19831399'],
  ['DOB: 1983-12-04x'],
  ['created on 1983-12-04'],
  ['DOB: 1983-99-99'],
  ['DOB: unknown, seen 12 times'],
  ['reborn on 1983-12-04'],
  ['Date: 1983-12-04'],
]);

vectors('ages', [
  ['age: 34', 'age:34'],
  ['Patient age 71.', 'age:71'],
  ['{"age":"101"}', 'age:101'],
  ['Alter: 34', 'age:34'],
  ['a 28 year old patient', 'age:28'],
  ["i'm 58 y/o.", 'age:58'],
  ['the 34-year-old', 'age:34'],
  ['er ist 45 Jahre alt', 'age:45'],
  ['âgé de 45 ans', 'age:45'],
  ['I just turned 42', 'age:42'],
  ['vieja de 30 años de edad', 'age:30'],
  ['kept 10 years, 300 years old'],
  ['durée 10 ans'],
  ['max-age=60'],
  ['age: 3600'],
  ['cache age 34 seconds'],
  ['page: 34'],
  ['age: 34%'],
]);

vectors('pay', [
  ['salary: $87,000', 'salary:$87,000'],
  ['Wages: $185,000.50 in 2024', 'salary:$185,000.50'],
  ['Gehalt: 4.500 €', 'salary:4.500 €'],
  ['salaire annuel de 45 000 EUR', 'salary:45 000 EUR'],
  ['annual income is 87k', 'salary:87k'],
  ['Total: $87,000'],
  ['salary review in 12 days'],
  ['salary: 12%'],
]);

vectors('person attributes', [
  ['gender: female', 'gender:female'],
  ['"sex":"M"', 'gender:M'],
  ['Geschlecht: weiblich', 'gender:weiblich'],
  ['<gender>non-binary</gender>', 'gender:non-binary'],
  ['gender: unknown'],
  ['sex=string'],
  ['gender reveal'],
  ['nationality: Portuguese', 'nationality:Portuguese'],
  ['Staatsangehörigkeit: deutsch', 'nationality:deutsch'],
  ['"citizenship": "Côte d’Ivoire"', 'nationality:Côte d’Ivoire'],
  ['nationality: null'],
  ['nationality'],
  ['international: Portuguese'],
  ['religion: Buddhist', 'religion:Buddhist'],
  ['Konfession: evangelisch', 'religion:evangelisch'],
  ['<religion>Jain</religion>', 'religion:Jain'],
  ['religion: n/a'],
  ['the religion of the tribe'],
  ['religion='],
  ['ethnicity: Sámi', 'ethnicity:Sámi'],
  ['"ethnic_origin":"Roma"', 'ethnicity:Roma'],
  ['etnia: Mapuche', 'ethnicity:Mapuche'],
  ['ethnicity: not disclosed'],
  ['ethnicity and race'],
  ['race: condition'],
  ['political affiliation: Green', 'political_view:Green'],
  ['politicalViews=socialist&x=1', 'political_view:socialist'],
  ['Parteizugehörigkeit: Die Linke', 'political_view:Die Linke'],
  ['party: Green'],
  ['political affiliation: none'],
  ['politics: as usual'],
  ['sexual orientation: bisexual', 'sexual_orientation:bisexual'],
  ['"sexualOrientation": "gay"', 'sexual_orientation:gay'],
  ['orientation sexuelle: hétéro', 'sexual_orientation:hétéro'],
  ['orientation: portrait'],
  ['sexual orientation: unknown'],
  ['sexual orientation policy'],
  ['Diagnosis: Migraine', 'health_condition:Migraine'],
  ['was first diagnosed with Type 2 Diabetes on 2022-06-21.', 'health_condition:Type 2 Diabetes'],
  ['allergies=peanuts;', 'health_condition:peanuts'],
  ['Blutgruppe: AB positiv', 'health_condition:AB positiv'],
  ['<diagnosis>Asthma</diagnosis>', 'health_condition:Asthma'],
  ['diagnosis: pending'],
  ['diagnosed with '],
  ['condition: healthy'],
]);

vectors('bank codes', [
  ['SWIFT: DEUTDEFF500', 'bic:DEUTDEFF500'],
  ['BIC DEUTDEFF', 'bic:DEUTDEFF'],
  ['swift_code="NWBKGB2L"', 'bic:NWBKGB2L'],
  ['DEUTDEFF500'],
  ['SWIFT: developers'],
  ['BIC: DEUT'],
]);

vectors('coordinates', [
  ['lat: 52.5200, lon: -13.4050', 'location:52.5200', 'location:-13.4050'],
  ['GPS 52.5200, 13.4050', 'location:52.5200, 13.4050'],
  ['coordinates=40.7128,-74.0060', 'location:40.7128,-74.0060'],
  ['load 52.5200, 13.4050'],
  ['lat: 5250'],
  ['lat: 952.5200'],
]);

vectors('postcodes', [
  ['ZIP: 94105-1234', 'postal_code:94105-1234'],
  ['ZIPs 10001 and 30301', 'postal_code:10001', 'postal_code:30301'],
  ['postcode SW1A 1AA', 'postal_code:SW1A 1AA'],
  ['PLZ: 10115', 'postal_code:10115'],
  ['in Mountain View, CA 94043 for', 'postal_code:94043'],
  ['ZIP: 7412 SL', 'postal_code:7412 SL'],
  ['ZIP 1234 is invalid.'],
  ['ZIP 123456 is invalid.'],
  ['ZIP 12345-123 is invalid.'],
  ['zip 94105 files', 'postal_code:94105'],
  ['error 94105'],
]);

vectors('postal addresses', [
  ['1600 Pennsylvania Avenue NW', 'postal_address:1600 Pennsylvania Avenue NW'],
  ['Please visit 221B Baker Street for pickup.', 'postal_address:221B Baker Street'],
  ['Address: 4934 Oak Ave, Arlington, GA 11114', 'postal_address:4934 Oak Ave, Arlington, GA 11114'],
  ['<address>6487 Willow Way, Milford, GA 36187</address>', 'postal_address:6487 Willow Way, Milford, GA 36187'],
  ['to 305 Main Street, Springfield, IL.', 'postal_address:305 Main Street, Springfield, IL'],
  ['wohnhaft in Hauptstraße 12, seit', 'postal_address:Hauptstraße 12'],
  ['in der Rosenallee 7 wohnt', 'postal_address:Rosenallee 7'],
  ['31 Rue de la Paix', 'postal_address:31 Rue de la Paix'],
  ['Via Roma 131', 'postal_address:Via Roma 131'],
  ['Calle de Alcalá 45', 'postal_address:Calle de Alcalá 45'],
  ['ul. Grochowa 80', 'postal_address:ul. Grochowa 80'],
  ['P.O. Box 149', 'postal_address:P.O. Box 149'],
  ['PSC 0413, Box 8144\nAPO AA 42323', 'postal_address:PSC 0413, Box 8144\nAPO AA 42323'],
  ['the corner of Oak Street and 5th Avenue', 'postal_address:corner of Oak Street and 5th Avenue'],
  ['12 Downing St Apt. 4', 'postal_address:12 Downing St Apt. 4'],
  ['Unit 5022 Box 1225\nDPO AE 44085', 'postal_address:Unit 5022 Box 1225\nDPO AE 44085'],
  ['Kossuth Lajos utca 12.', 'postal_address:Kossuth Lajos utca 12'],
  ['808 Kálmán Imre u. 12.\n Apt. 762', 'postal_address:808 Kálmán Imre u. 12.\n Apt. 762'],
  ['she lives on Quuxgata 12', 'postal_address:Quuxgata 12'],
  ['ship to 7 quux zedstrasse.', 'postal_address:7 quux zedstrasse'],
  ['meet me at 12 ( x'],
  ['12-14 Oak Road', 'postal_address:12-14 Oak Road'],
  ['1/2 Full'],
  ['12 3 4'],
  ['12 3x 4'],
  ['Rua Diadema 1903_x'],
  ['Rua Diadema 19.5'],
  ['Rua Diadema 1903é'],
  ['Springfield, IL 62704-1234', 'postal_code:62704-1234'],
  ['code CA 94043x'],
  ['Box 12'],
  ['2024 Annual Report'],
  ['404 Not Found'],
  ['Intel Mac OS X 10_9_1'],
  ['Windows NT 6.1; 5 Retries Left'],
  ['took 12 ms on Node 24'],
  ['version 3 Beta, 7 Days Ago'],
  ['corner of the table and chair'],
  ['block 7 of 12'],
]);

vectors('tables', [
  [
    'emp_id,name,email,ssn,dob\nEMP-35843,Nicolas Petit,n@acme.com,666-36-9666,1970-07-19',
    'employee_id:EMP-35843',
    'person_name:Nicolas Petit',
    'email:n@acme.com',
    'us_ssn:666-36-9666',
    'date_of_birth:1970-07-19',
  ],
  ['id;gender;"home address"\n1;f;"Nowhere; or ""here"""', 'gender:f', 'postal_address:Nowhere; or ""here""'],
  ['| Name | Phone |\n|------|-------|\n| Quux Zed | 358 0594 |', 'person_name:Quux Zed', 'phone:358 0594'],
  ['+------+---------+\n| Name | NHS no |\n+------+---------+\n| Zed  | 943 476 5919 |', 'person_name:Zed', 'uk_nhs:943 476 5919'],
  ['name\tbsn\nZed\t111222333', 'person_name:Zed', 'nl_bsn:111222333'],
  ['time,level,message\n10:00,info,4111'],
  ['name,size\nreport.pdf,12'],
  ['a,b,c\n1,2,3'],
  ['name,phone\nonly one cell\n,'],
]);

vectors('crypto addresses', [
  ['pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT now', 'bitcoin_address:1BoatSLRHtKNngkdXEeobR76b53LETtpyT'],
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'bitcoin_address:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  [
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    'bitcoin_address:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
  ],
  ['1BoatSLRHtKNngkdXEeobR76b53LETtpyU'],
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5'],
  ['31415926535897932384626433832795'],
  ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', 'ethereum_address:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359', 'ethereum_address:0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'],
  ['wallet 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed', 'ethereum_address:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'],
  ['0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'],
  ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'],
  ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedff'],
]);

vectors('more secrets', [
  ['Cookie: sid=8f3a77; lang=en', 'cookie:sid=8f3a77; lang=en'],
  ['-H "Set-Cookie: a=b; Path=/" x', 'cookie:a=b; Path=/'],
  ['Cookie: disabled'],
  ['https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX', 'api_key:T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'],
  ['https://hooks.slack.com/services/docs'],
  ['bot 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1 x', 'api_key:123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1'],
  ['abc8Q~abcdefghijABCDEFGHIJ0123456789abcd', 'api_key:abc8Q~abcdefghijABCDEFGHIJ0123456789abcd'],
  ['the Q~ is 8Q~'],
  ['hf_abcdefghijABCDEFGHIJabcdefghijABCD1', 'api_key:hf_abcdefghijABCDEFGHIJabcdefghijABCD1'],
  ['dapi0123456789abcdef0123456789abcdef', 'api_key:dapi0123456789abcdef0123456789abcdef'],
]);

vectors('labels', [
  ['my tax id, which you asked for, is 86095742719', 'de_tax_id:86095742719'],
  ['86095742719 (Steuer-ID)', 'de_tax_id:86095742719'],
  ['86095742719 was sent'],
  ['MRNs 123456, 234567 and 345678', 'medical_record_number:123456', 'medical_record_number:234567', 'medical_record_number:345678'],
  ["driver's license number is F162823540116", 'driver_license:F162823540116'],
  ['SSN 1 2 3 - 4 5 - 6 7 8 9', 'us_ssn:1 2 3 - 4 5 - 6 7 8 9'],
  ['SSN: 000-12-3456', 'us_ssn:000-12-3456'],
  ['card 4111 1111-1111.1111', 'credit_card:4111 1111-1111.1111'],
  ['VAT DE 123456789', 'eu_vat:DE 123456789'],
  ['Invalid SSN 666-12-9999'],
  ['Bad SSN 123-45-678'],
  ['passport 2024-01-15 renewed'],
  ['sin 123456 no'],
  ['pan 123456 no'],
  ['account 12345678'],
  ['routing number 021000021 account number 123456789', 'us_aba_routing:021000021', 'bank_account:123456789'],
  ['account number 123456789 was opened'],
  ['policy: s3-read-12345678'],
  ['position: 12.34'],
  ['cvv=123&x', 'secret:123'],
  ['OTP: 482913.', 'secret:482913'],
  ['pin: 12 otp: 1.5 cvv 12ab'],
  ['account: 123456789012 balance'],
  ['jane@acme-corp.com536-22-1845', 'email:jane@acme-corp.com', 'us_ssn:536-22-1845'],
]);

/** Numbers of all sorts that are nobody's: made here, so that there are many. */
test('what is not personal stays', () => {
  let seed = 99;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 0x1_0000_0000) * below);
  };
  const digits = (count: number): string => Array.from({ length: count }, () => random(10)).join('');
  const hex = (count: number): string => Array.from({ length: count }, () => random(16).toString(16)).join('');
  const makers: readonly (() => string)[] = [
    () => `order ${digits(6 + random(7))} shipped`,
    () => `request_id=${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`,
    () => `took ${digits(1 + random(6))} ms, ${digits(7)} bytes`,
    () => `ts=${1_600_000_000 + random(200_000_000)} ${(1_600_000_000 + random(200_000_000)) * 1000 + random(1000)}`,
    () => `20${digits(2).replace(/^./, '2')}-0${1 + random(9)}-1${random(9)}T1${random(9)}:${10 + random(49)}:${10 + random(49)}.${digits(3)}Z`,
    () => `commit ${hex(40)} sha256:${hex(64)}`,
    () => `v${random(20)}.${random(99)}.${random(999)} build ${digits(5)}`,
    () => `arn:aws:ec2:us-east-1:${digits(12)}:instance/i-${hex(17)}`,
    () => `invoice INV-${digits(6)} ticket ABC-${digits(4)} PR #${digits(5)}`,
    () => `"status":${200 + random(300)},"size":${digits(8)},"pid":${digits(5)}`,
    () => `GET /items/${digits(9)}/v2?page=${digits(2)} HTTP/1.1" 200 ${digits(6)}`,
    () => `trace ${hex(32)} span ${hex(16)}`,
    () => `job-${digits(8)}-${digits(4)} shard ${digits(3)}/${digits(3)}`,
    () => `${digits(3)},${digits(3)},${digits(3)} rows`,
  ];
  const found: string[] = [];
  for (let i = 0; i < 7000; i++) {
    const text = (makers[i % makers.length] as () => string)();
    for (const one of foundIn(engine, text)) found.push(`${text} → ${one}`);
  }
  // One in a thousand may pass a check by chance.
  expect(found.length, found.slice(0, 10).join('\n')).toBeLessThanOrEqual(7);
});

test('numbers are judged by their field', () => {
  expect(findInNumber(4_111_111_111_111_111)).toMatchObject([{ kind: 'credit_card' }]);
  expect(findInNumber(4_111_111_111_111_112)).toEqual([]);
  expect(findInNumber(86_095_742_719, 'steuerid')).toMatchObject([{ kind: 'de_tax_id' }]);
  expect(findInNumber(86_095_742_719, 'size')).toEqual([]);
  expect(findInNumber(34, 'age')).toMatchObject([{ kind: 'age' }]);
  expect(findInNumber(3600, 'age')).toEqual([]);
  expect(findInNumber(52.5201, 'maplatitude')).toMatchObject([{ kind: 'location' }]);
  const { event } = cleaned(engine, { customerBsn: 111_222_333, count: 111_222_333, age: 34, nested: { my_nhs_number: '943 476 5919' } });
  expect(event).toEqual({ customerBsn: 111_222_333, count: 111_222_333, age: '30..40', nested: { my_nhs_number: '[REDACTED]' } });
});

test('labels end words, in any case, accents and joints; the longest counts', () => {
  const labels = new LabelSet<number>();
  labels.add('tax id, numéro de sécurité, !sin, account:', 1);
  labels.add('id', 2);
  const at = (text: string): string | undefined => labels.endingAt(text, text.length)?.phrase;
  expect(at('your Tax-ID')).toBe('taxid');
  expect(at('patientTaxId')).toBe('taxid');
  expect(at('TAX__ID')).toBe('taxid');
  expect(at('syntax id')).toBe('id');
  expect(at('NUMERO DE SECURITE')).toBe('numerodesecurite');
  expect(at('valid')).toBeUndefined();
  expect(at('7id')).toBeUndefined();
  expect(at('')).toBeUndefined();
  expect(labels.ofField('mynumerodesecurite')?.phrase).toBe('numerodesecurite');
  expect(labels.ofField('taxid')?.values).toEqual([1]);
  expect(labels.ofField('paid')).toBeUndefined();
});

test('checks of crypto addresses', () => {
  expect(passesBase58Check('0BoatSLRHtKNngkdXEeobR76b53LETtpyT')).toBe(false);
  expect(passesBase58Check('zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz')).toBe(false);
  expect(passesBech32('bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe(false);
  expect(passesBech32('xx1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe(false);
  expect(passesBech32('bc1bw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe(false);
  expect(passesEip55('g'.repeat(40))).toBe(false);
});
