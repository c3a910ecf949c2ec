// What a session asks of the connections of its cluster: server name, target, and what it says of its client.

import type { Endpoint } from '../../../cluster/endpoint.ts'
import { targetOfConnection } from '../../../cluster/target.ts'
import type { ProxyTlv } from '../../../config/model/proxy-protocol.ts'
import type { TcpProxy } from '../../../config/model/tcp-proxy.ts'
import { evaluate } from '../../../format/evaluate.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import { hashOfConnection } from '../../../route/hash-policy.ts'
import type { ReceivedTlv } from '../../../transport/connection-state.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'
import type { SessionCluster } from './runtime.ts'

/** Filter state that sets the TLS server name of the upstream's connections. */
const SERVER_NAME = 'envoy.network.upstream_server_name'

/** `serverName`: what the cluster takes from a tunnel's head; '' for a TCP connection. */
export function sessionNeed(
  facts: StreamFacts,
  upstream: SessionCluster,
  config: TcpProxy,
  serverName: string,
  tried: readonly Endpoint[],
): DialNeed {
  const { downstream: info } = facts
  const need: DialNeed = {
    serverName: info.state?.filterState.get(SERVER_NAME) ?? serverName,
    priority: 'default',
    target: targetOfConnection(upstream.cluster, info, facts.requestedServerName ?? ''),
    tried,
    hash: hashOfConnection(upstream.cluster.hashPolicies ?? config.hashPolicies, facts),
  }
  if (!upstream.needsOrigin) return need
  const tlvs = sessionTlvs(config, facts)
  return { ...need, downstream: { connectionId: facts.connectionId, info, ...(tlvs === undefined ? {} : { tlvs }) } }
}

/** The configured TLVs merged with those of the client's own header, as the policy says; undefined = only the latter. */
function sessionTlvs(config: TcpProxy, facts: StreamFacts): readonly ReceivedTlv[] | undefined {
  const { proxyProtocolTlvs, tlvMerge } = config
  if (proxyProtocolTlvs.length === 0) return undefined
  const { state } = facts.downstream
  const received = state?.tlvs ?? []
  // Envoy adds them only where no PROXY header came, unless told otherwise.
  if (tlvMerge === 'add-if-absent' && (received.length > 0 || state?.directRemote !== undefined)) return undefined
  const made = proxyProtocolTlvs.map((tlv) => ({ type: tlv.type, value: tlvValue(tlv, facts) }))
  if (tlvMerge === 'append') return [...received, ...made]
  return [...received.filter(({ type }) => !made.some((own) => own.type === type)), ...made]
}

const tlvValue = ({ value }: ProxyTlv, facts: StreamFacts): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.from(evaluate(value, facts), 'utf8')
