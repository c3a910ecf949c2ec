// A request on its way to a cluster: what the router's attempts know of it, and what they tell the router.

import type { ErrorCode } from '../../../core/errors.ts'
import type { CloseCause } from '../../../core/close-cause.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { Place } from '../../../config/model/place.ts'
import type { TerminalSink } from '../../http-filter.ts'
import type { Destination } from './prepare-request.ts'
import type { Retries } from './retries.ts'
import type { RouterTools } from './router-tools.ts'
import type { UpstreamBody } from './upstream-body.ts'

/** Made once per forwarded request, for all its attempts. */
export interface Forwarding {
  readonly tools: RouterTools
  readonly sink: TerminalSink
  readonly head: RequestHead
  readonly destination: Destination
  /** What of the body came so far and is not with an upstream, or would have to be sent to the next one. */
  readonly body: UpstreamBody
  /** undefined = there is one attempt. */
  readonly retries: Retries | undefined
}

/** One try at an upstream: an HTTP stream, or what a terminated tunnel leads to. */
export interface Attempt {
  /** Begins; may fail or succeed before it returns. `endStream`: the request has no body. */
  start(endStream: boolean): void
  /** False = stop until the sink's `onRequestDrain`. */
  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean
  trailers(trailers: HeaderList): void
  pauseUpstream(): void
  resumeUpstream(): void
  /** Lets go of everything; the owner hears no more. */
  abort(cause: CloseCause): void
  /** Where the request was sent; undefined while no connection is ready. */
  readonly endpointText: string | undefined
}

/** Why nothing came of an attempt. */
export interface AttemptFailure {
  readonly code: ErrorCode
  readonly explanation: string
  readonly place: Place | undefined
  /** Where it went; undefined when it did not come so far. */
  readonly endpoint: Endpoint | undefined
  /** The request's head had gone out. */
  readonly sent: boolean
}

/** The router, as its attempts see it. */
export interface AttemptOwner {
  /** Nothing came of it and nothing of it is left: try again or answer the client. */
  attemptFailed(failure: AttemptFailure): void
  /**
   * The head of a final answer that opens no tunnel: whether it goes to the client. If not, the attempt lets go of its
   * upstream and is over.
   */
  takesAnswer(head: ResponseHead, endpoint: Endpoint): boolean
  /** The client was sent something: there is no way back. */
  committed(): void
  /** The body can not be sent again. */
  bodyNotKept(): void
  /** The upstream agreed to a tunnel or refused it: the route timeout has done its work. */
  tunnelAnswered(): void
  /** The upstream's part is over: the response is complete, the tunnel is handed over, or it broke off too late. */
  attemptDone(): void
}
