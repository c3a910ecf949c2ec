// One address a cluster sends to, with its statistics and what was learnt of it. Made by discovery, chosen by a picker,
// dialled and counted by upstream; it outlives its cluster membership while connections to it are open.

import { type Address, addressText } from '../config/model/address.ts'
import type { EndpointConfig } from '../config/model/cluster.ts'
import { Capability } from './capability.ts'
import { EndpointHealth } from './endpoint-health.ts'
import { endpointStats, type EndpointStats } from './endpoint-stats.ts'
import type { OutlierMonitor } from './outlier/outlier-monitor.ts'

export class Endpoint {
  readonly kind = 'endpoint'
  readonly config: EndpointConfig
  readonly stats: EndpointStats = endpointStats()
  readonly capability = new Capability()
  readonly health: EndpointHealth
  /** Told how its traffic goes; set by its cluster where outlier detection is on. */
  outlier: OutlierMonitor | undefined = undefined
  /** Connection slots taken for it: connections that are open or on their way. Counted by the circuit breakers. */
  connections = 0
  #addresses: readonly [Address, ...Address[]]
  #text: string
  #removed = false

  /** `addresses`: where to dial, best first; the others are tried when the first fails or is slow. */
  constructor(config: EndpointConfig, addresses: readonly [Address, ...Address[]]) {
    this.config = config
    this.health = new EndpointHealth(config.health)
    this.#addresses = addresses
    this.#text = addressText(addresses[0])
  }

  /** Where to dial, best first. */
  get addresses(): readonly [Address, ...Address[]] {
    return this.#addresses
  }

  /** `1.2.3.4:80` of the first address, for logs and admin pages. */
  get text(): string {
    return this.#text
  }

  /** Name for auto host rewrite and SNI; '' when it has none. */
  get hostname(): string {
    return this.config.hostname
  }

  /** No longer in its cluster: it gets no new requests, and what is open stays. */
  get removed(): boolean {
    return this.#removed
  }

  /** LOGICAL_DNS: new connections go elsewhere, open ones stay, and what was learnt of the old address is forgotten. */
  moveTo(addresses: readonly [Address, ...Address[]]): void {
    const text = addressText(addresses[0])
    this.#addresses = addresses
    if (text === this.#text) return
    this.#text = text
    this.capability.forget()
  }

  markRemoved(): void {
    this.#removed = true
  }

  /** The name came back while old connections were still open. */
  markRestored(): void {
    this.#removed = false
  }
}
