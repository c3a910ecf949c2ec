// The contract between the listener and the network filters of a chain. Gates let a connection in or refuse it; the
// terminal filter serves it until it is gone. A filter never imports a filter.

import type { CloseCause } from '../core/close-cause.ts'
import type { DenseItem } from '../core/dense-set.ts'
import type { ConnectionId } from '../core/ids.ts'
import type { ReplayableStream } from '../transport/replay.ts'

/** A connection whose filter chain was chosen and whose TLS handshake, if any, is done. */
export interface Arrival {
  readonly stream: ReplayableStream
  readonly id: ConnectionId
  readonly listenerName: string
  readonly filterChainName: string
  /** SNI that an inspector read where no TLS session ends here; '' when none. */
  readonly serverName: string
}

/** A connection that is being served. */
export interface ServedConnection extends DenseItem {
  /** Graceful end: no new work; tunnels go on. */
  drain(cause: CloseCause): void
  /** Ends it now. */
  close(cause: CloseCause): void
}

/** Serves connections: one per filter chain, shared by its connections. */
export interface TerminalNetworkFilter {
  /** Takes over the stream: sets its sink. `onClosed` is called once, in a later turn, when the connection is gone. */
  serve(arrival: Arrival, onClosed: (connection: ServedConnection) => void): ServedConnection
}

/** What a gate answers. */
export type Admission =
  { readonly kind: 'admitted' } | { readonly kind: 'refused'; readonly cause: CloseCause; readonly delayMs: number }

/** Lets a connection in or not: one per configured gate, shared by its connections. */
export interface ConnectionGateFilter {
  /**
   * Calls `decide` once, at once or later. The returned pass, if any, is told when the connection is gone, admitted or
   * not. The stream has no sink meanwhile.
   */
  admit(arrival: Arrival, decide: (admission: Admission) => void): ConnectionPass | undefined
}

/** What a gate keeps of one connection. */
export interface ConnectionPass {
  /** The connection is gone, perhaps before the gate has decided. */
  released(): void
}
