// Pooled memory for bytes that wait to be written. A slab is filled by one stream at a time and goes back to the pool when
// the operating system has taken its bytes, which is nearly always at once.

import { Buffer } from 'node:buffer'
import { READ_BUFFER_BYTES } from '../core/limits.ts'

/** One whole read and the frame headers a codec puts around it fit in one slab, and so leave in one call. */
export const SLAB_BYTES = READ_BUFFER_BYTES + 4096

/** A head or a few small messages. Hundreds of streams may hold one at once between two polls, so they must be cheap. */
const SMALL_SLAB_BYTES = 4096

/** Free slabs of each size that are kept, 4 MiB of either; more are left to the collector. */
const FREE_LARGE = 64
const FREE_SMALL = 1024

const copyBytes = Buffer.prototype.copy

/** Bytes `[0, used)` wait. */
export class Slab {
  readonly bytes: Buffer
  used = 0
  #view: Buffer

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.#view = this.bytes
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.bytes.length - this.used
  }

  /** Copies as much as fits; answers how many bytes. */
  append(source: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, this.room)
    copyBytes.call(source, this.bytes, this.used, start, start + count)
    this.used += count
    return count
  }

  /** The bytes that wait. Messages of one length follow one another, so the last view is kept. */
  view(): Buffer {
    if (this.#view.length !== this.used) this.#view = this.bytes.subarray(0, this.used)
    return this.#view
  }
}

const freeSmall: Slab[] = []
const freeLarge: Slab[] = []

/** An empty slab for at least `bytes`, or a large one when no slab holds that much. */
export function takeSlab(bytes: number): Slab {
  if (bytes <= SMALL_SLAB_BYTES) return freeSmall.pop() ?? new Slab(SMALL_SLAB_BYTES)
  return freeLarge.pop() ?? new Slab(SLAB_BYTES)
}

/** Gives a slab back; nobody may read it any more. */
export function releaseSlab(slab: Slab): void {
  slab.used = 0
  if (slab.bytes.length === SMALL_SLAB_BYTES) {
    if (freeSmall.length < FREE_SMALL) freeSmall.push(slab)
  } else if (freeLarge.length < FREE_LARGE) freeLarge.push(slab)
}
