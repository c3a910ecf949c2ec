// A TCP proxy session on memory streams: the test is the client and every upstream; time moves by hand.

import { nextConnectionId } from '../../../../../src/core/ids.ts'
import { type CloseCause, closeCause } from '../../../../../src/core/close-cause.ts'
import type { ErrorCode } from '../../../../../src/core/errors.ts'
import { TimerWheel } from '../../../../../src/core/timer-wheel.ts'
import { CircuitBreakers } from '../../../../../src/cluster/circuit-breakers.ts'
import { clusterScope, clusterStats } from '../../../../../src/cluster/cluster-stats.ts'
import type { Endpoint } from '../../../../../src/cluster/endpoint.ts'
import { http1Stats } from '../../../../../src/codec/http1/stats.ts'
import { newHttp2Stats } from '../../../../../src/codec/http2/stats.ts'
import type { Discovery } from '../../../../../src/config/model/cluster.ts'
import { parseFormat } from '../../../../../src/config/model/format-parse.ts'
import type { FormatTemplate } from '../../../../../src/config/model/format-template.ts'
import type { TcpProxy, TunnelingConfig } from '../../../../../src/config/model/tcp-proxy.ts'
import type { ServedConnection } from '../../../../../src/filter/network-filter.ts'
import { tcpProxyFilter } from '../../../../../src/filter/network/tcp-proxy/tcp-proxy.ts'
import type { SessionCluster, TcpProxyRuntime } from '../../../../../src/filter/network/tcp-proxy/runtime.ts'
import { tcpStats } from '../../../../../src/filter/network/tcp-proxy/tcp-stats.ts'
import { compile } from '../../../../../src/format/compile.ts'
import { Ledger, type TunnelEnd } from '../../../../../src/observe/ledger/ledger.ts'
import { StatRegistry } from '../../../../../src/observe/stats/registry.ts'
import type { ByteStream, ByteStreamSink } from '../../../../../src/transport/byte-stream.ts'
import { ConnectionState, type ReceivedTlv } from '../../../../../src/transport/connection-state.ts'
import { memoryPair } from '../../../../../src/transport/memory.ts'
import { clientCodecs } from '../../../../../src/upstream/client-codecs.ts'
import type {
  ConnectWaiter,
  DialNeed,
  StreamNeed,
  StreamWaiter,
  UpstreamFailure,
} from '../../../../../src/upstream/stream-need.ts'
import { UpstreamConnection } from '../../../../../src/upstream/upstream-connection.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { cluster, endpoint, limits, place } from '../../../cluster/build.ts'

/** Lets everything that is under way arrive. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function template(source: string): FormatTemplate {
  const parsed = parseFormat(source)
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  return parsed.template
}

export const tunneling = (hostname: string, more: Partial<TunnelingConfig> = {}): TunnelingConfig => ({
  hostname: template(hostname),
  usePost: false,
  postPath: '/',
  headers: [],
  propagateResponseHeaders: false,
  propagateResponseTrailers: false,
  requestId: undefined,
  place: place(30),
  ...more,
})

/** The end of a connection that the test holds. */
export class Peer implements ByteStreamSink {
  readonly stream: ByteStream
  ended = false
  closed: CloseCause | undefined
  #received = Buffer.alloc(0)

  constructor(stream: ByteStream) {
    this.stream = stream
    stream.setSink(this)
  }

  get text(): string {
    return this.#received.toString('latin1')
  }

  write(text: string): void {
    this.stream.writeLatin1(text)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#received = Buffer.concat([this.#received, buffer.subarray(start, end)])
  }

  onEnd(): void {
    this.ended = true
  }

  onDrain(): void {
    // Tests write little.
  }

  onClose(cause: CloseCause): void {
    this.closed = cause
  }
}

/** One dial of the session, answered by the test. */
export interface Dial {
  readonly need: DialNeed | StreamNeed
  cancelled: boolean
  /** Answers with a connection; the test gets its far end. */
  connect(to?: Endpoint): Peer
  fail(code: ErrorCode, more?: Partial<UpstreamFailure>): void
}

export interface Setup {
  readonly config?: Partial<TcpProxy>
  readonly state?: Readonly<Record<string, string>>
  /** TLVs of the client's own PROXY header; needs `state`. */
  readonly received?: readonly ReceivedTlv[]
  readonly serverName?: string
  readonly format?: string
  readonly maxConnections?: number
  readonly random?: () => number
  readonly discovery?: Discovery
}

export interface Running {
  readonly client: Peer
  readonly session: ServedConnection
  readonly dials: Dial[]
  readonly log: string[]
  readonly warnings: string[]
  readonly clock: ManualClock
  readonly ledger: Ledger
  readonly ends: TunnelEnd[]
  readonly wheel: TimerWheel
  readonly state: ConnectionState | undefined
  readonly active: { requests(): number; draining: boolean }
  closedTimes(): number
  stat(name: string): number
}

export const FORMAT =
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %BYTES_RECEIVED%/%BYTES_SENT% %UPSTREAM_HOST% %CLOSED_BY% %CLOSE_CAUSE%'

/** Starts a session with clusters `a` and `b`. */
export function start(setup: Setup = {}): Running {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const registry = new StatRegistry()
  const ledger = new Ledger()
  const ends: TunnelEnd[] = []
  ledger.listen({ onOpen: () => undefined, onClose: (_, end) => ends.push(end) })
  const dials: Dial[] = []
  const clusters = new Map(['a', 'b'].map((name) => [name, fakeCluster(name, setup, registry, dials, clock)]))
  const print = compile(template(setup.format ?? FORMAT), '-')
  const log: string[] = []
  const warnings: string[] = []
  const drain = { active: false }
  const runtime: TcpProxyRuntime = {
    config: tcpProxy(setup.config),
    stats: tcpStats(registry, 't'),
    clock,
    wheel,
    random: setup.random ?? (() => 0.5),
    ledger,
    loggers: [{ log: (facts) => log.push(print(facts) ?? '-') }],
    log: { warning: (message, fields) => warnings.push(`${message}: ${fields?.['reason']}`) },
    bufferLimitBytes: 65_536,
    drain,
    cluster: (name) => clusters.get(name),
  }
  const { accepted, dialled } = memoryPair()
  const state = setup.state === undefined ? undefined : new ConnectionState()
  for (const [key, value] of Object.entries(setup.state ?? {})) state?.filterState.set(key, value)
  if (state !== undefined) {
    state.tlvs = setup.received ?? []
    accepted.amend({ state })
  }
  let closed = 0
  const arrival = {
    stream: accepted,
    id: nextConnectionId(),
    listenerName: 'in',
    filterChainName: '',
    serverName: setup.serverName ?? '',
  }
  const session = tcpProxyFilter(runtime).serve(arrival, () => closed++)
  const client = new Peer(dialled)
  return {
    client,
    session,
    dials,
    log,
    warnings,
    clock,
    ledger,
    ends,
    wheel,
    get state() {
      return accepted.info.state
    },
    active: {
      requests: () => clusters.get('a')?.breakers('default').active('request') ?? -1,
      get draining() {
        return drain.active
      },
      set draining(value: boolean) {
        drain.active = value
      },
    },
    closedTimes: () => closed,
    stat(name) {
      const found = registry.all().find((stat) => stat.name === name)
      if (found === undefined || found.kind === 'histogram') throw new Error(`no statistic ${name}`)
      return found.value
    },
  }
}

export const tcpProxy = (more: Partial<TcpProxy> = {}): TcpProxy => ({
  kind: 'tcp-proxy',
  statPrefix: 't',
  clusters: [{ name: 'a', weight: 1 }],
  totalWeight: 1,
  tunneling: undefined,
  idleTimeoutMs: 3_600_000,
  maxConnectAttempts: 1,
  backoff: undefined,
  maxDurationMs: undefined,
  maxDurationJitterPercent: 0,
  connectMode: 'immediate',
  maxEarlyDataBytes: undefined,
  accessLogs: [],
  accessLogOptions: { flushIntervalMs: undefined, onConnected: false, onStart: false },
  proxyProtocolTlvs: [],
  tlvMerge: 'add-if-absent',
  checkDrainClose: false,
  place: place(20),
  ...more,
})

function fakeCluster(
  name: string,
  { maxConnections = 1024, discovery = 'static' }: Setup,
  registry: StatRegistry,
  dials: Dial[],
  clock: ManualClock,
): SessionCluster {
  const scope = clusterScope(registry, name)
  const stats = clusterStats(scope)
  const breakers = new CircuitBreakers(name, 'default', limits({ maxConnections }), scope)
  const model = cluster({ name, discovery })
  const codecs = clientCodecs(model, clock, { http1: http1Stats(), http2: newHttp2Stats() })
  return {
    name,
    cluster: model,
    stats,
    secure: false,
    needsOrigin: true,
    connect(need: DialNeed, waiter: ConnectWaiter) {
      return listed(dials, need, waiterFor(waiter))
    },
    acquire(need: StreamNeed, waiter: StreamWaiter) {
      return listed(dials, need, {
        connect(to) {
          const { accepted, dialled } = memoryPair()
          const owner = { onConnectionAvailable: () => undefined, onConnectionGone: () => undefined }
          const connection = new UpstreamConnection(owner, to, dialled, clock.now())
          connection.use(codecs(connection, 'http1'))
          waiter.onStreamReady(connection)
          return new Peer(accepted)
        },
        fail: (failure) => waiter.onStreamFailed(failure),
      })
    },
    admit() {
      const refusal = breakers.tryAcquire('request')
      if (refusal === undefined) stats.upstreamRqActive.value++
      return refusal
    },
    leave() {
      breakers.release('request')
      stats.upstreamRqActive.value--
    },
    breakers: () => breakers,
    serverNameFor: () => '',
    endWithHealth: () => () => undefined,
    hopNote: () => '',
    onStreamStart: (to) => to.stats.rqActive++,
    onResponseHead: (_, status) => stats.responses.count(status),
    onStreamEnd: (to) => to.stats.rqActive--,
  }
}

interface Answering {
  connect(to: Endpoint): Peer
  fail(failure: UpstreamFailure): void
}

function waiterFor(waiter: ConnectWaiter): Answering {
  return {
    connect(to) {
      const { accepted, dialled } = memoryPair()
      waiter.onConnected({ id: nextConnectionId(), endpoint: to, stream: dialled, release: () => undefined })
      return new Peer(accepted)
    },
    fail: (failure) => waiter.onConnectFailed(failure),
  }
}

function listed(dials: Dial[], need: DialNeed, answering: Answering): { cancel(): void } {
  const dial: Dial = {
    need,
    cancelled: false,
    connect: (to = endpoint(`10.0.0.${dials.length}`)) => answering.connect(to),
    fail(code, more = {}) {
      answering.fail({
        code,
        explanation: 'it did not work',
        transportFailure: '',
        cause: undefined,
        endpoint: endpoint(`10.0.0.${dials.length}`),
        ...more,
      })
    },
  }
  dials.push(dial)
  return {
    cancel() {
      dial.cancelled = true
    },
  }
}

export const dial = (running: Running, index = 0): Dial => {
  const found = running.dials[index]
  if (found === undefined) throw new Error(`dial ${index} was not made; there were ${running.dials.length}`)
  return found
}

export const shutdown = (): CloseCause => closeCause('operator', 'server', 'shutdown')
