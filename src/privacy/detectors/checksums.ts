/**
 * Check digits, as their standards define them: Luhn (ISO/IEC 7812-1), ISO 7064 (mod 97-10, mod 11-2, mod 11,10), Verhoeff, and
 * weighted sums, which most national numbers use. All take compact text: digits, or digits and capitals, without separators.
 */

/** The digit at `i`. */
export function digitAt(digits: string, i: number): number {
  return digits.charCodeAt(i) - 48;
}

/** Do the digits satisfy Luhn's check (ISO/IEC 7812-1)? */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digitAt(digits, i);
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

/** The sum of the first digits, each times its weight. Letters count as their place in the alphabet from A = 10. */
export function weightedSum(text: string, weights: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += valueOf(text.charCodeAt(i)) * (weights[i] as number);
  return sum;
}

/** 0 … 9, and 10 … 35 for A … Z. */
function valueOf(unit: number): number {
  return unit <= 57 ? unit - 48 : unit - 55;
}

/** The remainder of a number of any length, written in digits and capitals (A = 10, taking two digits). */
export function remainder(text: string, modulus: number): number {
  let rest = 0;
  for (let i = 0; i < text.length; i++) {
    const value = valueOf(text.charCodeAt(i));
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % modulus;
  }
  return rest;
}

/** ISO 7064 mod 11,10 over digits, the last of which is the check. */
export function passesMod1110(digits: string): boolean {
  let product = 10;
  for (let i = 0; i < digits.length - 1; i++) {
    const sum = (digitAt(digits, i) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === digitAt(digits, digits.length - 1);
}

/** ISO 7064 mod 11-2: digits, the last of which may be X for ten. */
export function passesMod112(text: string): boolean {
  let sum = 0;
  for (let i = 0; i < text.length - 1; i++) sum = ((sum + digitAt(text, i)) * 2) % 11;
  return (12 - sum) % 11 === (text.endsWith('X') ? 10 : digitAt(text, text.length - 1));
}

const verhoeffProduct = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const verhoeffPermutation = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

/** Verhoeff's check over the dihedral group of the pentagon. */
export function passesVerhoeff(digits: string): boolean {
  let check = 0;
  for (let i = 0; i < digits.length; i++) {
    const permuted = digitAt(verhoeffPermutation[i % 8] as string, digitAt(digits, digits.length - 1 - i));
    check = digitAt(verhoeffProduct[check] as string, permuted);
  }
  return check === 0;
}

/** 7, 3, 1 over digits and letters (A = 10), the last digit being the sum modulo 10: ICAO 9303, ABA routing, German documents. */
export function passes731(text: string): boolean {
  let sum = 0;
  for (let i = 0; i < text.length - 1; i++) sum += valueOf(text.charCodeAt(i)) * ([7, 3, 1][i % 3] as number);
  return sum % 10 === digitAt(text, text.length - 1);
}

const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Is there such a day in some year? */
export function isDay(month: number, day: number): boolean {
  return day >= 1 && day <= (monthDays[month - 1] ?? 0);
}

/** Two digits from `i` on. */
export function twoAt(digits: string, i: number): number {
  return digitAt(digits, i) * 10 + digitAt(digits, i + 1);
}
