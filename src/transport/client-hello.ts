// Reads the ClientHello of a TLS handshake, RFC 8446 §4.1.2, as far as a listener needs it: server name (RFC 6066 §3) and
// ALPN protocols (RFC 7301 §3.1). Takes the bytes as they are so far; consumes nothing.

import { Buffer } from 'node:buffer'
import { CLIENT_HELLO_BYTES } from '../core/limits.ts'

/** What the first bytes of a connection are. */
export type ClientHelloResult =
  /** Too few bytes to tell. */
  | { readonly kind: 'incomplete' }
  /** No TLS. */
  | { readonly kind: 'plain' }
  /** TLS, but not readable; `reason` is a sentence. */
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'hello'; readonly serverName: string; readonly alpn: readonly string[] }

const INCOMPLETE: ClientHelloResult = { kind: 'incomplete' }
const PLAIN: ClientHelloResult = { kind: 'plain' }
const malformed = (reason: string): ClientHelloResult => ({ kind: 'malformed', reason })

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const RECORD_HEAD_BYTES = 5

/** RFC 8446 §5.1: a plaintext record holds at most 2^14 bytes. */
const RECORD_BYTES = 16384

/** Reads `bytes`, the beginning of a connection. */
export function readClientHello(bytes: Buffer): ClientHelloResult {
  if (bytes.length === 0) return INCOMPLETE
  if (bytes[0] !== HANDSHAKE_RECORD) return PLAIN
  if (bytes.length > 1 && bytes[1] !== 3) return PLAIN
  const parts: Buffer[] = []
  let held = 0
  for (let at = 0; at + RECORD_HEAD_BYTES <= bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD || bytes[at + 1] !== 3)
      return malformed('a record inside the ClientHello is no handshake')
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > RECORD_BYTES) return malformed('a TLS record has a forbidden length')
    const part = bytes.subarray(at + RECORD_HEAD_BYTES, at + RECORD_HEAD_BYTES + length)
    parts.push(part)
    held += part.length
    const first = parts[0]
    // The message may be spread over records (RFC 8446 §5.1), even its four-byte head.
    const message = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts, held)
    const result = readHandshake(message)
    if (result.kind !== 'incomplete' || part.length < length) return bounded(result, bytes.length)
    at += RECORD_HEAD_BYTES + length
  }
  return bounded(INCOMPLETE, bytes.length)
}

function bounded(result: ClientHelloResult, held: number): ClientHelloResult {
  if (result.kind !== 'incomplete' || held < CLIENT_HELLO_BYTES) return result
  return malformed(`the ClientHello is larger than ${CLIENT_HELLO_BYTES} bytes`)
}

function readHandshake(message: Buffer): ClientHelloResult {
  if (message.length < 4) return INCOMPLETE
  if (message[0] !== CLIENT_HELLO) return malformed('the first handshake message is no ClientHello')
  const length = message.readUIntBE(1, 3)
  if (length > CLIENT_HELLO_BYTES) return malformed(`the ClientHello is larger than ${CLIENT_HELLO_BYTES} bytes`)
  if (message.length < 4 + length) return INCOMPLETE
  return readBody(new Vector(message.subarray(4, 4 + length)))
}

function readBody(body: Vector): ClientHelloResult {
  body.skip(2 + 32)
  body.skip(body.number(1))
  body.skip(body.number(2))
  body.skip(body.number(1))
  let serverName = ''
  let alpn: readonly string[] = []
  if (body.left > 0) {
    const extensions = body.vector(2)
    while (extensions.left > 0 && !extensions.broken) {
      const type = extensions.number(2)
      const content = extensions.vector(2)
      // Unknown ones, GREASE (RFC 8701) included, are passed over.
      if (type === 0) serverName = readServerName(content)
      else if (type === 16) alpn = readAlpn(content)
      if (content.broken) return malformed('an extension of the ClientHello is cut short')
    }
    if (extensions.broken) return malformed('the extensions of the ClientHello are cut short')
  }
  return body.broken ? malformed('the ClientHello is cut short') : { kind: 'hello', serverName, alpn }
}

/** RFC 6066 §3: the one entry of type host_name, in lower case; a name that is no ASCII host is no name. */
function readServerName(content: Vector): string {
  if (content.left === 0) return ''
  const list = content.vector(2)
  while (list.left > 0 && !list.broken) {
    const type = list.number(1)
    const name = list.vector(2)
    if (type === 0) return /^[\w.-]+$/.test(name.text()) ? name.text().toLowerCase() : ''
  }
  if (list.broken) content.broken = true
  return ''
}

/** RFC 7301 §3.1. */
function readAlpn(content: Vector): readonly string[] {
  const list = content.vector(2)
  const protocols: string[] = []
  while (list.left > 0 && !list.broken) protocols.push(list.vector(1).text())
  if (list.broken) content.broken = true
  return protocols
}

/** Reads a TLS vector (RFC 8446 §3.4); past its end everything is zero and `broken` is set. */
class Vector {
  broken = false
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(count: number): void {
    if (count > this.left) {
      this.broken = true
      this.#at = this.#bytes.length
    } else this.#at += count
  }

  number(size: 1 | 2): number {
    const at = this.#at
    this.skip(size)
    return this.broken ? 0 : this.#bytes.readUIntBE(at, size)
  }

  /** A vector with a length of `size` bytes before it. */
  vector(size: 1 | 2): Vector {
    const length = this.number(size)
    const at = this.#at
    this.skip(length)
    return new Vector(this.broken ? Buffer.alloc(0) : this.#bytes.subarray(at, at + length))
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at)
  }
}
