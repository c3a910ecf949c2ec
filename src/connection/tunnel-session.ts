// An agreed tunnel: joins the two byte streams with the bridge, watches WebSocket frames, keeps the ledger entry, and
// writes the log lines of a tunnel's life. Belongs to its exchange.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import { errorEntry } from '../core/errors.ts'
import { bodyByteStream } from '../codec/body-stream.ts'
import { isWebSocket } from '../codec/upgrade-translation.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { TunnelEnd, TunnelEntry } from '../observe/ledger/ledger.ts'
import { observe } from '../observe/stats/registry.ts'
import { tcpAddress } from '../transport/address.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import { bridge, type BridgeOptions, type Tunnel, type TunnelSummary } from '../tunnel/bridge.ts'
import type { TunnelObserver } from '../tunnel/direction.ts'
import { closeFrame } from '../websocket/close-frame.ts'
import { FrameGuard, type GuardOwner, type Verdict } from '../websocket/frame-guard.ts'
import { FrameObserver } from '../websocket/frame-observer.ts'
import type { UpstreamTunnel } from '../filter/http-filter.ts'
import { addFlag } from '../format/blank-facts.ts'
import type { Exchange } from './exchange.ts'
import { placeText } from '../config/model/place.ts'
import { MESSAGE_REFUSAL_MS } from '../core/limits.ts'
import type { Deadline } from '../core/timer-wheel.ts'
import type { UpgradeStats } from './hcm-stats.ts'

export interface TunnelSession {
  /** Brings the byte counts of `facts` up to date, for a log line. */
  countInto(facts: StreamFacts): void
  close(cause: CloseCause): void
}

/** Joins the client of `exchange` with the upstream `side`. The 101 or 2xx was sent. */
export function openTunnel(exchange: Exchange, side: UpstreamTunnel): TunnelSession {
  return new Session(exchange, side)
}

/** Which side's Close frame came first, shared by both directions. */
interface ClosingHandshake {
  first: 'client' | 'upstream' | undefined
}

/** Watches the frames of one direction. */
class Watcher {
  readonly frames = new FrameObserver()
  readonly #side: 'client' | 'upstream'
  readonly #closing: ClosingHandshake

  constructor(side: 'client' | 'upstream', closing: ClosingHandshake) {
    this.#side = side
    this.#closing = closing
  }

  /** For the bridge; bound, because it is called detached. */
  readonly onBytes: TunnelObserver = (buffer, start, end) => {
    this.frames.observe(buffer, start, end)
    if (this.frames.closeSeen && this.#closing.first === undefined) this.#closing.first = this.#side
  }

  /** Whether a frame of the proxy's own may follow what has gone this way. */
  get atBoundary(): boolean {
    return this.frames.atFrameBoundary
  }
}

/** RFC 6455 §7.4.1: an endpoint is going away. */
const GOING_AWAY = 1001

/** The tighter of two limits. */
const shorter = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)

/** Whether frames of this exchange's tunnel can be observed. */
const carriesWebSocket = ({ head }: Exchange): boolean =>
  head.tunnel?.kind === 'upgrade' && isWebSocket(head.tunnel.type)

/** The client's side: what its codec makes of a tunnel, or the two bodies of a POST that its route took for a CONNECT. */
function clientBytes({ stream, tunnelsBodies, requestEnded }: Exchange, { received }: UpstreamTunnel): ByteStream {
  if (!tunnelsBodies) return stream.intoByteStream()
  return bodyByteStream(stream, { ...(received === undefined ? {} : { received }), readEnded: requestEnded })
}

/** Why a tunnel ended that broke a rule of its frames. */
const causeOf = ({ by, code, reason }: Verdict): CloseCause => closeCause(by, 'websocket', code, reason)

class Session implements TunnelSession, GuardOwner {
  readonly #exchange: Exchange
  readonly #side: UpstreamTunnel
  readonly #tunnel: Tunnel
  readonly #entry: TunnelEntry
  readonly #stats: UpgradeStats
  readonly #received: Watcher | undefined
  readonly #sent: Watcher | undefined
  readonly #closing: ClosingHandshake = { first: undefined }
  /** Set where messages are limited. */
  readonly #guard: FrameGuard | undefined
  /** Of the closing handshake after a verdict. */
  #patience: Deadline | undefined
  /** Reason of the Close that the proxy sent by itself, with 1001. */
  #wentAway: string | undefined
  readonly #openedMs: number

  constructor(exchange: Exchange, side: UpstreamTunnel) {
    const { runtime, facts } = exchange
    this.#exchange = exchange
    this.#side = side
    this.#openedMs = runtime.clock.now()
    this.#stats = runtime.stats.upgrade(facts.upgradeType)
    this.#stats.acceptedTotal.value++
    this.#stats.active.value++
    if (carriesWebSocket(exchange)) {
      this.#received = new Watcher('client', this.#closing)
      this.#sent = new Watcher('upstream', this.#closing)
      facts.webSocketReceived = this.#received.frames
      facts.webSocketSent = this.#sent.frames
    }
    this.#entry = this.#ledgerEntry()
    runtime.ledger.open(this.#entry)
    const client = clientBytes(exchange, side)
    const upstream = side.open()
    if (side.frames !== undefined && carriesWebSocket(exchange))
      this.#guard = new FrameGuard(side.frames, client, upstream, this)
    this.#tunnel = bridge(client, upstream, this.#bridgeOptions())
  }

  close(cause: CloseCause): void {
    if (cause.by === 'operator') this.#goAway(cause)
    this.#tunnel.close(cause)
  }

  /**
   * A WebSocket that the operator ends gets a Close with 1001 on both sides (RFC 6455 §7.4.1), behind what is queued. Where a
   * frame is under way there is no room for one, and the connection ends as it is.
   */
  #goAway({ detail }: CloseCause): void {
    const { cause, downstream, upstream } = this.#tunnel
    if (cause !== undefined || this.#guard?.verdict !== undefined) return
    if (this.#sent?.atBoundary === true && this.#say(downstream, detail, false)) this.#wentAway = detail
    if (this.#received?.atBoundary === true) this.#say(upstream, detail, true)
  }

  #say(stream: ByteStream, reason: string, masked: boolean): boolean {
    if (stream.writeStatus !== 'open' || stream.closed !== undefined) return false
    const frame = closeFrame(GOING_AWAY, reason, masked)
    stream.write(frame, 0, frame.length)
    return true
  }

  /** The Close frames are on their way: the peers have a while to answer them (RFC 6455 §7.1.1). */
  onVerdict(verdict: Verdict): void {
    this.#patience = this.#exchange.runtime.wheel.arm(MESSAGE_REFUSAL_MS, () => this.close(causeOf(verdict)))
  }

  onSettled(): void {
    const verdict = this.#guard?.verdict
    // Not at once: it may be the very first bytes, which come before the bridge is there.
    if (verdict !== undefined) queueMicrotask(() => this.close(causeOf(verdict)))
  }

  countInto(facts: StreamFacts): void {
    facts.bytesReceived = this.#tunnel.bytesFromDownstream
    facts.bytesSent = this.#tunnel.bytesFromUpstream
  }

  #ended(summary: TunnelSummary): void {
    const { facts, runtime } = this.#exchange
    const verdict = this.#guard?.verdict
    const cause = verdict === undefined ? this.#blame(summary.cause) : causeOf(verdict)
    const ended = verdict === undefined ? summary.cause : cause
    const durationMs = runtime.clock.now() - this.#openedMs
    facts.bytesReceived = summary.bytesFromDownstream
    facts.bytesSent = summary.bytesFromUpstream
    facts.cause = cause
    this.#patience?.cancel()
    addFlag(facts, errorEntry(ended.code).flag)
    facts.responseCodeDetails = errorEntry(ended.code).detail
    this.#count(summary, cause, durationMs)
    runtime.ledger.close(this.#entry, { cause, durationMs, ...this.#lastWords() })
    this.#side.release(summary.cause)
    this.#exchange.finish(cause)
  }

  /** The Close frame that ended it. The proxy's own came before any answer to it. */
  #lastWords(): Pick<TunnelEnd, 'closeCode' | 'closeReason' | 'closeFrameBy'> {
    const verdict = this.#guard?.verdict
    if (verdict !== undefined)
      return { closeCode: verdict.closeCode, closeReason: verdict.reason, closeFrameBy: undefined }
    if (this.#wentAway !== undefined)
      return { closeCode: GOING_AWAY, closeReason: this.#wentAway, closeFrameBy: undefined }
    const { first } = this.#closing
    const frames = (first === 'upstream' ? this.#sent : this.#received)?.frames
    return { closeCode: frames?.closeCode, closeReason: frames?.closeReason ?? '', closeFrameBy: first }
  }

  /** A WebSocket is closed by whoever sent the first Close frame, whichever side's FIN came first (RFC 6455 §7.1.1). */
  #blame(cause: CloseCause): CloseCause {
    const by = this.#closing.first
    if (by === undefined || errorEntry(cause.code).fault === 'proxy' || cause.by === 'operator') return cause
    const frames = by === 'client' ? this.#received?.frames : this.#sent?.frames
    const code = frames?.closeCode
    const reason = frames?.closeReason ?? ''
    const detail = `close frame ${code ?? 'without code'}${reason === '' ? '' : ` "${reason}"`}`
    return closeCause(by, 'websocket', 'finished', detail)
  }

  #count(summary: TunnelSummary, cause: CloseCause, durationMs: number): void {
    const stats = this.#stats
    stats.active.value--
    stats.closedBy[cause.by].value++
    stats.bytesReceived.value += summary.bytesFromDownstream
    stats.bytesSent.value += summary.bytesFromUpstream
    stats.messagesReceived.value += this.#received?.frames.messages ?? 0
    stats.messagesSent.value += this.#sent?.frames.messages ?? 0
    observe(stats.lengthMs, durationMs)
  }

  #bridgeOptions(): BridgeOptions {
    const exchange = this.#exchange
    const { idleMs, idlePlace } = exchange
    return {
      wheel: exchange.runtime.wheel,
      clock: exchange.runtime.clock,
      idleMs,
      idleCause: closeCause(
        'proxy',
        'tunnel',
        'stream_idle_timeout',
        `nothing moved for ${idleMs ?? 0} ms, set at ${placeText(idlePlace)}`,
      ),
      maxDurationMs: shorter(exchange.maxDurationLeftMs(), this.#side.maxDurationMs),
      // Frames after a Close are not allowed (RFC 6455 §5.5.1), and some HTTP/2 proxies never end their half.
      isConcluded: () => this.#received?.frames.closeSeen === true && this.#sent?.frames.closeSeen === true,
      gateDownstream: this.#guard?.fromClient,
      gateUpstream: this.#guard?.fromUpstream,
      isParting: this.#guard === undefined ? undefined : () => this.#guard?.verdict !== undefined,
      observeDownstream: this.#received?.onBytes,
      observeUpstream: this.#sent?.onBytes,
      onEnd: (summary) => this.#ended(summary),
    }
  }

  #ledgerEntry(): TunnelEntry {
    const { facts, head, runtime } = this.#exchange
    const side = this.#side
    const mark = head.path.indexOf('?')
    return {
      denseIndex: -1,
      id: facts.streamId,
      type: facts.upgradeType,
      openedWallMs: runtime.clock.wallNow(),
      openedMs: this.#openedMs,
      client:
        facts.downstreamRemoteIp === ''
          ? 'pipe'
          : tcpAddress(facts.downstreamRemoteIp, facts.downstreamRemotePort).text,
      listener: facts.listenerName,
      method: head.method,
      authority: head.authority,
      path: mark < 0 ? head.path : head.path.slice(0, mark),
      route: facts.routeName,
      routePlace: facts.routePlace,
      cluster: facts.clusterName,
      endpoint: side.endpoint,
      downstreamProtocol: head.protocol,
      upstreamProtocol: side.protocol,
      hopNote: side.hopNote,
      requestId: head.headers.get('x-request-id') ?? '',
      fromClient: () => ({ bytes: this.#tunnel.bytesFromDownstream, messages: this.#received?.frames.messages }),
      fromUpstream: () => ({ bytes: this.#tunnel.bytesFromUpstream, messages: this.#sent?.frames.messages }),
      lastActivityMs: () => this.#tunnel.lastActivityMs,
      queuedBytes: () => ({
        toClient: this.#tunnel.downstream.queuedBytes,
        toUpstream: this.#tunnel.upstream.queuedBytes,
      }),
      close: (cause) => this.close(cause),
    }
  }
}
