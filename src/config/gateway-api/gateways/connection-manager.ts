// The connection manager of a port, with the defaults of the Gateway's class. WebSockets pass on every route, from HTTP/1.1
// and HTTP/2 clients, without being asked for. AGC: x-forwarded-for, x-forwarded-proto, x-request-id, its server header,
// streams idle 5 min.

import type { AccessLogConfig } from '../../model/access-log.ts'
import type { HttpConnectionManager } from '../../model/http-connection-manager.ts'
import type { HttpFilterConfig } from '../../model/http-filter.ts'
import type { Place } from '../../model/place.ts'
import type { RouteTable } from '../../model/route.ts'
import { CORS, corsFilter } from '../http-route/cors.ts'
import { defaultCommonHttp, defaultHttp1, defaultHttp2 } from '../protocol-defaults.ts'
import type { Flavour } from '../working.ts'

const MINUTE_MS = 60_000

export function connectionManager(
  flavour: Flavour,
  statPrefix: string,
  routes: RouteTable,
  accessLogs: readonly AccessLogConfig[],
): HttpConnectionManager {
  const { place } = routes
  const agc = flavour === 'agc'
  return {
    kind: 'http-connection-manager',
    statPrefix,
    codec: 'auto',
    routes,
    filters: filters(routes, place),
    upgrades: new Map([['websocket', { enabled: true, filters: undefined, place }]]),
    common: defaultCommonHttp(flavour),
    http1: defaultHttp1,
    http2: defaultHttp2,
    maxRequestHeadersKb: 60,
    // Deviation: AGC names itself here. Whoever reads it would look for faults in a product that did not answer.
    serverName: 'sluice',
    serverHeader: agc ? 'overwrite' : 'append-if-absent',
    schemeTransformation: '',
    // Others: an hour, because connections that last are what this proxy is for.
    streamIdleTimeoutMs: agc ? 5 * MINUTE_MS : 60 * MINUTE_MS,
    requestTimeoutMs: undefined,
    requestHeadersTimeoutMs: MINUTE_MS,
    drainTimeoutMs: 5000,
    delayedCloseTimeoutMs: 1000,
    accessLogs,
    accessLogOptions: { flushIntervalMs: undefined, onNewRequest: false, onTunnelEstablished: false },
    useRemoteAddress: true,
    xffNumTrustedHops: 0,
    skipXffAppend: false,
    appendXForwardedPort: false,
    representIpv4AsMapped: false,
    via: '',
    internalAddresses: { unixSockets: false, ranges: [] },
    generateRequestId: true,
    preserveExternalRequestId: false,
    alwaysSetRequestIdInResponse: false,
    forwardClientCert: 'sanitize',
    clientCertDetails: { subject: false, cert: false, chain: false, dns: false, uri: false },
    proxy100Continue: false,
    // Routes are chosen by the path that the backend will see.
    normalizePath: true,
    mergeSlashes: false,
    escapedSlashes: 'keep',
    stripPort: 'no',
    stripTrailingHostDot: true,
    streamErrorOnInvalidMessage: false,
    localReplyMappers: [],
    localReplyFormat: undefined,
    addUserAgent: false,
    place,
  }
}

function filters(routes: RouteTable, place: Place): readonly HttpFilterConfig[] {
  const router: HttpFilterConfig = {
    kind: 'router',
    name: 'router',
    disabled: false,
    suppressEnvoyHeaders: true,
    upstreamLogs: [],
    rejectConnectEarlyData: false,
    place,
  }
  return usesCors(routes) ? [corsFilter(undefined, place), router] : [router]
}

const usesCors = ({ virtualHosts }: RouteTable): boolean =>
  virtualHosts.some(({ routes }) =>
    routes.some(
      ({ perFilter, action }) =>
        perFilter.has(CORS) ||
        (action.kind === 'forward' &&
          action.cluster.kind === 'weighted' &&
          action.cluster.clusters.some((member) => member.perFilter.has(CORS))),
    ),
  )
