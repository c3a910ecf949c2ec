// A cluster as the router sees it: picks an endpoint, finds or opens a connection to it, and counts what happens there.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'
import { DenseSet } from '../core/dense-set.ts'
import type { ClusterRuntime, NoEndpoint } from '../cluster/cluster-runtime.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { FIRST_TRY } from '../cluster/balance/picker.ts'
import { targetFrom } from '../cluster/target.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, HttpProtocol } from '../codec/http-stream.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { Place } from '../config/model/place.ts'
import type { CodecFactory } from './client-codecs.ts'
import { connectionClosed, connectionOpened } from './connection-counts.ts'
import type { DiallerFactory } from './dial.ts'
import type { PoolContext } from './pool-context.ts'
import { poolKeys } from './pool-key.ts'
import { PoolTable } from './pool-table.ts'
import { RawConnect, type RawConnectOwner } from './raw-connect.ts'
import { SlotQueue, type SlotWaiter } from './slot-queue.ts'
import type { ConnectWaiter, DialNeed, StreamNeed, StreamWaiter, Ticket, UpstreamFailure } from './stream-need.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

export interface ClusterUpstreamTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly codecs: CodecFactory
  readonly diallers: DiallerFactory
}

export class ClusterUpstream implements PoolContext, RawConnectOwner {
  readonly cluster: Cluster
  readonly stats: ClusterStats
  readonly clock: Clock
  readonly maxRequestsPerConnection: number | undefined
  readonly #runtime: ClusterRuntime
  readonly #tools: ClusterUpstreamTools
  /** Whether `acquire` and `connect` make use of the need's `downstream`. */
  readonly needsOrigin: boolean
  /** Whether they dial what the need names as its `target`. */
  readonly needsTarget: boolean
  readonly #pools: PoolTable
  readonly #connecting = new DenseSet<RawConnect>()
  readonly #slots = { default: new SlotQueue(), high: new SlotQueue() }
  readonly #forgetListeners: readonly (() => void)[]
  /** Its endpoints are actively checked. */
  readonly #checked: boolean

  constructor(runtime: ClusterRuntime, tools: ClusterUpstreamTools) {
    this.#runtime = runtime
    this.#tools = tools
    this.cluster = runtime.cluster
    this.stats = runtime.stats
    this.clock = tools.clock
    this.maxRequestsPerConnection = runtime.cluster.common.maxRequestsPerConnection
    const { cluster } = runtime
    const keys = poolKeys(cluster)
    this.needsOrigin = keys.ofClient || cluster.discovery === 'original-dst'
    this.needsTarget = cluster.discovery === 'original-dst' || cluster.discovery === 'dynamic-forward-proxy'
    this.#pools = new PoolTable(this, keys, tools.diallers)
    this.#checked = (cluster.healthChecks ?? []).length > 0
    this.#forgetListeners = [
      runtime.onEndpointRemoved((endpoint) => this.#drainEndpoint(endpoint)),
      runtime.onEndpointFailed((endpoint) => this.#pools.retireEndpoint(endpoint, ENDPOINT_FAILED)),
    ]
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

  /** Members of the cluster, usable or not. A new array after every change. */
  get endpoints(): readonly Endpoint[] {
    return this.#runtime.endpoints
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

  /** What `need.target` must be for a request: ask before its head is rewritten. Undefined when the cluster does not ask. */
  targetFor(head: RequestHead): string | undefined {
    return this.needsTarget ? targetFrom(this.cluster, head) : undefined
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
    const endpoint = this.#pick(need)
    if (endpoint.kind === 'none') {
      waiter.onStreamFailed(noEndpoint(endpoint))
      return undefined
    }
    return this.#pools.poolFor(endpoint, need).acquire(need, waiter)
  }

  /** Opens a connection for one owner: no pool, no codec. `admit` and `leave` are the caller's. */
  connect(need: DialNeed, waiter: ConnectWaiter): Ticket | undefined {
    const endpoint = this.#pick(need)
    if (endpoint.kind === 'none') {
      waiter.onConnectFailed(noEndpoint(endpoint))
      return undefined
    }
    const connect = new RawConnect(this, endpoint, need.priority, waiter, this)
    const purpose = { serverName: need.serverName, downstream: need.downstream }
    const failure = connect.start(this.#tools.diallers(endpoint, 'raw', purpose))
    if (failure !== undefined) {
      waiter.onConnectFailed(failure)
      return undefined
    }
    this.#connecting.add(connect)
    return connect
  }

  onRawConnectOver(connect: RawConnect): void {
    this.#connecting.delete(connect)
  }

  onStreamStart(endpoint: Endpoint): void {
    endpoint.stats.rqActive++
    endpoint.stats.rqTotal++
  }

  /** `headers`: of an HTTP response of the endpoint's own. */
  onResponseHead(endpoint: Endpoint, status: number, headers?: HeaderList): void {
    if (this.#checked && headers?.has(FAIL_NOW) === true)
      this.#runtime.failPassively(endpoint, `a response said ${FAIL_NOW}`)
    this.stats.responses.count(status)
    this.stats.upstreamRqCompleted.value++
    if (status < 500) endpoint.stats.rqSuccess++
    else endpoint.stats.rqError++
  }

  onStreamEnd(endpoint: Endpoint): void {
    endpoint.stats.rqActive--
  }

  /**
   * Calls `close` if the endpoint fails its active checks, when the cluster's connections are to end then; until the
   * returned function is called.
   */
  endWithHealth(endpoint: Endpoint, close: (cause: CloseCause) => void): () => void {
    if (this.cluster.closeConnectionsOnHealthFailure !== true) return () => undefined
    return this.#runtime.onEndpointFailed((failed) => {
      if (failed === endpoint) close(UNHEALTHY)
    })
  }

  /** Why this hop was chosen, for the ledger; '' when there was no choice. */
  hopNote(endpoint: Endpoint, protocol: HttpProtocol): string {
    if (this.cluster.protocol.kind !== 'auto' || protocol !== 'HTTP/1.1') return ''
    const { extendedConnect, learntWallMs } = endpoint.capability
    if (extendedConnect !== 'no') return ''
    return `origin did not offer SETTINGS_ENABLE_CONNECT_PROTOCOL, learnt ${new Date(learntWallMs).toISOString().slice(11, 16)}`
  }

  /** Pools that are kept, empty ones included. */
  get poolCount(): number {
    return this.#pools.size
  }

  /** Lets connections finish and opens no new ones. */
  drain(cause: CloseCause): void {
    for (const forget of this.#forgetListeners) forget()
    this.#runtime.stop()
    this.#pools.drain(cause)
  }

  close(cause: CloseCause): void {
    this.drain(cause)
    this.#pools.close(cause)
    for (const connect of this.#connecting.snapshot()) connect.fail(cause)
  }

  // ── what the pools share ──

  breakers(priority: 'default' | 'high'): CircuitBreakers {
    return this.#runtime.breakers[priority]
  }

  mayDial(lane: SlotWaiter, open: number): boolean {
    const { priority, endpoint } = lane
    const breakers = this.breakers(priority)
    if (breakers.tryConnect(endpoint) === undefined) return true
    this.stats.upstreamCxOverflow.value++
    if (open > 0) {
      this.#slots[priority].add(lane)
      return false
    }
    breakers.connect(endpoint)
    return true
  }

  forgetSlotWaiter(lane: SlotWaiter): void {
    this.#slots[lane.priority].delete(lane)
  }

  releaseDial(priority: 'default' | 'high', endpoint: Endpoint): void {
    const breakers = this.breakers(priority)
    breakers.disconnect(endpoint)
    this.#slots[priority].wake(breakers)
  }

  attachCodec(connection: UpstreamConnection, version: 'http1' | 'http2'): void {
    const { stats } = this
    connectionOpened(stats, connection.endpoint)
    if (version === 'http2') stats.upstreamCxHttp2Total.value++
    else stats.upstreamCxHttp1Total.value++
    connection.stream.setHighWater(this.cluster.bufferLimitBytes)
    connection.use(this.#tools.codecs(connection, version))
    this.#watchIdle(connection)
  }

  onConnectionClosed(connection: UpstreamConnection, cause: CloseCause, priority: 'default' | 'high'): void {
    const { endpoint, stream, openedMs } = connection
    connectionClosed(this.stats, endpoint, stream, this.clock.now() - openedMs, cause)
    this.releaseDial(priority, endpoint)
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

  #pick(need: DialNeed): Endpoint | NoEndpoint {
    if (!this.needsTarget && isPlain(need)) return this.#runtime.pick(FIRST_TRY)
    const { tried = [], target, downstream, hash, preferred, strict, rejects, repicks, triedPriorities } = need
    const original = downstream?.info.state?.originalDestination
    return this.#runtime.pick({ tried, target, original, hash, preferred, strict, rejects, repicks, triedPriorities })
  }

  #drainEndpoint(endpoint: Endpoint): void {
    this.#pools.drainEndpoint(endpoint, {
      by: 'proxy',
      layer: 'http',
      code: 'drained',
      detail: 'the endpoint left its cluster',
    })
  }
}

/** Nothing about the endpoint matters: most requests. */
const isPlain = ({ tried, hash, preferred, strict, rejects, triedPriorities }: DialNeed): boolean =>
  tried === undefined &&
  hash === undefined &&
  preferred === undefined &&
  strict !== true &&
  rejects === undefined &&
  triedPriorities === undefined

/** An endpoint's wish to be left alone until its checks pass again. Envoy's. */
const FAIL_NOW = 'x-envoy-immediate-health-check-fail'

const ENDPOINT_FAILED = closeCause('proxy', 'http', 'drained', 'the endpoint failed its health checks')

/** For those that do not outlive the health of their endpoint. */
const UNHEALTHY = closeCause('proxy', 'tcp', 'endpoint_unhealthy', 'close_connections_on_host_health_failure')

const noEndpoint = ({ code, reason }: NoEndpoint): UpstreamFailure => ({
  code,
  explanation: reason,
  transportFailure: '',
  cause: undefined,
  endpoint: undefined,
})
