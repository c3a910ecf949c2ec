// Where sockets read into: one buffer for all of them, since what arrives is parsed and passed on within the callback. A
// socket in bulk transfer gets a private one, which a write that did not complete may borrow instead of a copy.

import { Buffer } from 'node:buffer'
import { READ_BUFFER_BYTES } from '../core/limits.ts'

/** The buffer of every socket that is not in bulk transfer; valid during one read callback. */
export const sharedReadBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)

/** Free private buffers that are kept; more are left to the collector. */
const FREE_BUFFERS = 32

const free: Buffer[] = []

/** A buffer for one socket alone. */
export function takeReadBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
}

/** Gives a private buffer back. */
export function releaseReadBuffer(buffer: Buffer): void {
  if (buffer !== sharedReadBuffer && free.length < FREE_BUFFERS) free.push(buffer)
}
