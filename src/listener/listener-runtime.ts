// A listener at work: accepts on its addresses, reads the first bytes when the choice of a filter chain needs them, does
// the TLS handshake and hands the stream to the connection manager of its chain.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import { type DenseItem, DenseSet } from '../core/dense-set.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { Clock } from '../core/clock.ts'
import { nextConnectionId } from '../core/ids.ts'
import type { FilterChain, Listener } from '../config/model/listener.ts'
import { DownstreamConnection } from '../connection/connection.ts'
import type { ExchangeLogger, HcmRuntime } from '../connection/runtime.ts'
import { observe } from '../observe/stats/registry.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { AcceptSink } from '../transport/tcp.ts'
import { FilterChainMatcher } from './filter-chain-match.ts'
import type { ListenerStats } from './listener-stats.ts'
import { inspect, type Inspected } from './inspect.ts'
import { connectionFacts } from './connection-facts.ts'
import type { TlsAcceptor } from './tls-acceptor.ts'

/** A filter chain made ready. */
export interface ChainRuntime {
  readonly chain: FilterChain
  /** undefined = no filters: close. */
  readonly hcm: HcmRuntime | undefined
  readonly tls: TlsAcceptor | undefined
}

export interface ListenerTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly stats: ListenerStats
  readonly loggers: readonly ExchangeLogger[]
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
  readonly #connections = new DenseSet<DownstreamConnection>()
  /** Streams that have no connection manager yet. */
  readonly #early = new DenseSet<Early>()
  #draining: CloseCause | undefined

  constructor(listener: Listener, tools: ListenerTools) {
    this.listener = listener
    this.#tools = tools
    this.#matcher = new FilterChainMatcher(listener)
  }

  get connections(): Iterable<DownstreamConnection> {
    return this.#connections
  }

  onAccept(stream: ReplayableStream): void {
    const { stats } = this.#tools
    stats.cxTotal.value++
    stats.cxActive.value++
    const { only } = this.#matcher
    if (only !== undefined && !this.listener.inspectTls) {
      this.#enter(only, stream)
      return
    }
    const early = this.#enterEarly(stream)
    stats.preCxActive.value++
    inspect(stream, this.listener, this.#tools.clock, (result) => {
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
    for (const connection of this.#connections.snapshot()) connection.drain(cause)
  }

  /** Ends every connection now. */
  close(cause: CloseCause): void {
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
      this.#tools.stats.preCxTimeout.value++
      this.#drop(stream, result.cause)
      return
    }
    const { serverName, alpn, transportProtocol } = result
    const chain = this.#matcher.choose({ info: stream.info, serverName, alpn, transportProtocol })
    if (chain !== undefined) {
      this.#enter(chain, stream)
      return
    }
    this.#tools.stats.noFilterChainMatch.value++
    const detail = `server name "${serverName}", ${transportProtocol}, from ${stream.info.remote.text}`
    this.#drop(stream, closeCause('proxy', 'tcp', 'filter_chain_not_found', detail))
  }

  #enter(chain: FilterChain, stream: ReplayableStream): void {
    const runtime = this.#tools.chain(chain)
    if (runtime.tls === undefined) {
      this.#serve(runtime, stream)
      return
    }
    const early = this.#enterEarly(stream)
    runtime.tls.accept(stream, {
      onSecure: (secure) => {
        this.#early.delete(early)
        this.#countHandshake(secure)
        this.#serve(runtime, secure)
      },
      onFailure: (cause) => {
        this.#early.delete(early)
        this.#tools.stats.sslConnectionError.value++
        this.#log(stream, cause)
        this.#gone()
      },
    })
  }

  #countHandshake(stream: ReplayableStream): void {
    const { stats } = this.#tools
    stats.sslHandshake.value++
    if (stream.info.tls?.sessionReused === true) stats.sslSessionReused.value++
    if (stream.info.tls?.peerCertificate === undefined) stats.sslNoCertificate.value++
  }

  #serve(runtime: ChainRuntime, stream: ReplayableStream): void {
    if (runtime.hcm === undefined) {
      this.#drop(stream, closeCause('proxy', 'tcp', 'filter_chain_not_found', 'the filter chain has no filters'))
      return
    }
    const openedMs = this.#tools.clock.now()
    const connection = new DownstreamConnection(runtime.hcm, stream, (closed) => {
      this.#connections.delete(closed)
      observe(this.#tools.stats.cxLengthMs, this.#tools.clock.now() - openedMs)
      this.#gone()
    })
    this.#connections.add(connection)
    connection.start()
    if (this.#draining !== undefined) connection.drain(this.#draining)
  }

  #drop(stream: ReplayableStream, cause: CloseCause): void {
    this.#log(stream, cause)
    stream.setSink(IGNORE)
    stream.close(cause)
    this.#gone()
  }

  #gone(): void {
    this.#tools.stats.cxActive.value--
    this.#tools.stats.cxDestroy.value++
  }

  #log(stream: ReplayableStream, cause: CloseCause): void {
    if (this.#tools.loggers.length === 0) return
    const facts = connectionFacts(stream.info, this.listener.name, nextConnectionId(), cause, this.#tools.clock)
    for (const logger of this.#tools.loggers) logger.log(facts)
  }
}

const IGNORE = {
  onData: (): void => undefined,
  onEnd: (): void => undefined,
  onDrain: (): void => undefined,
  onClose: (): void => undefined,
}
