// A listener at work: accepts on its addresses, reads the first bytes when the choice of a filter chain needs them, does
// the TLS handshake, asks the gates and hands the stream to the terminal filter of its chain.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import { type DenseItem, DenseSet } from '../core/dense-set.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { Clock } from '../core/clock.ts'
import { nextConnectionId } from '../core/ids.ts'
import { WAITING_CONNECTIONS } from '../core/limits.ts'
import type { FilterChain, Listener } from '../config/model/listener.ts'
import { placeHint } from '../config/model/place.ts'
import type { ExchangeLogger } from '../connection/runtime.ts'
import type {
  Admission,
  Arrival,
  ConnectionGateFilter,
  ConnectionPass,
  ServedConnection,
  TerminalNetworkFilter,
} from '../filter/network-filter.ts'
import { observe } from '../observe/stats/registry.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { AcceptSink } from '../transport/tcp.ts'
import { ConnectionQueue } from './connection-queue.ts'
import { FilterChainMatcher } from './filter-chain-match.ts'
import type { ListenerStats } from './listener-stats.ts'
import { inspect, type Inspected } from './inspect.ts'
import { connectionFacts } from './connection-facts.ts'
import type { ListenerFilterRuntime } from './listener-filter.ts'
import type { TlsAcceptor } from './tls-acceptor.ts'

/** A filter chain made ready. */
export interface ChainRuntime {
  readonly chain: FilterChain
  /** Asked before the TLS handshake, which they spare. */
  readonly earlyGates: readonly ConnectionGateFilter[]
  /** Asked after it. */
  readonly gates: readonly ConnectionGateFilter[]
  /** undefined = no filters: close. */
  readonly terminal: TerminalNetworkFilter | undefined
  readonly tls: TlsAcceptor | undefined
}

export interface ListenerTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly stats: ListenerStats
  readonly loggers: readonly ExchangeLogger[]
  readonly filters: readonly ListenerFilterRuntime[]
  chain(chain: FilterChain): ChainRuntime
  /** For the log: the system could not accept. */
  onAcceptError(error: Error): void
}

interface Early extends DenseItem {
  readonly stream: ReplayableStream
}

export class ListenerRuntime implements AcceptSink {
  readonly listener: Listener
  readonly #tools: ListenerTools
  readonly #matcher: FilterChainMatcher
  readonly #connections = new DenseSet<ServedConnection>()
  /** Streams that nobody serves yet. */
  readonly #early = new DenseSet<Early>()
  #draining: CloseCause | undefined
  /** Set when the number of connections is limited. */
  readonly #queue: ConnectionQueue | undefined

  constructor(listener: Listener, tools: ListenerTools) {
    this.listener = listener
    this.#tools = tools
    this.#matcher = new FilterChainMatcher(listener)
    const { maxConnections, tcpBacklogSize } = listener
    if (maxConnections !== undefined) {
      const bounds = { served: maxConnections, waiting: tcpBacklogSize ?? WAITING_CONNECTIONS }
      this.#queue = new ConnectionQueue(bounds, tools.stats, {
        onTurn: (stream) => this.#begin(stream),
        onRefused: (stream) => this.#drop(stream, this.#tooMany(maxConnections), NO_PASSES, false),
      })
    }
  }

  get connections(): Iterable<ServedConnection> {
    return this.#connections
  }

  /** Whether new connections are still welcome. */
  get accepting(): boolean {
    return this.#draining === undefined
  }

  onAccept(stream: ReplayableStream): void {
    this.#tools.stats.cxTotal.value++
    this.#tools.stats.cxActive.value++
    if (this.#queue === undefined || this.#queue.admits(stream)) this.#begin(stream)
  }

  #begin(stream: ReplayableStream): void {
    const { stats, filters } = this.#tools
    const { only } = this.#matcher
    if (only !== undefined && filters.length === 0) {
      this.#enter(only, stream, '')
      return
    }
    const early = this.#enterEarly(stream)
    stats.preCxActive.value++
    inspect(stream, this.listener, filters, this.#tools.clock, (result) => {
      this.#early.delete(early)
      this.#inspected(stream, result)
    })
  }

  onAcceptError(error: Error): void {
    this.#tools.onAcceptError(error)
  }

  /** Graceful end of every connection. */
  drain(cause: CloseCause): void {
    this.#draining = cause
    for (const stream of this.#queue?.leave() ?? []) this.#drop(stream, cause, NO_PASSES, false)
    for (const connection of this.#connections.snapshot()) connection.drain(cause)
  }

  /** Ends every connection now. */
  close(cause: CloseCause): void {
    for (const stream of this.#queue?.leave() ?? []) this.#drop(stream, cause, NO_PASSES, false)
    for (const { stream } of this.#early.snapshot()) stream.reset(cause)
    for (const connection of this.#connections.snapshot()) connection.close(cause)
  }

  #enterEarly(stream: ReplayableStream): Early {
    const early = { stream, denseIndex: -1 }
    this.#early.add(early)
    return early
  }

  #inspected(stream: ReplayableStream, result: Inspected): void {
    this.#tools.stats.preCxActive.value--
    if (result.kind === 'gone') {
      this.#gone()
      return
    }
    if (result.kind === 'failed') {
      if (result.timeout) this.#tools.stats.preCxTimeout.value++
      this.#drop(stream, result.cause)
      return
    }
    const { serverName, alpn, transportProtocol } = result.facts
    const chain = this.#matcher.choose({ info: stream.info, serverName, alpn, transportProtocol })
    if (chain !== undefined) {
      this.#enter(chain, stream, serverName)
      return
    }
    this.#tools.stats.noFilterChainMatch.value++
    const detail = `server name "${serverName}", ${transportProtocol}, from ${stream.info.remote.text}`
    this.#drop(stream, closeCause('proxy', 'tcp', 'filter_chain_not_found', detail))
  }

  #enter(chain: FilterChain, stream: ReplayableStream, serverName: string): void {
    const runtime = this.#tools.chain(chain)
    const arrival: Arrival = {
      stream,
      id: nextConnectionId(),
      listenerName: this.listener.name,
      filterChainName: chain.name,
      serverName,
    }
    const passes: ConnectionPass[] = []
    if (runtime.earlyGates.length === 0) this.#secure(runtime, arrival, passes)
    else this.#ask(runtime.earlyGates, arrival, passes, () => this.#secure(runtime, arrival, passes))
  }

  #secure(runtime: ChainRuntime, arrival: Arrival, passes: readonly ConnectionPass[]): void {
    if (runtime.tls === undefined) {
      this.#admit(runtime, arrival, passes)
      return
    }
    const { stream } = arrival
    const early = this.#enterEarly(stream)
    runtime.tls.accept(stream, {
      onSecure: (secure) => {
        this.#early.delete(early)
        this.#countHandshake(secure)
        this.#admit(runtime, { ...arrival, stream: secure }, passes)
      },
      onFailure: (cause) => {
        this.#early.delete(early)
        this.#tools.stats.sslConnectionError.value++
        this.#log(stream, cause)
        this.#gone(passes)
      },
    })
  }

  #admit(runtime: ChainRuntime, arrival: Arrival, passes: readonly ConnectionPass[]): void {
    if (runtime.gates.length === 0) {
      this.#serve(runtime, arrival, passes)
      return
    }
    const held = [...passes]
    this.#ask(runtime.gates, arrival, held, () => this.#serve(runtime, arrival, held))
  }

  /** Asks the gates one after the other; `passes` collects what they keep of the connection. */
  #ask(gates: readonly ConnectionGateFilter[], arrival: Arrival, passes: ConnectionPass[], admitted: () => void): void {
    const early = this.#enterEarly(arrival.stream)
    const next = (index: number): void => {
      const gate = gates[index]
      if (gate === undefined) {
        this.#early.delete(early)
        admitted()
        return
      }
      let answer: Admission | undefined
      let listed = false
      const decide = (admission: Admission): void => {
        answer = admission
        if (listed) settle(admission, index)
      }
      const pass = gate.admit(arrival, decide)
      if (pass !== undefined) passes.push(pass)
      listed = true
      if (answer !== undefined) settle(answer, index)
    }
    const settle = (admission: Admission, index: number): void => {
      if (admission.kind === 'admitted') next(index + 1)
      else this.#refuse(arrival.stream, early, admission, passes)
    }
    next(0)
  }

  #refuse(
    stream: ReplayableStream,
    early: Early,
    { cause, delayMs }: Extract<Admission, { kind: 'refused' }>,
    passes: readonly ConnectionPass[],
  ): void {
    const drop = (): void => {
      this.#early.delete(early)
      this.#drop(stream, cause, passes)
    }
    if (delayMs > 0) this.#tools.wheel.arm(delayMs, drop)
    else drop()
  }

  #countHandshake(stream: ReplayableStream): void {
    const { stats } = this.#tools
    stats.sslHandshake.value++
    if (stream.info.tls?.sessionReused === true) stats.sslSessionReused.value++
    if (stream.info.tls?.peerCertificate === undefined) stats.sslNoCertificate.value++
  }

  #serve(runtime: ChainRuntime, arrival: Arrival, passes: readonly ConnectionPass[]): void {
    if (runtime.terminal === undefined) {
      const cause = closeCause('proxy', 'tcp', 'filter_chain_not_found', 'the filter chain has no filters')
      this.#drop(arrival.stream, cause, passes)
      return
    }
    const openedMs = this.#tools.clock.now()
    const connection = runtime.terminal.serve(arrival, (closed) => {
      this.#connections.delete(closed)
      observe(this.#tools.stats.cxLengthMs, this.#tools.clock.now() - openedMs)
      this.#gone(passes)
    })
    this.#connections.add(connection)
    if (this.#draining !== undefined) connection.drain(this.#draining)
  }

  /** `served`: it was more than a wish, and its place is free for another. */
  #drop(
    stream: ReplayableStream,
    cause: CloseCause,
    passes: readonly ConnectionPass[] = NO_PASSES,
    served = true,
  ): void {
    this.#log(stream, cause)
    stream.setSink(IGNORE)
    stream.close(cause)
    this.#gone(passes, served)
  }

  #gone(passes: readonly ConnectionPass[] = NO_PASSES, served = true): void {
    this.#tools.stats.cxActive.value--
    this.#tools.stats.cxDestroy.value++
    for (const pass of passes) pass.released()
    if (served) this.#queue?.release()
  }

  #tooMany(limit: number): CloseCause {
    const detail = `listener "${this.listener.name}" serves ${limit} connections (${placeHint(this.listener.place)}), and as many wait as may`
    return closeCause('proxy', 'tcp', 'over_connection_limit', detail)
  }

  #log(stream: ReplayableStream, cause: CloseCause): void {
    if (this.#tools.loggers.length === 0) return
    const facts = connectionFacts(stream.info, this.listener.name, nextConnectionId(), cause, this.#tools.clock)
    for (const logger of this.#tools.loggers) logger.log(facts)
  }
}

const NO_PASSES: readonly ConnectionPass[] = []

const IGNORE = {
  onData: (): void => undefined,
  onEnd: (): void => undefined,
  onDrain: (): void => undefined,
  onClose: (): void => undefined,
}
