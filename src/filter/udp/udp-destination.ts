// Where a CONNECT-UDP that ends here leads to: a UDP socket connected to an endpoint of the route's cluster (RFC 9298 §3.1).
// The router asks for it as for a TCP connection; the payload it joins is a stream of capsules.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { type ConnectionId, nextConnectionId } from '../../core/ids.ts'
import type { TimerWheel } from '../../core/timer-wheel.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import { openUdpStream, type UdpTraffic } from '../../codec/capsule/udp-byte-stream.ts'
import type { ByteStream } from '../../transport/byte-stream.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { DialNeed, Ticket, UpstreamFailure } from '../../upstream/stream-need.ts'
import type { UdpClusterStats } from './udp-stats.ts'

export interface UdpDestinationTools {
  readonly wheel: TimerWheel
  statsOf(upstream: ClusterUpstream): UdpClusterStats
}

interface Request {
  /** The client has ended its direction with the head. */
  readonly endStream: boolean
  readonly upstream: ClusterUpstream
  readonly need: DialNeed
}

interface Waiter {
  onOpened(opened: OpenUdp): void
  onOpenFailed(failure: UpstreamFailure): void
}

interface OpenUdp {
  readonly id: ConnectionId
  readonly endpoint: Endpoint
  readonly stream: ByteStream
  readonly protocol: 'UDP'
  readonly fields: readonly (readonly [name: string, value: string])[]
  release(cause: CloseCause): void
}

/** RFC 9297 §3.4: both sides say that the payload is capsules. */
const FIELDS = [['capsule-protocol', '?1']] as const

/** Opens UDP sockets for the router. */
export const udpDestination = (tools: UdpDestinationTools) => ({
  /** Exactly one call of `waiter` follows, perhaps before this returns, unless the ticket is cancelled first. */
  open(request: Request, waiter: Waiter): Ticket | undefined {
    const { upstream, need, endStream } = request
    if (endStream) return refuse(waiter, 'connect_udp_ended', 'no datagram can follow its head')
    const { target, tried = [] } = need
    const original = need.downstream?.info.state?.originalDestination
    const endpoint = upstream.runtime.pick({ tried, target, original })
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
  waiter: Waiter,
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

function refuse(waiter: Waiter, code: UpstreamFailure['code'], explanation: string, endpoint?: Endpoint): undefined {
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
