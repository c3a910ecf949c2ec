// The bytes of one stream that wait to be sent, in pooled slabs, and the one write that is under way.

import { Buffer } from 'node:buffer'
import { type Slab, SLAB_BYTES, releaseSlab, takeSlab } from './slab.ts'
import type { SocketWire } from './socket-wire.ts'

/** Sends in order; holds at most one unfinished write. */
export class WriteQueue {
  /** Bytes that no write was begun for. */
  waitingBytes = 0
  /** Whether a write is under way. */
  sending = false
  /** The slab that is being filled; nearly always the only one. */
  #last: Slab | undefined
  /** Full slabs before it, oldest first. */
  #full: Slab[] | undefined
  /** The slab of the unfinished write; undefined also when that write borrows someone's buffer. */
  #sent: Slab | undefined

  get isEmpty(): boolean {
    return this.waitingBytes === 0 && !this.sending
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.waitingBytes += end - start
    let at = start
    while (at < end) at += this.#room(end - at).append(source, at, end)
  }

  appendLatin1(text: string): void {
    const slab = this.#room(text.length)
    if (text.length > slab.room) {
      this.append(Buffer.from(text, 'latin1'), 0, text.length)
      return
    }
    this.waitingBytes += text.length
    slab.used += slab.bytes.write(text, slab.used, 'latin1')
  }

  /** Sends until all is gone (0), a write does not finish (the bytes left of it) or fails (a negative errno). */
  send(wire: SocketWire): number {
    for (;;) {
      const slab = this.#next()
      if (slab === undefined) return 0
      this.waitingBytes -= slab.used
      const left = wire.write(slab.view())
      if (left > 0) {
        this.sending = true
        this.#sent = slab
        return left
      }
      releaseSlab(slab)
      if (left < 0) return left
    }
  }

  /** The unfinished write ended. */
  sent(): void {
    this.sending = false
    if (this.#sent !== undefined) releaseSlab(this.#sent)
    this.#sent = undefined
  }

  /** Forgets what waits; an unfinished write goes on. */
  clear(): void {
    for (;;) {
      const slab = this.#next()
      if (slab === undefined) break
      releaseSlab(slab)
    }
    this.waitingBytes = 0
  }

  /** The slab to fill next: with room for all `bytes`, or for some of them when no slab holds as many. */
  #room(bytes: number): Slab {
    const last = this.#last
    if (last === undefined) return (this.#last = takeSlab(bytes))
    if (last.room >= bytes || (bytes > SLAB_BYTES && last.room > 0)) return last
    return (this.#last = this.#larger(last, bytes))
  }

  /** A slab that outgrew its small size moves into a large one, so that all of it leaves in one call. */
  #larger(last: Slab, bytes: number): Slab {
    const slab = takeSlab(last.used + bytes)
    if (last.used + bytes > slab.room) {
      ;(this.#full ??= []).push(last)
    } else {
      slab.append(last.bytes, 0, last.used)
      releaseSlab(last)
    }
    return slab
  }

  #next(): Slab | undefined {
    if (this.#full !== undefined && this.#full.length > 0) return this.#full.shift()
    const last = this.#last
    this.#last = undefined
    return last
  }
}
