// healthCheck of a pool. Unless `uri` says otherwise each server's own URL is probed; a server counts as healthy until
// its first check.

import {
  type EndpointHealthCheck,
  evenIntervals,
  type HeaderExpectation,
  type HealthCheck,
  type Probe,
} from '../model/health-check.ts'
import { literalTemplate } from '../model/format-parse.ts'
import type { HeaderMutations } from '../model/header-mutation.ts'
import type { Spot } from '../source/tree.ts'
import type { CheckMatch, HttpCheck, ProxyHealthCheck, WsCheck, WsHealthCheck } from './health-check-schema.ts'
import type { Loading } from './loading.ts'
import type { PlacedServer } from './lower-pool.ts'

export interface LoweredChecks {
  readonly checks: readonly HealthCheck[]
  /** What differs between the servers; undefined = nothing. */
  readonly endpoint: (server: PlacedServer) => EndpointHealthCheck | undefined
}

export const NO_CHECKS: LoweredChecks = { checks: [], endpoint: () => undefined }

/** Of a WebSocketProxy's pool. */
export function lowerWsChecks(
  loading: Loading,
  spec: WsHealthCheck,
  spot: Spot,
  servers: readonly PlacedServer[],
): LoweredChecks {
  const timing = lowerTiming(loading, spec, spot)
  const http = spec.http && { target: spec.http, spot: spot.field('http') }
  const ws = spec.ws && { target: spec.ws, spot: spot.field('ws') }
  const own = ownTargets(loading, [http, ws], servers)
  const checks: HealthCheck[] = []
  if (http !== undefined)
    checks.push({ ...timing, ...common('http', http), probe: httpProbe(loading, http.target, http.spot, own) })
  if (ws !== undefined)
    checks.push({ ...timing, ...common('ws', ws), probe: wsProbe(loading, ws.target, ws.spot, own) })
  return { checks, endpoint: own.endpoint }
}

/** Of a Proxy's pool. */
export function lowerProxyChecks(
  loading: Loading,
  spec: ProxyHealthCheck,
  spot: Spot,
  servers: readonly PlacedServer[],
): LoweredChecks {
  if (spec.path !== undefined) loading.warning(spot.field('path'), 'path is the old name of uri, and taken as it')
  const target = { ...spec, uri: spec.uri || spec.path }
  const own = ownTargets(loading, [{ target, spot }], servers)
  const timing = lowerTiming(loading, spec, spot)
  const check = { ...timing, ...common('http', { target, spot }), probe: httpProbe(loading, target, spot, own) }
  return { checks: [check], endpoint: own.endpoint }
}

type Timing = Omit<HealthCheck, 'name' | 'probe' | 'port' | 'place'>

function lowerTiming(loading: Loading, spec: WsHealthCheck | ProxyHealthCheck, spot: Spot): Timing {
  if (spec.pass !== undefined)
    loading.warning(
      spot.field('pass'),
      spec.passes === undefined
        ? 'pass is taken as passes, which the vendor does not do: there it has no effect'
        : 'pass has no effect: passes is set',
    )
  const intervalMs = spec.interval || 60_000
  return {
    timeoutMs: spec.timeout || 3000,
    intervalMs,
    unhealthyThreshold: spec.fails ?? 1,
    healthyThreshold: spec.passes ?? spec.pass ?? 1,
    ...evenIntervals(intervalMs),
    reuseConnection: false,
    wrongAnswer: 'counts',
    initial: 'healthy',
    tls: 'cluster',
    alpn: [],
    eventLogPath: undefined,
    alwaysLogFailures: false,
    alwaysLogSuccess: false,
  }
}

interface Target {
  readonly target: WsCheck | HttpCheck
  readonly spot: Spot
}

const common = (name: string, { target, spot }: Target): Pick<HealthCheck, 'name' | 'port' | 'place'> => ({
  name,
  port: target.port || undefined,
  place: spot.place,
})

interface OwnTargets {
  /** For checks that name none. */
  readonly path: string
  readonly host: string
  readonly endpoint: (server: PlacedServer) => EndpointHealthCheck | undefined
}

/** What a server's own URL says wins over the check, so it is told only where no check says something else. */
function ownTargets(
  loading: Loading,
  targets: readonly (Target | undefined)[],
  servers: readonly PlacedServer[],
): OwnTargets {
  const given = targets.filter((each) => each !== undefined)
  const paths = new Set(servers.map(({ url }) => pathOf(url.target)))
  const withUri = given.find(({ target }) => target.uri)
  const needsPath = given.some(({ target }) => !target.uri) && paths.size > 1
  if (needsPath && withUri !== undefined)
    loading.error(
      withUri.spot.field('uri'),
      'one check with uri and one without is too much for servers whose URLs have different paths',
      'give both checks a uri',
    )
  const ownHost = given.every(({ target }) => hostOf(target) === undefined)
  return {
    path: [...paths][0] ?? '/',
    host: servers[0]?.url.authority ?? '',
    endpoint: ({ url }) => ({
      port: undefined,
      hostname: ownHost ? url.authority : '',
      disabled: false,
      address: undefined,
      ...(needsPath ? { path: pathOf(url.target) } : {}),
    }),
  }
}

const pathOf = (target: string): string => (target.startsWith('/') ? target : `/${target}`)

const hostOf = ({ headers = [] }: WsCheck): string | undefined => headers.find(([name]) => name === 'host')?.[1]

/** `uri` may be a whole URL, of which path and query count. */
function uriPath(loading: Loading, uri: string, spot: Spot): string {
  const match = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*)?([^#]*)/.exec(uri)
  const path = match?.[1] ?? ''
  if (/[\s\0-\x1f\x7f]|%(?![0-9A-Fa-f]{2})/.test(path) || uri.startsWith(':')) loading.error(spot, 'is no URI')
  return pathOf(path)
}

function fields(target: HttpCheck | WsCheck): HeaderMutations {
  const add = (target.headers ?? []).filter(([name]) => name !== 'host')
  const credentials =
    'username' in target && target.username
      ? [
          [
            'authorization',
            `Basic ${Buffer.from(`${target.username}:${target.password ?? ''}`).toString('base64')}`,
          ] as const,
        ]
      : []
  return {
    add: [...credentials, ...add].map(([name, value]) => ({
      name,
      value: literalTemplate(value),
      action: 'overwrite-or-add' as const,
      keepEmpty: true,
    })),
    remove: [],
  }
}

const expectations = (match: CheckMatch | undefined): readonly HeaderExpectation[] =>
  (match?.headers ?? []).map(({ name, value, regex }) => ({
    name,
    match: regex === undefined ? { kind: 'exact', value: value ?? '', ignoreCase: false } : { kind: 'regex', regex },
  }))

function httpProbe(loading: Loading, target: HttpCheck, spot: Spot, own: OwnTargets): Probe {
  const { match } = target
  const body = match?.body
  return {
    kind: 'http',
    version: 'http1',
    method: target.method ?? 'GET',
    path: target.uri ? uriPath(loading, target.uri, spot.field('uri')) : own.path,
    host: hostOf(target) ?? own.host,
    headers: fields(target),
    body: target.body ? Buffer.from(target.body) : undefined,
    expected: match?.statusCodes?.length ? match.statusCodes : [{ first: 200, last: 399 }],
    retriable: [],
    expectedHeaders: expectations(match),
    expectedBody:
      body === undefined
        ? []
        : body.regex === undefined
          ? [{ kind: 'bytes', bytes: Buffer.from(body.value ?? '') }]
          : [{ kind: 'match', match: { kind: 'regex', regex: body.regex } }],
    maxBodyBytes: 0,
    serviceName: undefined,
  }
}

function wsProbe(loading: Loading, target: WsCheck, spot: Spot, own: OwnTargets): Probe {
  const { match } = target
  const expected = match?.statusCodes?.length ? match.statusCodes : [{ first: 101, last: 101 }]
  const at = spot.field('match')
  if (!expected.some(({ first, last }) => first <= 101 && 101 <= last))
    loading.warning(
      at.field('statusCodes'),
      'a WebSocket is accepted with 101 and nothing else: without 101 the check always fails',
    )
  if (match?.body !== undefined)
    loading.error(at.field('body'), 'the answer to a WebSocket handshake has no body: this check could never succeed')
  return {
    kind: 'websocket',
    path: target.uri ? uriPath(loading, target.uri, spot.field('uri')) : own.path,
    host: hostOf(target) ?? own.host,
    headers: fields(target),
    subprotocols: [],
    expected,
    expectedHeaders: expectations(match),
    ping: false,
  }
}
