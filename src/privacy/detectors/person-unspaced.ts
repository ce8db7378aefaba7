/**
 * Names in scripts that do not divide words by spaces or do not divide names from what follows: Chinese, Japanese, Korean, Thai. A family name of the
 * lexicon with a given name of it, or with a label before (`姓名：`, `氏名`, `이름`) or a form of address behind (`先生`, `さん`, `님`).
 */
import { familyRank, givenRank, lookUp } from '../name-lexicon.ts';
import type { ScanContext } from './detector.ts';

const han = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}々ー]{2,}/gu;
const hangul = /\p{Script=Hangul}{2,}/gu;
const thai =
  /(?<cue>คุณ|นางสาว|นาย|นาง|ชื่อ|ผู้ใช้|ลูกค้า|ผู้ป่วย|พนักงาน)[\s:：]{0,3}(?<name>[\u0e01-\u0e3a\u0e40-\u0e4e]{2,24}(?: [\u0e01-\u0e3a\u0e40-\u0e4e]{2,24})?)/g;
const any = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Thai}]/u;

/** What stands before a name, perhaps with a mark between. */
const hanLabel =
  /(?:用户|用戶|姓名|名字|客户|客戶|患者|病人|员工|員工|申请人|联系人|聯絡人|收件人|发件人|寄件人|持卡人|经办人|户名|作者|氏名|名前|お名前|ユーザー|利用者|顧客|担当者|担当|申請者|宛名)[\s:：「『（(は为為是]{0,3}$/u;
const hanAddress = /^(?:先生|女士|小姐|太太|老师|老師|医生|教授|经理|同学|さん|さま|様|氏|殿|君|くん|ちゃん)/u;
const hangulLabel = /(?:사용자|고객|환자|이름|성명|담당자|신청자|회원|직원|작성자|수신자|발신자)(?:명|님)?[\s:：은는]{0,3}$/u;
const hangulAddress = /^ ?(?:님|씨|군|양|선생|고객|대리|과장|부장|차장|사장|교수|박사)/u;
/** Particles and endings that may follow a Korean name. */
const hangulEnd = /^(?:이?[은는가을를의와과도]|이|에게|에서|께서|한테|$|[^\p{Script=Hangul}])/u;
const aroundMax = 12;

/** Adds names in Han, Kana, Hangul and Thai. Each place of the text is looked at with a few look-ups of fixed length. */
export function detectUnspaced({ text, found }: ScanContext): void {
  if (!any.test(text)) return;
  for (const { 0: run, index } of text.matchAll(han)) findInRun(text, index, run, hanEnd, found);
  for (const { 0: run, index } of text.matchAll(hangul)) findInRun(text, index, run, koreanEnd, found);
  for (const match of text.matchAll(thai)) {
    const { cue = '', name = '' } = match.groups ?? {};
    const first = name.split(' ')[0] as string;
    const end = match.index + match[0].length;
    const telling = givenRank(lookUp(first)) > 0 || /^(?:คุณ|นาย|นาง)/.test(cue);
    if (telling || cue === 'ชื่อ') found.push({ kind: 'person_name', start: end - name.length, end, confidence: telling ? 0.7 : 0.55 });
  }
}

/** Where the name that starts at `at` ends and how sure it is; undefined if there is none. */
type EndOf = (text: string, at: number, runEnd: number) => { end: number; confidence: number } | undefined;

function findInRun(text: string, start: number, run: string, endOf: EndOf, found: ScanContext['found']): void {
  const runEnd = start + run.length;
  for (let at = start; at < runEnd - 1;) {
    const name = endOf(text, at, runEnd);
    if (name) found.push({ kind: 'person_name', start: at, end: name.end, confidence: name.confidence });
    at = name ? name.end : at + 1;
  }
}

function familyLengths(text: string, at: number, runEnd: number): number[] {
  const out: number[] = [];
  for (const length of [3, 2, 1]) if (at + length < runEnd && familyRank(lookUp(text.slice(at, at + length))) > 0) out.push(length);
  return out;
}

function hanEnd(text: string, at: number, runEnd: number): ReturnType<EndOf> {
  const families = familyLengths(text, at, runEnd);
  if (families.length === 0) return undefined;
  const labelled = hanLabel.test(text.slice(Math.max(0, at - aroundMax), at));
  for (const family of families) {
    const from = at + family;
    // `姓名：欧阳娜娜`: what is labelled goes to the end, if that is near.
    if (labelled && runEnd - from <= 2 && isHan(text, from, runEnd)) return { end: runEnd, confidence: 0.7 };
    for (const given of [3, 2, 1]) {
      const end = from + given;
      if (end > runEnd || family + given < 3 || givenRank(lookUp(text.slice(from, end))) === 0) continue;
      return { end, confidence: 0.7 };
    }
    for (const given of [2, 1, 0]) {
      const end = from + given;
      if (end <= runEnd && hanAddress.test(text.slice(end, end + 3))) return { end, confidence: 0.7 };
    }
    if (labelled && from + 2 <= runEnd && isHan(text, from, from + 2)) return { end: from + 2, confidence: 0.6 };
  }
  return undefined;
}

function isHan(text: string, from: number, to: number): boolean {
  return /^\p{Script=Han}+$/u.test(text.slice(from, to));
}

function koreanEnd(text: string, at: number, runEnd: number): ReturnType<EndOf> {
  // A name opens a word.
  if (at > 0 && /\p{Script=Hangul}/u.test(text[at - 1] as string)) return undefined;
  for (const family of familyLengths(text, at, runEnd)) {
    const from = at + family;
    const labelled = hangulLabel.test(text.slice(Math.max(0, at - aroundMax), at));
    for (const given of [2, 1]) {
      const end = from + given;
      if (end > runEnd) continue;
      const behind = text.slice(end, end + 4);
      const isKnown = givenRank(lookUp(text.slice(from, end))) > 0;
      if (hangulAddress.test(behind) && (isKnown || given === 2)) return { end, confidence: isKnown ? 0.75 : 0.65 };
      if (isKnown && given === 2 && (end === runEnd || hangulEnd.test(behind))) return { end, confidence: 0.65 };
      if (labelled && end === runEnd) return { end, confidence: 0.65 };
    }
  }
  return undefined;
}
