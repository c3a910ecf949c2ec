// What a route demands of WebSockets beyond passing them on. Easegress: WebSocketProxy. Envoy's and Gateway API's routes
// have none.

import type { Place } from './place.ts'

export interface WebSocketPolicy {
  /** Anything but a correct RFC 6455 §4.1 handshake (or RFC 8441's) is refused here: 426, 405, 400. */
  readonly required: boolean
  /** undefined = any origin. */
  readonly origin:
    | {
        /** Lower-case globs over the origin's `host:port`; `*` stops at `/`. The request's own host is always allowed. */
        readonly patterns: readonly string[]
      }
    | undefined
  /** Offers of extensions are taken away, so that frames are plain. */
  readonly refuseExtensions: boolean
  /** Payload bytes of one message from the client; undefined = no limit. */
  readonly maxMessageFromClient: number | undefined
  /** The same from the server. */
  readonly maxMessageFromServer: number | undefined
  readonly place: Place
}
