// Frame types, flags, settings and fixed sizes of RFC 9113 §6, as numbers on the wire.

/** RFC 9113 §3.4. */
export const CLIENT_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** RFC 9113 §4.1. */
export const FRAME_HEADER_BYTES = 9

export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const

export const FLAG = {
  /** SETTINGS and PING. */
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const

/** RFC 9113 §6.5.2 and RFC 8441 §3. */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
} as const

/** RFC 9113 §6.9.2: both windows start with this. */
export const DEFAULT_WINDOW = 65_535
/** RFC 9113 §6.9.1. */
export const MAX_WINDOW = 0x7fff_ffff
/** RFC 9113 §4.2. */
export const MIN_MAX_FRAME_SIZE = 16_384
export const MAX_MAX_FRAME_SIZE = 0xff_ffff
/** RFC 9113 §5.1.1. */
export const MAX_STREAM_ID = 0x7fff_ffff
