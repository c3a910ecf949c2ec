// HTTPServer: a listener whose routes lead to pipelines.

import type { HttpConnectionManager } from '../model/http-connection-manager.ts'
import type { HttpFilterConfig } from '../model/http-filter.ts'
import type { FilterChain, Listener } from '../model/listener.ts'
import type { Place } from '../model/place.ts'
import type { Route, RouteTable } from '../model/route.ts'
import { NO_MUTATIONS } from '../model/header-mutation.ts'
import type { Spot } from '../source/tree.ts'
import { COMMON_OPTIONS, HTTP1_OPTIONS, HTTP2_OPTIONS } from './http-options.ts'
import type { HttpServerSpec } from './http-server-schema.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLog } from './lower-access-log.ts'
import { lowerRoutes, type RouteScope } from './lower-route.ts'
import { lowerServerTls } from './lower-server-tls.ts'

/** The vendor's. */
const MAX_CONNECTIONS = 10_240
const KEEP_ALIVE_TIMEOUT = 60_000

export function lowerHttpServer(
  loading: Loading,
  spec: HttpServerSpec,
  spot: Spot,
  pipelines: RouteScope['pipelines'],
): Listener {
  checkUnsupported(loading, spec, spot)
  const tls = spec.https === true ? lowerServerTls(loading, spec, spot) : undefined
  const port = loading.options.portMap?.get(spec.port) ?? spec.port
  const chain: FilterChain = {
    name: '',
    match: undefined,
    tls,
    transportSocketConnectTimeoutMs: 10_000,
    gates: [],
    filter: connectionManager(loading, spec, spot, pipelines),
    place: spot.place,
  }
  return {
    name: spec.name,
    internal: false,
    addresses: [{ kind: 'socket', host: spec.address || '0.0.0.0', port, place: spot.field('port').place }],
    statPrefix: spec.name,
    chains: [],
    defaultChain: chain,
    filters: [],
    udp: undefined,
    listenerFiltersTimeoutMs: undefined,
    continueOnListenerFiltersTimeout: false,
    bufferLimitBytes: 1024 * 1024,
    tcpBacklogSize: undefined,
    reusePort: true,
    bindToPort: true,
    maxConnections: spec.maxConnections ?? MAX_CONNECTIONS,
    keepalive: { timeMs: 60_000 },
    accessLogs: [],
    trafficDirection: 'inbound',
    place: spot.place,
  }
}

function checkUnsupported(loading: Loading, spec: HttpServerSpec, spot: Spot): void {
  const refuse = (field: 'http3' | 'autoCert', hint: string): void => {
    if (spec[field] === true)
      loading.error(spot.field(field), `${field} is known to Easegress but not supported by Sluice`, hint)
  }
  refuse('http3', 'leave it out: clients come by HTTP/1.1 and HTTP/2')
  refuse('autoCert', 'give the certificate with certBase64 and keyBase64, or certs and keys')
  if (spec.routerKind === 'RadixTree')
    loading.error(
      spot.field('routerKind'),
      'routerKind RadixTree is known to Easegress but not supported by Sluice',
      'Ordered takes the first path that matches: put exact paths first, prefixes last',
    )
  if (spec.https !== true)
    for (const field of ['certBase64', 'keyBase64', 'certs', 'keys', 'caCertBase64'] as const)
      if (spec[field] !== undefined) loading.warning(spot.field(field), `${field} has no effect without https: true`)
}

/** What is the same for every server. */
const FIXED = {
  kind: 'http-connection-manager',
  codec: 'auto',
  http1: HTTP1_OPTIONS,
  http2: HTTP2_OPTIONS,
  maxRequestHeadersKb: 1024,
  serverName: '',
  serverHeader: 'pass-through',
  schemeTransformation: '',
  // Deviation: the vendor waits for ever for a request head or for the next bytes of a body.
  streamIdleTimeoutMs: 300_000,
  requestTimeoutMs: undefined,
  requestHeadersTimeoutMs: 60_000,
  drainTimeoutMs: 5000,
  delayedCloseTimeoutMs: 1000,
  accessLogOptions: { flushIntervalMs: undefined, onNewRequest: false, onTunnelEstablished: false },
  // Whoever a header says the client is: address filters go by the address of the connection, which nobody can forge.
  useRemoteAddress: true,
  xffNumTrustedHops: 0,
  appendXForwardedPort: false,
  representIpv4AsMapped: false,
  via: '',
  internalAddresses: { unixSockets: false, ranges: [] },
  generateRequestId: false,
  preserveExternalRequestId: true,
  alwaysSetRequestIdInResponse: false,
  forwardClientCert: 'sanitize',
  clientCertDetails: { subject: false, cert: false, chain: false, dns: false, uri: false },
  proxy100Continue: false,
  normalizePath: false,
  mergeSlashes: false,
  escapedSlashes: 'keep',
  stripPort: 'no',
  stripTrailingHostDot: false,
  streamErrorOnInvalidMessage: false,
  localReplyMappers: [],
  localReplyFormat: undefined,
  addUserAgent: false,
} as const satisfies Partial<HttpConnectionManager>

function connectionManager(
  loading: Loading,
  spec: HttpServerSpec,
  spot: Spot,
  pipelines: RouteScope['pipelines'],
): HttpConnectionManager {
  const { place } = spot
  const lowered = lowerRoutes({ loading, server: spec, pipelines }, spot)
  return {
    ...FIXED,
    statPrefix: spec.name,
    routes: routeTable(spec.name, lowered.routes, place),
    filters: filters(place),
    upgrades: new Map([['websocket', { enabled: true, filters: undefined, place }]]),
    common: {
      ...COMMON_OPTIONS,
      idleTimeoutMs: spec.keepAliveTimeout || KEEP_ALIVE_TIMEOUT,
      maxRequestsPerConnection: spec.keepAlive === false ? 1 : undefined,
    },
    // A WebSocket's server is told by every hop who the client is; whether others are is xForwardedFor's to say.
    skipXffAppend: !(spec.xForwardedFor === true || lowered.webSockets),
    accessLogs: [lowerAccessLog(loading, spec.accessLogFormat, spot.field('accessLogFormat'))],
    place,
  }
}

/** The rules of a server are asked in order, whatever the host: they match it themselves. */
const routeTable = (name: string, routes: readonly Route[], place: Place): RouteTable => ({
  name,
  virtualHosts: [
    { name, domains: ['*'], routes, requireTls: 'none', mutations: NO_MUTATIONS, perFilter: new Map(), place },
  ],
  mutations: NO_MUTATIONS,
  mostSpecificMutationsWin: false,
  ignorePortInHostMatching: true,
  ignorePathParameters: false,
  internalOnlyHeaders: [],
  refusal: 'nearest',
  place,
})

/** Each route says which pipeline runs. */
const filters = (place: Place): readonly HttpFilterConfig[] => [
  { kind: 'pipeline', name: 'pipeline', disabled: false, pipeline: undefined, place },
  {
    kind: 'router',
    name: 'router',
    disabled: false,
    suppressEnvoyHeaders: true,
    upstreamLogs: [],
    rejectConnectEarlyData: true,
    place,
  },
]
