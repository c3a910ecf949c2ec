// A request on its way to a cluster: what the router's attempts know of it, and what they tell the router.

import type { ErrorCode } from '../../../core/errors.ts'
import type { CloseCause } from '../../../core/close-cause.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { Place } from '../../../config/model/place.ts'
import type { TerminalSink } from '../../http-filter.ts'
import type { Destination } from './prepare-request.ts'
import type { RouterTools } from './router-tools.ts'

/** Made once per forwarded request. */
export interface Forwarding {
  readonly tools: RouterTools
  readonly sink: TerminalSink
  readonly head: RequestHead
  readonly destination: Destination
}

/** One try at an upstream: an HTTP stream, or what a terminated tunnel leads to. */
export interface Attempt {
  /** Begins; may fail or succeed before it returns. */
  start(): void
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

/** The router, as its attempts see it. */
export interface AttemptOwner {
  /** Nothing came of it and nothing of it is left: answer the client. */
  attemptFailed(code: ErrorCode, explanation: string, place: Place | undefined): void
  /** The upstream agreed to a tunnel or refused it: the route timeout has done its work. */
  tunnelAnswered(): void
  /** The upstream's part is over: the response is complete, the tunnel is handed over, or it broke off too late. */
  attemptDone(): void
}
