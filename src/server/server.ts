// The running proxy: builds the data plane of a configuration, binds its listeners, drains and stops it.

import { closeCause } from '../core/close-cause.ts'
import type { Address } from '../config/model/address.ts'
import type { Listener } from '../config/model/listener.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import type { ServedConnection } from '../filter/network-filter.ts'
import type { ListenerRuntime } from '../listener/listener-runtime.ts'
import type { StreamAddress } from '../transport/byte-stream.ts'
import type { StreamListener } from '../transport/tcp.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { bindListener } from './bind.ts'
import { buildClusters } from './build-clusters.ts'
import { buildListener } from './build-listener.ts'
import type { ServerServices, ServerState } from './services.ts'

/** A listener with its bound sockets. */
export interface BoundListener {
  readonly config: Listener
  readonly runtime: ListenerRuntime
  readonly sockets: readonly StreamListener[]
}

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
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.runtime.warm))
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
    await closing
  }

  async #bind(listener: Listener): Promise<BoundListener> {
    const runtime = buildListener({
      proxy: this.config,
      listener,
      clusters: this.clusters,
      services: this.services,
      state: this.state,
    })
    const sockets: StreamListener[] = []
    if (!listener.bindToPort) return { config: listener, runtime, sockets }
    try {
      for (const [index, address] of listener.addresses.entries()) {
        if (address.kind === 'pipe' && !this.services.binding.bindPipes) continue
        sockets.push(await this.#bindAddress(listener, address, index, runtime))
      }
    } catch (error) {
      await Promise.all(sockets.map(closeSocket))
      throw error
    }
    return { config: listener, runtime, sockets }
  }

  #bindAddress(listener: Listener, address: Address, index: number, runtime: ListenerRuntime): Promise<StreamListener> {
    const { reusePort, ports } = this.services.binding
    const asked = address.kind === 'socket' ? address.port : 0
    return bindListener(
      listener,
      address,
      asked === 0 ? (ports[`${listener.name}#${index}`] ?? 0) : asked,
      reusePort,
      runtime,
    )
  }
}

function closeSocket(socket: StreamListener): Promise<void> {
  return new Promise((resolve) => socket.close(resolve))
}
