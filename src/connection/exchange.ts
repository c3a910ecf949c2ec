// One request and what becomes of it: checks, route, filters on the way up, response on the way down, or a tunnel.
// Sink of the downstream stream and of the terminal filter; ends exactly once, with a cause, a log line and statistics.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { DenseItem } from '../core/dense-set.ts'
import { errorEntry } from '../core/errors.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, ResponseHead, ServerStream, ServerStreamSink, TunnelIntent } from '../codec/http-stream.ts'
import type { Place } from '../config/model/place.ts'
import type { ForwardAction, Route, WeightedCluster } from '../config/model/route.ts'
import type { LocalReply, TerminalSink, UpstreamTunnel } from '../filter/http-filter.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import { type SelectedRoute, withAction } from '../route/compiled-table.ts'
import { tunnelIntent } from '../route/connect-termination.ts'
import { selectRoute, type RouteMiss } from '../route/select-route.ts'
import { decideUpgrade, filterChoosesAction, type UpgradeDecision } from '../route/upgrade-policy.ts'
import { PAUSE } from '../transport/byte-stream.ts'
import { addFlag, blankFacts } from '../format/blank-facts.ts'
import { ExchangeLog } from './exchange-log.ts'
import { ExchangeTimers } from './exchange-timers.ts'
import { buildLocalReply } from './local-reply.ts'
import { checkRequest } from './request-checks.ts'
import { RequestPath } from './request-path.ts'
import { keepRefusal } from './refused-upgrade.ts'
import { finaliseResponse } from './response-headers.ts'
import type { FilterChainRuntime, HcmRuntime } from './runtime.ts'
import { countResponse } from './response-stats.ts'
import { openTunnel, type TunnelSession } from './tunnel-session.ts'
import type { DownstreamConnection } from './connection.ts'

export class Exchange implements ServerStreamSink, TerminalSink, DenseItem {
  denseIndex = -1
  readonly facts: StreamFacts
  readonly stream: ServerStream
  readonly head: RequestHead
  readonly runtime: HcmRuntime
  selected: SelectedRoute | undefined
  routeMiss: RouteMiss | undefined
  weighted: WeightedCluster | undefined
  readonly #connection: DownstreamConnection
  readonly #timers: ExchangeTimers
  readonly #log: ExchangeLog | undefined
  readonly #path: RequestPath
  #tunnel: TunnelSession | undefined
  /** Bytes that the body may have. */
  #bodyLimit = Infinity
  #requestEnded: boolean
  #responseStarted = false
  #pausedUpstream = false
  #closeAfter = false
  #countedUpgrade = false
  #ended = false

  constructor(connection: DownstreamConnection, stream: ServerStream, head: RequestHead, endStream: boolean) {
    const { runtime } = connection
    this.#connection = connection
    this.runtime = runtime
    this.stream = stream
    this.head = head
    this.#requestEnded = endStream
    this.#path = new RequestPath(this)
    this.facts = blankFacts(runtime.clock, connection.id, connection.info, runtime, head)
    if (endStream) this.facts.times.requestEnd = this.facts.times.start
    this.#timers = new ExchangeTimers(this, runtime)
    if (runtime.loggers.length > 0) this.#log = new ExchangeLog(this)
  }

  get logged(): boolean {
    return this.#log !== undefined
  }

  /** Whether the client's message is complete. */
  get requestEnded(): boolean {
    return this.#requestEnded
  }

  /** Whether everything is over. */
  get ended(): boolean {
    return this.#ended
  }

  /** Whether a final response head was sent. */
  get responseStarted(): boolean {
    return this.#responseStarted
  }

  /** Effective stream idle timeout in ms; undefined = off. */
  get idleMs(): number | undefined {
    return this.#timers.idleMs
  }

  /** Where the idle timeout was set. */
  get idlePlace(): Place {
    return this.#timers.idlePlace
  }

  /** What is left of the maximum stream duration in ms; undefined = no limit. */
  maxDurationLeftMs(): number | undefined {
    const { maxDurationMs } = this.#timers
    if (maxDurationMs === undefined) return undefined
    return Math.max(1, maxDurationMs - (this.runtime.clock.now() - this.facts.times.start))
  }

  /** Whether the payload of its tunnel is the two message bodies, because the client asked for no tunnel (a POST). */
  get tunnelsBodies(): boolean {
    return this.head.tunnel?.kind === 'connect' && this.head.method !== 'CONNECT'
  }

  get tunnel(): TunnelSession | undefined {
    return this.#tunnel
  }

  /** Runs the request up to its first waiting point. */
  start(): void {
    const { runtime, head } = this
    this.stream.setSink(this)
    this.stream.setHighWater(runtime.bufferLimitBytes)
    const { tunnel } = head
    if (tunnel !== undefined) this.facts.upgradeType = tunnel.kind === 'connect' ? 'CONNECT' : tunnel.type
    this.#timers.start()
    const check = checkRequest(head, runtime.config, this.#connection.info, this.#requestEnded)
    if (check.kind === 'refused') {
      this.#countRefusal(check.code)
      this.sendLocalReply({ code: check.code, explanation: check.explanation, closeConnection: tunnel !== undefined })
      return
    }
    runtime.forwarder.apply(head, this.stream.connection, this.facts)
    if (check.kind === 'redirect') {
      runtime.stats.rqRedirectedWithNormalizedPath.value++
      this.sendLocalReply({
        code: 'direct_response',
        status: check.status,
        explanation: '',
        headers: [['location', check.location]],
      })
      return
    }
    this.#selectRoute()
    this.#log?.started()
    if (Number(head.headers.get('content-length') ?? 0) > this.#bodyLimit) {
      this.#bodyTooLarge()
      return
    }
    const chain = this.#chooseChain()
    if (chain !== undefined) this.#path.run(chain)
  }

  // ── what the downstream stream says ──

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#ended) return
    this.facts.bytesReceived += end - start
    this.#timers.touch()
    if (this.facts.bytesReceived > this.#bodyLimit) {
      this.#bodyTooLarge()
      return
    }
    if (endStream) this.#requestComplete()
    this.#path.data(buffer, start, end, endStream)
  }

  onTrailers(trailers: HeaderList): void {
    if (this.#ended) return
    this.#requestComplete()
    this.#path.trailers(trailers)
  }

  onEarlyData(): void {
    if (!this.#ended) this.#path.earlyData()
  }

  onDrain(): void {
    if (!this.#pausedUpstream) return
    this.#pausedUpstream = false
    this.runtime.stats.flowResumed.value++
    this.#path.resumeUpstream()
  }

  onReset(cause: CloseCause): void {
    if (this.#ended || this.#tunnel !== undefined) return
    // Answered in full before the request ended: the codec lets go of the rest of it, which is no failure.
    if (cause.code !== 'finished') {
      addFlag(this.facts, errorEntry(cause.code).flag)
      this.facts.responseCodeDetails = errorEntry(cause.code).detail
    }
    if (cause.by === 'client') this.runtime.stats.rqRxReset.value++
    this.#path.abort(cause)
    this.finish(cause)
  }

  // ── what filters ask ──

  setRequestBufferLimit(bytes: number): void {
    this.#path.limitHeld(bytes)
  }

  continueRequest(): void {
    this.#path.goOn()
  }

  forwardBy(action: ForwardAction): boolean {
    const { selected, head } = this
    if (selected === undefined) return false
    this.selected = withAction(selected, action)
    this.#timers.useRoute(this.selected.route)
    if (head.tunnel === undefined) return true
    return this.#permits(this.#decideUpgrade(head.tunnel, this.selected.route))
  }

  replaceRequestBody(bytes: Buffer): void {
    this.#path.replaceBody(bytes)
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.#ended) return
    if (this.#responseStarted) {
      this.#resetBoth(closeCause('proxy', 'http', reply.code, reply.explanation))
      return
    }
    const entry = errorEntry(reply.code)
    addFlag(this.facts, entry.flag)
    if (this.facts.responseCodeDetails === '')
      this.facts.responseCodeDetails = (reply.details ?? entry.detail).replaceAll(' ', '_')
    const cause = closeCause(replyBlame(reply), 'http', reply.code, reply.explanation)
    this.facts.cause ??= cause
    this.#path.abort(cause)
    if (this.#mustClose(reply)) this.#closeAfter = true
    const shown = this.#path.localReply(reply)
    if (shown !== undefined) this.#sendReply(shown)
  }

  #sendReply(reply: LocalReply): void {
    const built = this.runtime.localReplies.rewrite(buildLocalReply(reply), this.facts)
    this.facts.localReplyBody = built.body.toString('latin1')
    const headOnly = this.head.method === 'HEAD' || built.body.length === 0
    this.#sendHead(built.head, headOnly)
    if (!headOnly) {
      this.facts.bytesSent += built.body.length
      this.stream.sendData(built.body, 0, built.body.length, true)
    }
    this.#responseComplete()
  }

  // ── what the terminal filter brings ──

  onInformational(head: ResponseHead): void {
    if (this.#ended || this.#responseStarted) return
    // No back-pressure holds these back, and an origin may send them without end: a client that does not read gets no more.
    if (this.stream.connection.queuedBytes > this.runtime.bufferLimitBytes) return
    this.stream.respondInformational(head)
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    if (this.#ended) return
    this.#timers.touch()
    if (!this.#path.responseHead(head, endStream)) {
      this.#path.abort(closeCause('proxy', 'http', 'direct_response', 'a filter answers in its place'))
      return
    }
    if (this.head.tunnel !== undefined && !this.#multiplexed()) this.#closeAfter = true
    this.#sendHead(head, endStream)
    if (endStream) this.#responseComplete()
  }

  onResponseData(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    if (this.#ended) return true
    this.#timers.touch()
    this.facts.bytesSent += end - start
    const open = this.stream.sendData(buffer, start, end, endStream)
    if (endStream) this.#responseComplete()
    if (open || endStream) return true
    this.#pausedUpstream = true
    this.runtime.stats.flowPaused.value++
    return false
  }

  onResponseTrailers(trailers: HeaderList): void {
    if (this.#ended) return
    this.facts.responseTrailers = trailers
    this.stream.sendTrailers(trailers)
    this.#responseComplete()
  }

  onTunnelAccepted(head: ResponseHead, tunnel: UpstreamTunnel): void {
    if (this.#ended) return
    this.facts.tunnelled = true
    this.#path.responseHead(head, false)
    this.#timers.tunnelAccepted()
    this.#sendHead(head, false)
    this.#tunnel = openTunnel(this, tunnel)
    this.#log?.tunnelEstablished()
  }

  onUpstreamReset(cause: CloseCause): void {
    if (this.#ended) return
    addFlag(this.facts, errorEntry(cause.code).flag)
    this.facts.responseCodeDetails = errorEntry(cause.code).detail
    this.runtime.stats.rqResetAfterResponse.value++
    this.runtime.stats.rqTxReset.value++
    this.finish(cause)
    this.stream.reset(cause)
  }

  useWeighted(member: WeightedCluster): void {
    this.weighted = member
  }

  /** The client may send again: the terminal filter has room. */
  onRequestDrain(): void {
    this.stream.resumeReading(PAUSE.peerSlow)
  }

  // ── ends ──

  /** A timer ran out: answers if it still can, else resets. */
  expire(reply: LocalReply): void {
    if (this.#ended) return
    if (this.#tunnel !== undefined) this.#tunnel.close(closeCause('proxy', 'tunnel', reply.code, reply.explanation))
    else if (!this.#responseStarted) this.sendLocalReply({ ...reply, closeConnection: !this.#requestEnded })
    else this.#resetBoth(closeCause('proxy', 'http', reply.code, reply.explanation))
  }

  /** An operator or the shutdown ends it. */
  terminate(cause: CloseCause): void {
    if (this.#ended) return
    if (this.#tunnel !== undefined) this.#tunnel.close(cause)
    else this.#resetBoth(cause)
  }

  /** Everything is over: statistics, logs, release. Called once; later calls do nothing. */
  finish(cause: CloseCause): void {
    if (this.#ended) return
    this.#ended = true
    this.#timers.cancel()
    const { facts, runtime } = this
    facts.cause ??= cause
    facts.times.end = facts.now = runtime.clock.now()
    if (this.#countedUpgrade) runtime.stats.cxUpgradesActive.value--
    this.#path.destroy()
    this.#connection.onExchangeEnd(this)
    this.#log?.ended()
  }

  /**
   * Whether what follows on the connection could be taken for a request though it is not one. Deviation: Envoy also ends
   * an HTTP/2 connection after a refused upgrade; frames keep streams apart, and the others' tunnels are on it.
   */
  #mustClose(reply: LocalReply): boolean {
    return !this.#multiplexed() && (reply.closeConnection === true || this.head.tunnel !== undefined)
  }

  #multiplexed(): boolean {
    return this.head.protocol === 'HTTP/2' || this.head.protocol === 'HTTP/3'
  }

  #countRefusal(code: LocalReply['code']): void {
    const { stats } = this.runtime
    if (code === 'absolute_path_rejected') stats.rqNonRelativePath.value++
    if (code === 'path_normalization_failed') stats.rqFailedPathNormalization.value++
  }

  #selectRoute(): void {
    const { runtime, facts, head } = this
    const internal = head.headers.get(runtime.internalHeader) === 'true'
    const found = selectRoute(runtime.routes, {
      head,
      internal,
      tls: this.#connection.info.tls,
      random: runtime.random(),
      clientIp: facts.downstreamRemoteIp,
    })
    if (found.kind !== 'route') {
      this.routeMiss = found
      return
    }
    this.selected = found
    this.#considerPost(found.route)
    facts.routeName = found.route.name
    facts.virtualHostName = found.virtualHost.name
    facts.routePlace = found.route.place
    this.#timers.useRoute(found.route)
    if (head.tunnel === undefined) this.#bodyLimit = found.route.maxRequestBodyBytes ?? Infinity
  }

  #bodyTooLarge(): void {
    this.runtime.stats.rqTooLarge.value++
    this.sendLocalReply({
      code: 'request_payload_too_large',
      explanation: `the route takes bodies of at most ${this.#bodyLimit} bytes`,
      place: this.selected?.route.place,
      closeConnection: true,
    })
  }

  /** A POST that its route takes for a CONNECT is one from here on, for filters, statistics and logs (allow_post). */
  #considerPost(route: Route): void {
    const { head } = this
    if (head.tunnel !== undefined) return
    head.tunnel = tunnelIntent(head, route)
    if (head.tunnel !== undefined) this.facts.upgradeType = 'CONNECT'
  }

  /** The chain that this request runs through; undefined when it was answered here. */
  #chooseChain(): FilterChainRuntime | undefined {
    const { runtime, head } = this
    const { tunnel } = head
    if (tunnel === undefined || this.selected === undefined || filterChoosesAction(this.selected))
      return runtime.chain(runtime.config.filters)
    const decision = this.#decideUpgrade(tunnel, this.selected.route)
    return this.#permits(decision) ? runtime.chain(decision.filters ?? runtime.config.filters) : undefined
  }

  #decideUpgrade(tunnel: TunnelIntent, route: Route): UpgradeDecision {
    const { config } = this.runtime
    return decideUpgrade(tunnel, config.upgrades, config.place, route)
  }

  /** Counts an upgrade that may pass; answers one that may not. */
  #permits(decision: UpgradeDecision): decision is Exclude<UpgradeDecision, { kind: 'refused' }> {
    const { stats } = this.runtime
    if (decision.kind === 'allowed' && !this.#countedUpgrade) {
      stats.cxUpgradesTotal.value++
      stats.cxUpgradesActive.value++
      this.#countedUpgrade = true
    }
    if (decision.kind !== 'refused') return true
    stats.rqWsOnNonWsRoute.value++
    // envoy.md §2.3: what follows a refused upgrade may be payload; it must never be read as a next request.
    this.sendLocalReply({
      code: 'upgrade_failed',
      explanation: decision.explanation,
      place: decision.place,
      closeConnection: true,
    })
    return false
  }

  #requestComplete(): void {
    if (this.#requestEnded) return
    this.#requestEnded = true
    this.facts.times.requestEnd = this.runtime.clock.now()
    this.#timers.requestComplete()
  }

  #sendHead(head: ResponseHead, endStream: boolean): void {
    const { facts, runtime } = this
    this.#responseStarted = true
    keepRefusal(head, this)
    facts.response = head
    facts.responseCode = head.status
    facts.times.downstreamResponseStart = runtime.clock.now()
    this.#timers.responseStarted()
    finaliseResponse(head, this)
    countResponse(runtime.stats, head.status)
    if (this.#countedUpgrade && !facts.tunnelled) runtime.stats.upgrade(facts.upgradeType).refusedTotal.value++
    if (!facts.tunnelled && (this.#closeAfter || runtime.drain.active)) this.stream.closeAfterResponse()
    this.stream.respond(head, endStream)
  }

  #responseComplete(): void {
    const { stats } = this.runtime
    if (!this.#requestEnded) stats.rqResponseBeforeRqComplete.value++
    this.finish(this.facts.cause ?? closeCause('upstream', 'http', 'finished'))
  }

  #resetBoth(cause: CloseCause): void {
    addFlag(this.facts, errorEntry(cause.code).flag)
    this.facts.responseCodeDetails = errorEntry(cause.code).detail
    this.facts.cause ??= cause
    this.runtime.stats.rqTxReset.value++
    this.#path.abort(cause)
    this.finish(cause)
    this.stream.reset(cause)
  }
}

function replyBlame(reply: LocalReply): CloseCause['by'] {
  const { fault } = errorEntry(reply.code)
  return fault === 'client' || fault === 'upstream' || fault === 'operator' ? fault : 'proxy'
}
