/** Says of which log, by its origin, the records of a request are. */
export const forwardedHeader = 'veiltrail-forwarded';
