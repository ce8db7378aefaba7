/**
 * Pairs of degrees where a map, a shape or a position is written: `maps/@52.520008,13.404954,15z`, `?ll=52.5200,13.4049`, `POINT(13.40 52.52)`,
 * `52°31'12.0"N 13°24'17.8"E`, `+52.5200+013.4049/` (ISO 6709). One number by itself, and pairs of measurements, are nothing.
 */
import { has, isDigit } from '../survey.ts';
import { before, type Detector, type ScanContext } from './detector.ts';
import { may, numberStarts } from './number-starts.ts';

const pair = /[+-]?\d{1,3}\.\d{3,12}°?(?:\s?[NSEW]\b)?(?:\s?[,;/|]\s?|%2C|\s{1,2})[+-]?\d{1,3}\.\d{3,12}°?(?:\s?[NSEW](?![A-Za-z]))?(?![\w.])/iy;
const iso6709 = /[+-]\d{2}(?:\d{2}){0,2}\.\d{2,8}[+-]\d{3}(?:\d{2}){0,2}\.\d{2,8}(?:[+-]\d{1,5}(?:\.\d{1,4})?)?\//y;
const announced =
  /(?:\/@|[?&;](?:ll|sll|q|query|center|centre|cbll|daddr|saddr|destination|origin|location|loc|pos|at|latlng|near)=|\bgeo:|\b(?:POINT|LINESTRING|POLYGON|MULTIPOINT) ?Z? ?\({1,3}|\b(?:location|position|pos|coord(?:inate)?s?|gps|geo(?:location|point)?|lat(?:itude)?(?:[ ,/]{1,3}l(?:on|ng|ong)(?:gitude)?)?|latlng|latlon|latlong|standort|koordinaten|coordonnées|coordenadas|ubicación|coordinate|posizione|locatie|near|at)["']?[\s:=([]{1,4})$/i;
const degrees =
  /(?:[NSEW]\s?)?\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d{1,6})?\s?['′’]?(?:\s?\d{1,2}(?:[.,]\d{1,5})?\s?(?:"|″|”|''|′′))?\s?[NSEWO]?[\s,;/]{1,3}(?:[NSEWO]\s?)?\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d{1,6})?\s?['′’]?(?:\s?\d{1,2}(?:[.,]\d{1,5})?\s?(?:"|″|”|''|′′))?(?:\s?[NSEWO](?![A-Za-z]))?/gu;
/** Eleven metres; parts of addresses and versions have three digits at most. */
const placesMin = 4;

function detectCoordinates({ text, survey, found }: ScanContext): void {
  const { digitRuns, digitRunCount, units, flags } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  const last = (any & may.beDegree) === 0 ? 0 : 2 * count;
  let done = 0;
  for (let n = 0; n < last; n += 2) {
    if (((sorts[n >> 1] as number) & may.beDegree) === 0) continue;
    const i = list[n] as number;
    const point = digitRuns[2 * i + 1] as number;
    // The other number of the pair has two runs, too.
    if (i + 3 >= digitRunCount || point < done) continue;
    const places = (digitRuns[2 * i + 3] as number) - (digitRuns[2 * i + 2] as number);
    let start = digitRuns[2 * i] as number;
    const sign = units[start - 1];
    if (sign === 43 || sign === 45) start--;
    if (sign === 43 || sign === 45) {
      iso6709.lastIndex = start;
      if (iso6709.test(text) && !isDigit(units[start - 1] as number)) {
        found.push({ kind: 'location', start, end: iso6709.lastIndex, confidence: 0.8 });
        done = iso6709.lastIndex;
        continue;
      }
    }
    if (places < placesMin) continue;
    pair.lastIndex = start;
    const match = pair.exec(text);
    if (!match || !announced.test(before(text, start, 40)) || !areDegrees(match[0])) continue;
    found.push({ kind: 'location', start, end: start + match[0].length, confidence: 0.7 });
    done = start + match[0].length;
  }
  if ((flags & has.nonAscii) !== 0 && text.includes('°'))
    for (const { 0: all, index } of text.matchAll(degrees))
      if (/[NSEWO]/.test(all)) found.push({ kind: 'location', start: index, end: index + all.length, confidence: 0.8 });
}

/** One of the two is a latitude, the other a longitude, in either order. */
function areDegrees(text: string): boolean {
  const [a = 999, b = 999] = (text.match(/\d{1,3}\.\d+/g) ?? []).map(Number);
  return Math.min(a, b) <= 90 && Math.max(a, b) <= 180;
}

export const coordinateDetector: Detector = { kinds: [], gate: has.dot, detect: detectCoordinates };
