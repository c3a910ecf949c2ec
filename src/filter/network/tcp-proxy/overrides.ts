// What filter state says about one session, over the configuration: `envoy.tcp_proxy.*`, set by earlier filters.

import type { TcpProxy } from '../../../config/model/tcp-proxy.ts'
import type { ConnectionState } from '../../../transport/connection-state.ts'

/** Filter state keys with a meaning here. */
export const TCP_PROXY_STATE = {
  cluster: 'envoy.tcp_proxy.cluster',
  disableTunneling: 'envoy.tcp_proxy.disable_tunneling',
  idleTimeoutMs: 'envoy.tcp_proxy.per_connection_idle_timeout_ms',
  receiveBeforeConnect: 'envoy.tcp_proxy.receive_before_connect',
  responseHeaders: 'envoy.tcp_proxy.propagate_response_headers',
  responseTrailers: 'envoy.tcp_proxy.propagate_response_trailers',
} as const

/** The cluster of the next attempt: what filter state says, the only one, or one by weight. */
export function chooseCluster(config: TcpProxy, state: ConnectionState | undefined, random: () => number): string {
  const named = state?.filterState.get(TCP_PROXY_STATE.cluster)
  if (named !== undefined && named !== '') return named
  let left = Math.floor(random() * config.totalWeight)
  for (const { name, weight } of config.clusters) {
    if (left < weight) return name
    left -= weight
  }
  return config.clusters.at(-1)?.name ?? ''
}

/** Milliseconds; undefined = none. Text that is no number changes nothing. */
export function idleTimeoutMs(config: TcpProxy, state: ConnectionState | undefined): number | undefined {
  const text = state?.filterState.get(TCP_PROXY_STATE.idleTimeoutMs)
  if (text === undefined || !/^\d{1,12}$/.test(text)) return config.idleTimeoutMs
  return Number(text) === 0 ? undefined : Number(text)
}

/** Whether the session shall not be tunnelled although the configuration says so. */
export const tunnelingDisabled = (state: ConnectionState | undefined): boolean =>
  isTrue(state?.filterState.get(TCP_PROXY_STATE.disableTunneling))

/** Bytes the client may send before the upstream stands; undefined = it is not read. */
export function earlyDataLimit(
  config: TcpProxy,
  state: ConnectionState | undefined,
  bufferLimitBytes: number,
): number | undefined {
  const asked = isTrue(state?.filterState.get(TCP_PROXY_STATE.receiveBeforeConnect))
  return config.maxEarlyDataBytes ?? (asked ? bufferLimitBytes : undefined)
}

/** Envoy's bool filter state objects are read by absl::SimpleAtob, which takes these, whatever the case. */
const isTrue = (text: string | undefined): boolean => text !== undefined && /^(?:true|t|yes|y|1)$/i.test(text)
