// The terminal filter: answers directly, redirects, or has an attempt bring the request to the route's cluster. Keeps what
// outlives an attempt: the route timeout, and whether the client was answered.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { Deadline } from '../../../core/timer-wheel.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { Place } from '../../../config/model/place.ts'
import type { ForwardAction } from '../../../config/model/route.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'
import { terminationOf } from '../../../route/connect-termination.ts'
import type { TerminalFilter, TerminalSink } from '../../http-filter.ts'
import { ConnectTermination } from './connect-termination.ts'
import type { Attempt, AttemptOwner } from './forwarding.ts'
import { HttpAttempt } from './http-attempt.ts'
import { answerLocally } from './local-answer.ts'
import { chooseDestination, prepareRequest, type Destination } from './prepare-request.ts'
import type { RouterTools } from './router-tools.ts'

export class Router implements TerminalFilter, AttemptOwner {
  readonly #tools: RouterTools
  readonly #sink: TerminalSink
  #attempt: Attempt | undefined
  #destination: Destination | undefined
  #timeout: Deadline | undefined
  /** Bytes behind the head are refused: a CONNECT that was not answered. */
  #rejectsEarly = false
  #done = false

  constructor(tools: RouterTools, sink: TerminalSink) {
    this.#tools = tools
    this.#sink = sink
  }

  start(head: RequestHead, endStream: boolean): void {
    const { selected } = this.#sink
    this.#tools.stats.routerRqTotal.value++
    const action = selected?.route.action
    if (selected === undefined || action?.kind !== 'forward') {
      answerLocally(this.#sink, head, this.#tools)
      return
    }
    const destination = this.#choose(head, selected, action)
    if (destination === undefined) return
    this.#destination = destination
    if (destination.member !== undefined) this.#sink.useWeighted(destination.member)
    this.#sink.facts.clusterName = destination.upstream.name
    prepareRequest(head, destination, this.#tools)
    // Deviation: Envoy times CONNECT and other upgrades only from the end of a request that never ends; here every kind
    // of upgrade has the route timeout until it is accepted (envoy.md §5.2 #41068).
    if (endStream || head.tunnel !== undefined) this.#armTimeout()
    this.#attempt = this.#makeAttempt(head, endStream, destination)
    this.#rejectsEarly = this.#tools.rejectConnectEarlyData && head.method === 'CONNECT'
    if (this.#rejectsEarly && this.#sink.stream.earlyBytes > 0) this.earlyData()
    else this.#attempt.start()
  }

  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    if (this.#done) return true
    if (endStream) this.#requestEnded()
    return this.#attempt?.data(buffer, start, end, endStream) ?? true
  }

  trailers(trailers: HeaderList): void {
    if (this.#done) return
    this.#requestEnded()
    this.#attempt?.trailers(trailers)
  }

  earlyData(): void {
    if (this.#done || !this.#rejectsEarly) return
    const explanation = 'reject_connect_request_early_data is set, and bytes came before the CONNECT was answered'
    this.#attempt?.abort(closeCause('proxy', 'http', 'early_connect_data', explanation))
    this.attemptFailed('early_connect_data', explanation, this.#sink.selected?.route.place)
  }

  pauseUpstream(): void {
    this.#attempt?.pauseUpstream()
  }

  resumeUpstream(): void {
    this.#attempt?.resumeUpstream()
  }

  abort(cause: CloseCause): void {
    if (this.#done) return
    this.attemptDone()
    this.#attempt?.abort(cause)
  }

  // ── what the attempt says ──

  attemptFailed(code: ErrorCode, explanation: string, place: Place | undefined): void {
    this.attemptDone()
    this.#sink.sendLocalReply({ code, explanation, place })
  }

  tunnelAnswered(): void {
    this.#timeout?.cancel()
  }

  attemptDone(): void {
    this.#done = true
    this.#timeout?.cancel()
  }

  #choose(head: RequestHead, selected: SelectedRoute, action: ForwardAction): Destination | undefined {
    const destination = chooseDestination(this.#sink, head, selected, action, this.#tools)
    if (destination.kind === 'cluster') return destination
    this.#tools.stats.noCluster.value++
    this.#sink.sendLocalReply({
      code: 'cluster_not_found',
      status: action.clusterNotFoundStatus,
      explanation: destination.explanation,
      place: selected.route.place,
    })
    return undefined
  }

  #makeAttempt(head: RequestHead, endStream: boolean, destination: Destination): Attempt {
    const forwarding = { tools: this.#tools, sink: this.#sink, head, destination }
    const { action } = destination.rewrite
    const termination = terminationOf(head, action, destination.upstream.cluster)
    if (termination === undefined) return new HttpAttempt(forwarding, this, endStream)
    return new ConnectTermination(forwarding, this, endStream, termination)
  }

  #requestEnded(): void {
    this.#sink.facts.times.upstreamRequestEnd = this.#tools.clock.now()
    this.#armTimeout()
  }

  #armTimeout(): void {
    const timeoutMs = this.#destination?.rewrite.action.timeoutMs
    if (timeoutMs === undefined || this.#timeout !== undefined) return
    this.#timeout = this.#tools.wheel.arm(timeoutMs, () => this.#timedOut(timeoutMs))
  }

  #timedOut(timeoutMs: number): void {
    const destination = this.#destination
    if (destination !== undefined) destination.upstream.stats.upstreamRqTimeout.value++
    const endpoint = this.#attempt?.endpointText
    const who = endpoint === undefined ? 'no connection was ready' : `${endpoint} did not answer`
    const explanation = `${who} within ${timeoutMs} ms`
    this.#attempt?.abort(closeCause('proxy', 'http', 'response_timeout', explanation))
    const place = destination?.rewrite.action.timeoutPlace ?? this.#sink.selected?.route.place
    this.attemptFailed('response_timeout', explanation, place)
  }
}
