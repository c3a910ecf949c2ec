// The terminal filter: answers directly, redirects, or has attempts bring the request to the route's cluster, one after
// another. Keeps what outlives an attempt: the route timeout, the tries, the mirrors, whether the client was answered.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { ForwardAction } from '../../../config/model/route.ts'
import { addFlag } from '../../../format/blank-facts.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'
import { terminationOf } from '../../../route/connect-termination.ts'
import { retryAfter } from '../../../upstream/retry-after.ts'
import type { TerminalFilter, TerminalSink } from '../../http-filter.ts'
import { ConnectTermination } from './connect-termination.ts'
import type { Attempt, AttemptFailure, AttemptOwner, Forwarding } from './forwarding.ts'
import { HttpAttempt } from './http-attempt.ts'
import { answerAction, answerLocally } from './local-answer.ts'
import { chooseMirrors, type Mirrors } from './mirrors.ts'
import { chooseDestination, prepareRequest, type Destination } from './prepare-request.ts'
import { ReplayableHead } from './replayable-head.ts'
import { Retries, type RetryVerdict } from './retries.ts'
import { armRouteTimeout, type RouteTimer } from './route-timer.ts'
import type { RouterTools } from './router-tools.ts'
import { UpstreamBody } from './upstream-body.ts'
import { admitsHandshake } from './websocket-policy.ts'

export class Router implements TerminalFilter, AttemptOwner {
  readonly #tools: RouterTools
  readonly #sink: TerminalSink
  #forwarding: Forwarding | undefined
  /** Undefined before the first and between two. */
  #attempt: Attempt | undefined
  #head: ReplayableHead | undefined
  #mirrors: Mirrors | undefined
  #timeout: RouteTimer | undefined
  /** The request has no body. */
  #bodiless = false
  #tries = 0
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
    if (!admitsHandshake(this.#sink, head, destination.rewrite.action.websocket)) return
    this.#bodiless = endStream
    if (destination.member !== undefined) this.#sink.useWeighted(destination.member)
    this.#sink.facts.clusterName = destination.upstream.name
    prepareRequest(head, destination, this.#tools)
    // Deviation: Envoy times CONNECT and other upgrades only from the end of a request that never ends; here every kind
    // of upgrade has the route timeout until it is accepted (envoy.md §5.2 #41068).
    const forwarding = this.#forward(head, destination)
    if (endStream || head.tunnel !== undefined) this.#armTimeout(destination)
    this.#rejectsEarly = this.#tools.rejectConnectEarlyData && head.method === 'CONNECT'
    if (this.#rejectsEarly && this.#sink.stream.earlyBytes > 0) this.earlyData()
    else this.#try(forwarding)
    if (endStream) this.#mirror(forwarding)
  }

  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    const forwarding = this.#forwarding
    if (this.#done || forwarding === undefined) return true
    if (endStream) this.#requestEnded(forwarding)
    const open =
      this.#attempt?.data(buffer, start, end, endStream) ?? this.#keep(forwarding, buffer, start, end, endStream)
    if (endStream) this.#mirror(forwarding)
    return open
  }

  trailers(trailers: HeaderList): void {
    const forwarding = this.#forwarding
    if (this.#done || forwarding === undefined) return
    this.#requestEnded(forwarding)
    if (this.#attempt === undefined) forwarding.body.keepTrailers(trailers)
    else this.#attempt.trailers(trailers)
    this.#mirror(forwarding)
  }

  earlyData(): void {
    if (this.#done || !this.#rejectsEarly) return
    const explanation = 'reject_connect_request_early_data is set, and bytes came before the CONNECT was answered'
    this.#giveUp('early_connect_data', explanation)
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

  attemptFailed(failure: AttemptFailure): void {
    const { retries } = this.#forwarding ?? {}
    if (retries !== undefined && this.#triesAgain(retries, retries.onLoss(failure))) return
    this.attemptDone()
    const { code, explanation, place } = failure
    const { attempts } = this.#sink.facts
    const tries = attempts > 1 ? ` (the last of ${attempts} attempts)` : ''
    this.#sink.sendLocalReply({ code, explanation: explanation + tries, place, headers: this.#replyHeaders(failure) })
  }

  takesAnswer(head: ResponseHead, _endpoint: Endpoint): boolean {
    const { retries, body } = this.#forwarding ?? {}
    if (retries === undefined) return true
    if (this.#triesAgain(retries, retries.onAnswer(head))) return false
    if (this.#mirrors === undefined) body?.forget()
    return true
  }

  committed(): void {
    this.#forwarding?.retries?.stop()
  }

  bodyNotKept(): void {
    const forwarding = this.#forwarding
    if (forwarding === undefined) return
    forwarding.destination.upstream.stats.retryOrShadowAbandoned.value++
    forwarding.retries?.stop()
    this.#mirrors = undefined
  }

  tunnelAnswered(): void {
    this.#timeout?.cancel()
    this.#forwarding?.retries?.succeeded()
  }

  attemptDone(): void {
    this.#done = true
    this.#timeout?.cancel()
    this.#forwarding?.retries?.stop()
  }

  #choose(head: RequestHead, selected: SelectedRoute, action: ForwardAction): Destination | undefined {
    const destination = chooseDestination(this.#sink, head, selected, action, this.#tools)
    if (destination.kind === 'cluster') return destination
    if (destination.kind === 'answer') {
      this.#sink.useWeighted(destination.member)
      answerAction(this.#sink, head, this.#tools, destination.action, selected)
      return undefined
    }
    this.#tools.stats.noCluster.value++
    this.#sink.sendLocalReply({
      code: 'cluster_not_found',
      status: action.clusterNotFoundStatus,
      explanation: destination.explanation,
      place: selected.route.place,
    })
    return undefined
  }

  #forward(head: RequestHead, destination: Destination): Forwarding {
    const { upstream, priority, plan } = destination
    const tools = this.#tools
    this.#mirrors = chooseMirrors(head, destination, this.#sink, tools)
    const retries = plan === undefined || plan.on.size === 0 ? undefined : new Retries(plan, upstream, priority, tools)
    if (retries !== undefined) this.#head = new ReplayableHead(head, destination)
    const retained = retries !== undefined || this.#mirrors !== undefined
    const body = new UpstreamBody(retained ? tools.bufferLimitBytes : undefined)
    this.#forwarding = { tools, sink: this.#sink, head, destination, body, retries }
    return this.#forwarding
  }

  #try(forwarding: Forwarding): void {
    const { head, destination } = forwarding
    this.#tries++
    if (destination.rewrite.selected.virtualHost.attemptCountInRequest === true)
      head.headers.set(`${this.#tools.headerPrefix}-attempt-count`, String(this.#tries))
    const termination = terminationOf(head, destination.rewrite.action, destination.upstream.cluster)
    const attempt =
      termination === undefined
        ? new HttpAttempt(forwarding, this)
        : new ConnectTermination(forwarding, this, termination)
    this.#attempt = attempt
    attempt.start(this.#bodiless)
  }

  /** Whether another try follows; else the flags say why not. */
  #triesAgain(retries: Retries, verdict: RetryVerdict): boolean {
    const { facts } = this.#sink
    if (verdict === 'limit') addFlag(facts, 'URX')
    if (verdict === 'overflow') addFlag(facts, 'UO')
    if (verdict !== 'again') return false
    this.#attempt = undefined
    retries.wait(() => {
      const forwarding = this.#forwarding
      if (this.#done || forwarding === undefined) return
      this.#head?.restore()
      this.#try(forwarding)
    })
    return true
  }

  /** Between two attempts. */
  #keep({ body }: Forwarding, buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    body.keep(buffer, start, end, endStream)
    return false
  }

  /** The request is complete: its copies can go. */
  #mirror({ body }: Forwarding): void {
    const mirrors = this.#mirrors
    if (mirrors === undefined || this.#done) return
    this.#mirrors = undefined
    mirrors.send(body.whole())
  }

  #replyHeaders({ code }: AttemptFailure): readonly (readonly [string, string])[] {
    const { destination } = this.#forwarding ?? {}
    const again = retryAfter(code, destination?.upstream)
    if (destination?.rewrite.selected.virtualHost.attemptCountInResponse !== true) return again
    return [...again, [`${this.#tools.headerPrefix}-attempt-count`, String(Math.max(1, this.#tries))]]
  }

  #requestEnded({ destination }: Forwarding): void {
    this.#sink.facts.times.upstreamRequestEnd = this.#tools.clock.now()
    this.#armTimeout(destination)
  }

  #armTimeout({ timeoutMs }: Destination): void {
    if (timeoutMs === undefined || this.#timeout !== undefined) return
    this.#timeout = armRouteTimeout(this.#tools, timeoutMs, () => this.#timedOut(timeoutMs))
  }

  #timedOut(timeoutMs: number): void {
    const destination = this.#forwarding?.destination
    if (destination !== undefined) destination.upstream.stats.upstreamRqTimeout.value++
    const endpoint = this.#attempt?.endpointText
    const waiting = this.#tries > 0 && this.#attempt === undefined ? 'another try was due' : 'no connection was ready'
    const who = endpoint === undefined ? waiting : `${endpoint} did not answer`
    this.#giveUp('response_timeout', `${who} within ${timeoutMs} ms`)
  }

  #giveUp(code: 'response_timeout' | 'early_connect_data', explanation: string): void {
    const { route } = this.#sink.selected ?? {}
    const { destination } = this.#forwarding ?? {}
    const place = code === 'response_timeout' ? destination?.rewrite.action.timeoutPlace : route?.place
    this.#attempt?.abort(closeCause('proxy', 'http', code, explanation))
    this.attemptFailed({ code, explanation, place, endpoint: undefined, sent: false })
  }
}
