// A UDP listener at work: finds the session of each datagram by the client's address on the socket it came to, or opens one.
// Its sockets stay bound while sessions live, because the answers leave by them.

import type { CloseCause } from '../../core/close-cause.ts'
import { DenseSet } from '../../core/dense-set.ts'
import { UDP_SESSIONS } from '../../core/limits.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import { type ListenUdpOptions, listenUdp, type UdpPeer, type UdpSink, type UdpSocket } from '../../transport/udp.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { ServedConnection } from '../network-filter.ts'
import { DirectSession } from './direct-session.ts'
import type { UdpProxyRuntime } from './runtime.ts'
import type { SessionParts, UdpSession } from './session.ts'
import { TunnelSession } from './tunnel-session.ts'

export class UdpListener {
  readonly #runtime: UdpProxyRuntime
  readonly #sessions = new DenseSet<UdpSession>()
  readonly #ports: UdpPort[] = []
  #draining = false

  constructor(runtime: UdpProxyRuntime) {
    this.#runtime = runtime
  }

  get connections(): Iterable<ServedConnection> {
    return this.#sessions
  }

  /** Binds one address. Rejects with the system's error. */
  async bind(options: ListenUdpOptions): Promise<UdpPort> {
    const port = new UdpPort(this.#runtime, this.#sessions)
    port.use(await listenUdp(options, port))
    this.#ports.push(port)
    if (this.#draining) port.close()
    return port
  }

  /** No new sessions; those that live go on until they are idle. */
  drain(_cause: CloseCause): void {
    this.#draining = true
    for (const port of this.#ports) port.close()
  }

  /** Ends every session now. */
  close(cause: CloseCause): void {
    this.#draining = true
    for (const session of this.#sessions.snapshot()) session.close(cause)
    for (const port of this.#ports) port.close()
  }
}

/** One bound address of a listener. */
export class UdpPort implements UdpSink {
  readonly #runtime: UdpProxyRuntime
  readonly #all: DenseSet<UdpSession>
  readonly #byPeer = new Map<string, UdpSession>()
  #socket: UdpSocket | undefined
  #draining = false

  constructor(runtime: UdpProxyRuntime, all: DenseSet<UdpSession>) {
    this.#runtime = runtime
    this.#all = all
  }

  /** The bound socket; once. */
  use(socket: UdpSocket): void {
    this.#socket = socket
  }

  get address(): StreamAddress {
    if (this.#socket === undefined) throw new Error('a UDP port was used before it was bound')
    return this.#socket.local
  }

  /** Opens no more sessions, and frees the port with the last one. `done` is called when it is free, or now if sessions live. */
  close(done?: () => void): void {
    this.#draining = true
    if (this.#byPeer.size === 0) this.#socket?.close(done)
    else if (done !== undefined) setImmediate(done)
  }

  onMessage(payload: Buffer, from: UdpPeer): void {
    const key = `${from.address} ${from.port}`
    const session = this.#byPeer.get(key) ?? this.#open(key, from)
    session?.forward(payload)
  }

  onReceiveError(): void {
    this.#runtime.stats.rxErrors.value++
  }

  onSendError(): void {
    this.#runtime.stats.txErrors.value++
  }

  #open(key: string, peer: UdpPeer): UdpSession | undefined {
    const { stats, upstream } = this.#runtime
    const socket = this.#socket
    if (this.#draining || socket === undefined) return undefined
    if (upstream === undefined) {
      stats.noRoute.value++
      return undefined
    }
    if (this.#byPeer.size >= UDP_SESSIONS) {
      stats.overflow.value++
      return undefined
    }
    if (!hasRoom(upstream)) {
      upstream.stats.upstreamCxOverflow.value++
      return undefined
    }
    const onEnded = (ended: UdpSession): void => this.#ended(key, ended)
    const session = this.#make({ runtime: this.#runtime, upstream, socket, peer, onEnded })
    this.#byPeer.set(key, session)
    this.#all.add(session)
    session.start()
    return this.#byPeer.get(key)
  }

  #make(parts: SessionParts): UdpSession {
    const { tunneling } = this.#runtime.config
    return tunneling === undefined ? new DirectSession(parts) : new TunnelSession(parts, tunneling)
  }

  #ended(key: string, session: UdpSession): void {
    if (this.#byPeer.get(key) === session) this.#byPeer.delete(key)
    this.#all.delete(session)
    if (this.#draining && this.#byPeer.size === 0) this.#socket?.close()
  }
}

/** Whether max_connections of the cluster lets one more session in. */
function hasRoom(upstream: ClusterUpstream): boolean {
  const breakers = upstream.breakers('default')
  return breakers.active('connection') < breakers.limits.maxConnections
}
