/** People of many cultures, made up from lists of our own: given names, family names, and how the two are put together. */
import type { Random } from './random.ts';

export interface Culture {
  readonly given: readonly string[];
  readonly family: readonly string[];
  /** Puts a name together; given before family where it is absent. */
  readonly join?: (given: string, family: string, random: Random) => string;
}

function list(words: string): readonly string[] {
  return words.trim().split(/\s*,\s*/);
}

export const cultures: Readonly<Record<string, Culture>> = {
  english: {
    given: list('Jane, Robert, Emily, Marcus, Harriet, Callum, Beatrice, Dwight, Imogen, Terrence, Paige, Lionel'),
    family: list('Whitfield, Okafor-Hale, Thornbury, Haverford, Ashcroft, Pemberton, Drummond, Castellan, Lockhart, Wainwright, Barlow, Sinclair'),
  },
  irish: {
    given: list('Siobhan, Padraig, Niamh, Eoin, Aoife, Cormac, Fiona, Declan, Grainne, Ruairi'),
    family: list("O'Sullivan, McDermott, O'Connell, MacGowan, McAllister, O'Riordan, Fitzgerald, McKenna, O'Hara, Kavanagh"),
  },
  german: {
    given: list('Jürgen, Annegret, Björn, Heike, Lothar, Sabine, Uwe, Käthe, Wolfgang, Mareike'),
    family: list('Schäfer, Brückner, von Hohenstein, Köhler, Zimmermann-Vogt, Weißhaupt, Grünwald, Lindemann, Pfeiffer, Oßwald'),
  },
  french: {
    given: list('Aurélie, Jean-Pierre, Hélène, Benoît, Marie-Claude, Thibault, Geneviève, Loïc, Élodie, Gaspard'),
    family: list("Lefèvre, de La Tour, Beaumont, Chevallier, d'Arcy, Rousseau, Marchand, Gauthier-Roy, Pelletier, Desmarais"),
  },
  spanish: {
    given: list('María José, Álvaro, Lucía, Íñigo, Carmen, Joaquín, Rocío, Fernando, Ximena, Gonzalo'),
    family: list(
      'Gómez Herrera, Ibáñez Soto, de la Fuente Ríos, Martínez Peña, Vázquez Castro, Núñez, Ortega y Gasset, Fuentes Aguilar, Zamora Díaz, del Valle',
    ),
  },
  italian: {
    given: list('Giulia, Niccolò, Chiara, Lorenzo, Ilaria, Matteo, Annunziata, Davide, Fiammetta, Ottavio'),
    family: list("Di Stefano, Esposito, D'Angelo, Ferrara, Bianchi, De Luca, Mancini, Lo Presti, Santoro, Pellegrini"),
  },
  dutch: {
    given: list('Joost, Annelies, Pieter, Maaike, Sjoerd, Femke, Bas, Willemijn, Ruud, Liesbeth'),
    family: list("van den Berg, de Vries, van der Meer, ten Brink, Dijkstra, van 't Hoff, Bakker, op den Camp, Hoekstra, de Jong"),
  },
  portuguese: {
    given: list('João, Inês, Thiago, Conceição, Rui, Mafalda, Luís, Graça, Vasco, Letícia'),
    family: list('da Silva Santos, Gonçalves, Magalhães, dos Reis, Figueiredo, Pinto Correia, Assunção, de Almeida, Teixeira, Mourão'),
  },
  polish: {
    given: list('Zbigniew, Małgorzata, Grzegorz, Agnieszka, Wojciech, Bożena, Łukasz, Katarzyna, Stanisław, Żaneta'),
    family: list('Wiśniewski, Kowalczyk, Dąbrowska, Szczepański, Zieliński, Wróblewska, Gołębiewski, Jabłońska, Krzyżanowski, Ślusarczyk'),
  },
  turkish: {
    given: list('Çağlar, Ayşe, Gökhan, Şebnem, Ömer, Elif, Tuğba, Emre, İbrahim, Zeynep'),
    family: list('Yıldırım, Öztürk, Kılıç, Şahin, Aydoğan, Çelik, Güneş, Demirtaş, Erdoğan, Karaca'),
  },
  indian: {
    given: list('Rahul, Priyanka, Venkatesh, Ananya, Suresh, Lakshmi, Arjun, Deepika, Harpreet, Meenakshi'),
    family: list('Sharma, Krishnamurthy, Patel, Iyer, Chatterjee, Reddy, Singh, Subramanian, Deshpande, Banerjee'),
  },
  pinyin: {
    given: list('Xiaoming, Wei, Jianguo, Meiling, Zhihao, Yuxuan, Lihua, Guoqiang, Xinyi, Haoran'),
    family: list('Zhang, Wang, Ouyang, Chen, Zhao, Huang, Xu, Liu, Zhou, Lin'),
    join: (given, family, random) => (random.below(2) === 0 ? `${given} ${family}` : `${family} ${given}`),
  },
  arabic: {
    given: list('Mohammed, Fatima, Abdulrahman, Layla, Khalid, Noura, Yousef, Aisha, Tariq, Maryam'),
    family: list('al-Rashid, bin Salman, El-Sayed, Al Mansouri, Haddad, ibn Khaldun, Abu Bakr, Al-Otaibi, Khoury, bint Nasser'),
  },
  vietnamese: {
    given: list('Văn An, Thị Lan, Minh Tuấn, Thu Hà, Đức Anh, Ngọc Ánh, Quang Huy, Thanh Trúc'),
    family: list('Nguyễn, Trần, Lê, Phạm, Đặng, Hoàng, Vũ, Bùi'),
    join: (given, family) => `${family} ${given}`,
  },
  nigerian: {
    given: list('Chukwuemeka, Oluwaseun, Ngozi, Babatunde, Adaeze, Ifeanyi, Folasade, Kelechi, Temitope, Chiamaka'),
    family: list('Okonkwo, Adeyemi, Nwosu, Balogun, Eze, Ogunleye, Abiodun, Uchenna, Olawale, Nnamdi'),
  },
  nordic: {
    given: list('Åsa, Torbjørn, Sölvi, Päivi, Mikkel, Guðrún, Øyvind, Lærke, Jukka, Solveig'),
    family: list('Bergström, Kjærgaard, Jónsdóttir, Hämäläinen, Østergaard, Sørensen, Lindqvist, Virtanen, Þórsson, Nygård'),
  },
  russian: {
    given: list('Мария, Алексей, Светлана, Дмитрий, Екатерина, Сергей, Ольга, Николай'),
    family: list('Иванова, Петров, Кузнецова, Соколов, Морозова, Волков, Лебедева, Орлов'),
  },
  greek: {
    given: list('Γιώργος, Ελένη, Κωνσταντίνος, Μαρία, Δημήτρης, Αικατερίνη'),
    family: list('Παπαδόπουλος, Οικονόμου, Γεωργίου, Νικολάου, Δημητρίου, Βασιλείου'),
  },
  arabicScript: { given: list('محمد, فاطمة, عبدالله, مريم, خالد, نورة'), family: list('الحسن, العتيبي, حداد, الشريف, منصور, سعيد') },
  hebrew: { given: list('דוד, שרה, יוסף, רחל, משה, נועה'), family: list('כהן, לוי, מזרחי, פרץ, ביטון, אברהם') },
  hindi: { given: list('राहुल, प्रिया, अमित, सुनीता, विकास, पूजा'), family: list('शर्मा, वर्मा, सिंह, गुप्ता, पटेल, मिश्रा') },
  chinese: {
    given: list('伟, 秀英, 志明, 丽华, 建国, 晓明, 雨萱'),
    family: list('王, 张, 李, 刘, 陈, 欧阳, 赵'),
    join: (given, family) => `${family}${given}`,
  },
  japanese: {
    given: list('太郎, 花子, 健一, 美咲, 翔太, 恵子'),
    family: list('田中, 佐藤, 鈴木, 高橋, 渡辺, 山本'),
    join: (given, family) => `${family}${given}`,
  },
  korean: { given: list('민수, 지영, 서연, 준호, 영희, 현우'), family: list('김, 이, 박, 최, 정, 강'), join: (given, family) => `${family}${given}` },
  thai: { given: list('สมชาย, สมหญิง, ประเสริฐ, วิชัย'), family: list('ใจดี, ศรีสุข, วงศ์ไทย, ทองคำ') },
};

/** Cultures that are written in Latin letters. */
export const latinCultures = Object.keys(cultures).filter((name) => /\p{Script=Latin}/u.test((cultures[name] as Culture).given[0] as string));

export interface Person {
  readonly given: string;
  readonly family: string;
  readonly full: string;
  /** In ASCII, as accounts and addresses are written: `first.last`. */
  readonly account: string;
}

function ascii(text: string): string {
  const plain: Record<string, string> = { ø: 'o', æ: 'ae', þ: 'th', ð: 'd', ß: 'ss', ł: 'l', đ: 'd', ı: 'i' };
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[øæþðßłđı]/g, (letter) => plain[letter] as string)
    .replace(/[^a-z]+/g, '');
}

/** Somebody of the culture; of scripts beyond Latin the account is that of somebody else. */
export function personOf(culture: string, random: Random): Person {
  const { given, family, join } = cultures[culture] as Culture;
  const first = random.pick(given);
  const last = random.pick(family);
  const full = join ? join(first, last, random) : `${first} ${last}`;
  const account = `${ascii(first)}.${ascii(last)}`;
  return { given: first, family: last, full, account: account.length > 3 ? account : personOf('indian', random).account };
}
