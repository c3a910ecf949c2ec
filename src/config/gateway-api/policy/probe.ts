// Probes of Azure Application Gateway for Containers as health checks of the model: its defaults, and what a
// HealthCheckPolicy says.

import { literalTemplate } from '../../model/format-parse.ts'
import type { HeaderMutations } from '../../model/header-mutation.ts'
import { evenIntervals, type HealthCheck, type Probe, type StatusRange } from '../../model/health-check.ts'
import type { Place } from '../../model/place.ts'
import type { ServicePort, ServiceValue } from '../kinds/core.ts'
import type { HealthCheckPolicyConfig } from '../kinds/health-check-policy.ts'

/** What the cluster is spoken to in. */
export interface ProbedCluster {
  readonly protocol: 'http' | 'grpc' | 'tcp'
  readonly tls: boolean
}

/** Numbers of a check; those of AGC's default probe. */
export interface ProbeTimes {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

export const DEFAULT_TIMES: ProbeTimes = {
  intervalMs: 5000,
  timeoutMs: 30_000,
  healthyThreshold: 1,
  unhealthyThreshold: 3,
}

/** The vendor's document gives no default; its samples have this. */
const EXPECTED: readonly StatusRange[] = [{ first: 200, last: 299 }]

/** Bytes of a body that are searched. */
const MAX_BODY_BYTES = 64 * 1024

/** Servers and log filters know AGC's probes by it. */
const USER_AGENT = 'Microsoft-Azure-Application-LB/AGC'

/** A check in which nothing varies by chance or by state. An endpoint counts as healthy until it failed often enough. */
export const checkOf = (
  probe: Probe,
  times: ProbeTimes,
  port: number | undefined,
  tls: HealthCheck['tls'],
  place: Place,
): HealthCheck => ({
  name: '',
  probe,
  ...times,
  ...evenIntervals(times.intervalMs),
  reuseConnection: true,
  initial: 'healthy',
  port,
  tls,
  alpn: [],
  eventLogPath: undefined,
  alwaysLogFailures: false,
  alwaysLogSuccess: false,
  place,
})

export interface HttpProbeOptions {
  readonly path?: string
  readonly host?: string
  readonly expected?: readonly StatusRange[]
  readonly body?: string
  readonly headers?: readonly (readonly [string, string])[]
}

export const httpProbe = ({ path, host, expected, body, headers = [] }: HttpProbeOptions): Probe => ({
  kind: 'http',
  version: 'http1',
  method: 'GET',
  path: path || '/',
  host: host || 'localhost',
  headers: setHeaders([['user-agent', USER_AGENT], ...headers]),
  body: undefined,
  expected: expected === undefined || expected.length === 0 ? EXPECTED : expected,
  // Every failure counts towards the threshold; none takes an endpoint out at once.
  retriable: [{ first: 100, last: 599 }],
  expectedHeaders: [],
  expectedBody: body === undefined || body === '' ? [] : [{ kind: 'bytes', bytes: Buffer.from(body) }],
  maxBodyBytes: MAX_BODY_BYTES,
  serviceName: undefined,
})

export const TCP_PROBE: Probe = { kind: 'tcp', send: undefined, receive: [], proxyProtocol: undefined }

/** A real handshake, and a ping when asked for. */
export interface WebSocketProbeOptions {
  readonly path: string
  readonly host: string
  readonly subprotocols: readonly string[]
  readonly ping: boolean
}

export const webSocketProbe = ({ path, host, subprotocols, ping }: WebSocketProbeOptions): Probe => ({
  kind: 'websocket',
  path: path || '/',
  host: host || 'localhost',
  headers: setHeaders([['user-agent', USER_AGENT]]),
  subprotocols,
  expected: [{ first: 101, last: 101 }],
  expectedHeaders: [],
  ping,
})

export const grpcProbe = (service = '', authority = ''): Probe => ({
  kind: 'grpc',
  service,
  authority,
  metadata: setHeaders([]),
})

/** AGC's own probe, when nothing else says how: gRPC is only connected to. */
export const defaultCheck = ({ protocol }: ProbedCluster, place: Place): HealthCheck =>
  checkOf(protocol === 'http' ? httpProbe({}) : TCP_PROBE, DEFAULT_TIMES, undefined, 'cluster', place)

/** What a policy's configuration asks for; the probe's kind may be another's word (`sluice.dev/health-check`). */
export function checkOfConfig(
  config: HealthCheckPolicyConfig,
  service: ServiceValue,
  port: ServicePort,
  cluster: ProbedCluster,
  place: Place,
  ownProbe?: Probe,
): HealthCheck {
  const probePort = portOf(config.port, service, port)
  return checkOf(
    ownProbe ?? probeOf(config, cluster),
    timesOf(config),
    probePort,
    tlsOf(config, probePort, cluster),
    place,
  )
}

export const timesOf = (config: HealthCheckPolicyConfig): ProbeTimes => ({
  intervalMs: config.interval ?? DEFAULT_TIMES.intervalMs,
  timeoutMs: config.timeout ?? DEFAULT_TIMES.timeoutMs,
  healthyThreshold: config.healthyThreshold ?? DEFAULT_TIMES.healthyThreshold,
  unhealthyThreshold: config.unhealthyThreshold ?? DEFAULT_TIMES.unhealthyThreshold,
})

function probeOf({ http, grpc }: HealthCheckPolicyConfig, cluster: ProbedCluster): Probe {
  if (grpc !== undefined) return grpcProbe(grpc.service, grpc.authority)
  if (http === undefined && cluster.protocol !== 'http') return TCP_PROBE
  const { path, host, match } = http ?? {}
  return httpProbe({
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    ...(match?.body === undefined ? {} : { body: match.body }),
    expected: (match?.statusCodes ?? []).map(({ start = 0, end = 0 }) => ({ first: start, last: end })),
  })
}

/** undefined = the endpoint's own. A port of the Service means where that port leads. */
function portOf(asked: number | undefined, service: ServiceValue, port: ServicePort): number | undefined {
  if (asked === undefined || asked === port.port) return undefined
  const target = service.spec.ports.find((each) => each.port === asked)?.targetPort
  return typeof target === 'number' ? target : asked
}

/** Without a word: as the Service is spoken to on its own port, and in the clear on any other. */
function tlsOf(
  { useTLS }: HealthCheckPolicyConfig,
  probePort: number | undefined,
  cluster: ProbedCluster,
): HealthCheck['tls'] {
  if (useTLS === undefined) return probePort === undefined ? 'cluster' : 'never'
  if (!useTLS) return 'never'
  // Nobody said whom to trust, so the probe trusts whoever answers, as AGC's does.
  return cluster.tls ? 'cluster' : 'unverified'
}

const setHeaders = (headers: readonly (readonly [string, string])[]): HeaderMutations => ({
  add: headers.map(([name, value]) => ({
    name: name.toLowerCase(),
    value: literalTemplate(value),
    action: 'overwrite-or-add',
    keepEmpty: false,
  })),
  remove: [],
})
