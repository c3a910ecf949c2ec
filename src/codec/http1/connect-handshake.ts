// Asks a proxy for a tunnel (RFC 9110 §9.3.6) on a connection that is given away afterwards: the CONNECT of an
// http_11_proxy transport socket (envoy.md §2.9) and of a proxy that wants credentials. Everything behind the answer's head
// is left on the stream, untouched, for whoever speaks through the tunnel.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { ByteStreamSink } from '../../transport/byte-stream.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import { isConnectTarget } from '../connect-target.ts'
import { isFieldValue, isToken } from '../header-list.ts'
import { HeldBytes } from '../held-bytes.ts'
import { FAULT } from './head-fault.ts'
import { HeadScanner, INCOMPLETE, MALFORMED } from './head-scanner.ts'
import { http1ClientOptions } from './options.ts'
import { type Asked, type ParsedResponse, parseResponseHead } from './response-head.ts'

export interface ConnectRequest {
  /** `host:port` that the tunnel shall lead to. */
  readonly authority: string
  /** Further fields, `Proxy-Authorization` for one, as they are written. Host and framing are not among them. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Bytes that the answer may have before the tunnel, informational answers included. 2000 unless set, as in Envoy. */
  readonly maxHeadBytes?: number
  readonly clock: Clock
  /** Milliseconds until the answer is complete; 0 = for ever. */
  readonly timeoutMs: number
}

/** Receives the outcome, exactly one unless cancelled, never within `connectThrough`. Methods are called on the sink. */
export interface ConnectSink {
  /** The tunnel stands. The stream has no sink; its first one gets what came behind the head. */
  onTunnel(stream: ReplayableStream): void
  /**
   * There is no tunnel, and the stream is closed: `upstream_connection_failure`, `upstream_connection_timeout`, or
   * `invalid_authority` for a request that could not be written. `status`: of the proxy's answer; 0 when there was none.
   */
  onFailed(cause: CloseCause, status: number): void
}

/** A handshake under way. */
export interface ConnectHandshake {
  /** Resets the stream; no callback follows. */
  cancel(cause: CloseCause): void
}

/** Begins the handshake on `stream`, which has no other user. */
export function connectThrough(stream: ReplayableStream, request: ConnectRequest, sink: ConnectSink): ConnectHandshake {
  const handshake = new Handshake(stream, request, sink)
  handshake.start(request)
  return handshake
}

const MAX_HEAD_BYTES = 2000
const MAX_HEADERS = 100
const MAX_REASON = 100

/** Fields by which the request would be framed or named twice. */
const RESERVED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'upgrade', 'te'])

// Not as a CONNECT: its 2xx would be read as a tunnel whatever its framing says, and here that is looked at.
const ASKED: Asked = { tunnel: undefined, isHead: false, isConnect: false }
const OPTIONS = http1ClientOptions({ maxHeaders: MAX_HEADERS })

class Handshake implements ConnectHandshake, ByteStreamSink {
  readonly #stream: ReplayableStream
  readonly #sink: ConnectSink
  readonly #maxBytes: number
  readonly #timer: Timer | undefined
  readonly #scanner = new HeadScanner()
  readonly #held = new HeldBytes()
  /** Bytes of informational answers that were passed over. */
  #passed = 0
  #over = false

  constructor(stream: ReplayableStream, request: ConnectRequest, sink: ConnectSink) {
    this.#stream = stream
    this.#sink = sink
    this.#maxBytes = request.maxHeadBytes ?? MAX_HEAD_BYTES
    const { clock, timeoutMs } = request
    if (timeoutMs > 0) this.#timer = clock.after(timeoutMs, () => this.#timedOut(timeoutMs))
  }

  start(request: ConnectRequest): void {
    const head = connectHead(request)
    if (head === undefined) {
      queueMicrotask(() => this.#fail('invalid_authority', 'the CONNECT request cannot be written'))
      return
    }
    this.#stream.setSink(this)
    this.#stream.writeLatin1(head)
  }

  cancel(cause: CloseCause): void {
    if (this.#end()) this.#stream.reset(cause)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // More than a head may have and one read is never kept: what cannot be a head ends the handshake below.
    if (!this.#over) this.#held.append(buffer, start, end)
    while (!this.#over && this.#held.size > 0) if (!this.#readHead()) return
  }

  /** Reads one head from what is held; false when it is not complete. */
  #readHead(): boolean {
    const { bytes, size } = this.#held
    const stop = this.#scanner.scan(bytes, 0, size, this.#maxBytes - this.#passed, MAX_HEADERS + 1)
    if (stop === INCOMPLETE) return false
    const fault = stop === MALFORMED ? (this.#scanner.fault ?? FAULT.bareCr) : undefined
    this.#scanner.reset()
    if (fault !== undefined) {
      this.#fail(REFUSED, `the answer of the proxy is malformed: ${fault.detail}`)
      return true
    }
    const parsed = parseResponseHead(bytes, 0, stop - 2, ASKED, OPTIONS)
    const held = this.#held.take()
    const rest = held.subarray(stop)
    if (parsed.kind === 'broken') this.#fail(REFUSED, `the answer of the proxy is malformed: ${parsed.fault.detail}`)
    else if (parsed.head.status < 200) this.#passOver(stop, rest)
    else this.#judge(parsed, rest)
    return true
  }

  /** RFC 9110 §15.2: informational answers may come before the one that counts. */
  #passOver(bytes: number, rest: Buffer): void {
    this.#passed += bytes
    this.#held.append(rest, 0, rest.length)
  }

  #judge(answer: ParsedResponse, rest: Buffer): void {
    const { status, reason } = answer.head
    // Envoy opens the tunnel for 200 alone, though RFC 9110 §9.3.6 has any 2xx.
    if (status !== 200) return this.#fail(REFUSED, refusalText(status, reason), status)
    // RFC 9110 §9.3.6 has both ignored. But a proxy that means them sends a body, which would be taken for the far side.
    const { framing } = answer
    const empty = framing.kind === 'until-close' || (framing.kind === 'length' && framing.length === 0)
    if (!empty) return this.#fail(REFUSED, 'the proxy answered CONNECT with 200 and a body', status)
    if (!this.#end()) return
    this.#stream.unread(rest)
    this.#sink.onTunnel(this.#stream)
  }

  onEnd(): void {
    this.#fail(REFUSED, 'the proxy ended the connection before it answered CONNECT')
  }

  onDrain(): void {
    // The head is all that is written.
  }

  onClose(cause: CloseCause): void {
    this.#fail(
      REFUSED,
      `the connection to the proxy was lost before it answered CONNECT: ${cause.detail || cause.code}`,
    )
  }

  #timedOut(timeoutMs: number): void {
    this.#fail('upstream_connection_timeout', `the proxy did not answer CONNECT within ${timeoutMs} ms`)
  }

  #fail(code: ErrorCode, detail: string, status = 0): void {
    if (!this.#end()) return
    const cause = closeCause(code === 'invalid_authority' ? 'proxy' : 'upstream', 'http1', code, detail)
    this.#stream.close(cause)
    this.#sink.onFailed(cause, status)
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer?.cancel()
    this.#held.clear()
    return true
  }
}

const REFUSED: ErrorCode = 'upstream_connection_failure'

/** The request, or undefined when a part of it could end its line or frame it otherwise. */
function connectHead({ authority, headers = [] }: ConnectRequest): string | undefined {
  if (!isConnectTarget(authority)) return undefined
  let text = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`
  for (const [name, value] of headers) {
    if (!isToken(name) || RESERVED.has(name.toLowerCase()) || !isFieldValue(value)) return undefined
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}

/** What the proxy said, printable and short: it goes into logs and into the answer to the client. */
function refusalText(status: number, reason: string): string {
  const words = reason.slice(0, MAX_REASON).replace(/[^\x20-\x7e]/g, '?')
  const said = `the proxy answered CONNECT with ${status}${words === '' ? '' : ` ${words}`}`
  return status === 407 ? `${said}: it wants proxy authentication, or other credentials` : said
}
