/**
 * Labels and addresses in scripts other than Latin: `пароль: …`, `生年月日：1984年5月12日`, `паспорт 45 08 123456`, `улица Ленина, дом 5`, `東京都港区六本木6丁目10番1号`.
 * Only texts with anything beyond ASCII are looked at, and each expression begins with words that are written in full.
 */
import { has, isLetter, isWordBeyondAscii } from '../survey.ts';
import { readDate } from './announced-values.ts';
import type { Detector, ScanContext } from './detector.ts';
import { isSpokenSecret } from './secret-words.ts';

/** Between a label and its value: marks, a word for number, a form of to be. */
const between = new RegExp(
  String.raw`(?:\s?(?:номер|серия и номер|№|号码|號碼|番号|号|號|번호|رقم|מספר|αριθμός|เลขที่|number|no\.?)){0,2}(?:\s?(?:是|は|는|은|это|является|הוא|هو|είναι|คือ))?[\s:：=『「"'(（-]{1,4}|[:：=]`,
  'iuy',
);

/** Scripts whose texts are searched for labels and addresses of their own, by the first and last unit of their blocks. */
const blocks = {
  latin: [0xc0, 0x24f],
  vietnamese: [0x1ea0, 0x1ef9],
  greek: [0x370, 0x3ff],
  cyrillic: [0x400, 0x52f],
  caucasian: [0x530, 0x58f],
  hebrew: [0x590, 0x5ff],
  arabic: [0x600, 0x6ff],
  indic: [0x900, 0xdff],
  thai: [0xe00, 0xe7f],
  georgian: [0x10a0, 0x10ff],
  ethiopic: [0x1200, 0x137f],
  han: [0x3040, 0x9fff],
  hangul: [0xac00, 0xd7a3],
} as const;
type Script = keyof typeof blocks;
const scripts = Object.keys(blocks) as Script[];

/** By unit / 32: which script begins or lies there. */
const scriptOf = new Uint8Array(2048);
for (const [i, script] of scripts.entries()) for (let at = blocks[script][0] >> 5; at <= blocks[script][1] >> 5; at++) scriptOf[at] = i + 1;

interface Label {
  readonly kind: string;
  /** The value that begins at `start`: its end, or 0. */
  readonly read: (text: string, start: number) => number;
  /** Must a colon or the like stand between? */
  readonly needsMark: boolean;
}

/** By the first unit of a label, small or capital: the labels that begin with it, longest first. */
const labels = new Map<number, { readonly word: string; readonly label: Label }[]>();

/** Adds the labels of a kind. */
function label(kind: string, words: string, read: Label['read'], needsMark = false): void {
  const own: Label = { kind, read, needsMark };
  for (const small of words.split('|'))
    for (const word of new Set([small, (small[0] as string).toUpperCase() + small.slice(1)])) {
      const list = labels.get(word.charCodeAt(0));
      if (list) list.push({ word, label: own });
      else labels.set(word.charCodeAt(0), [{ word, label: own }]);
      labels.get(word.charCodeAt(0))?.sort((x, y) => y.word.length - x.word.length);
    }
}

function matching(form: RegExp): Label['read'] {
  return (text, start) => {
    form.lastIndex = start;
    return form.test(text) ? form.lastIndex : 0;
  };
}

const number = /[\p{Lu}]{0,4}[ №-]{0,2}\d(?:[\s./-]?[\p{Lu}\d]){3,24}(?![\p{L}\d])/uy;
const plate = /[\p{L}]{0,4}[ -]?\d[\p{L}\p{N}\s-]{2,9}(?![\p{L}\p{N}])/uy;
const line = /[^\n;|"「」{}<>]{5,120}/uy;
const token = /[^\s"'“”「」『』,;<>]{4,64}/uy;

label(
  'secret',
  'пароль|парола|лозинка|密码|密碼|口令|パスワード|暗証番号|비밀번호|패스워드|كلمة المرور|كلمة السر|رمز عبور|گذرواژه|סיסמה|סיסמא|κωδικός πρόσβασης|κωδικός|รหัสผ่าน|पासवर्ड|পাসওয়ার্ড|கடவுச்சொல்|პაროლი|գաղտնաբառ|የይለፍ ቃል',
  (text, start) => {
    token.lastIndex = start;
    const value = token.exec(text)?.[0].replace(/[.!?)。]+$/u, '') ?? '';
    return isSpokenSecret(value) || (/^\d{4,12}$/.test(value) && text.charCodeAt(start - 1) !== 32) ? start + value.length : 0;
  },
);
label(
  'date_of_birth',
  'дата рождения|дата народження|дата на раждане|датум рођења|родился|родилась|д.р.|出生日期|出生年月日|生年月日|誕生日|生日|생년월일|생일|تاريخ الميلاد|تاریخ تولد|תאריך לידה|ημερομηνία γέννησης|วันเกิด|วัน เดือน ปี เกิด|जन्म तिथि|जन्मतिथि|জন্ম তারিখ|பிறந்த தேதி|დაბადების თარიღი|ծննդյան ամսաթիվ',
  (text, start) => readDate(text, start)?.end ?? 0,
);
label(
  'passport',
  'паспорт|паспорта|паспортные данные|загранпаспорт|护照|護照|パスポート|旅券|여권|جواز السفر|جواز سفر|گذرنامه|پاسپورت|דרכון|διαβατήριο|หนังสือเดินทาง|पासपोर्ट|পাসপোর্ট|პასპორტი|անձնագիր',
  matching(number),
);
label(
  'national_id',
  'снилс|инн|удостоверение личности|身份证|身分證|統一編號|個人番号|マイナンバー|주민등록|주민번호|외국인등록|الرقم القومي|رقم الهوية|کد ملی|شناسنامه|תעודת זהות|ת.ז.|ταυτότητα|αφμ|α.φ.μ.|αμκα|บัตรประชาชน|เลขประจำตัวประชาชน|आधार|পরিচয়পত্র|პირადი ნომერი',
  matching(number),
);
label(
  'driver_license',
  'водительское удостоверение|права|驾照|駕照|運転免許|運転免許証|운전면허|رخصة القيادة|گواهینامه|רישיון נהיגה|δίπλωμα οδήγησης|ใบขับขี่',
  matching(number),
);
label('license_plate', 'госномер|гос. номер|номерной знак|车牌|車牌|ナンバープレート|차량번호|لوحة|پلاک|מספר רכב|πινακίδα|ทะเบียนรถ', matching(plate));
label(
  'phone',
  'телефон|телефону|тел|тел.|моб|моб.|мобильный|电话|電話|手机|手機|携帯|전화|휴대폰|연락처|هاتف|جوال|موبايل|تلفن|موبایل|טלפון|נייד|τηλέφωνο|κινητό|โทรศัพท์|โทร|मोबाइल|फ़ोन|ফোন|மொபைல்|ტელეფონი|հեռախոս',
  matching(/\+?[\d(][\d\s()./-]{5,20}\d(?![\p{L}\d])/uy),
);
label(
  'bank_account',
  'номер карты|карта|номер счёта|номер счета|расчётный счёт|расчетный счет|р/с|卡号|银行卡|銀行卡|帳號|账号|口座番号|口座|계좌|رقم الحساب|شماره حساب|מספר חשבון|λογαριασμός|เลขที่บัญชี',
  matching(number),
);
label('postal_address', 'адрес|адреса|地址|住所|住址|주소|العنوان|نشانی|آدرس|כתובת|διεύθυνση|ที่อยู่|पता|ঠিকানা|முகவரி|მისამართი|հասցե', addressEnd, true);

/** A line with a digit and a letter in it: no address of a host. */
function addressEnd(text: string, start: number): number {
  line.lastIndex = start;
  const value = line.exec(text)?.[0].trimEnd() ?? '';
  return /\p{L}/u.test(value) && /\p{N}/u.test(value) && !/^[\w.+-]+@|^https?:|^[\d.:a-f/]+$/i.test(value) ? start + value.length : 0;
}

/** An address is found from the words and numbers that make it one, and reaches back over the words before them. */
interface Street {
  readonly anchor: RegExp;
  /** What may stand before the anchor, read at the end of the text before it. */
  readonly back?: RegExp;
}

const backMax = 48;

const streets: Readonly<Partial<Record<Script, readonly Street[]>>> = {
  cyrillic: [
    {
      anchor:
        /(?<!\p{L})(?:ул(?:ица|\.)|вул(?:иця|\.)|пр(?:оспект|-т|осп\.)|пер(?:еулок|\.)|наб(?:ережная|\.)|шоссе|бульвар|б-р|площадь|пл\.|бул\.)\s?[\p{Lu}\d][\p{L}\p{N}. -]{1,40},?\s(?:д(?:ом|\.)|буд\.|№)?\s?\d{1,4}[\p{L}/\d]{0,4}(?:,?\s(?:к(?:орп(?:ус|\.)|\.)|стр\.|кв(?:артира|\.)|оф(?:ис|\.)|под\.)\s?\d{1,4}){0,3}/gu,
      back: /(?:г\.|гор\.|город|м\.|гр\.)\s?\p{Lu}[\p{L}-]{1,30},?\s$/u,
    },
    {
      anchor:
        /\s(?:улица|проспект|переулок|шоссе|бульвар|площадь|набережная),?\s(?:д(?:ом|\.)\s?)?\d{1,4}(?:,?\s(?:кв|корп|стр|оф)\.\s?\d{1,4}){0,3}/gu,
      back: /\p{Lu}\p{Ll}{2,30}$/u,
    },
  ],
  han: [
    // Japanese: city or ward, block and house.
    {
      anchor: /[0-9０-９一二三四五六七八九十]{1,4}(?:丁目|番地?|[-－−‐][0-9０-９]{1,4}|号)[0-9０-９一二三四五六七八九十丁目番地号\-－ー−‐]{0,12}/gu,
      back: /(?:〒\s?\d{3}-?\d{4}\s?)?[\p{Script=Han}]{1,10}[市区町村郡][\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]{1,16}$/u,
    },
    // Chinese: road or street and number.
    {
      anchor:
        /(?:路|街|大道|胡同|巷|弄)\s?[0-9０-９一二三四五六七八九十百]{1,5}\s?(?:号|號|弄)(?:[\p{Script=Han}0-9０-９-]{0,12}(?:室|楼|樓|单元|單元|层|號|号))?/gu,
      back: /[\p{Script=Han}]{2,24}$/u,
    },
  ],
  hangul: [
    {
      anchor: /(?:대로|로|길)\s?\d{1,4}(?:-\d{1,4})?(?:번길\s?\d{1,4})?/gu,
      back: /(?:\p{Script=Hangul}{1,6}[시군구도]\s){1,2}(?:\p{Script=Hangul}{1,5}[읍면동]\s)?\p{Script=Hangul}{1,10}\d{0,3}$/u,
    },
  ],
  greek: [{ anchor: /(?:[Οο]δός|[Λλ]εωφόρος|[Λλ]εωφ\.|[Ππ]λατεία)\s\p{Lu}[\p{L}. ]{1,40}\s\d{1,4}/gu }],
  hebrew: [{ anchor: /(?:רחוב|רח['׳]|שדרות|שד['׳])\s[\p{Script=Hebrew}"'׳״ -]{2,40}\s\d{1,4}(?:[,/]\s?\d{1,4})?/gu }],
  arabic: [{ anchor: /(?:شارع|طريق|خیابان|کوچه|بلوار)\s[\p{Script=Arabic} ]{2,40}(?:،|,)?\s?(?:رقم|پلاک|مبنى)?\s?[\d٠-٩۰-۹]{1,5}/gu }],
  thai: [
    {
      anchor: /(?:ถนน|ถ\.)\s?[\p{Script=Thai}]{2,24}/gu,
      back: /\d{1,4}(?:\/\d{1,4})?\s?(?:หมู่\s?\d{1,3}\s?)?(?:ซอย\s?[\p{Script=Thai}\d]{1,24}\s?)?$/u,
    },
  ],
  // Turkish, Czech, Slovak, Hungarian.
  latin: [
    {
      anchor:
        /\s(?:Caddesi|Cad\.|Sokak|Sokağı|Sok\.|Bulvarı|Mahallesi|náměstí|třída|ulice|nábřeží|námestie|út|utca|körút|tér|sugárút|krt\.),?\s(?:No\s?[:.]?\s?)?\d{1,4}(?:\/\d{1,4})?/gu,
      back: /\p{Lu}\p{L}{2,24}(?:\s\p{L}{2,20})?$/u,
    },
  ],
  vietnamese: [
    {
      anchor: /,\s(?:Phường|phường|Quận|quận|P\.|Q\.|Huyện|Thành phố|TP\.)\s?[\p{L}\d]{1,12}/gu,
      back: /\d{1,4}(?:\/\d{1,4})?\s(?:(?:Đường|đường|Phố|phố|Ngõ|ngõ)\s)?\p{Lu}\p{L}{1,10}(?:\s\p{Lu}\p{L}{1,10}){1,3}$/u,
    },
  ],
};

/** Reads the labels of a text on the way; returns which scripts it has anything of, as bits. */
function readLabels(text: string, units: Uint8Array, found: ScanContext['found']): number {
  let bits = 0;
  let isWithin = false;
  for (let i = 0; i < text.length; i++) {
    const own = units[i] as number;
    if (own < 128) {
      isWithin = isLetter(own);
      continue;
    }
    const unit = text.charCodeAt(i);
    const script = scriptOf[unit >> 5] as number;
    if (script > 0) bits |= 1 << (script - 1);
    // Where words are divided a label begins one.
    if (!isWithin || unit >= unspacedFrom) {
      const list = labels.get(unit);
      if (list) for (const { word, label: one } of list) if (text.startsWith(word, i) && readLabel(text, i + word.length, one, found)) break;
    }
    isWithin = isWordBeyondAscii(unit);
  }
  return bits;
}

/** From here on scripts divide no words: Thai, Chinese, Japanese. */
const unspacedFrom = 0xe00;

function readLabel(text: string, end: number, { kind, read, needsMark }: Label, found: ScanContext['found']): boolean {
  between.lastIndex = end;
  const mark = between.exec(text)?.[0];
  if (mark === undefined || (needsMark && !/[:：=]/.test(mark))) return false;
  const start = end + mark.length;
  const close = read(text, start);
  if (close > start) found.push({ kind, start, end: close, confidence: 0.75 });
  return close > start;
}

function detectOtherScripts({ text, survey: { units, flags }, found }: ScanContext): void {
  const bits = readLabels(text, units, found);
  // Only beyond Hebrew do scripts have digits of their own that addresses are written in.
  if ((flags & has.digit) === 0 && bits < withDigits) return;
  for (let i = 0; i < scripts.length; i++) {
    const list = (bits & (1 << i)) === 0 ? undefined : streets[scripts[i] as Script];
    if (list) for (const street of list) readStreet(text, street, found);
  }
}

const withDigits = 1 << scripts.indexOf('hebrew');

function readStreet(text: string, { anchor, back }: Street, found: ScanContext['found']): void {
  let floor = 0;
  // Not by `matchAll`, which makes the expression anew.
  anchor.lastIndex = 0;
  for (let match = anchor.exec(text); match; match = anchor.exec(text)) {
    const { 0: all, index } = match;
    const before = back?.exec(text.slice(Math.max(floor, index - backMax), index));
    floor = index + all.length;
    // A street that is told by its own word needs nothing before it; one that is told by a number does.
    if (back && !before && !standsAlone.test(all)) continue;
    found.push({ kind: 'postal_address', start: index - (before?.[0].length ?? 0), end: floor, confidence: 0.65 });
  }
}

const standsAlone = /^(?:ул|вул|пр|пер|наб|шоссе|бул|б-р|пл)/u;

export const otherScriptsDetector: Detector = { kinds: [], gate: has.nonAscii, detect: detectOtherScripts };
