// A cluster as the router sees it: picks an endpoint, finds or opens a connection to it, and counts what happens there.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'
import type { ClusterRuntime } from '../cluster/cluster-runtime.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { RequestHead, HttpProtocol } from '../codec/http-stream.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { Place } from '../config/model/place.ts'
import { observe } from '../observe/stats/registry.ts'
import type { CodecFactory } from './client-codecs.ts'
import type { DiallerFactory } from './dial.ts'
import { EndpointPool } from './endpoint-pool.ts'
import type { PoolContext } from './pool-context.ts'
import type { StreamNeed, StreamWaiter, Ticket } from './stream-need.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

export interface ClusterUpstreamTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly codecs: CodecFactory
  readonly diallers: DiallerFactory
}

export class ClusterUpstream implements PoolContext {
  readonly cluster: Cluster
  readonly stats: ClusterStats
  readonly clock: Clock
  readonly maxRequestsPerConnection: number | undefined
  readonly #runtime: ClusterRuntime
  readonly #tools: ClusterUpstreamTools
  /** By endpoint, then by TLS server name. */
  readonly #pools = new Map<Endpoint, Map<string, EndpointPool>>()
  readonly #forgetListener: () => void

  constructor(runtime: ClusterRuntime, tools: ClusterUpstreamTools) {
    this.#runtime = runtime
    this.#tools = tools
    this.cluster = runtime.cluster
    this.stats = runtime.stats
    this.clock = tools.clock
    this.maxRequestsPerConnection = runtime.cluster.common.maxRequestsPerConnection
    this.#forgetListener = runtime.onEndpointRemoved((endpoint) => this.#drainEndpoint(endpoint))
  }

  get name(): string {
    return this.cluster.name
  }

  get place(): Place {
    return this.cluster.place
  }

  /** Whether connections are encrypted. */
  get secure(): boolean {
    return this.cluster.tls !== undefined
  }

  get runtime(): ClusterRuntime {
    return this.#runtime
  }

  /** The TLS server name of a request's connection when the cluster takes it from the request; ''. */
  serverNameFor(head: RequestHead): string {
    const { tls } = this.cluster
    if (tls?.autoSni !== true) return ''
    const source =
      tls.autoSniHeader === '' || tls.autoSniHeader === ':authority'
        ? head.authority
        : (head.headers.get(tls.autoSniHeader) ?? '')
    return source.replace(/:[0-9]*$/, '').toLowerCase()
  }

  /** Takes a slot of max_requests; answers why not. One `leave` follows each success. */
  admit(priority: 'default' | 'high'): string | undefined {
    const refusal = this.breakers(priority).tryAcquire('request')
    if (refusal !== undefined) {
      this.stats.upstreamRqActiveOverflow.value++
      return refusal
    }
    this.stats.upstreamRqTotal.value++
    this.stats.upstreamRqActive.value++
    return undefined
  }

  /** The request, or the tunnel it became, is over. */
  leave(priority: 'default' | 'high'): void {
    this.breakers(priority).release('request')
    this.stats.upstreamRqActive.value--
  }

  /** Finds a connection for one stream. */
  acquire(need: StreamNeed, waiter: StreamWaiter): Ticket | undefined {
    const endpoint = this.#runtime.pick()
    if (endpoint.kind === 'none') {
      waiter.onStreamFailed({
        code: endpoint.code,
        explanation: endpoint.reason,
        transportFailure: '',
        cause: undefined,
        endpoint: undefined,
      })
      return undefined
    }
    return this.#pool(endpoint, need.serverName).acquire(need, waiter)
  }

  onStreamStart(endpoint: Endpoint): void {
    endpoint.stats.rqActive++
    endpoint.stats.rqTotal++
  }

  onResponseHead(endpoint: Endpoint, status: number): void {
    this.stats.responses.count(status)
    this.stats.upstreamRqCompleted.value++
    if (status < 500) endpoint.stats.rqSuccess++
    else endpoint.stats.rqError++
  }

  onStreamEnd(endpoint: Endpoint): void {
    endpoint.stats.rqActive--
  }

  /** Why this hop was chosen, for the ledger; '' when there was no choice. */
  hopNote(endpoint: Endpoint, protocol: HttpProtocol): string {
    if (this.cluster.protocol.kind !== 'auto' || protocol !== 'HTTP/1.1') return ''
    const { extendedConnect, learntWallMs } = endpoint.capability
    if (extendedConnect !== 'no') return ''
    return `origin did not offer SETTINGS_ENABLE_CONNECT_PROTOCOL, learnt ${new Date(learntWallMs).toISOString().slice(11, 16)}`
  }

  /** Lets connections finish and opens no new ones. */
  drain(cause: CloseCause): void {
    this.#forgetListener()
    this.#runtime.stop()
    for (const pools of this.#pools.values()) for (const pool of pools.values()) pool.drain(cause)
  }

  close(cause: CloseCause): void {
    this.drain(cause)
    for (const pools of this.#pools.values()) for (const pool of pools.values()) pool.close(cause)
  }

  // ── what the pools share ──

  breakers(priority: 'default' | 'high'): CircuitBreakers {
    return this.#runtime.breakers[priority]
  }

  mayDial(_endpoint: Endpoint, open: number): boolean {
    const breakers = this.breakers('default')
    if (breakers.tryAcquire('connection') === undefined) return true
    this.stats.upstreamCxOverflow.value++
    if (open > 0) return false
    breakers.acquire('connection')
    return true
  }

  releaseDial(): void {
    this.breakers('default').release('connection')
  }

  attachCodec(connection: UpstreamConnection, version: 'http1' | 'http2'): void {
    const { stats } = this
    const { endpoint } = connection
    stats.upstreamCxTotal.value++
    stats.upstreamCxActive.value++
    endpoint.stats.cxTotal++
    endpoint.stats.cxActive++
    if (version === 'http2') stats.upstreamCxHttp2Total.value++
    else stats.upstreamCxHttp1Total.value++
    connection.stream.setHighWater(this.cluster.bufferLimitBytes)
    connection.use(this.#tools.codecs(connection, version))
    this.#watchIdle(connection)
  }

  onConnectionClosed(connection: UpstreamConnection, cause: CloseCause): void {
    const { stats } = this
    this.releaseDial()
    connection.endpoint.stats.cxActive--
    stats.upstreamCxActive.value--
    stats.upstreamCxDestroy.value++
    const destroyed = cause.by === 'upstream' ? stats.upstreamCxDestroyRemote : stats.upstreamCxDestroyLocal
    destroyed.value++
    if (cause.code === 'upstream_protocol_error') stats.upstreamCxProtocolError.value++
    stats.upstreamCxRxBytesTotal.value += connection.stream.bytesRead
    stats.upstreamCxTxBytesTotal.value += connection.stream.bytesWritten
    observe(stats.upstreamCxLengthMs, this.clock.now() - connection.openedMs)
    if (connection.endpoint.removed) this.#forgetEmpty(connection.endpoint)
  }

  #watchIdle(connection: UpstreamConnection): void {
    const { idleTimeoutMs } = this.cluster.common
    if (idleTimeoutMs === undefined) return
    connection.idleDeadline = this.#tools.wheel.arm(idleTimeoutMs, () => {
      if (connection.client.activeStreams > 0) {
        this.#watchIdle(connection)
        return
      }
      this.stats.upstreamCxIdleTimeout.value++
      connection.drain()
    })
  }

  #pool(endpoint: Endpoint, serverName: string): EndpointPool {
    let pools = this.#pools.get(endpoint)
    if (pools === undefined) {
      pools = new Map()
      this.#pools.set(endpoint, pools)
    }
    let pool = pools.get(serverName)
    if (pool === undefined) {
      forgetIdlePools(pools)
      pool = new EndpointPool(this, endpoint, serverName, this.#tools.diallers)
      pools.set(serverName, pool)
    }
    return pool
  }

  #drainEndpoint(endpoint: Endpoint): void {
    for (const pool of this.#pools.get(endpoint)?.values() ?? [])
      pool.drain({ by: 'proxy', layer: 'http', code: 'drained', detail: 'the endpoint left its cluster' })
    this.#forgetEmpty(endpoint)
  }

  #forgetEmpty(endpoint: Endpoint): void {
    const pools = this.#pools.get(endpoint)
    if (pools === undefined) return
    for (const pool of pools.values()) if (!pool.empty) return
    this.#pools.delete(endpoint)
  }
}

/** Server names come from clients: keep their number bounded by what is open. */
const MANY_POOLS = 256

function forgetIdlePools(pools: Map<string, EndpointPool>): void {
  if (pools.size < MANY_POOLS) return
  for (const [name, pool] of pools) if (pool.empty) pools.delete(name)
}
