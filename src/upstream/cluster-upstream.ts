// A cluster as the router sees it: picks an endpoint, finds or opens a connection to it, and counts what happens there.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'
import { DenseSet } from '../core/dense-set.ts'
import type { ClusterRuntime, NoEndpoint } from '../cluster/cluster-runtime.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { FIRST_TRY } from '../cluster/balance/picker.ts'
import { targetFrom } from '../cluster/target.ts'
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
  readonly #slots = new SlotQueue()
  readonly #forgetListener: () => void

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

  /** Pools that are kept, empty ones included. */
  get poolCount(): number {
    return this.#pools.size
  }

  /** Lets connections finish and opens no new ones. */
  drain(cause: CloseCause): void {
    this.#forgetListener()
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
    const breakers = this.breakers('default')
    if (breakers.tryAcquire('connection') === undefined) return true
    this.stats.upstreamCxOverflow.value++
    if (open > 0) {
      this.#slots.add(lane)
      return false
    }
    breakers.acquire('connection')
    return true
  }

  forgetSlotWaiter(lane: SlotWaiter): void {
    this.#slots.delete(lane)
  }

  releaseDial(priority: 'default' | 'high'): void {
    const breakers = this.breakers(priority)
    breakers.release('connection')
    if (priority === 'default') this.#slots.wake(breakers)
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

  onConnectionClosed(connection: UpstreamConnection, cause: CloseCause): void {
    const { endpoint, stream, openedMs } = connection
    connectionClosed(this.stats, endpoint, stream, this.clock.now() - openedMs, cause)
    this.releaseDial('default')
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
    const { tried, target, downstream } = need
    if (!this.needsTarget) return this.#runtime.pick(tried === undefined ? FIRST_TRY : { tried })
    const original = downstream?.info.state?.originalDestination
    return this.#runtime.pick({ tried: tried ?? [], target, original })
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

const noEndpoint = ({ code, reason }: NoEndpoint): UpstreamFailure => ({
  code,
  explanation: reason,
  transportFailure: '',
  cause: undefined,
  endpoint: undefined,
})
