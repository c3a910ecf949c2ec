// The PROXY protocol header that a connection begins with: which version, whose addresses, which TLVs.
// Envoy: upstream_proxy_protocol, and proxy_protocol_config of a terminated CONNECT.

import type { Clock } from '../core/clock.ts'
import { writeProxyHeader } from '../codec/proxy-protocol/write.ts'
import { chooseTlvs } from '../codec/proxy-protocol/tlvs.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { ProxyProtocolSend, ProxyTlv } from '../config/model/proxy-protocol.ts'
import { blankFacts } from '../format/blank-facts.ts'
import { evaluate } from '../format/evaluate.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { ReceivedTlv } from '../transport/connection-state.ts'
import type { DownstreamOrigin } from './stream-need.ts'

/** The header; without a client it says LOCAL or UNKNOWN. */
export function clientHeader(
  send: ProxyProtocolSend,
  endpoint: Endpoint,
  downstream: DownstreamOrigin | undefined,
  clock: Clock,
): Buffer {
  if (downstream === undefined) return writeProxyHeader(send.version, undefined).bytes
  const { info, connectionId } = downstream
  const ends = { source: info.remote, destination: info.local }
  if (send.version === 'v1') return writeProxyHeader('v1', ends).bytes
  let facts: StreamFacts | undefined
  const made = ({ type, value }: ProxyTlv): ReceivedTlv => {
    if (Buffer.isBuffer(value)) return { type, value }
    facts ??= blankFacts(clock, connectionId, info, { listenerName: '', filterChainName: '' }, undefined)
    return { type, value: Buffer.from(evaluate(value, facts), 'utf8') }
  }
  const tlvs = chooseTlvs({
    endpoint: (endpoint.config.proxyTlvs ?? []).map(made),
    added: send.added.map(made),
    received: downstream.tlvs ?? info.state?.tlvs ?? [],
    passThrough: send.passThrough,
  })
  return writeProxyHeader('v2', ends, tlvs).bytes
}
