// What a session's attempt to get a tunnel is made of: its request, what it asks of the pools, and when the answer agrees.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { TunnelingConfig } from '../../../config/model/tcp-proxy.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'
import type { TunnelAttemptParts } from '../../../upstream/tunnel-attempt.ts'
import { TCP_PROXY_STATE } from './overrides.ts'
import type { SessionCluster } from './runtime.ts'

export const tunnelParts = (
  upstream: SessionCluster,
  config: TunnelingConfig,
  head: RequestHead,
  need: DialNeed,
  facts: StreamFacts,
): TunnelAttemptParts => ({
  upstream,
  head,
  need: { ...need, upgrade: false, downstreamProtocol: 'HTTP/1.1' },
  accepts,
  propagation: {
    state: facts.downstream.state,
    headersKey: config.propagateResponseHeaders ? TCP_PROXY_STATE.responseHeaders : undefined,
    trailersKey: config.propagateResponseTrailers ? TCP_PROXY_STATE.responseTrailers : undefined,
  },
})

/** Envoy's rule: any 2xx of HTTP/1, exactly 200 otherwise. */
const accepts = (status: number, multiplexed: boolean): boolean =>
  multiplexed ? status === 200 : status >= 200 && status < 300
