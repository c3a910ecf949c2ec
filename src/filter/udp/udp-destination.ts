// Where a CONNECT-UDP that ends here leads to: a UDP socket connected to an endpoint of the route's cluster (RFC 9298 §3.1).
// The router asks for it as for a TCP connection; the payload it joins is a stream of capsules.

import { closeCause } from '../../core/close-cause.ts'
import { nextConnectionId } from '../../core/ids.ts'
import type { TimerWheel } from '../../core/timer-wheel.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import { openUdpStream, type UdpTraffic } from '../../codec/capsule/udp-byte-stream.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { Ticket, UpstreamFailure } from '../../upstream/stream-need.ts'
import type { DestinationWaiter, TunnelDestination } from '../../upstream/tunnel-destination.ts'
import type { UdpClusterStats } from './udp-stats.ts'

export interface UdpDestinationTools {
  readonly wheel: TimerWheel
  statsOf(upstream: ClusterUpstream): UdpClusterStats
}

/** RFC 9297 §3.4: both sides say that the payload is capsules. */
const FIELDS = [['capsule-protocol', '?1']] as const

/** Opens UDP sockets for the router. */
export const udpDestination = (tools: UdpDestinationTools): TunnelDestination => ({
  open({ upstream, need, endStream }, waiter) {
    if (endStream) return refuse(waiter, 'connect_udp_ended', 'no datagram can follow its head')
    const { tried = [] } = need
    const original = need.downstream?.info.state?.originalDestination
    const endpoint = upstream.runtime.pick({ ...need, tried, original })
    if (endpoint.kind === 'none') return refuse(waiter, endpoint.code, endpoint.reason)
    const breakers = upstream.breakers(need.priority)
    const refusal = breakers.tryAcquire('connection')
    if (refusal !== undefined) {
      upstream.stats.upstreamCxOverflow.value++
      return refuse(waiter, 'upstream_overflow', refusal, endpoint)
    }
    return connect(tools, { upstream, endpoint, release: () => breakers.release('connection') }, waiter)
  },
})

interface Chosen {
  readonly upstream: ClusterUpstream
  readonly endpoint: Endpoint
  /** Gives the circuit breaker's slot back. */
  readonly release: () => void
}

function connect(
  tools: UdpDestinationTools,
  { upstream, endpoint, release }: Chosen,
  waiter: DestinationWaiter,
): Ticket | undefined {
  const [address] = endpoint.addresses
  if (address?.kind !== 'socket') {
    release()
    return refuse(waiter, 'upstream_connection_failure', `${endpoint.text} has no UDP address`, endpoint)
  }
  const { bindAddress } = upstream.cluster
  const options = { host: address.host, port: address.port, bindAddress }
  const cancel = openUdpStream(options, tools.wheel, traffic(upstream, tools.statsOf(upstream)), {
    onOpened: (stream) =>
      waiter.onOpened({ id: nextConnectionId(), endpoint, stream, protocol: 'UDP', fields: FIELDS, release }),
    onOpenFailed: (cause) => {
      release()
      upstream.stats.upstreamCxConnectFail.value++
      const { code, detail } = cause
      waiter.onOpenFailed({ code, explanation: detail, transportFailure: detail, cause, endpoint })
    },
  })
  return {
    cancel: () => {
      cancel()
      release()
    },
  }
}

function refuse(
  waiter: DestinationWaiter,
  code: UpstreamFailure['code'],
  explanation: string,
  endpoint?: Endpoint,
): undefined {
  const cause = closeCause('proxy', 'udp', code, explanation)
  waiter.onOpenFailed({ code, explanation, transportFailure: '', cause, endpoint })
  return undefined
}

function traffic(upstream: ClusterUpstream, stats: UdpClusterStats): UdpTraffic {
  return {
    onSent(bytes, dropped) {
      if (dropped) stats.txErrors.value++
      else {
        stats.txDatagrams.value++
        upstream.stats.upstreamCxTxBytesTotal.value += bytes
      }
    },
    onSendError: () => void stats.txErrors.value++,
    onReceived(bytes, dropped) {
      stats.rxDatagrams.value++
      upstream.stats.upstreamCxRxBytesTotal.value += bytes
      if (dropped) stats.rxDatagramsDropped.value++
    },
    onReceiveError: () => void stats.rxErrors.value++,
  }
}
