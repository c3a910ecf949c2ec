// Clusters with everything that dials for them, on real sockets and real time, and short ways to use them.

import assert from 'node:assert/strict'
import { systemClock } from '../../../src/core/clock.ts'
import { type CloseCause, closeCause } from '../../../src/core/close-cause.ts'
import { nextConnectionId } from '../../../src/core/ids.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { TimerWheel } from '../../../src/core/timer-wheel.ts'
import { ClusterRuntime } from '../../../src/cluster/cluster-runtime.ts'
import { clusterScope } from '../../../src/cluster/cluster-stats.ts'
import { systemResolver } from '../../../src/cluster/discovery/dns-resolver.ts'
import type { Address } from '../../../src/config/model/address.ts'
import type { Cluster, EndpointConfig, HttpProxyHop } from '../../../src/config/model/cluster.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import { DEFAULT_VALIDATION, type UpstreamTls } from '../../../src/config/model/tls.ts'
import { StatRegistry } from '../../../src/observe/stats/registry.ts'
import { codecCounters } from '../../../src/server/codec-counters.ts'
import { tcpAddress } from '../../../src/transport/address.ts'
import type { ByteStream, ByteStreamSink } from '../../../src/transport/byte-stream.ts'
import { ConnectionState } from '../../../src/transport/connection-state.ts'
import { InternalNetwork } from '../../../src/transport/internal.ts'
import { clientCodecs } from '../../../src/upstream/client-codecs.ts'
import { ClusterUpstream } from '../../../src/upstream/cluster-upstream.ts'
import { diallerFactory } from '../../../src/upstream/dial.ts'
import type {
  ConnectWaiter,
  DialNeed,
  DownstreamOrigin,
  RawConnection,
  StreamNeed,
  UpstreamFailure,
} from '../../../src/upstream/stream-need.ts'
import { until } from '../../support/waiting.ts'
import { cluster, endpointConfig, socket, upstreamTls } from '../cluster/build.ts'

export { limits } from '../cluster/build.ts'

export const STOP = closeCause('operator', 'server', 'shutdown', 'the test is over')

export interface Rig {
  readonly upstream: ClusterUpstream
  readonly internal: InternalNetwork
  stop(): void
}

/** A running cluster. */
export function rig(config: Cluster): Rig {
  const registry = new StatRegistry()
  const internal = new InternalNetwork(64 * 1024)
  const resolver = systemResolver
  const runtime = new ClusterRuntime(config, { clock: systemClock, random: systemRandom, resolver, registry })
  const upstream = new ClusterUpstream(runtime, {
    clock: systemClock,
    wheel: new TimerWheel(systemClock),
    codecs: clientCodecs(config, systemClock, codecCounters(clusterScope(registry, config.statName))),
    diallers: diallerFactory(config, { clock: systemClock, stats: runtime.stats, internal, resolver }),
  })
  runtime.start()
  return { upstream, internal, stop: () => upstream.close(STOP) }
}

/** A cluster of one endpoint on loopback. */
export const clusterOn = (port: number, more: Partial<Cluster> = {}, endpoint: Partial<EndpointConfig> = {}): Cluster =>
  clusterAt(socket('127.0.0.1', port), more, endpoint)

export const clusterAt = (
  address: Address,
  more: Partial<Cluster> = {},
  endpoint: Partial<EndpointConfig> = {},
): Cluster => cluster({ endpoints: [endpointConfig('127.0.0.1', { address, ...endpoint })], ...more })

export const proxyOn = (port: number, more: Partial<HttpProxyHop> = {}): HttpProxyHop => ({
  address: socket('127.0.0.1', port),
  basicCredentials: undefined,
  headers: [],
  alwaysConnects: false,
  tls: undefined,
  place: NOWHERE,
  ...more,
})

/** TLS that trusts `ca` alone. */
export const tlsTrusting = (ca: string, more: Partial<UpstreamTls> = {}): UpstreamTls => ({
  ...upstreamTls,
  validation: { ...DEFAULT_VALIDATION, trustedCa: Buffer.from(ca), place: NOWHERE },
  ...more,
})

export const NEED: DialNeed = { serverName: '', priority: 'default' }

export const STREAM_NEED: StreamNeed = { ...NEED, upgrade: false, downstreamProtocol: 'HTTP/1.1' }

/** A client's connection from 192.0.2.7:4711 to 198.51.100.1:443. */
export function client(more: Partial<DownstreamOrigin> = {}): DownstreamOrigin {
  const state = new ConnectionState()
  const info = { remote: tcpAddress('192.0.2.7', 4711), local: tcpAddress('198.51.100.1', 443), state }
  return { connectionId: nextConnectionId(), info, ...more }
}

/** The outcome of a connect. */
export function connect(
  upstream: ClusterUpstream,
  need: DialNeed = NEED,
): Promise<{ readonly connection: RawConnection } | { readonly failure: UpstreamFailure }> {
  return new Promise((resolve) => {
    const waiter: ConnectWaiter = {
      onConnected: (connection) => resolve({ connection }),
      onConnectFailed: (failure) => resolve({ failure }),
    }
    upstream.connect(need, waiter)
  })
}

/** A connection that must come about, read into a text. */
export async function connected(upstream: ClusterUpstream, need: DialNeed = NEED): Promise<OpenConnection> {
  const outcome = await connect(upstream, need)
  assert.ok('connection' in outcome, 'failure' in outcome ? outcome.failure.explanation : '')
  return new OpenConnection(outcome.connection)
}

/** Why a connection could not be had. */
export async function refused(upstream: ClusterUpstream, need: DialNeed = NEED): Promise<UpstreamFailure> {
  const outcome = await connect(upstream, need)
  assert.ok('failure' in outcome, 'the connection must fail')
  return outcome.failure
}

export class OpenConnection implements ByteStreamSink {
  readonly connection: RawConnection
  text = ''
  ended = false
  cause: CloseCause | undefined

  constructor(connection: RawConnection) {
    this.connection = connection
    connection.stream.setSink(this)
  }

  get stream(): ByteStream {
    return this.connection.stream
  }

  /** Sends `text` and waits until what came back ends with `answer`. */
  async exchange(text: string, answer: string): Promise<void> {
    this.stream.writeLatin1(text)
    await until(() => (this.text.endsWith(answer) ? true : undefined), {
      what: `the answer ${answer}`,
      detail: () => JSON.stringify(this.text.slice(-200)),
    })
  }

  async close(): Promise<void> {
    this.stream.reset(STOP)
    await until(() => this.cause, { what: 'the close' })
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.text += buffer.toString('latin1', start, end)
  }

  onEnd(): void {
    this.ended = true
  }

  onDrain(): void {
    // Little is written.
  }

  onClose(cause: CloseCause): void {
    this.cause = cause
    this.connection.release(cause)
  }
}
