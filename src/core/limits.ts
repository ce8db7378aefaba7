/** Every limit that has one value for the whole product. A limit with a reason of its own stands where it is used. */
export const limits = {
  /** One event, in bytes of JSON as sent. */
  eventBytesMax: 1_048_576,
  /** One request body, after decompression. */
  bodyBytesMax: 16_777_216,
  /** Events in one batch. */
  batchEventsMax: 10_000,
  /** Nesting of objects and arrays in one event. */
  depthMax: 32,
  /** Members and elements in one event, all levels together. */
  nodesMax: 10_000,
  /** UTF-8 bytes of an RFC 6901 pointer: its length is written as uint16. */
  pointerBytesMax: 65_535,
  /** UTF-8 bytes of all pointers of one event together. */
  pointersBytesMax: 4_194_304,
  /** UTF-8 bytes of a log's name and of an origin. */
  logNameMax: 64,
  originBytesMax: 255,
} as const;
