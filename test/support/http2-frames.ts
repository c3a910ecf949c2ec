// A small language of HTTP/2 frames for tests: makes the bytes of a written frame and names the frames that were sent. Its
// HPACK encoder is its own (literals only), so that it can write what no good encoder would.
//
//   headers 1 end get x=y       data 1 end hello pad=3      rst 1 8          window 0 100       settings ack | settings 4=0
//   headers 1 open hex:82       continuation 1 x=y          ping ack         goaway 0 0         priority 1
//   frame 99 1 0 hex:00         raw hex:00                  times 5 ping
//
// `get`, `post`, … stand for the pseudo-fields of a request, `status=200` for `:status`; \s, \n, \r, \0 in values.

import { HpackDecoder } from '../../src/codec/http2/hpack/decoder.ts'

const TYPES = ['data', 'headers', 'priority', 'rst', 'settings', 'push', 'ping', 'goaway', 'window', 'continuation']
const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
]

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

const asked = (method: string, path: string): string[] => [
  `:method=${method}`,
  ':scheme=http',
  ':authority=a',
  `:path=${path}`,
]
const tunnelled = (type: string): string[] => [...asked('CONNECT', '/chat'), `:protocol=${type}`]
const SHORTHANDS: Readonly<Record<string, readonly string[]>> = {
  get: asked('GET', '/'),
  post: asked('POST', '/'),
  hold: asked('POST', '/hold'),
  pause: asked('POST', '/pause'),
  early: asked('POST', '/early'),
  send: asked('GET', '/send'),
  websocket: tunnelled('websocket'),
  bytestream: tunnelled('bytestream'),
  connect: [':method=CONNECT', ':authority=a:443'],
}

/** One frame with any header. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(streamId >>> 0, 5)
  return Buffer.concat([head, payload])
}

/** A header block of literals that enter no table. `name=value` each. */
export function block(fields: readonly string[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const at = field.indexOf('=', 1)
      return [Buffer.from([0]), hpackString(field.slice(0, at)), hpackString(unescape(field.slice(at + 1)))]
    }),
  )
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>>= 7) length.push(0x80 | (rest & 0x7f))
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

const unescape = (text: string): string =>
  text
    .replace(/\\([snr0])/g, (_all, char: string) => ({ s: ' ', n: '\n', r: '\r', 0: '\0' })[char] ?? '')
    .replace(/([^])\*(\d+)$/, (_all, char: string, count: string) => char.repeat(Number(count)))

/** The bytes of one line of the language above. */
export function frameBytes(line: string): Buffer {
  const [kind = '', ...words] = line.trim().split(/\s+/)
  if (kind === 'times') return Buffer.concat(Array<Buffer>(Number(words[0])).fill(frameBytes(words.slice(1).join(' '))))
  if (kind === 'raw') return payloadOf(words)
  if (kind === 'frame') return frame(Number(words[0]), Number(words[1]), Number(words[2]), payloadOf(words.slice(3)))
  return known(kind, words)
}

function known(kind: string, words: readonly string[]): Buffer {
  const has = (word: string): boolean => words.includes(word)
  const number = (at: number): number => Number(words[at] ?? 0)
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value >>> 0)
    return bytes
  }
  const ack = has('ack') ? 1 : 0
  switch (kind) {
    case 'settings':
      return frame(4, ack, 0, Buffer.concat(words.filter((word) => word.includes('=')).map(setting)))
    case 'ping':
      return frame(6, ack, 0, Buffer.alloc(8, 7))
    case 'rst':
      return frame(3, 0, number(0), u32(number(1)))
    case 'window':
      return frame(8, 0, number(0), u32(number(1)))
    case 'goaway':
      return frame(7, 0, 0, Buffer.concat([u32(number(0)), u32(number(1)), Buffer.from(words[2] ?? '')]))
    case 'priority':
      return frame(2, 0, number(0), Buffer.concat([u32(number(1)), Buffer.from([15])]))
    default:
      return message(kind, number(0), words.slice(1))
  }
}

/** DATA, HEADERS, CONTINUATION. */
function message(kind: string, streamId: number, words: readonly string[]): Buffer {
  const has = (word: string): boolean => words.includes(word)
  const padding = words.find((word) => word.startsWith('pad='))
  const rest = words.filter((word) => !['end', 'open', 'prio'].includes(word) && word !== padding)
  const flags =
    (has('end') ? 1 : 0) |
    (kind === 'data' || has('open') ? 0 : 4) |
    (padding === undefined ? 0 : 8) |
    (has('prio') ? 32 : 0)
  const pad = Number(padding?.slice(4) ?? 0)
  return frame(
    TYPES.indexOf(kind),
    flags,
    streamId,
    Buffer.concat([
      Buffer.from(padding === undefined ? [] : [pad]),
      Buffer.from(has('prio') ? [0, 0, 0, 0, 15] : []),
      kind === 'data' ? payloadOf(rest) : blockOf(rest),
      Buffer.alloc(has('prio') && rest.length === 0 ? 0 : pad),
    ]),
  )
}

function blockOf(words: readonly string[]): Buffer {
  const parts = words.map((word) =>
    word.startsWith('hex:')
      ? payloadOf([word])
      : block((SHORTHANDS[word] ?? [word]).map((field) => (field.startsWith('status=') ? `:${field}` : field))),
  )
  return Buffer.concat(parts)
}

const payloadOf = (words: readonly string[]): Buffer =>
  Buffer.concat(
    words.map((word) =>
      word.startsWith('hex:') ? Buffer.from(word.slice(4), 'hex') : Buffer.from(unescape(word), 'latin1'),
    ),
  )

function setting(word: string): Buffer {
  const [id, value] = word.split('=')
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(Number(id))
  bytes.writeUInt32BE(Number(value), 2)
  return bytes
}

/** Cuts what a codec wrote into frames and names them. Keeps the HPACK state of the connection. */
export class FrameNames {
  readonly #decoder = new HpackDecoder()
  #rest = Buffer.alloc(0)

  /** A line for each whole frame in `bytes` and what was left before. The client preface is passed over. */
  read(bytes: Uint8Array): string[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    if (this.#rest.subarray(0, 4).toString('latin1') === 'PRI ') this.#rest = this.#rest.subarray(PREFACE.length)
    const lines: string[] = []
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) break
      lines.push(this.#name(this.#rest, this.#rest.subarray(9, 9 + length)))
      this.#rest = this.#rest.subarray(9 + length)
    }
    return lines
  }

  #name(head: Buffer, payload: Buffer): string {
    const type = TYPES[head[3] ?? 0] ?? `type-${head[3]}`
    const flags = head[4] ?? 0
    const streamId = head.readUInt32BE(5)
    switch (type) {
      case 'data':
        return `data ${streamId} ${payload.length}${(flags & 1) !== 0 ? ' end' : ''}`
      case 'headers':
        return `headers ${streamId}${(flags & 1) !== 0 ? ' end' : ''}${(flags & 4) === 0 ? ' open' : this.#fields(payload)}`
      case 'rst':
        return `rst ${streamId} ${codeName(payload.readUInt32BE(0))}`
      case 'settings':
        return `settings${(flags & 1) !== 0 ? ' ack' : ''}`
      case 'ping':
        return `ping${(flags & 1) !== 0 ? ' ack' : ''}`
      case 'goaway':
        return `goaway ${payload.readUInt32BE(0)} ${codeName(payload.readUInt32BE(4))}`
      case 'window':
        return `window ${streamId} ${payload.readUInt32BE(0)}`
      default:
        return `${type} ${streamId} ${payload.length}`
    }
  }

  #fields(payload: Buffer): string {
    let text = ''
    const good = this.#decoder.decode(payload, 0, payload.length, {
      onField: ({ name, value }) => (text += ` ${name}=${value}`),
    })
    return good ? text : ' (broken block)'
  }
}

const codeName = (code: number): string => CODES[code] ?? String(code)
