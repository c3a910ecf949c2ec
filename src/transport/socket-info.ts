// What a socket stream says of itself: addresses of its socket, or those that a listener filter put in their place, and TLS.

import type { StreamAddress, StreamInfo, TlsInfo } from './byte-stream.ts'
import type { ConnectionState } from './connection-state.ts'
import type { StreamAmendment } from './replay.ts'
import type { SocketWire } from './socket-wire.ts'

/** Asks the wire for an address when it is read: most connections are never asked for their own end. */
export class SocketInfo implements StreamInfo {
  readonly #wire: SocketWire
  readonly #amended: StreamAmendment | undefined
  readonly tls?: TlsInfo
  readonly state?: ConnectionState

  constructor(wire: SocketWire, tls: TlsInfo | undefined, amended?: StreamAmendment) {
    this.#wire = wire
    this.#amended = amended
    if (tls !== undefined) this.tls = tls
    if (amended?.state !== undefined) this.state = amended.state
  }

  get local(): StreamAddress {
    return this.#amended?.local ?? this.#wire.local
  }

  get remote(): StreamAddress {
    return this.#amended?.remote ?? this.#wire.remote
  }
}
