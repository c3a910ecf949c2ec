// The UDP proxy of a UDP listener. Envoy: extensions.filters.udp.udp_proxy.v3.

import { isMessage } from '@bufbuild/protobuf'
import type { UdpProxy, UdpTunnelingConfig } from '../model/udp-proxy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLogs } from './lower-access-log.ts'
import { lowerBackoff } from './lower-backoff.ts'
import { milliseconds, timeout } from './lower-duration.ts'
import { lowerTemplate } from './lower-format.ts'
import { lowerAdditions } from './lower-header-mutation.ts'
import { checkKnownCluster } from './lower-tcp-proxy.ts'
import { lowerPostPath } from './lower-tunneling.ts'
import {
  HttpCapsuleSchema,
  UdpRouteSchema,
  type UdpProxyConfig as Message,
  type UdpProxyConfig_UdpTunnelingConfig as TunnelingMessage,
} from './messages.ts'

/** Envoy's idle timeout of a session when none is set. */
const IDLE_TIMEOUT = 60_000

export function lowerUdpProxy(loading: Loading, message: Message, spot: Spot): UdpProxy {
  const options = message.accessLogOptions
  const tunneling = message.tunnelingConfig
  return {
    statPrefix: message.statPrefix,
    cluster: lowerCluster(loading, message, spot),
    idleTimeoutMs: message.idleTimeout === undefined ? IDLE_TIMEOUT : milliseconds(message.idleTimeout),
    tunneling: tunneling && lowerUdpTunneling(loading, tunneling, spot.field('tunneling_config')),
    capsules: lowerSessionFilters(loading, message, spot.field('session_filters')),
    ...lowerHashPolicies(message),
    accessLogs: lowerAccessLogs(loading, message.accessLog, spot.field('access_log')),
    accessLogOptions: {
      flushIntervalMs: timeout(options?.accessLogFlushInterval, undefined),
      onTunnelConnected: options?.flushAccessLogOnTunnelConnected ?? false,
    },
    place: spot.place,
  }
}

function lowerHashPolicies({ hashPolicies }: Message): Pick<UdpProxy, 'hashPolicies'> {
  const asked = hashPolicies.some(({ policySpecifier: policy }) => policy.case === 'sourceIp' && policy.value)
  return asked
    ? { hashPolicies: [{ source: { kind: 'source-ip', real: false }, terminal: false, hash: 'xxhash' }] }
    : {}
}

/** The deprecated `cluster`, or the Route that `matcher.on_no_match` leads to. */
function lowerCluster(loading: Loading, message: Message, spot: Spot): string {
  const route = message.routeSpecifier
  if (route.case === 'cluster') {
    checkKnownCluster(loading, route.value, spot.field('cluster'), 'udp_proxy')
    return route.value
  }
  // Without either of the two the rules have spoken.
  if (route.case === undefined) return ''
  const at = spot.field('matcher').field('on_no_match').field('action')
  const match = route.value.onNoMatch?.onMatch
  const action = match?.case === 'action' ? match.value : undefined
  const config = loading.unpack(action?.typedConfig)
  if (isMessage(config, UdpRouteSchema)) {
    checkKnownCluster(loading, config.cluster, at.field('typed_config').field('cluster'), 'udp_proxy')
    return config.cluster
  }
  loading.error(
    at,
    'says no cluster',
    'typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.Route, cluster: …}',
  )
  return ''
}

/** Whether http_capsule is among them, the only kind there is. */
function lowerSessionFilters(loading: Loading, message: Message, spot: Spot): boolean {
  let capsules = false
  for (const [index, filter] of message.sessionFilters.entries()) {
    const at = spot.at(index)
    const config = filter.configType.case === 'typedConfig' ? loading.unpack(filter.configType.value) : undefined
    if (filter.configType.case === undefined) loading.error(at, `session filter "${filter.name}" needs typed_config`)
    if (!isMessage(config, HttpCapsuleSchema)) continue
    if (capsules) loading.error(at, 'http_capsule stands here twice', 'datagrams are put into capsules once')
    if (message.tunnelingConfig === undefined)
      loading.warning(at, 'http_capsule has no effect without tunneling_config', 'datagrams go out as they are')
    capsules = true
  }
  if (!capsules && message.tunnelingConfig !== undefined)
    loading.warning(
      spot,
      'datagrams are sent through the tunnel without their ends: receivers cannot tell them apart',
      'add {name: envoy.filters.udp.session.http_capsule, typed_config: {"@type": ' +
        `type.googleapis.com/${HttpCapsuleSchema.typeName}}} to session_filters`,
    )
  return capsules && message.tunnelingConfig !== undefined
}

function lowerUdpTunneling(loading: Loading, message: TunnelingMessage, spot: Spot): UdpTunnelingConfig {
  const port = message.proxyPort
  if (port !== undefined && (port === 0 || port > 65_535))
    loading.error(spot.field('proxy_port'), 'Port value not in range', 'it is 1 to 65535')
  const retry = message.retryOptions
  return {
    proxyHost: lowerTemplate(loading, message.proxyHost, spot.field('proxy_host')),
    proxyPort: port,
    targetHost: lowerTemplate(loading, message.targetHost, spot.field('target_host')),
    defaultTargetPort: message.defaultTargetPort,
    usePost: message.usePost,
    postPath: lowerPostPath(loading, message, spot),
    maxConnectAttempts: retry?.maxConnectAttempts ?? 1,
    backoff: lowerBackoff(loading, retry?.backoffOptions, spot.field('retry_options').field('backoff_options')),
    headers: lowerAdditions(
      loading,
      message.headersToAdd,
      spot.field('headers_to_add'),
      'the request is for proxy_host, and names target_host in its path',
    ),
    buffer: message.bufferOptions && {
      maxDatagrams: message.bufferOptions.maxBufferedDatagrams ?? 1024,
      maxBytes: Number(message.bufferOptions.maxBufferedBytes ?? 16_384n),
    },
    propagateResponseHeaders: message.propagateResponseHeaders,
    propagateResponseTrailers: message.propagateResponseTrailers,
    place: spot.place,
  }
}
