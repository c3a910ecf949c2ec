// Opens connections to an endpoint for a lane: TCP or pipe, TLS when the cluster has it, the HTTP version by ALPN.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Address } from '../config/model/address.ts'
import type { Cluster } from '../config/model/cluster.ts'
import { observe } from '../observe/stats/registry.ts'
import { dialPipe } from '../transport/pipe.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { dialTcp, type DialSink } from '../transport/tcp.ts'
import { TlsClient } from '../transport/tls.ts'
import type { LaneMode } from './lane.ts'
import { hostJudge, subjectJudge } from './subject-alt-names.ts'

export interface Dialled {
  readonly stream: ReplayableStream
  /** What ALPN agreed; `http1` without TLS. */
  readonly version: 'http1' | 'http2'
}

export interface DialFailure {
  readonly code: ErrorCode
  readonly explanation: string
  readonly transportFailure: string
  readonly cause: CloseCause
}

/** Gets exactly one call per dial, in a later turn. */
export interface DialTarget {
  onDialled(dialled: Dialled): void
  onDialFailed(failure: DialFailure): void
}

export interface Dialler {
  dial(target: DialTarget): void
}

export type DiallerFactory = (endpoint: Endpoint, mode: LaneMode, serverName: string) => Dialler

/** Diallers of a cluster; TLS contexts and remembered sessions are shared. */
export function diallerFactory(cluster: Cluster, clock: Clock, stats: ClusterStats): DiallerFactory {
  const tls = cluster.tls === undefined ? undefined : tlsClients(cluster)
  return (endpoint, mode, serverName) => ({
    dial(target) {
      new Attempt({ cluster, clock, stats, endpoint, mode, serverName, tls: tls?.(serverName) }, target).start()
    },
  })
}

/** A client per judged host; one for all when names are judged by the configuration only. */
function tlsClients(cluster: Cluster): (host: string) => TlsClient {
  const { tls } = cluster
  const made = new Map<string, TlsClient>()
  return (host) => {
    const key = tls?.autoSanValidation === true ? host : ''
    let client = made.get(key)
    if (client === undefined && tls !== undefined) {
      const verifySubject = key === '' ? subjectJudge(tls.validation) : hostJudge(key)
      client = new TlsClient({ ...tls, ...(verifySubject === undefined ? {} : { verifySubject }) })
      if (made.size >= MANY_HOSTS) made.clear()
      made.set(key, client)
    }
    if (client === undefined) throw new Error('TLS client asked of a cluster without TLS')
    return client
  }
}

/** Hosts come from requests: remembered clients are bounded. */
const MANY_HOSTS = 256

interface AttemptParts {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly stats: ClusterStats
  readonly endpoint: Endpoint
  readonly mode: LaneMode
  readonly serverName: string
  readonly tls: TlsClient | undefined
}

class Attempt implements DialSink {
  readonly #parts: AttemptParts
  readonly #target: DialTarget
  readonly #startMs: number
  #address = 0

  constructor(parts: AttemptParts, target: DialTarget) {
    this.#parts = parts
    this.#target = target
    this.#startMs = parts.clock.now()
  }

  start(): void {
    const { endpoint } = this.#parts
    const address = endpoint.addresses[this.#address]
    const leftMs = this.#leftMs()
    if (address !== undefined && leftMs > 0) this.#dialAddress(address, leftMs)
    else
      queueMicrotask(() =>
        this.#failed(closeCause('upstream', 'tcp', 'upstream_connection_timeout', `${endpoint.text}: no time left`)),
      )
  }

  onConnect(stream: ReplayableStream): void {
    const { tls, clock } = this.#parts
    if (tls === undefined) {
      this.#done(stream)
      return
    }
    const limits = { clock, timeoutMs: Math.max(1, Math.ceil(this.#leftMs())) }
    const sink = {
      onSecure: (secure: ReplayableStream) => this.#done(secure),
      onHandshakeError: (cause: CloseCause) => this.#failed(cause),
    }
    tls.connect(stream, this.#sni(), limits, sink, this.#alpn())
  }

  onConnectError(cause: CloseCause): void {
    // A name with addresses of both families: the other one may work (RFC 8305 §5, without the race).
    if (this.#address + 1 < this.#parts.endpoint.addresses.length && this.#leftMs() > 0) {
      this.#address++
      this.start()
      return
    }
    this.#failed(cause)
  }

  #dialAddress(address: Address, connectTimeoutMs: number): void {
    const { cluster, clock } = this.#parts
    switch (address.kind) {
      case 'socket': {
        const bind = cluster.bindAddress === undefined ? {} : { localAddress: cluster.bindAddress }
        const keepAlive = cluster.keepalive === undefined ? {} : { keepAliveSeconds: cluster.keepalive.timeMs / 1000 }
        dialTcp({ host: address.host, port: address.port, clock, connectTimeoutMs, ...bind, ...keepAlive }, this)
        return
      }
      case 'pipe':
        dialPipe({ path: address.path, clock, connectTimeoutMs }, this)
        return
      case 'internal':
        queueMicrotask(() =>
          this.#failed(
            closeCause('proxy', 'tcp', 'upstream_connection_failure', 'internal listeners are not supported yet'),
          ),
        )
    }
  }

  #sni(): string {
    const { cluster, serverName, endpoint } = this.#parts
    if (serverName !== '') return serverName
    if (cluster.tls?.autoHostSni === true && endpoint.hostname !== '') return endpoint.hostname
    return cluster.tls?.sni ?? ''
  }

  /** The lane decides what is offered; an explicit list of the configuration wins for explicit versions. */
  #alpn(): readonly string[] {
    const { mode, cluster } = this.#parts
    if (mode === 'auto') return ['h2', 'http/1.1']
    const configured = cluster.tls?.alpn ?? []
    if (cluster.protocol.kind === 'explicit' && configured.length > 0) return configured
    return mode === 'http2' ? ['h2'] : ['http/1.1']
  }

  #done(stream: ReplayableStream): void {
    observe(this.#parts.stats.upstreamCxConnectMs, this.#parts.clock.now() - this.#startMs)
    this.#target.onDialled({ stream, version: stream.info.tls?.alpn === 'h2' ? 'http2' : 'http1' })
  }

  #failed(cause: CloseCause): void {
    const { stats, endpoint } = this.#parts
    const failure = cause.layer === 'tls' ? cause.detail : ''
    endpoint.stats.cxConnectFail++
    stats.upstreamCxConnectFail.value++
    if (cause.code === 'upstream_connection_timeout') stats.upstreamCxConnectTimeout.value++
    this.#target.onDialFailed({ code: cause.code, explanation: cause.detail, transportFailure: failure, cause })
  }

  #leftMs(): number {
    return this.#parts.cluster.connectTimeoutMs - (this.#parts.clock.now() - this.#startMs)
  }
}
