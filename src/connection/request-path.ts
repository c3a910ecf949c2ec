// The way of one request through the filters of its chain, which may stop its head and have its body held, to the terminal
// filter; and of response heads back through them.

import type { CloseCause } from '../core/close-cause.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { ResponseHead } from '../codec/http-stream.ts'
import type { HttpFilter, LocalReply, TerminalFilter } from '../filter/http-filter.ts'
import { PAUSE } from '../transport/byte-stream.ts'
import type { Exchange } from './exchange.ts'
import { HeldBody } from './held-body.ts'
import type { FilterChainRuntime } from './runtime.ts'

export class RequestPath {
  readonly #exchange: Exchange
  readonly #filters: HttpFilter[] = []
  #terminal: TerminalFilter | undefined
  /** Index of the filter that stopped the request head; -1 while nothing is stopped. */
  #stoppedAt = -1
  #held: HeldBody | undefined
  #heldLimit: number
  #headPassed = false
  /** What a filter sends up in place of the client's body. */
  #replacement: Buffer | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
    this.#heldLimit = exchange.runtime.bufferLimitBytes
  }

  /** Makes the filters and gives them the head. */
  run(chain: FilterChainRuntime): void {
    const exchange = this.#exchange
    const perRoute = exchange.selected?.route.perFilter
    const perHost = exchange.selected?.virtualHost.perFilter
    for (const factory of chain.filters) {
      const override = perRoute?.get(factory.name) ?? perHost?.get(factory.name)
      if (override?.disabled ?? factory.disabled) continue
      this.#filters.push(factory.create(exchange, override?.config))
    }
    this.#terminal = chain.terminal(exchange)
    this.#runHead(0)
  }

  /** A filter holds no more of a body than this. */
  limitHeld(bytes: number): void {
    this.#heldLimit = Math.min(this.#heldLimit, bytes)
  }

  /** The client's body is dropped and `bytes` go up. */
  replaceBody(bytes: Buffer): void {
    const { head } = this.#exchange
    if (head.tunnel !== undefined || this.#headPassed) return
    for (const name of BODY_FIELDS) head.headers.remove(name)
    head.headers.add('content-length', String(bytes.length))
    this.#replacement = bytes
  }

  /** The filter that stopped the head lets it go on. */
  goOn(): void {
    if (this.#exchange.ended || this.#stoppedAt < 0) return
    const next = this.#stoppedAt + 1
    this.#stoppedAt = -1
    this.#runHead(next)
    this.#releaseHeld(next)
  }

  data(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#replacement !== undefined) return
    if (this.#stoppedAt < 0) this.#toTerminal(buffer, start, end, endStream)
    else this.#hold(buffer, start, end, endStream)
  }

  trailers(trailers: HeaderList): void {
    if (this.#replacement !== undefined) return
    if (this.#held !== undefined) this.#held.endStream = true
    else this.#terminal?.trailers(trailers)
  }

  earlyData(): void {
    this.#terminal?.earlyData()
  }

  resumeUpstream(): void {
    this.#terminal?.resumeUpstream()
  }

  abort(cause: CloseCause): void {
    this.#terminal?.abort(cause)
  }

  /** Shows a response head to the filters, the last one first; false when one of them answers in its place. */
  responseHead(head: ResponseHead, endStream: boolean): boolean {
    for (let i = this.#filters.length - 1; i >= 0; i--) {
      if (this.#filters[i]?.onResponseHead?.(head, endStream) === 'stop') return false
    }
    return true
  }

  /** What the filters make of a local reply, the last one first; undefined when one of them will answer later. */
  localReply(reply: LocalReply): LocalReply | undefined {
    let shown = reply
    for (let i = this.#filters.length - 1; i >= 0; i--) {
      const made = this.#filters[i]?.onLocalReply?.(shown) ?? shown
      if (made === 'hold') return undefined
      shown = made
    }
    return shown
  }

  /** The exchange is over. */
  destroy(): void {
    for (const filter of this.#filters) filter.onDestroy?.()
  }

  #runHead(from: number): void {
    const exchange = this.#exchange
    const { head } = exchange
    for (let i = from; i < this.#filters.length; i++) {
      const bodiless = exchange.requestEnded && this.#held === undefined
      const verdict = this.#filters[i]?.onRequestHead?.(head, bodiless) ?? 'continue'
      if (exchange.ended || exchange.responseStarted) return
      if (verdict === 'continue') continue
      this.#stoppedAt = i
      this.#held ??= new HeldBody()
      return
    }
    this.#headPassed = true
    if (this.#replacement !== undefined) {
      this.#startReplaced(this.#replacement)
      return
    }
    const complete = exchange.requestEnded && (this.#held === undefined || this.#held.bytes === 0)
    this.#terminal?.start(head, complete)
  }

  #startReplaced(body: Buffer): void {
    this.#held = undefined
    this.#terminal?.start(this.#exchange.head, body.length === 0)
    if (body.length > 0 && !this.#exchange.ended) this.#toTerminal(body, 0, body.length, true)
  }

  #hold(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const held = this.#held ?? new HeldBody()
    this.#held = held
    if (held.bytes + end - start > this.#heldLimit) {
      this.#exchange.runtime.stats.rqTooLarge.value++
      this.#exchange.sendLocalReply({
        code: 'request_payload_too_large',
        explanation: `the body is larger than the ${this.#heldLimit} bytes a filter may buffer`,
        closeConnection: true,
      })
      return
    }
    held.add(buffer, start, end, endStream)
    const stopped = this.#filters[this.#stoppedAt]
    const verdict = stopped?.onRequestData?.(buffer, start, end, endStream) ?? 'buffer'
    if (verdict === 'continue') this.goOn()
  }

  #releaseHeld(from: number): void {
    const held = this.#held
    if (held === undefined || this.#stoppedAt >= 0 || this.#exchange.ended || !this.#headPassed) return
    if (from > this.#filters.length) return
    this.#held = undefined
    const body = held.take()
    if (body.length > 0) this.#toTerminal(body, 0, body.length, held.endStream)
  }

  #toTerminal(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#terminal?.data(buffer, start, end, endStream) === false)
      this.#exchange.stream.pauseReading(PAUSE.peerSlow)
  }
}

/** They describe the body that is replaced (RFC 9110 §8, RFC 9112 §6). */
const BODY_FIELDS = ['content-length', 'content-encoding', 'transfer-encoding', 'trailer', 'expect']
