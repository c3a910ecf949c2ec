// The running proxy: builds the data plane of a configuration, binds its listeners, drains and stops it.

import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Address } from '../config/model/address.ts'
import type { Listener } from '../config/model/listener.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import type { UdpProxy } from '../config/model/udp-proxy.ts'
import type { ServedConnection } from '../filter/network-filter.ts'
import type { StreamAddress } from '../transport/byte-stream.ts'
import { internalAddress } from '../transport/internal.ts'
import type { StreamListener } from '../transport/tcp.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { bindListener, bindUdp } from './bind.ts'
import { buildClusters } from './build-clusters.ts'
import { buildListener } from './build-listener.ts'
import { buildUdpListener } from './build-udp.ts'
import type { ServerServices, ServerState } from './services.ts'

/** What serves whatever comes to a listener, TCP or UDP. */
interface ServedListener {
  readonly connections: Iterable<ServedConnection>
  drain(cause: CloseCause): void
  close(cause: CloseCause): void
}

/** A listener with its bound sockets. */
export interface BoundListener {
  readonly config: Listener
  readonly runtime: ServedListener
  readonly sockets: readonly StreamListener[]
}

/** Where a listener is to be reached: its sockets, with the real ports, or its name within this process. */
export const addressesOf = ({ config, sockets }: BoundListener): readonly StreamAddress[] =>
  config.internal ? [internalAddress(config.name)] : sockets.map(({ address }) => address)

export class Server {
  readonly config: ProxyConfig
  readonly services: ServerServices
  readonly state: ServerState
  readonly clusters: ReadonlyMap<string, ClusterUpstream>
  #listeners: readonly BoundListener[] = []

  constructor(config: ProxyConfig, services: ServerServices, state: ServerState) {
    this.config = config
    this.services = services
    this.state = state
    this.clusters = buildClusters(config, services)
    for (const { host, port } of configuredSockets(config)) services.ownListeners.add(host, port)
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  /** The bound addresses of a listener, with the real ports. */
  addresses(name: string): readonly StreamAddress[] {
    const found = this.#listeners.find(({ config }) => config.name === name)
    return found?.sockets.map((socket) => socket.address) ?? []
  }

  /**
   * Starts discovery, waits for the first look-ups, then binds. Rejects with a StartError that names the place; what was
   * bound by then is closed again.
   */
  async start(): Promise<void> {
    for (const cluster of this.clusters.values()) cluster.runtime.start()
    await this.#warmClusters()
    const bound: BoundListener[] = []
    this.#listeners = bound
    try {
      for (const listener of this.config.listeners) bound.push(await this.#bind(listener))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Closes the listening sockets and tells every connection to finish; tunnels go on. */
  async drain(matching: (listener: Listener) => boolean = () => true): Promise<void> {
    const cause = closeCause('operator', 'server', 'drained', 'the listener is draining')
    const draining = this.#listeners.filter(({ config }) => matching(config))
    await Promise.all(draining.flatMap(({ sockets }) => sockets.map(closeSocket)))
    for (const { runtime } of draining) runtime.drain(cause)
  }

  /** Clusters whose names were not looked up yet. */
  unresolvedClusters(): readonly string[] {
    return [...this.clusters.values()]
      .filter(({ runtime }) => runtime.endpoints.length === 0)
      .map(({ name }) => `cluster ${name}`)
  }

  /** Tells every client to finish without closing the listening sockets. */
  announceDrain(): void {
    this.state.draining = true
  }

  /** Everything that is being served. */
  get connections(): readonly ServedConnection[] {
    return this.#listeners.flatMap(({ runtime }) => [...runtime.connections])
  }

  /** Ends everything now. Resolves when the listening sockets are free. */
  async stop(): Promise<void> {
    const cause = closeCause('operator', 'server', 'shutdown', 'the proxy is stopping')
    const closing = Promise.all(this.#listeners.flatMap(({ sockets }) => sockets.map(closeSocket)))
    for (const { runtime } of this.#listeners) runtime.close(cause)
    for (const cluster of this.clusters.values()) cluster.close(cause)
    this.services.dnsCaches.stop()
    await closing
  }

  /** Clocks keep no process alive; nothing else may be open yet that does. */
  async #warmClusters(): Promise<void> {
    const alive = setInterval(() => undefined, ALIVE_MS)
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.runtime.warm))
    clearInterval(alive)
  }

  #bind(listener: Listener): Promise<BoundListener> {
    return listener.udp === undefined ? this.#bindStream(listener) : this.#bindUdp(listener, listener.udp)
  }

  async #bindUdp(listener: Listener, config: UdpProxy): Promise<BoundListener> {
    const runtime = buildUdpListener(listener, config, this.clusters, this.services)
    if (!listener.bindToPort) return { config: listener, runtime, sockets: [] }
    const { reusePort } = this.services.binding
    const sockets = await this.#bindAll(listener, (address, port) => bindUdp(runtime, address, port, reusePort))
    return { config: listener, runtime, sockets }
  }

  async #bindStream(listener: Listener): Promise<BoundListener> {
    const runtime = buildListener({
      proxy: this.config,
      listener,
      clusters: this.clusters,
      services: this.services,
      state: this.state,
    })
    if (listener.internal) this.services.internal.listen(listener.name, runtime)
    if (!listener.bindToPort) return { config: listener, runtime, sockets: [] }
    const { reusePort } = this.services.binding
    const sockets = await this.#bindAll(listener, (address, port) =>
      bindListener(listener, address, port, reusePort, runtime),
    )
    return { config: listener, runtime, sockets }
  }

  /** All addresses of a listener or, when one cannot be bound, none. */
  async #bindAll(listener: Listener, bind: BindAddress): Promise<readonly StreamListener[]> {
    const { bindPipes, ports } = this.services.binding
    const sockets: StreamListener[] = []
    try {
      for (const [index, address] of listener.addresses.entries()) {
        if (address.kind === 'pipe' && !bindPipes) continue
        const asked = address.kind === 'socket' ? address.port : 0
        const socket = await bind(address, asked === 0 ? (ports[`${listener.name}#${index}`] ?? 0) : asked)
        this.services.ownListeners.add(socket.address.ip, socket.address.port)
        sockets.push(socket)
      }
    } catch (error) {
      await Promise.all(sockets.map(closeSocket))
      throw error
    }
    return sockets
  }
}

/** Milliseconds between two turns of a timer that only keeps the process. */
const ALIVE_MS = 60_000

type BindAddress = (address: Address, port: number) => Promise<StreamListener>

/** Sockets that the configuration binds, UDP and admin pages included. Other processes of this server may own some. */
const configuredSockets = ({ listeners, admin }: ProxyConfig): readonly Extract<Address, { kind: 'socket' }>[] =>
  [...listeners.flatMap(({ addresses }) => addresses), ...(admin === undefined ? [] : [admin.address])].filter(
    (address) => address.kind === 'socket',
  )

function closeSocket(socket: StreamListener): Promise<void> {
  return new Promise((resolve) => socket.close(resolve))
}
