// What a tunnel that ends here leads to: something that gives a byte stream. One implementation per kind of far side: for
// CONNECT the TCP (or TLS) connection below, for CONNECT-UDP filter/udp/udp-destination.ts.

import type { ConnectionId } from '../core/ids.ts'
import type { CloseCause } from '../core/close-cause.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import type { ClusterUpstream } from './cluster-upstream.ts'
import type { DialNeed, Ticket, UpstreamFailure } from './stream-need.ts'

/** A way to the far side. */
export interface TunnelDestination {
  /** Opens it. Exactly one call of `waiter` follows, perhaps before this returns, unless the ticket is cancelled first. */
  open(request: DestinationRequest, waiter: DestinationWaiter): Ticket | undefined
}

/** The tunnel that is asked for. */
export interface DestinationRequest {
  /** The client has ended its direction with the head. */
  readonly endStream: boolean
  readonly upstream: ClusterUpstream
  readonly need: DialNeed
}

export interface DestinationWaiter {
  onOpened(opened: OpenDestination): void
  /** A code of the client's fault (a head that makes no sense) is answered as such. */
  onOpenFailed(failure: UpstreamFailure): void
}

/** The far side, ready. */
export interface OpenDestination {
  readonly id: ConnectionId
  readonly endpoint: Endpoint
  /** The payload of the client's tunnel, both ways (for UDP: capsules, RFC 9297). Without a sink, not read yet. */
  readonly stream: ByteStream
  /** `TCP`, `UDP`. */
  readonly protocol: string
  /** Fields of the accepting response. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Called once when the stream is gone. */
  release(cause: CloseCause): void
}

/** A connection of its own to an endpoint of the cluster (RFC 9110 §9.3.6). */
export const TCP_DESTINATION: TunnelDestination = {
  open: ({ upstream, need }, waiter) =>
    upstream.connect(need, {
      onConnected: (connection) =>
        waiter.onOpened({
          id: connection.id,
          endpoint: connection.endpoint,
          stream: connection.stream,
          protocol: 'TCP',
          fields: [],
          release: (cause) => connection.release(cause),
        }),
      onConnectFailed: (failure) => waiter.onOpenFailed(failure),
    }),
}
