// The HTTP connection manager with Envoy's defaults. Envoy: HttpConnectionManager v3.

import type { AccessLogOptions } from '../model/access-log.ts'
import type { HcmUpgrade, HttpConnectionManager } from '../model/http-connection-manager.ts'
import type { RouteTable } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLogs } from './lower-access-log.ts'
import { lowerRanges } from './lower-address.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerReplyFormat } from './lower-format.ts'
import { lowerHttpFilters } from './lower-http-filter.ts'
import { lowerCommonHttp, lowerHttp1, lowerHttp2 } from './lower-http-options.ts'
import { lowerMapper } from './lower-local-reply.ts'
import { withStatefulSession } from './lower-stateful-session.ts'
import { lowerRouteTable } from './lower-route-table.ts'
import {
  HttpConnectionManager_CodecType as Codec,
  HttpConnectionManager_ForwardClientCertDetails as ClientCert,
  HttpConnectionManager_PathWithEscapedSlashesAction as Slashes,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
  type HttpConnectionManager as Message,
} from './messages.ts'

const CODECS: { readonly [codec in Codec]: HttpConnectionManager['codec'] } = {
  [Codec.AUTO]: 'auto',
  [Codec.HTTP1]: 'http1',
  [Codec.HTTP2]: 'http2',
  // Refused by the table of supported fields.
  [Codec.HTTP3]: 'auto',
}

const SERVER_HEADERS: { readonly [transformation in ServerHeader]: HttpConnectionManager['serverHeader'] } = {
  [ServerHeader.OVERWRITE]: 'overwrite',
  [ServerHeader.APPEND_IF_ABSENT]: 'append-if-absent',
  [ServerHeader.PASS_THROUGH]: 'pass-through',
}

const SLASHES: { readonly [action in Slashes]: HttpConnectionManager['escapedSlashes'] } = {
  [Slashes.IMPLEMENTATION_SPECIFIC_DEFAULT]: 'keep',
  [Slashes.KEEP_UNCHANGED]: 'keep',
  [Slashes.REJECT_REQUEST]: 'reject',
  [Slashes.UNESCAPE_AND_REDIRECT]: 'unescape-and-redirect',
  [Slashes.UNESCAPE_AND_FORWARD]: 'unescape-and-forward',
}

const CLIENT_CERTS: { readonly [details in ClientCert]: HttpConnectionManager['forwardClientCert'] } = {
  [ClientCert.SANITIZE]: 'sanitize',
  [ClientCert.FORWARD_ONLY]: 'forward-only',
  [ClientCert.APPEND_FORWARD]: 'append-forward',
  [ClientCert.SANITIZE_SET]: 'sanitize-set',
  [ClientCert.ALWAYS_FORWARD_ONLY]: 'always-forward-only',
}

export function lowerConnectionManager(loading: Loading, message: Message, spot: Spot): HttpConnectionManager {
  return {
    kind: 'http-connection-manager',
    statPrefix: message.statPrefix,
    codec: CODECS[message.codecType],
    routes: lowerRoutes(loading, message, spot),
    filters: lowerHttpFilters(loading, message.httpFilters, spot.field('http_filters')),
    upgrades: lowerUpgrades(loading, message, spot.field('upgrade_configs')),
    ...lowerProtocols(loading, message, spot),
    ...lowerTimeouts(message),
    ...lowerLogging(loading, message, spot),
    ...lowerAddresses(loading, message, spot),
    ...lowerHeaders(message),
    ...lowerPaths(loading, message, spot),
    localReplyMappers: each(
      message.localReplyConfig?.mappers ?? [],
      spot.field('local_reply_config').field('mappers'),
      (mapper, at) => lowerMapper(loading, mapper, at),
    ),
    localReplyFormat: lowerReplyFormat(
      loading,
      message.localReplyConfig?.bodyFormat,
      spot.field('local_reply_config').field('body_format'),
    ),
    place: spot.place,
  }
}

function lowerRoutes(loading: Loading, message: Message, spot: Spot): RouteTable {
  const routes = message.routeSpecifier
  if (routes.case === 'routeConfig') {
    const table = lowerRouteTable(loading, routes.value, spot.field('route_config'))
    return withStatefulSession(loading, message.httpFilters, spot.field('http_filters'), table)
  }
  return {
    name: '',
    virtualHosts: [],
    mutations: { request: { add: [], remove: [] }, response: { add: [], remove: [] } },
    mostSpecificMutationsWin: false,
    ignorePortInHostMatching: false,
    ignorePathParameters: false,
    internalOnlyHeaders: [],
    place: spot.place,
  }
}

function lowerUpgrades(loading: Loading, message: Message, spot: Spot): ReadonlyMap<string, HcmUpgrade> {
  const upgrades = new Map<string, HcmUpgrade>()
  for (const [index, config] of message.upgradeConfigs.entries()) {
    const at = spot.at(index)
    const type = config.upgradeType.toLowerCase()
    if (upgrades.has(type)) {
      loading.error(
        at.field('upgrade_type'),
        `Error: multiple upgrade configs with the same name: '${config.upgradeType}'`,
        'types are compared without regard to case',
      )
    }
    const filters =
      config.filters.length === 0 ? undefined : lowerHttpFilters(loading, config.filters, at.field('filters'))
    upgrades.set(type, { enabled: config.enabled ?? true, filters, place: at.place })
  }
  return upgrades
}

type Protocols = Pick<
  HttpConnectionManager,
  'common' | 'http1' | 'http2' | 'maxRequestHeadersKb' | 'streamErrorOnInvalidMessage'
>

function lowerProtocols(loading: Loading, message: Message, spot: Spot): Protocols {
  const streamError = message.streamErrorOnInvalidHttpMessage ?? false
  if (message.commonHttpProtocolOptions?.maxResponseHeadersKb !== undefined) {
    loading.error(
      spot.field('common_http_protocol_options').field('max_response_headers_kb'),
      'max_response_headers_kb bounds what upstreams answer and may be set on clusters only',
    )
  }
  return {
    common: lowerCommonHttp(message.commonHttpProtocolOptions),
    http1: lowerHttp1(loading, message.httpProtocolOptions, spot.field('http_protocol_options'), streamError),
    http2: lowerHttp2(loading, message.http2ProtocolOptions, spot.field('http2_protocol_options'), streamError),
    maxRequestHeadersKb: message.maxRequestHeadersKb ?? 60,
    streamErrorOnInvalidMessage: streamError,
  }
}

type Timeouts = Pick<
  HttpConnectionManager,
  'streamIdleTimeoutMs' | 'requestTimeoutMs' | 'requestHeadersTimeoutMs' | 'drainTimeoutMs' | 'delayedCloseTimeoutMs'
>

const lowerTimeouts = (message: Message): Timeouts => ({
  streamIdleTimeoutMs: timeout(message.streamIdleTimeout, 300_000),
  requestTimeoutMs: timeout(message.requestTimeout, undefined),
  requestHeadersTimeoutMs: timeout(message.requestHeadersTimeout, undefined),
  drainTimeoutMs: timeout(message.drainTimeout, 5000) ?? 0,
  delayedCloseTimeoutMs: timeout(message.delayedCloseTimeout, 1000),
})

type Logging = Pick<HttpConnectionManager, 'accessLogs' | 'accessLogOptions'>

function lowerLogging(loading: Loading, message: Message, spot: Spot): Logging {
  const options = message.accessLogOptions
  if (options !== undefined && message.accessLogFlushInterval !== undefined) {
    loading.error(
      spot.field('access_log_flush_interval'),
      'Only one of access_log_flush_interval or access_log_options can be specified.',
    )
  }
  if (options !== undefined && message.flushAccessLogOnNewRequest) {
    loading.error(
      spot.field('flush_access_log_on_new_request'),
      'Only one of flush_access_log_on_new_request or access_log_options can be specified.',
    )
  }
  const accessLogOptions: AccessLogOptions = {
    flushIntervalMs: timeout(options?.accessLogFlushInterval ?? message.accessLogFlushInterval, undefined),
    onNewRequest: options?.flushAccessLogOnNewRequest ?? message.flushAccessLogOnNewRequest,
    onTunnelEstablished: options?.flushLogOnTunnelSuccessfullyEstablished ?? false,
  }
  return { accessLogs: lowerAccessLogs(loading, message.accessLog, spot.field('access_log')), accessLogOptions }
}

type Addresses = Pick<
  HttpConnectionManager,
  | 'useRemoteAddress'
  | 'xffNumTrustedHops'
  | 'skipXffAppend'
  | 'appendXForwardedPort'
  | 'representIpv4AsMapped'
  | 'internalAddresses'
>

function lowerAddresses(loading: Loading, message: Message, spot: Spot): Addresses {
  const internal = message.internalAddressConfig
  if (message.addProxyProtocolConnectionState === false)
    loading.error(
      spot.field('add_proxy_protocol_connection_state'),
      'false is known to Envoy but not supported by Sluice yet',
      'a cluster sends the client’s PROXY header on only where it says so',
    )
  return {
    useRemoteAddress: message.useRemoteAddress ?? false,
    xffNumTrustedHops: message.xffNumTrustedHops,
    skipXffAppend: message.skipXffAppend,
    appendXForwardedPort: message.appendXForwardedPort,
    representIpv4AsMapped: message.representIpv4RemoteAddressAsIpv4MappedIpv6,
    internalAddresses: {
      unixSockets: internal?.unixSockets ?? false,
      ranges: lowerRanges(
        loading,
        internal?.cidrRanges ?? [],
        spot.field('internal_address_config').field('cidr_ranges'),
      ),
    },
  }
}

type Headers = Pick<
  HttpConnectionManager,
  | 'serverName'
  | 'serverHeader'
  | 'schemeTransformation'
  | 'via'
  | 'generateRequestId'
  | 'preserveExternalRequestId'
  | 'alwaysSetRequestIdInResponse'
  | 'forwardClientCert'
  | 'clientCertDetails'
  | 'proxy100Continue'
  | 'addUserAgent'
>

function lowerHeaders(message: Message): Headers {
  const details = message.setCurrentClientCertDetails
  return {
    serverName: message.serverName === '' ? 'envoy' : message.serverName,
    serverHeader: SERVER_HEADERS[message.serverHeaderTransformation],
    schemeTransformation: schemeTransformation(message),
    via: message.via,
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: message.alwaysSetRequestIdInResponse,
    forwardClientCert: CLIENT_CERTS[message.forwardClientCertDetails],
    clientCertDetails: {
      subject: details?.subject ?? false,
      cert: details?.cert ?? false,
      chain: details?.chain ?? false,
      dns: details?.dns ?? false,
      uri: details?.uri ?? false,
    },
    proxy100Continue: message.proxy100Continue,
    addUserAgent: message.addUserAgent ?? false,
  }
}

function schemeTransformation({
  schemeHeaderTransformation: scheme,
}: Message): HttpConnectionManager['schemeTransformation'] {
  const fixed = scheme?.transformation.value
  if (fixed === 'http' || fixed === 'https') return fixed
  return scheme?.matchUpstream === true ? 'match-upstream' : ''
}

type Paths = Pick<
  HttpConnectionManager,
  'normalizePath' | 'mergeSlashes' | 'escapedSlashes' | 'stripPort' | 'stripTrailingHostDot'
>

function lowerPaths(loading: Loading, message: Message, spot: Spot): Paths {
  const any = message.stripPortMode.case === 'stripAnyHostPort' && message.stripPortMode.value
  if (any && message.stripMatchingHostPort) {
    loading.error(
      spot.field('strip_any_host_port'),
      'Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.',
    )
  }
  return {
    normalizePath: message.normalizePath ?? false,
    mergeSlashes: message.mergeSlashes,
    escapedSlashes: SLASHES[message.pathWithEscapedSlashesAction],
    stripPort: any ? 'any' : message.stripMatchingHostPort ? 'matching' : 'no',
    stripTrailingHostDot: message.stripTrailingHostDot,
  }
}
