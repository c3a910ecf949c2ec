// The contract between the connection manager and its HTTP filters. A filter sees the request on its way up and the
// response on its way down; after a tunnel is accepted its bytes bypass all filters. A filter never imports a filter.

import type { CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, ResponseHead, ServerStream } from '../codec/http-stream.ts'
import type { Place } from '../config/model/place.ts'
import type { HttpFilterConfig } from '../config/model/http-filter.ts'
import type { ForwardAction, WeightedCluster } from '../config/model/route.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { SelectedRoute } from '../route/compiled-table.ts'
import type { RouteMiss } from '../route/select-route.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import type { TunnelFrameRules } from '../websocket/frame-guard.ts'

/**
 * What happens next with a head: on to the next filter, or, of a request, wait for `continueRequest`. A filter that stops
 * a response head answers in its place, at once or later, by `sendLocalReply`; the upstream's answer is dropped.
 */
export type HeadVerdict = 'continue' | 'stop'

/**
 * Asked only of the filter that stopped the request head, for body data that the exchange keeps meanwhile (413 beyond
 * the filter's limit). `buffer`: keep waiting. `continue`: the head and all that was kept go on.
 */
export type DataVerdict = 'continue' | 'buffer'

/** An answer made here. Everything a person needs to act on it travels with it. */
export interface LocalReply {
  readonly code: ErrorCode
  /** Overrides the status of the error table. */
  readonly status?: number
  /** Overrides the details of the error table. */
  readonly details?: string
  /** What happened, for the reason header and the body; no secrets. */
  readonly explanation: string
  /** Where in the configuration it was decided. */
  readonly place?: Place | undefined
  /** Replaces the body made of the explanation. */
  readonly body?: { readonly bytes: Buffer; readonly contentType: string }
  readonly headers?: readonly (readonly [string, string])[]
  /** Close the client's connection after the answer: the rest of what it sends cannot be trusted to be a request. */
  readonly closeConnection?: boolean
}

/** What the exchange offers to its filters. */
export interface ExchangeHandle {
  readonly facts: StreamFacts
  /** Whether log lines are written: what they name must be asked for while the sockets live. */
  readonly logged: boolean
  readonly stream: ServerStream
  /** The matched route; undefined when none matched. */
  readonly selected: SelectedRoute | undefined
  /** Why none matched. */
  readonly routeMiss: RouteMiss | undefined
  /** Body bytes a filter may let the exchange keep. */
  setRequestBufferLimit(bytes: number): void
  continueRequest(): void
  /**
   * The request is forwarded by `action` in place of the route's own. False when it is an upgrade that `action` does not
   * permit: then it was answered.
   */
  forwardBy(action: ForwardAction): boolean
  /** The upstream gets `bytes` instead of the client's body, which is dropped. Of no effect on a tunnel. */
  replaceRequestBody(bytes: Buffer): void
  sendLocalReply(reply: LocalReply): void
}

/** One filter instance: made for one exchange. */
export interface HttpFilter {
  onRequestHead?(head: RequestHead, endStream: boolean): HeadVerdict
  onRequestData?(buffer: Buffer, start: number, end: number, endStream: boolean): DataVerdict
  /** `facts.tunnelled` tells the acceptance of a tunnel, whose answer must stay an acceptance: stopping it does nothing. */
  onResponseHead?(head: ResponseHead, endStream: boolean): HeadVerdict
  /**
   * An answer made by the proxy instead of the upstream, before it is sent: the filter's own, too. Answers what to send in
   * its place, or `hold`: then the filter calls `sendLocalReply` later. The last filter is asked first.
   */
  onLocalReply?(reply: LocalReply): LocalReply | 'hold'
  /** The exchange is over; release what is held. */
  onDestroy?(): void
}

/** Makes instances of one configured filter. */
export interface HttpFilterFactory {
  readonly name: string
  readonly kind: HttpFilterConfig['kind']
  /** Skipped unless the route enables it. */
  readonly disabled: boolean
  /** `override` is the route's typed_per_filter_config for this filter. */
  create(handle: ExchangeHandle, override: HttpFilterConfig | undefined): HttpFilter
}

/** What the terminal filter tells the exchange. */
export interface TerminalSink extends ExchangeHandle {
  onInformational(head: ResponseHead): void
  onResponse(head: ResponseHead, endStream: boolean): void
  /** False = stop until `resumeUpstream` is called on the terminal filter. */
  onResponseData(buffer: Buffer, start: number, end: number, endStream: boolean): boolean
  onResponseTrailers(trailers: HeaderList): void
  /** The upstream agreed to the tunnel: answer the client and join the two. */
  onTunnelAccepted(head: ResponseHead, tunnel: UpstreamTunnel): void
  /** The upstream failed after the response had begun. */
  onUpstreamReset(cause: CloseCause): void
  /** `data` answered false before and there is room again. */
  onRequestDrain(): void
  /** The chosen member of a weighted cluster, whose header mutations also apply to the response. */
  useWeighted(member: WeightedCluster): void
}

/** What the tunnel needs to know of its upstream side. */
export interface UpstreamTunnel {
  /** Its bytes, asked for once, after the answer was sent to the client. */
  open(): ByteStream
  /** `HTTP/1.1` and the like, or what the tunnel ends in here: `TCP`, `UDP`. */
  readonly protocol: string
  readonly endpoint: string
  readonly hopNote: string
  /** What the cluster lets the tunnel live from now on, ms; undefined = no limit. */
  readonly maxDurationMs: number | undefined
  /** What the frames of a WebSocket must keep to; undefined = nobody looks. */
  readonly frames?: TunnelFrameRules | undefined
  /** Body bytes of a POST that is tunnelled, from before the acceptance: the first payload of the client. */
  readonly received?: Buffer | undefined
  /** Called once when the tunnel has ended: frees the endpoint's and the circuit breaker's slots. */
  release(cause: CloseCause): void
}

/** The last filter: it answers, or has somebody answer. */
export interface TerminalFilter {
  start(head: RequestHead, endStream: boolean): void
  /** False = stop until it calls `onRequestDrain`. */
  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean
  trailers(trailers: HeaderList): void
  /** Payload of a tunnel request came before its answer; the codec keeps it. */
  earlyData(): void
  /** The client reads slowly / reads again. */
  pauseUpstream(): void
  resumeUpstream(): void
  /** The exchange ended on the client's side, or by the proxy: let go of the upstream. */
  abort(cause: CloseCause): void
}
