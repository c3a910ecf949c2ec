// A Gateway and where it listens.

import type { DownstreamTls } from '../../model/tls.ts'
import type { GatewayState, ListenerState } from '../working.ts'

export interface BoundGateway {
  readonly state: GatewayState
  /** Empty = nowhere. */
  readonly addresses: readonly string[]
  /** Of listeners that terminate TLS and can. */
  readonly tls: ReadonlyMap<ListenerState, DownstreamTls>
}
