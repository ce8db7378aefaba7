/** Where things lie in the memory of surveys: see survey-lanes.ts. */

/** Longer texts are not worth the memory. */
export const laneUnitsMax = 32_768;

/** Texts that are looked through at the same time, one within the other: each has a part of the memory for itself. */
export const laneLevels = 4;

/** Where things lie in such a part, in bytes. Zeros stand before the text. */
export const countsAt = 0;
export const unitsAt = 64;
export const classesAt = unitsAt + laneUnitsMax + 128;
export const digitsAt = classesAt + laneUnitsMax + 128;
export const edgesAt = digitsAt + 4 * (laneUnitsMax + 64);
export const runsAt = edgesAt + 4 * (laneUnitsMax + 64);
export const capitalsAt = runsAt + 12 * (laneUnitsMax / 8 + 64);
export const colonsAt = capitalsAt + 4 * (laneUnitsMax + 64);
export const equalsAt = colonsAt + 4 * (laneUnitsMax + 64);
/** Starts of numbers (starts-code.ts): pairs, and what each may begin. */
export const startsAt = equalsAt + 4 * (laneUnitsMax + 64);
export const sortsAt = startsAt + 8 * (laneUnitsMax / 2 + 64);
export const levelBytes = sortsAt + 4 * (laneUnitsMax / 2 + 64);
/** Sixteen bytes of ones, sixteen of zeros. */
export const masksAt = laneLevels * levelBytes;
/** Tables that detectors bring, the same for all levels. */
export const tablesAt = masksAt + 64;
const tablesMax = 163_840;
export const pages = Math.ceil((tablesAt + tablesMax) / 65_536);
