/**
 * Names in scripts that do not divide words by spaces or do not divide names from what follows: Chinese, Japanese, Korean, Thai. A family name of the
 * lexicon with a given name of it, or with a label before (`姓名：`, `氏名`, `이름`) or a form of address behind (`先生`, `さん`, `님`).
 */
import { familyRank, givenRank, lookUp } from '../name-lexicon.ts';
import { isCapital, isSmall } from '../survey.ts';
import type { ScanContext } from './detector.ts';
import { cueBefore, deedBehind, isCell } from './person-cues.ts';

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
/** Words that begin like a family name and may stand alone in a log. */
const wordsAlone = new Set(
  (
    '高级 高危 高速 高可用 高 任务 任何 任意 方法 方式 方案 方向 程序 金额 金融 白名单 白色 常规 常用 常见 文件 文档 文本 文字 文件夹 万元 钱包 江苏 江西 马上 于是 曾经 许可 许可证 谢谢 余额 周一 周二 周三 周四 周五 周六 周日 周期 周末 黄金 黄色 ' +
    '雷达 夏季 段落 顾客 顾问 武汉 苏州 沈阳 郑州 陈列 陈述 董事 董事会 范围 黎明 孙子 石油 田地 史料 康复 毛利 林业 王者 龙头 钟表 简单 管理 管理员 关闭 安全 时间 成功 应用 全部 权限 路由 项目 平台 单位 支付 连接 解锁 计划 国家 通知 ' +
    '高橋市 山本町 中国 中央 大阪 東京 京都 広島 福島 石川県 千葉県 山口県 長野 長崎 高知 松江 森林 林業 原因 原則 西側 東側 北側 南側 今日 今井町 上田市 ' +
    '이메일 이벤트 이미지 이용자 이전값 이상값 정상적 정보값 정책명 최신값 최종값 최대값 최소값 강제로 조회수 조직명 성공적 신규값 신청서 안전한 전체값 주문서 임시값 유형별 남은일 오류명 권한명 김치'
  ).split(' '),
);
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
  const alone = confidenceAlone(text, start, run);
  if (alone > 0) {
    found.push({ kind: 'person_name', start, end: runEnd, confidence: alone });
    return;
  }
  for (let at = start; at < runEnd - 1;) {
    const name = endOf(text, at, runEnd);
    if (name) found.push({ kind: 'person_name', start: at, end: name.end, confidence: name.confidence });
    at = name ? name.end : at + 1;
  }
}

/** How sure it is that all of a short run is a name: a family name and one or two more, in a text of Latin letters or as a value of its own. */
function confidenceAlone(text: string, start: number, run: string): number {
  if (run.length < 2 || run.length > 4 || wordsAlone.has(run)) return 0;
  const family = familyLengths(text, start, start + run.length).find((length) => run.length - length <= 2);
  if (family === undefined || (run.length === 4 && family === 1)) return 0;
  const end = start + run.length;
  const behind = text.charCodeAt(end) === 32 ? text.charCodeAt(end + 1) : Number.NaN;
  const before = text.charCodeAt(start - 1) === 32 ? text.charCodeAt(start - 2) : Number.NaN;
  const isAmongLatin = isCapital(behind) || isSmall(behind) || isCapital(before) || isSmall(before);
  if (isAmongLatin && (cueBefore(text, start) !== '' || deedBehind(text, end) !== '')) return 0.65;
  const isValue = isCell(text, start, end) || (start === 0 && end === text.length);
  if (!isValue) return 0;
  return givenRank(lookUp(run.slice(family))) > 0 ? 0.65 : run.length > 2 ? 0.55 : 0;
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
