// A connected UDP socket as a byte stream of capsules (RFC 9297 §3, RFC 9298 §5): what is written are the client's capsules,
// what is read are the capsules of the datagrams that come back. So a terminated CONNECT-UDP is a tunnel like any other.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { UDP_LINGER_MS, UDP_PAYLOAD_BYTES } from '../../core/limits.ts'
import type { Deadline, TimerWheel } from '../../core/timer-wheel.ts'
import type {
  ByteStream,
  ByteStreamSink,
  PauseReason,
  ReadStatus,
  StreamInfo,
  WriteStatus,
} from '../../transport/byte-stream.ts'
import { connectUdp, type ConnectUdpOptions, type UdpSink, type UdpSocket } from '../../transport/udp.ts'
import { CapsuleReader, type DatagramSink } from './capsule-reader.ts'
import { writeDatagram } from './datagram-writer.ts'

/** Counts what passes; a method call per datagram. */
export interface UdpTraffic {
  /** To the target, or dropped because the system could not take it. */
  onSent(bytes: number, dropped: boolean): void
  onSendError(): void
  /** From the target, or dropped because the client is slow. */
  onReceived(bytes: number, dropped: boolean): void
  onReceiveError(): void
}

/** Gets exactly one of the two calls, in a later turn. */
export interface UdpStreamWaiter {
  onOpened(stream: UdpByteStream): void
  onOpenFailed(cause: CloseCause): void
}

/** Connects a socket and makes it a stream. The returned function gives it up before either call. */
export function openUdpStream(
  options: ConnectUdpOptions,
  wheel: TimerWheel,
  traffic: UdpTraffic,
  waiter: UdpStreamWaiter,
): () => void {
  let wanted = true
  const stream = new UdpByteStream(wheel, traffic)
  connectUdp(options, stream, {
    onConnected(socket) {
      if (!wanted) return socket.close()
      stream.use(socket)
      waiter.onOpened(stream)
    },
    onConnectFailed(cause) {
      if (wanted) waiter.onOpenFailed(cause)
    },
  })
  return () => {
    wanted = false
  }
}

export class UdpByteStream implements ByteStream, UdpSink, DatagramSink {
  writeStatus: WriteStatus = 'open'
  closed: CloseCause | undefined
  bytesRead = 0
  bytesWritten = 0
  readonly #wheel: TimerWheel
  readonly #traffic: UdpTraffic
  readonly #capsules = new CapsuleReader(this)
  #socket: UdpSocket | undefined
  #sink: ByteStreamSink | undefined
  #pauses = 0
  #readEnded = false
  #told = false
  /** How long answers are still brought after the client's end. */
  #linger: Deadline | undefined
  readonly #toSink = (buffer: Buffer, start: number, end: number): boolean => {
    this.bytesRead += end - start
    this.#sink?.onData(buffer, start, end)
    return true
  }

  constructor(wheel: TimerWheel, traffic: UdpTraffic) {
    this.#wheel = wheel
    this.#traffic = traffic
  }

  /** The connected socket; once, before anything else is called. */
  use(socket: UdpSocket): void {
    this.#socket = socket
  }

  get info(): StreamInfo {
    const socket = this.#socket
    if (socket === undefined) throw new Error('a UDP stream was used before its socket was connected')
    return socket
  }

  get queuedBytes(): number {
    return this.#socket?.queuedBytes ?? 0
  }

  get readStatus(): ReadStatus {
    if (this.#readEnded || this.closed !== undefined) return 'ended'
    return this.#pauses === 0 ? 'open' : 'paused'
  }

  setSink(sink: ByteStreamSink): void {
    this.#sink = sink
    if (this.#told) setImmediate(() => this.#tellClose())
  }

  /** Never asks the writer to wait: datagrams that cannot leave are dropped, as on any path (RFC 9298 §5). */
  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return true
    this.bytesWritten += end - start
    const bytes = Buffer.isBuffer(buffer) ? buffer : Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    if (!this.#capsules.read(bytes, start, end)) this.#malformed(this.#capsules.fault ?? '')
    return true
  }

  writeLatin1(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.write(bytes, 0, bytes.length)
  }

  flush(): void {
    // A datagram leaves when its capsule is complete.
  }

  /** The client's direction is over. UDP has no such word, so answers are brought until none came for a while. */
  endWriting(): void {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return
    if (!this.#capsules.atBoundary) {
      // RFC 9297 §3.3: a stream that ends within a capsule is malformed.
      this.#malformed('the stream ended within a capsule')
      return
    }
    this.writeStatus = 'ended'
    this.#linger = this.#wheel.arm(UDP_LINGER_MS, () => this.#finish())
  }

  close(cause: CloseCause): void {
    this.#leave(cause)
  }

  reset(cause: CloseCause): void {
    this.#leave(cause)
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
  }

  setHighWater(_bytes: number): void {
    // What may wait is bounded by the socket.
  }

  // ── capsules of the client ──

  onDatagram(buffer: Buffer, start: number, end: number): void {
    const sent = this.#socket?.send(buffer, start, end) ?? false
    this.#traffic.onSent(end - start, !sent)
  }

  // ── the socket ──

  onMessage(payload: Buffer): void {
    this.#linger?.touch()
    // Nobody can ask the target to wait: while the client is slow, its datagrams are lost (RFC 9298 §5).
    const lost = this.#pauses !== 0 || this.#sink === undefined || payload.length > UDP_PAYLOAD_BYTES
    this.#traffic.onReceived(payload.length, lost)
    if (!lost && this.closed === undefined) writeDatagram(this.#toSink, payload, 0, payload.length)
  }

  onReceiveError(_reason: string): void {
    this.#traffic.onReceiveError()
  }

  onSendError(_reason: string): void {
    this.#traffic.onSendError()
  }

  #malformed(detail: string): void {
    this.#leave(closeCause('client', 'tunnel', 'capsule_malformed', detail))
  }

  /** Nothing came back for a while after the client's end. */
  #finish(): void {
    if (this.closed !== undefined) return
    this.#readEnded = true
    this.#sink?.onEnd()
    this.#leave(closeCause('client', 'tunnel', 'finished'))
  }

  #leave(cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.closed = cause
    this.writeStatus = 'ended'
    this.#linger?.cancel()
    this.#capsules.release()
    this.#socket?.close()
    setImmediate(() => this.#tellClose())
  }

  #tellClose(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#told = true
    if (this.closed !== undefined) sink?.onClose(this.closed)
  }
}
