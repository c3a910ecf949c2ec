// A pair of byte streams joined in this process: what one end writes the other receives a loop turn later, bounded and in
// order, with half-close and reset as on TCP. Used by tests and by internal listeners.

import { type CloseCause, closeCause } from '../core/close-cause.ts'
import { READ_BUFFER_BYTES, WRITE_HIGH_WATER_BYTES } from '../core/limits.ts'
import type {
  ByteStreamSink,
  PauseReason,
  ReadStatus,
  StreamAddress,
  StreamInfo,
  TlsInfo,
  WriteStatus,
} from './byte-stream.ts'
import type { ReplayableStream, StreamAmendment } from './replay.ts'

/** How a pair behaves and what it says of itself. */
export interface MemoryPairOptions {
  /** Facts that `accepted.info` shows besides the addresses. */
  readonly tls?: TlsInfo
  readonly downstream?: StreamAddress
  readonly upstream?: StreamAddress
  /** Overwrites delivered bytes after each `onData`, so that a sink that keeps them is found out. True unless set. */
  readonly poison?: boolean
}

/** The two ends. To `accepted` the other end is the client, to `dialled` it is the upstream. */
export interface MemoryPair {
  readonly accepted: ReplayableStream
  readonly dialled: ReplayableStream
}

/** Makes two joined streams; both are open at once. */
export function memoryPair(options: MemoryPairOptions = {}): MemoryPair {
  const local = options.upstream ?? { ip: '127.0.0.1', port: 80, text: '127.0.0.1:80' }
  const remote = options.downstream ?? { ip: '127.0.0.1', port: 1024, text: '127.0.0.1:1024' }
  const tls = options.tls === undefined ? {} : { tls: options.tls }
  const poison = options.poison ?? true
  const accepted = new MemoryStream({ local, remote, ...tls }, 'client', poison)
  const dialled = new MemoryStream({ local: remote, remote: local, ...tls }, 'upstream', poison)
  accepted.join(dialled)
  dialled.join(accepted)
  return { accepted, dialled }
}

class MemoryStream implements ReplayableStream {
  info: StreamInfo
  queuedBytes = 0
  writeStatus: WriteStatus = 'open'
  closed: CloseCause | undefined
  bytesRead = 0
  bytesWritten = 0
  readonly #peerIs: 'client' | 'upstream'
  readonly #poison: boolean
  #peer: MemoryStream | undefined
  #sink: ByteStreamSink | undefined
  #pauses = 0
  #readEnded = false
  #highWater = WRITE_HIGH_WATER_BYTES
  #wantsDrain = false
  #scheduled = false
  /** Neither sends nor receives any more; `onClose` was called or is about to be. */
  #gone = false
  #told = false
  /** What this end wrote and the other has not taken yet. */
  #queue: Buffer[] = []
  #firstEnder: 'peer' | 'self' | undefined
  /** Bytes that were put back and go to the next sink first. */
  #replay: Buffer | undefined

  constructor(info: StreamInfo, peerIs: 'client' | 'upstream', poison: boolean) {
    this.info = info
    this.#peerIs = peerIs
    this.#poison = poison
  }

  join(peer: MemoryStream): void {
    this.#peer = peer
  }

  amend(facts: StreamAmendment): void {
    this.info = { ...this.info, ...facts }
  }

  get readStatus(): ReadStatus {
    // Bytes that were put back, and then the end, are still to come.
    if ((this.#readEnded && this.#replay === undefined) || this.#gone) return 'ended'
    return this.#pauses === 0 ? 'open' : 'paused'
  }

  setSink(sink: ByteStreamSink): void {
    if (this.#told) setImmediate(() => this.#tellClose())
    this.#sink = sink
    if (this.#replay !== undefined) setImmediate(() => this.#deliverReplay())
    this.#wakePeer()
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return true
    for (let at = start; at < end; at += READ_BUFFER_BYTES) {
      this.#queue.push(Buffer.from(buffer.subarray(at, Math.min(end, at + READ_BUFFER_BYTES))))
    }
    this.queuedBytes += end - start
    this.bytesWritten += end - start
    this.#schedule()
    if (this.queuedBytes <= this.#highWater) return true
    this.#wantsDrain = true
    return false
  }

  writeLatin1(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.write(bytes, 0, bytes.length)
  }

  flush(): void {
    // Delivery is always a loop turn later: there is no system call to save.
  }

  endWriting(): void {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return
    this.writeStatus = 'ending'
    this.#firstEnder ??= 'self'
    this.#schedule()
  }

  close(cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.closed = cause
    this.#wantsDrain = false
    if (this.writeStatus === 'ended') return this.#leave()
    this.writeStatus = 'ending'
    this.#schedule()
  }

  reset(cause: CloseCause): void {
    if (this.#gone) return
    this.closed ??= cause
    this.#leave()
    const peer = this.#peer
    if (peer !== undefined) setImmediate(() => peer.#peerReset())
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
    if (this.#replay !== undefined) setImmediate(() => this.#deliverReplay())
    this.#wakePeer()
  }

  setHighWater(bytes: number): void {
    this.#highWater = bytes
  }

  unread(bytes: Buffer): void {
    if (this.#gone) return
    this.bytesRead -= bytes.length
    this.#replay = this.#replay === undefined ? bytes : Buffer.concat([bytes, this.#replay])
    this.#sink = undefined
  }

  passOn(buffer: Buffer, start: number, end: number): void {
    if (this.closed === undefined) this.#sink?.onData(buffer, start, end)
  }

  #wakePeer(): void {
    const peer = this.#peer
    if (peer !== undefined && (peer.#queue.length > 0 || peer.writeStatus === 'ending')) peer.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#gone) return
    this.#scheduled = true
    setImmediate(() => this.#deliver())
  }

  /** Hands the peer what it takes in this turn: at most one read buffer, as a socket would. */
  #deliver(): void {
    this.#scheduled = false
    const peer = this.#peer
    if (this.#gone || peer === undefined) return
    if (peer.#gone || peer.closed !== undefined) return this.#peerTakesNoMore(peer)
    if (peer.#sink === undefined || peer.#pauses !== 0 || peer.#replay !== undefined) return
    const chunk = this.#queue.shift()
    if (chunk !== undefined) {
      this.queuedBytes -= chunk.length
      peer.#receive(chunk)
      this.#afterDelivery()
      return
    }
    if (this.writeStatus === 'ending') this.#deliverEnd(peer)
  }

  #deliverReplay(): void {
    const bytes = this.#replay
    if (bytes === undefined || this.#sink === undefined || this.#pauses !== 0 || this.closed !== undefined) return
    this.#replay = undefined
    if (bytes.length > 0) this.#receive(bytes)
    if (this.#readEnded && this.closed === undefined) this.#sink?.onEnd()
    this.#finishIfBothEnded()
    this.#wakePeer()
  }

  #afterDelivery(): void {
    if (this.#gone) return
    if (this.#queue.length > 0 || this.writeStatus === 'ending') this.#schedule()
    if (!this.#wantsDrain || this.closed !== undefined || this.queuedBytes > this.#highWater / 2) return
    this.#wantsDrain = false
    this.#sink?.onDrain()
  }

  #receive(chunk: Buffer): void {
    this.bytesRead += chunk.length
    this.#sink?.onData(chunk, 0, chunk.length)
    if (this.#poison) chunk.fill(0xdd)
  }

  #deliverEnd(peer: MemoryStream): void {
    this.writeStatus = 'ended'
    peer.#readEnded = true
    peer.#firstEnder ??= 'peer'
    if (this.closed !== undefined) this.#leave()
    peer.#sink?.onEnd()
    this.#finishIfBothEnded()
    peer.#finishIfBothEnded()
  }

  /** The peer closed before it took everything: TCP would answer with RST. An end that carries nothing is just lost. */
  #peerTakesNoMore(peer: MemoryStream): void {
    if (this.closed !== undefined) return this.#leave()
    if (this.#queue.length > 0) {
      if (peer.#gone) this.#peerReset()
      return
    }
    if (this.writeStatus !== 'ending') return
    this.writeStatus = 'ended'
    this.#finishIfBothEnded()
  }

  #finishIfBothEnded(): void {
    if (this.#gone || !this.#readEnded || this.#replay !== undefined || this.writeStatus !== 'ended') return
    this.closed ??= closeCause(this.#firstEnder === 'self' ? 'proxy' : this.#peerIs, 'tcp', 'finished')
    this.#leave()
  }

  #peerReset(): void {
    if (this.#gone) return
    const code = this.#peerIs === 'client' ? 'client_disconnect' : 'upstream_closed'
    this.closed ??= closeCause(this.#peerIs, 'tcp', code, 'connection reset by peer')
    this.#leave()
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    this.#queue = []
    this.queuedBytes = 0
    this.writeStatus = 'ended'
    setImmediate(() => this.#tellClose())
    this.#wakePeer()
  }

  #tellClose(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#told = true
    if (this.closed !== undefined) sink?.onClose(this.closed)
  }
}
