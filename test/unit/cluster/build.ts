// Short ways to make clusters, endpoints and a resolver that answers as told.

import type { Address } from '../../../src/config/model/address.ts'
import {
  type CircuitBreakers,
  type Cluster,
  DIRECT_CLUSTER,
  type EndpointConfig,
} from '../../../src/config/model/cluster.ts'
import type { DnsCacheConfig } from '../../../src/config/model/dns-cache.ts'
import { DEFAULT_HTTP1, DEFAULT_HTTP2 } from '../../../src/config/model/http-protocol.ts'
import { NOWHERE, type Place } from '../../../src/config/model/place.ts'
import { DEFAULT_UPSTREAM_TLS, type UpstreamTls } from '../../../src/config/model/tls.ts'
import { ClusterRuntime } from '../../../src/cluster/cluster-runtime.ts'
import type { DnsAnswer, DnsResolver } from '../../../src/cluster/discovery/dns-resolver.ts'
import { Endpoint } from '../../../src/cluster/endpoint.ts'
import { StatRegistry } from '../../../src/observe/stats/registry.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export const place = (line: number): Place => ({ file: 'envoy.yaml', line, column: 1, path: 'x' })

export const socket = (host: string, port = 80): Address => ({ kind: 'socket', host, port, place: NOWHERE })

export const endpointConfig = (host: string, more: Partial<EndpointConfig> = {}): EndpointConfig => ({
  address: socket(host),
  hostname: '',
  weight: 1,
  priority: 0,
  locality: { region: '', zone: '', subZone: '' },
  health: 'healthy',
  place: NOWHERE,
  ...more,
})

export const endpoint = (host: string, more: Partial<EndpointConfig> = {}): Endpoint =>
  new Endpoint(endpointConfig(host, more), [socket(host)])

export const limits = (more: Partial<CircuitBreakers> = {}): CircuitBreakers => ({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  place: place(70),
  ...more,
})

export const cluster = (more: Partial<Cluster> = {}): Cluster => ({
  ...DIRECT_CLUSTER,
  name: 'app',
  statName: 'app',
  discovery: 'static',
  respectDnsTtl: false,
  balancing: { kind: 'round-robin' },
  endpoints: [],
  protocol: { kind: 'explicit', version: 'http1' },
  common: {
    idleTimeoutMs: undefined,
    maxConnectionDurationMs: undefined,
    maxStreamDurationMs: undefined,
    maxHeadersCount: 100,
    maxResponseHeadersKb: 60,
    maxRequestsPerConnection: undefined,
    headersWithUnderscores: 'allow',
  },
  http1: DEFAULT_HTTP1,
  http2: {
    ...DEFAULT_HTTP2,
    allowConnect: true,
    maxConcurrentStreams: 100,
    initialStreamWindowSize: 65_535,
    initialConnectionWindowSize: 65_535,
  },
  tls: undefined,
  circuitBreakers: { default: limits(), high: limits() },
  place: place(60),
  ...more,
})

export const dnsCacheConfig = (more: Partial<DnsCacheConfig> = {}): DnsCacheConfig => ({
  name: 'names',
  family: 'v4-preferred',
  refreshMs: 60_000,
  minRefreshMs: 5000,
  hostTtlMs: 300_000,
  maxHosts: 1024,
  queryTimeoutMs: 5000,
  preresolve: [],
  maxPendingRequests: 1024,
  place: place(80),
  ...more,
})

/** TLS that verifies nothing. */
export const upstreamTls: UpstreamTls = { ...DEFAULT_UPSTREAM_TLS, place: place(90) }

/** Answers each name from `answers`; an Error is a failure. */
export class FakeResolver implements DnsResolver {
  readonly answers = new Map<string, readonly DnsAnswer[] | Error>()
  readonly asked: string[] = []

  resolve(host: string, families: 'v4' | 'v6' | 'both', withTtl: boolean): Promise<readonly DnsAnswer[]> {
    this.asked.push(`${host} ${families}${withTtl ? ' ttl' : ''}`)
    const answer = this.answers.get(host) ?? dnsError('ENOTFOUND')
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
}

export const dnsError = (code: string): Error => Object.assign(new Error(`query ${code}`), { code })

export const addresses = (...list: readonly string[]): DnsAnswer[] =>
  list.map((address) => ({ address, family: address.includes(':') ? 6 : 4, ttlSeconds: undefined }))

export interface World {
  readonly runtime: ClusterRuntime
  readonly clock: ManualClock
  readonly resolver: FakeResolver
  readonly registry: StatRegistry
}

export function world(config: Cluster, random = () => 0, resolver = new FakeResolver()): World {
  const clock = new ManualClock()
  const registry = new StatRegistry()
  return { runtime: new ClusterRuntime(config, { clock, random, resolver, registry }), clock, resolver, registry }
}

/** Lets answers that are on their way arrive. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Texts of `count` picks. */
export function picks(runtime: ClusterRuntime, count: number): string[] {
  return Array.from({ length: count }, () => {
    const picked = runtime.pick()
    return picked.kind === 'none' ? picked.reason : picked.text
  })
}

/** A random source that goes through `values` again and again. */
export function sequence(...values: readonly number[]): () => number {
  let next = 0
  return () => values[next++ % values.length] ?? 0
}
