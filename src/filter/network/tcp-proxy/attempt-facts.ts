// What an attempt leaves in the facts of its session, for the log.

import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import { NO_ADDRESS } from '../../../transport/address.ts'
import type { StreamInfo } from '../../../transport/byte-stream.ts'
import type { AttemptFailure, UpstreamSide } from '../../../upstream/attempt.ts'

/** It led to an upstream; what earlier ones failed with is over. */
export function noteUpstream(facts: StreamFacts, side: UpstreamSide, nowMs: number): void {
  const { info, endpoint, protocol, connectionId } = side
  facts.upstream = info
  facts.upstreamHostName = endpoint.hostname
  facts.upstreamProtocol = protocol
  facts.upstreamConnectionId = connectionId
  facts.upstreamTransportFailure = ''
  facts.responseCode = 0
  facts.attemptedHosts.push(info.remote.text)
  facts.times.upstreamReady = nowMs
  facts.tunnelled = protocol !== ''
}

export function noteFailure(facts: StreamFacts, { transportFailure, status, endpoint }: AttemptFailure): void {
  facts.upstreamTransportFailure = transportFailure
  facts.responseCode = status
  if (endpoint === undefined) return
  facts.upstream = notReached(endpoint)
  facts.upstreamHostName = endpoint.hostname
  facts.attemptedHosts.push(endpoint.text)
}

/** Facts of an endpoint that was tried and not reached, for the log. */
function notReached(endpoint: Endpoint): StreamInfo {
  const [address] = endpoint.addresses
  const isSocket = address?.kind === 'socket'
  const remote = { ip: isSocket ? address.host : endpoint.text, port: isSocket ? address.port : 0, text: endpoint.text }
  return { local: NO_ADDRESS, remote }
}
