// The table of all command operators, and the names that Envoy has and Sluice knows but cannot fill yet: those print
// unset. A name in neither is refused where formats are parsed (config/model/format-operators.ts).

import { ADDRESS_OPERATORS } from './address-operators.ts'
import { BYTE_OPERATORS } from './byte-operators.ts'
import { HEADER_OPERATORS } from './header-operators.ts'
import type { Evaluator, OperatorFamily } from './operator.ts'
import { OUTCOME_OPERATORS } from './outcome-operators.ts'
import { ROUTING_OPERATORS } from './routing-operators.ts'
import { STATE_OPERATORS } from './state-operators.ts'
import { TIME_OPERATORS } from './time-operators.ts'
import { TLS_OPERATORS } from './tls-operators.ts'
import { WEBSOCKET_OPERATORS } from './websocket-operators.ts'

/** Operators with a value, by name. */
export const OPERATORS: ReadonlyMap<string, OperatorFamily[string]> = new Map(
  [
    TIME_OPERATORS,
    BYTE_OPERATORS,
    OUTCOME_OPERATORS,
    ROUTING_OPERATORS,
    ADDRESS_OPERATORS,
    HEADER_OPERATORS,
    TLS_OPERATORS,
    STATE_OPERATORS,
    WEBSOCKET_OPERATORS,
  ].flatMap((family) => Object.entries(family)),
)

/** Envoy's operators that are always unset here. */
// prettier-ignore
export const UNFILLED_OPERATORS: ReadonlySet<string> = new Set([
  'BYTES_RETRANSMITTED', 'PACKETS_RETRANSMITTED', 'ROUNDTRIP_DURATION', 'DOWNSTREAM_HANDSHAKE_DURATION', 'DOWNSTREAM_CX_RTT',
  'UPSTREAM_WIRE_BYTES_SENT', 'UPSTREAM_WIRE_BYTES_RECEIVED', 'DOWNSTREAM_WIRE_BYTES_SENT', 'DOWNSTREAM_WIRE_BYTES_RECEIVED',
  'UPSTREAM_HEADER_BYTES_SENT', 'UPSTREAM_HEADER_BYTES_RECEIVED',
  'DOWNSTREAM_HEADER_BYTES_SENT', 'DOWNSTREAM_HEADER_BYTES_RECEIVED',
  'UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED',
  'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED',
  'CUSTOM_FLAGS', 'UPSTREAM_LOCAL_CLOSE_REASON',
  'UPSTREAM_HOST_NAMES_ATTEMPTED', 'UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT', 'UPSTREAM_CONNECTION_IDS_ATTEMPTED',
  'VIRTUAL_CLUSTER_NAME', 'TRACE_ID', 'SPAN_ID', 'ROUTE_RESOLUTION_TIME_US', 'ROUTE_RESOLUTION_COUNT',
  'CLUSTER_METADATA', 'UPSTREAM_METADATA', 'UPSTREAM_FILTER_STATE',
  'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1', 'DOWNSTREAM_PEER_CHAIN_SERIALS',
  'DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256', 'DOWNSTREAM_PEER_ISSUER_SERIAL',
  'DOWNSTREAM_TLS_GROUP', 'UPSTREAM_TLS_GROUP', 'TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT',
])

/** The evaluator of one use of an operator; one that Sluice cannot fill is unset. */
export function evaluatorOf(name: string, argument: string, maxLength: number | undefined): Evaluator {
  const operator = OPERATORS.get(name)
  if (operator === undefined) return () => undefined
  const evaluate = operator(argument)
  if (maxLength === undefined) return evaluate
  return (facts) => {
    const value = evaluate(facts)
    return typeof value === 'string' && value.length > maxLength ? value.slice(0, maxLength) : value
  }
}
