// What every UDP session has, however it reaches its upstream: the client's address, an idle limit, a slot of the cluster's
// circuit breaker, counts, its ledger entry and its log lines. A session is one 4-tuple.

import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import { errorEntry } from '../../core/errors.ts'
import { nextConnectionId } from '../../core/ids.ts'
import type { Deadline } from '../../core/timer-wheel.ts'
import { placeHint } from '../../config/model/place.ts'
import { addFlag, blankFacts } from '../../format/blank-facts.ts'
import { FactsLog } from '../../format/facts-log.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import { endWithoutFrames, type TunnelEntry } from '../../observe/ledger/ledger.ts'
import { tcpAddress } from '../../transport/address.ts'
import { ConnectionState } from '../../transport/connection-state.ts'
import type { UdpPeer, UdpSocket } from '../../transport/udp.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { ServedConnection } from '../network-filter.ts'
import type { UdpProxyRuntime } from './runtime.ts'

/** What a session is made of. */
export interface SessionParts {
  readonly runtime: UdpProxyRuntime
  readonly upstream: ClusterUpstream
  /** The listening socket, which also answers. */
  readonly socket: UdpSocket
  readonly peer: UdpPeer
  /** Called once when the session is over. */
  readonly onEnded: (session: UdpSession) => void
}

/** Where the datagrams go once there is a way. */
export interface UpstreamLeg {
  readonly endpoint: string
  readonly protocol: string
  readonly hopNote: string
  readonly queuedBytes: () => number
}

/** Namespace of Envoy's session counts in dynamic metadata. */
const METADATA_NAMESPACE = 'udp.proxy.session'

export abstract class UdpSession implements ServedConnection {
  denseIndex = -1
  readonly facts: StreamFacts
  protected readonly runtime: UdpProxyRuntime
  protected readonly upstream: ClusterUpstream
  protected over = false
  readonly #parts: SessionParts
  /** envoy.md §3.3: lines when the tunnel stands, at intervals, at the end. */
  readonly #log: FactsLog
  readonly #idle: Deadline
  #entry: TunnelEntry | undefined
  #lastActivityMs: number
  #received = 0
  #sent = 0
  #sendErrors = 0

  constructor(parts: SessionParts) {
    const { runtime, upstream, socket, peer } = parts
    this.runtime = runtime
    this.upstream = upstream
    this.#parts = parts
    const info = { local: socket.local, remote: tcpAddress(peer.address, peer.port), state: new ConnectionState() }
    const entrance = { listenerName: runtime.listenerName, filterChainName: '' }
    this.facts = blankFacts(runtime.clock, nextConnectionId(), info, entrance, undefined)
    this.facts.clusterName = upstream.name
    this.#lastActivityMs = this.facts.times.start
    const { clock, loggers } = runtime
    this.#log = new FactsLog({ facts: this.facts, clock, loggers, update: () => this.#noteCounts() })
    this.#idle = runtime.wheel.arm(runtime.config.idleTimeoutMs, () => this.#expire())
    upstream.breakers('default').acquire('connection')
    runtime.stats.total.value++
    runtime.stats.active.value++
    this.#log.repeat('UdpPeriodic', runtime.config.accessLogOptions.flushIntervalMs)
  }

  /** Finds a way to the upstream. May end the session before it returns. */
  abstract start(): void

  /** A datagram of the client; `payload` is the session's own. */
  forward(payload: Buffer): void {
    if (this.over) return
    const { stats } = this.runtime
    stats.rxDatagrams.value++
    stats.rxBytes.value += payload.length
    this.#received++
    this.facts.bytesReceived += payload.length
    this.#touch()
    this.toUpstream(payload)
  }

  /** Sessions have no work that could be finished; an operator's drain lets them run until they are idle. */
  drain(): void {
    // New sessions are not opened any more: that is the listener's.
  }

  close(cause: CloseCause): void {
    this.end(cause)
  }

  protected abstract toUpstream(payload: Buffer): void

  /** Lets go of the upstream. */
  protected abstract leaveUpstream(cause: CloseCause): void

  /** A datagram of the upstream. */
  protected toClient(buffer: Buffer, start: number, end: number): void {
    const { stats, clusterStats } = this.runtime
    clusterStats.rxDatagrams.value++
    this.upstream.stats.upstreamCxRxBytesTotal.value += end - start
    this.#touch()
    const { socket, peer } = this.#parts
    if (!socket.send(buffer, start, end, peer)) {
      stats.txErrors.value++
      this.#sendErrors++
      return
    }
    stats.txDatagrams.value++
    stats.txBytes.value += end - start
    this.#sent++
    this.facts.bytesSent += end - start
  }

  /** A datagram went up. */
  protected countSent(bytes: number): void {
    this.runtime.clusterStats.txDatagrams.value++
    this.upstream.stats.upstreamCxTxBytesTotal.value += bytes
  }

  /** There is a way: the session shows in the ledger. */
  protected established(leg: UpstreamLeg): void {
    const entry = this.#ledgerEntry(leg)
    this.#entry = entry
    this.runtime.ledger.open(entry)
    const { onTunnelConnected } = this.runtime.config.accessLogOptions
    if (leg.protocol !== 'UDP' && onTunnelConnected) this.#log.write('UdpTunnelUpstreamConnected')
  }

  protected end(cause: CloseCause): void {
    if (this.over) return
    this.over = true
    const { runtime, facts } = this
    this.#idle.cancel()
    this.leaveUpstream(cause)
    this.upstream.breakers('default').release('connection')
    runtime.stats.active.value--
    facts.cause = cause
    addFlag(facts, errorEntry(cause.code).flag)
    facts.times.end = facts.now = runtime.clock.now()
    if (this.#entry !== undefined) {
      const durationMs = facts.times.end - facts.times.start
      runtime.ledger.close(this.#entry, endWithoutFrames(cause, durationMs))
    } else if (cause.by !== 'client') {
      this.#tellFailure(cause)
    }
    this.#log.end('UdpSessionEnd')
    this.#parts.onEnded(this)
  }

  /** Datagrams that led nowhere: the client hears nothing. */
  #tellFailure(cause: CloseCause): void {
    const { facts, runtime } = this
    runtime.ledger.fail({
      id: facts.streamId,
      type: 'UDP',
      wallMs: runtime.clock.wallNow(),
      client: facts.downstream.remote.text,
      listener: runtime.listenerName,
      authority: facts.request?.authority ?? '',
      cluster: this.upstream.name,
      place: runtime.config.place,
      cause,
    })
  }

  #expire(): void {
    const { config, stats } = this.runtime
    stats.idleTimeout.value++
    const detail = `no datagram for ${config.idleTimeoutMs} ms, set at ${placeHint(config.place)}`
    this.end(closeCause('proxy', 'udp', 'udp_session_idle', detail))
  }

  #touch(): void {
    this.#idle.touch()
    this.#lastActivityMs = this.runtime.wheel.nowMs
  }

  #noteCounts(): void {
    const { facts } = this
    const { state } = facts.downstream
    const note = (key: string, value: string | number): void =>
      state?.setMetadata(METADATA_NAMESPACE, key, String(value))
    note('cluster_name', this.upstream.name)
    note('bytes_received', facts.bytesReceived)
    note('bytes_sent', facts.bytesSent)
    note('datagrams_received', this.#received)
    note('datagrams_sent', this.#sent)
    note('errors_sent', this.#sendErrors)
  }

  #ledgerEntry({ endpoint, protocol, hopNote, queuedBytes }: UpstreamLeg): TunnelEntry {
    const { facts, runtime } = this
    return {
      denseIndex: -1,
      id: facts.streamId,
      type: 'UDP',
      openedWallMs: facts.startWallMs,
      openedMs: facts.times.start,
      client: facts.downstream.remote.text,
      listener: runtime.listenerName,
      method: '',
      authority: facts.request?.authority ?? '',
      path: facts.request?.path ?? '',
      route: '',
      routePlace: runtime.config.place,
      cluster: this.upstream.name,
      endpoint,
      downstreamProtocol: 'UDP',
      upstreamProtocol: protocol,
      hopNote,
      requestId: '',
      fromClient: () => ({ bytes: facts.bytesReceived, messages: this.#received }),
      fromUpstream: () => ({ bytes: facts.bytesSent, messages: this.#sent }),
      lastActivityMs: () => this.#lastActivityMs,
      queuedBytes: () => ({ toClient: 0, toUpstream: queuedBytes() }),
      close: (cause) => this.end(cause),
    }
  }
}
