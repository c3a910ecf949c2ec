// Pooled memory for bytes that wait to be written. A slab is filled by one stream at a time and goes back to the pool when
// the operating system has taken its bytes, which is nearly always at once.

import { Buffer } from 'node:buffer'
import { READ_BUFFER_BYTES } from '../core/limits.ts'

/** One whole read and the frame headers a codec puts around it fit in one slab, and so leave in one call. */
export const SLAB_BYTES = READ_BUFFER_BYTES + 4096

/** Free slabs that are kept; more are left to the collector. */
const FREE_SLABS = 64

const copyBytes = Buffer.prototype.copy

/** Bytes `[0, used)` wait. */
export class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
  used = 0
  #view: Buffer = this.bytes

  /** Copies as much as fits; answers how many bytes. */
  append(source: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, SLAB_BYTES - this.used)
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

const free: Slab[] = []

/** An empty slab. */
export function takeSlab(): Slab {
  return free.pop() ?? new Slab()
}

/** Gives a slab back; nobody may read it any more. */
export function releaseSlab(slab: Slab): void {
  slab.used = 0
  if (free.length < FREE_SLABS) free.push(slab)
}
