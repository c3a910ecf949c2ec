// What the steps of a pipeline work on: the requests and answers of one exchange, by namespace. The request of DEFAULT is
// the client's own head; what ends up as the answer of DEFAULT is what the client gets (Easegress: Context).

import type { Clock } from '../../../core/clock.ts'
import { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import { isHandshakeField } from '../../../codec/protected-fields.ts'
import type { ExchangeHandle, LocalReply } from '../../http-filter.ts'

/** The namespace of the client's request and of the answer it gets. */
export const DEFAULT_NAMESPACE = 'DEFAULT'

export interface PipelineRequest {
  readonly head: RequestHead
  /** undefined = as it came. */
  body: Buffer | undefined
}

export interface PipelineResponse {
  status: number
  readonly headers: HeaderList
  /** undefined = as it came: the upstream's, or the explanation of `reply`. */
  body: Buffer | undefined
  /** The answer of the proxy that this was; undefined when it came from the upstream. */
  readonly reply: LocalReply | undefined
}

export class PipelineExchange {
  readonly handle: ExchangeHandle
  readonly clock: Clock
  readonly #live: RequestHead
  readonly #requests = new Map<string, PipelineRequest>()
  readonly #responses = new Map<string, PipelineResponse>()

  constructor(handle: ExchangeHandle, head: RequestHead, clock: Clock) {
    this.handle = handle
    this.clock = clock
    this.#live = head
    this.#requests.set(DEFAULT_NAMESPACE, { head, body: undefined })
  }

  request(namespace: string): PipelineRequest | undefined {
    return this.#requests.get(namespace)
  }

  setRequest(namespace: string, request: PipelineRequest): void {
    this.#requests.set(namespace, request)
  }

  response(namespace: string): PipelineResponse | undefined {
    return this.#responses.get(namespace)
  }

  setResponse(namespace: string, response: PipelineResponse): void {
    this.#responses.set(namespace, response)
  }

  /** Whether the client asks for a tunnel: its handshake stays as it is. */
  get tunnel(): boolean {
    return this.#live.tunnel !== undefined
  }

  /** An answer made here, with the fields of the one that was there: a refusal keeps what CORS has added. */
  answer(namespace: string, status: number, reply: LocalReply): PipelineResponse {
    const headers = this.response(namespace)?.headers ?? new HeaderList()
    for (const [name, value] of reply.headers ?? []) headers.set(name, value)
    const response = { status, headers, body: undefined, reply }
    this.setResponse(namespace, response)
    return response
  }

  /** A new request: blank, but for the handshake when the client asks for a tunnel. */
  blankRequest(): PipelineRequest {
    const live = this.#live
    const headers = new HeaderList()
    if (this.tunnel) for (const [name, value] of live.headers) if (isHandshakeField(name)) headers.add(name, value)
    const { scheme, authority, protocol, tunnel } = live
    const head = { method: 'GET', scheme, authority, path: '/', protocol, headers, tunnel }
    return { head, body: this.tunnel ? undefined : Buffer.alloc(0) }
  }

  /** Makes the request of `namespace` the one that goes up; false when there is none. */
  install(namespace: string): boolean {
    const request = this.request(namespace)
    if (request === undefined) return false
    const live = this.#live
    const { head, body } = request
    if (head !== live) {
      if (!this.tunnel) live.method = head.method
      live.scheme = head.scheme
      live.authority = head.authority
      live.path = head.path
      live.headers.fields.splice(0, live.headers.fields.length, ...head.headers.fields)
    }
    if (body !== undefined) this.handle.replaceRequestBody(body)
    return true
  }
}
