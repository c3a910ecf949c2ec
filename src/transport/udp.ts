// UDP sockets: one that listens, and one that is connected to a single peer. A datagram is sent whole or dropped; what waits
// in this process is bounded, and errors that come back by ICMP are told without ending the socket (RFC 1122 §4.1.3.3).

import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import { UDP_QUEUED_BYTES, UDP_QUEUED_DATAGRAMS } from '../core/limits.ts'
import { NO_ADDRESS, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import { containFault } from './fault.ts'
import { errnoText } from './socket-cause.ts'

/** Receives what comes on a UDP socket. Methods are called on the sink, never detached. */
export interface UdpSink {
  /** One datagram; `payload` is the callee's to keep. `from` is the peer, also on a connected socket. */
  onMessage(payload: Buffer, from: UdpPeer): void
  /** A datagram could not be received: mostly the answer to one that was sent (connection refused). The socket lives on. */
  onReceiveError(reason: string): void
  /** A datagram that was sent did not leave. */
  onSendError(reason: string): void
}

/** Address of a peer. */
export interface UdpPeer {
  readonly address: string
  readonly port: number
}

export interface ListenUdpOptions {
  /** A literal address; `0.0.0.0` and `::` are every one. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Several processes share the port; the system keeps the datagrams of one 4-tuple with one of them. */
  readonly reusePort?: boolean
  /** An IPv6 socket takes no IPv4 datagrams. True unless set. */
  readonly ipv6Only?: boolean
}

export interface ConnectUdpOptions {
  /** A literal address. */
  readonly host: string
  readonly port: number
  /** Local address to send from. */
  readonly bindAddress?: string | undefined
}

/** Gets exactly one of the two calls, in a later turn. */
export interface UdpConnectSink {
  onConnected(socket: UdpSocket): void
  onConnectFailed(cause: CloseCause): void
}

/** Binds a socket. Rejects with the system's error (`EADDRINUSE`, …). */
export async function listenUdp(options: ListenUdpOptions, sink: UdpSink): Promise<UdpSocket> {
  const { host, port, reusePort = false, ipv6Only = true } = options
  const socket = newSocket(host, isIPv6(host) ? { reusePort, ipv6Only } : { reusePort })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address: host, port, exclusive: true }, resolve)
  })
  socket.removeAllListeners('error')
  return new UdpSocket(socket, sink)
}

/** Makes a socket that sends to and hears from one peer only. Connecting sends nothing: it fails only for lack of a way. */
export function connectUdp(options: ConnectUdpOptions, sink: UdpSink, waiter: UdpConnectSink): void {
  const { host, port, bindAddress } = options
  const to = tcpAddress(host, port).text
  const socket = newSocket(host, {})
  const fail = (error: NodeJS.ErrnoException): void => {
    socket.close()
    const reason = error.errno === undefined ? error.message : errnoText(error.errno)
    waiter.onConnectFailed(closeCause('upstream', 'udp', 'upstream_connection_failure', `${to}: ${reason}`))
  }
  socket.once('error', fail)
  const connect = (): void =>
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) return fail(error)
      socket.removeAllListeners('error')
      waiter.onConnected(new UdpSocket(socket, sink))
    })
  if (bindAddress === undefined) connect()
  else socket.bind({ address: bindAddress, port: 0, exclusive: true }, connect)
}

/** A bound or connected socket. */
export class UdpSocket {
  readonly local: StreamAddress
  /** Of a connected socket; no address otherwise. */
  readonly remote: StreamAddress
  /** Datagrams that were not even tried because too much waits already. */
  dropped = 0
  readonly #socket: Socket
  readonly #sink: UdpSink
  #waiting = 0
  #closed = false
  // One closure for all datagrams: what is sent needs no memory of its own.
  readonly #sent = (error: NodeJS.ErrnoException | null): void => {
    this.#waiting--
    if (error !== null && !this.#closed) this.#sink.onSendError(reasonOf(error))
  }

  constructor(socket: Socket, sink: UdpSink) {
    this.#socket = socket
    this.#sink = sink
    const { address, port } = socket.address()
    this.local = tcpAddress(address, port)
    this.remote = remoteOf(socket)
    socket.on('message', (payload, from) => this.#received(payload, from))
    socket.on('error', (error) => this.#sink.onReceiveError(reasonOf(error)))
  }

  /** Bytes that wait in this process. */
  get queuedBytes(): number {
    return this.#closed ? 0 : this.#socket.getSendQueueSize()
  }

  /**
   * Sends a copy of `buffer[start, end)`, on an unconnected socket to `to`. False = dropped, because too much waits already or
   * the socket is closed. Failures of the system come to `onSendError`.
   */
  send(buffer: Uint8Array, start: number, end: number, to?: UdpPeer): boolean {
    if (this.#closed) return false
    if (this.#waiting >= UDP_QUEUED_DATAGRAMS || this.#socket.getSendQueueSize() > UDP_QUEUED_BYTES) {
      this.dropped++
      return false
    }
    // The system may take it later, when the caller's buffer has other content.
    const payload = Buffer.from(buffer.subarray(start, end))
    this.#waiting++
    try {
      if (to === undefined) this.#socket.send(payload, this.#sent)
      else this.#socket.send(payload, 0, payload.length, to.port, to.address, this.#sent)
    } catch (error) {
      this.#waiting--
      this.#sink.onSendError(reasonOf(error))
    }
    return true
  }

  /** Frees the port at once; what waits is lost. No call of the sink follows. */
  close(done?: () => void): void {
    if (this.#closed) {
      if (done !== undefined) setImmediate(done)
      return
    }
    this.#closed = true
    this.#socket.removeAllListeners('message')
    this.#socket.close(done)
  }

  #received(payload: Buffer, from: RemoteInfo): void {
    if (this.#closed) return
    try {
      this.#sink.onMessage(payload, from)
    } catch (error) {
      containFault(error)
    }
  }
}

function newSocket(host: string, options: Partial<SocketOptions>): Socket {
  const ipv6 = isIPv6(host)
  // Addresses are literal: nothing is looked up, and no turn of the loop is lost.
  const lookup: SocketOptions['lookup'] = (name, _options, done) => done(null, name, ipv6 ? 6 : 4)
  const { ipv6Only, ...others } = options
  // The system refuses the flag on an IPv4 socket.
  const only = ipv6 && ipv6Only !== undefined ? { ipv6Only } : {}
  return createSocket({ ...others, ...only, type: ipv6 ? 'udp6' : 'udp4', lookup })
}

function remoteOf(socket: Socket): StreamAddress {
  try {
    const { address, port } = socket.remoteAddress()
    return tcpAddress(address, port)
  } catch {
    // Not connected: a listening socket has no peer.
    return NO_ADDRESS
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'errno' in error && typeof error.errno === 'number' ? errnoText(error.errno) : error.message
}
