// What connections of a pool have in common: requests share connections only when nothing that the connection depends on
// differs. For most clusters that is the TLS server name alone, and the key costs nothing.

import type { Cluster } from '../config/model/cluster.ts'
import { hopNamesClient } from './proxy-hop.ts'
import type { DialNeed } from './stream-need.ts'

/** How a cluster's connections are told apart. */
export interface PoolKeys {
  /** Whether a connection is for one client only, and so gone for good when it is closed. */
  readonly perClient: boolean
  /** Whether a connection depends on the client's connection. */
  readonly ofClient: boolean
  keyFor(need: DialNeed): string
}

/** Of `cluster`. */
export function poolKeys(cluster: Cluster): PoolKeys {
  // A PROXY header names the client's own port: no two clients can share what begins with one.
  const perClient =
    cluster.poolPerDownstreamConnection || cluster.proxyProtocol !== undefined || hopNamesClient(cluster.httpProxy)
  if (perClient) return { perClient, ofClient: true, keyFor: clientKey }
  if (cluster.internalPassthrough !== undefined) return { perClient, ofClient: true, keyFor: stateKey }
  return { perClient, ofClient: false, keyFor: ({ serverName }) => serverName }
}

const clientKey = ({ serverName, downstream }: DialNeed): string => `${downstream?.connectionId ?? 0} ${serverName}`

/** The filter state that an internal listener gets to see. */
function stateKey({ serverName, downstream }: DialNeed): string {
  const state = downstream?.info.state?.filterState
  return state === undefined || state.size === 0 ? serverName : `${serverName} ${JSON.stringify([...state])}`
}
