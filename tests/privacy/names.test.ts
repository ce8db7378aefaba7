/** Names of people as they are written in sentences, forms and log lines, in many languages and scripts; and what is called like people and is none. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { engineOf } from './engine-for-test.ts';

const engine = engineOf();

function namesIn(text: string): string[] {
  return engine
    .scanText(text)
    .filter(({ kind }) => kind === 'person_name')
    .map(({ start, end }) => text.slice(start, end));
}

const found: [text: string, ...names: string[]][] = [
  // Given names of a lexicon, in prose, without any cue.
  ['Meeting in Paris with Angela Merkel on Monday', 'Angela Merkel'],
  ['Sandra lives on the north side', 'Sandra'],
  ['Why is Katrin so slow today?', 'Katrin'],
  ['A relapse was noted when Nancy reported symptoms.', 'Nancy'],
  ['Ask the driver: Lewis Forbes as guardian', 'Lewis Forbes'],
  ['Crystal will join the call at noon.', 'Crystal'],
  ['Chase approved the ticket.', 'Chase'],
  // Names that no list has, by what they look like and what stands around.
  ['we need to add Mstislav Dolgorukova as guardian', 'Mstislav Dolgorukova'],
  ["What's your name? Sölvi Salómonsson", 'Sölvi Salómonsson'],
  ['For my take on Dr. Wells, see below', 'Wells'],
  ['access revoked by Zyxo Quarrington', 'Zyxo Quarrington'],
  // Any order, any case.
  ['Doe, Jane requested access', 'Doe, Jane'],
  ['Access granted to Smith, Robert on Monday', 'Smith, Robert'],
  ['my name is lena andersson and i lost my card', 'lena andersson'],
  ['naomi ryan', 'naomi ryan'],
  ['Emergency contact: JANE SMITH', 'JANE SMITH'],
  ['Lara  Fiorentino\n\nDining room attendant', 'Lara  Fiorentino'],
  // Particles, initials, double names.
  ['Ticket of Maria de la Cruz was closed by J. van den Berg', 'Maria de la Cruz', 'J. van den Berg'],
  ['Marie-Claire Dubois submitted the report.', 'Marie-Claire Dubois'],
  ["Patient Siobhán O'Brien was discharged", "Siobhán O'Brien"],
  ['Access requested by Nguyễn Văn An', 'Nguyễn Văn An'],
  // Labels in other languages.
  ['Benutzer Jürgen Schäfer hat sich angemeldet', 'Jürgen Schäfer'],
  ['Bitte Herrn Özdemir anrufen.', 'Özdemir'],
  ['Utilisateur Jean-Pierre Lefèvre connecté', 'Jean-Pierre Lefèvre'],
  ['Me llamo Ximena Huerta y vivo aquí', 'Ximena Huerta'],
  // Other scripts.
  ['Пользователь Мария Иванова вошла в систему', 'Мария Иванова'],
  ['Ο χρήστης Γιώργος Παπαδόπουλος συνδέθηκε', 'Γιώργος Παπαδόπουλος'],
  ['المستخدم محمد علي سجل الدخول', 'محمد علي'],
  ['המשתמש דוד כהן התחבר', 'דוד כהן'],
  ['उपयोगकर्ता राहुल शर्मा ने लॉगिन किया', 'राहुल शर्मा'],
  ['用户 张伟 登录成功', '张伟'],
  ['联系人：欧阳娜娜', '欧阳娜娜'],
  ['王先生来电', '王'],
  ['田中太郎さんがログインしました', '田中太郎'],
  ['김민수님이 로그인했습니다', '김민수'],
  ['คุณสมชาย ใจดี', 'สมชาย ใจดี'],
];

const untouched = [
  // Products, services, hosts.
  'Jenkins started the build',
  'Failed to start Jenkins Continuous Integration Server.',
  'Jupyter Notebook server Hudson is up',
  'Deployment of Grafana Tempo in region Frankfurt finished',
  'AWS Lambda function Cost Explorer failed',
  'Apache Tomcat stopped',
  'Terraform Cloud run finished',
  'Kernel panic on Ubuntu Jammy',
  'Started Session 12 of user root.',
  'Reached target Network is Online',
  'Service Control Manager: The Windows Update service entered the running state.',
  'Administrator created Security Group Web Tier',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.73 (KHTML, like Gecko) Version/7.0.1 Safari/537.73',
  'prefer JSON Schema over YAML Anchors',
  'Grant expired',
  'Grace period expired',
  'Mark completed',
  // Companies, places, streets.
  'Hong Kong',
  'Your Partner in Sri Lanka',
  'Morgan Stanley upgraded Goldman Sachs',
  'Bill to Acme Corp',
  'Mayo Clinic approved your referral.',
  'General Electric announced a new product.',
  'Russell Investments is a design agency',
  'New York Times reported that San Jose is warm',
  'Martin Luther King Blvd is closed',
  'The Davis Orchestra was founded in 1990',
  'I work for Wolters Kluwer',
  // Lower case.
  'name: my-command',
  '"name": "graph", "type": "module"',
  'starting nova compute service on host node1',
  'error in module martin router',
  'grace period expired',
  'container marathon started by systemd',
  // Other scripts.
  '系统启动完成，用户登录失败',
  'サーバーが再起動しました',
  '서버가 다시 시작되었습니다',
  'Пользователь вошёл в систему',
];

describe('names of people', () => {
  for (const [text, ...names] of found) test(text, () => expect(namesIn(text)).toEqual(names));
});

describe('what is no name', () => {
  for (const text of untouched) test(text, () => expect(namesIn(text)).toEqual([]));
});

test('a surer finding has a higher confidence, and a policy can ask for it', () => {
  const confidence = (text: string): number => engine.scanText(text).find(({ kind }) => kind === 'person_name')?.confidence ?? 0;
  expect(confidence('Dear Jane Smith,')).toBeGreaterThan(confidence('Mstislav Dolgorukova as guardian'));
});

test('the lexicon is what the script makes of the word lists (if not: node scripts/build-name-lexicon.ts)', () => {
  const script = new URL('../../scripts/build-name-lexicon.ts', import.meta.url).pathname;
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});

describe('places', () => {
  const placesIn = (text: string): string[] =>
    engine
      .scanText(text)
      .filter(({ kind }) => kind === 'place')
      .map(({ start, end }) => text.slice(start, end));
  for (const [text, ...places] of [
    ['She moved here from Estonia', 'Estonia'],
    ['I will be travelling to United States next week', 'United States'],
    ['She lives in Zzyzyx near the sea', 'Zzyzyx'],
    ['Maria Lopez was born in Madrid.', 'Madrid'],
    ['setting changed from On to Off'],
    ['Data from Cloud Storage'],
    ['New State: closed'],
  ] as const)
    test(text, () => expect(placesIn(text)).toEqual(places));

  test('and five digits in front of one are its postcode', () => {
    const codesIn = (text: string): string[] =>
      engine
        .scanText(text)
        .filter(({ kind }) => kind === 'postal_code')
        .map(({ start, end }) => text.slice(start, end));
    expect(codesIn('94105, San Francisco')).toEqual(['94105']);
    expect(codesIn('she lives at 10115 Berlin')).toEqual(['10115']);
    expect(codesIn('error 94105 again')).toEqual([]);
    expect(codesIn('v1.94105, San Francisco')).toEqual([]);
  });

  test('are kept by the default policy', () => {
    const { event } = engine.apply(engine.plan({ note: 'She moved here from Estonia' }), () => 'tok_');
    expect(event).toEqual({ note: 'She moved here from Estonia' });
  });
});

test('an address at which makers of a crawler are reached is nobody’s; the same elsewhere is an address', () => {
  const emails = (text: string): number => engine.scanText(text).filter(({ kind }) => kind === 'email').length;
  for (const agent of [
    'Mozilla/5.0 (compatible; Ezooms/1.0; help@example.com)',
    '"Embedly +support@example.ly"',
    '"X.com (webmaster@x.example.com; for http://x.example.com)"',
  ])
    expect(emails(agent)).toBe(0);
  for (const text of ['write to help@example.com', '(support@example.com)', 'Mozilla/5.0 (compatible; X/1.0; jane.doe@example.com)'])
    expect(emails(text)).toBe(1);
});
