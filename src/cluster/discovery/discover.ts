// How a cluster comes to its endpoints: from the configuration, or by watching names. Envoy: STATIC, STRICT_DNS (every
// address of every name is an endpoint), LOGICAL_DNS (one endpoint that moves to the name's first address, or with dns_lookup_family ALL tries all in turns).

import { isIP } from 'node:net'
import type { Address } from '../../config/model/address.ts'
import type { Cluster, EndpointConfig } from '../../config/model/cluster.ts'
import { inDialOrder } from './address-order.ts'
import type { ChosenAddresses } from './dns-family.ts'
import type { DnsAnswer } from './dns-resolver.ts'
import { DnsWatch, type DnsWatchContext } from './dns-watch.ts'
import type { EndpointAddresses } from './endpoint-set.ts'

/** Hears what is known of each configured endpoint (`slot` is its index). */
export interface DiscoveryListener {
  onAddresses(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void
  onFailure(slot: number, host: string, reason: string): void
}

export interface Discovery {
  /** What the configuration knows is told before this returns. */
  start(): void
  stop(): void
  /** Milliseconds until a name that does not resolve is looked up again; undefined when all do. */
  readonly nextTryMs: number | undefined
}

/** The discovery of a cluster; starts nothing by itself. */
export function discover(cluster: Cluster, context: DnsWatchContext, listener: DiscoveryListener): Discovery {
  const sources = cluster.endpoints.map((config, slot) => source(cluster, config, slot, context, listener))
  return {
    start: () => sources.forEach((one) => one.start()),
    stop: () => sources.forEach((one) => one.stop()),
    get nextTryMs() {
      const tries = sources.flatMap(({ nextTryMs }) => (nextTryMs === undefined ? [] : [nextTryMs]))
      return tries.length === 0 ? undefined : Math.min(...tries)
    },
  }
}

function source(
  cluster: Cluster,
  config: EndpointConfig,
  slot: number,
  context: DnsWatchContext,
  listener: DiscoveryListener,
): Discovery {
  const { address } = config
  if (cluster.discovery === 'static' || address.kind !== 'socket' || isIP(address.host) !== 0) {
    const addresses = inDialOrder([address, ...(config.additionalAddresses ?? [])], cluster.addressOrder)
    const start = (): void => listener.onAddresses(slot, config, [addresses])
    return { start, stop: () => undefined, nextTryMs: undefined }
  }
  const settings = {
    host: address.host,
    family: cluster.dnsFamily,
    refreshMs: cluster.dnsRefreshMs,
    failureBackoff: cluster.dnsFailureBackoff,
    jitterMs: cluster.dnsJitterMs,
    respectTtl: cluster.respectDnsTtl,
  }
  return new DnsWatch(settings, context, {
    onAddresses: (chosen) => listener.onAddresses(slot, config, endpointsOf(cluster, address, chosen)),
    onFailure: (reason) => listener.onFailure(slot, address.host, reason),
  })
}

type SocketAddress = Extract<Address, { kind: 'socket' }>

function endpointsOf(cluster: Cluster, named: SocketAddress, chosen: ChosenAddresses): readonly EndpointAddresses[] {
  if (cluster.discovery === 'logical-dns' && cluster.dnsFamily === 'all') {
    const [best, ...others] = chosen.use.map((answer) => resolved(named, answer))
    return best === undefined ? [] : [inDialOrder([best, ...others], cluster.addressOrder)]
  }
  const used = cluster.discovery === 'logical-dns' ? chosen.use.slice(0, 1) : chosen.use
  return used.map((answer, i) => {
    const fallback = chosen.fallback[i % Math.max(1, chosen.fallback.length)]
    const first = resolved(named, answer)
    return fallback === undefined ? [first] : [first, resolved(named, fallback)]
  })
}

const resolved = (named: SocketAddress, answer: DnsAnswer): Address => ({ ...named, host: answer.address })
