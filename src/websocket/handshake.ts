// The key and accept values of the WebSocket opening handshake, RFC 6455 §4.

import { hash, randomBytes } from 'node:crypto'

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Bytes of randomness drawn at once; one draw serves many handshakes. */
const POOL_BYTES = 16 * 64

let pool = Buffer.alloc(0)
let at = 0

/** A new Sec-WebSocket-Key: 16 random bytes in base64 (RFC 6455 §4.1). */
export function newKey(): string {
  if (at === pool.length) {
    pool = randomBytes(POOL_BYTES)
    at = 0
  }
  at += 16
  return pool.toString('base64', at - 16, at)
}

/** The Sec-WebSocket-Accept that answers `key` (RFC 6455 §4.2.2, step 5.4). */
export function acceptFor(key: string): string {
  return hash('sha1', key.trim() + GUID, 'base64')
}

/** Whether `accept` answers `key`; leading and trailing white space does not count (RFC 6455 §4.1). */
export function isAcceptFor(key: string, accept: string): boolean {
  return accept.trim() === acceptFor(key)
}

/** Whether `key` is the base64 of 16 bytes, as a client must send (RFC 6455 §4.2.1). */
export function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key)
}
