// Active health checks of a cluster, with Envoy's checks of what goes with what. Envoy: config.core.v3.HealthCheck,
// config.endpoint.v3.Endpoint.HealthCheckConfig.

import { isMessage } from '@bufbuild/protobuf'
import type { Duration } from '@bufbuild/protobuf/wkt'
import type { Cluster } from '../model/cluster.ts'
import type { EndpointHealthCheck, HealthCheck, Intervals } from '../model/health-check.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerIpAddress } from './lower-address.ts'
import { milliseconds } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerCustomCheck, lowerGrpcProbe, lowerHttpProbe, lowerTcpProbe } from './lower-probe.ts'
import {
  HealthCheckEventFileSinkSchema,
  type Cluster as ClusterMessage,
  type Endpoint_HealthCheckConfig,
  type HealthCheck as Message,
} from './messages.ts'

/** What of the cluster the checks depend on. */
type Checked = Pick<Cluster, 'discovery' | 'protocol'>

/** Undefined = none. */
export function lowerHealthChecks(
  loading: Loading,
  message: ClusterMessage,
  spot: Spot,
  cluster: Checked,
): readonly HealthCheck[] | undefined {
  const { healthChecks } = message
  if (healthChecks.length === 0) return undefined
  const at = spot.field('health_checks')
  if (cluster.discovery === 'original-dst' || cluster.discovery === 'dynamic-forward-proxy') {
    loading.error(
      at,
      'not supported by Sluice for clusters that dial what requests or connections name',
      'outlier_detection judges such endpoints by their traffic',
    )
  }
  checkNames(loading, healthChecks, at)
  return each(healthChecks, at, (check, place) => lowerHealthCheck(loading, message, check, place, cluster))
}

/** Envoy 1.40: several checks are told apart by their names. */
function checkNames(loading: Loading, checks: readonly Message[], spot: Spot): void {
  if (checks.length === 1) return
  const names = new Set<string>()
  for (const [index, { name }] of checks.entries()) {
    const at = spot.at(index).field('name')
    if (name === '') loading.error(at, 'is required when a cluster has several health checks')
    else if (names.has(name)) loading.error(at, `two health checks are named '${name}'`)
    names.add(name)
  }
}

function lowerHealthCheck(
  loading: Loading,
  { name: clusterName }: ClusterMessage,
  message: Message,
  spot: Spot,
  cluster: Checked,
): HealthCheck {
  const { healthChecker: checker } = message
  const common: Omit<HealthCheck, 'probe'> = {
    ...lowerTimes(message),
    name: message.name,
    unhealthyThreshold: message.unhealthyThreshold ?? 1,
    healthyThreshold: message.healthyThreshold ?? 1,
    reuseConnection: message.reuseConnection ?? true,
    initial: 'unhealthy',
    port: undefined,
    tls: 'cluster',
    alpn: message.tlsOptions?.alpnProtocols ?? [],
    eventLogPath: lowerEventLog(loading, message, spot),
    alwaysLogFailures: message.alwaysLogHealthCheckFailures,
    alwaysLogSuccess: message.alwaysLogHealthCheckSuccess,
    place: spot.place,
  }
  switch (checker.case) {
    case 'httpHealthCheck': {
      const probe = lowerHttpProbe(loading, checker.value, spot.field('http_health_check'))
      return { ...common, wrongAnswer: 'fails', probe }
    }
    case 'grpcHealthCheck': {
      const at = spot.field('grpc_health_check')
      const { protocol } = cluster
      if (protocol.kind === 'explicit' && protocol.version === 'http1')
        loading.error(at, `${clusterName} cluster must support HTTP/2 for gRPC healthchecking`)
      return { ...common, wrongAnswer: 'fails', probe: lowerGrpcProbe(loading, checker.value, at) }
    }
    case 'customHealthCheck':
      return { ...common, ...lowerCustomCheck(loading, checker.value, spot.field('custom_health_check')) }
    case 'tcpHealthCheck':
      return { ...common, probe: lowerTcpProbe(loading, checker.value, spot.field('tcp_health_check')) }
    case undefined:
      // Reported as a missing field.
      return { ...common, probe: { kind: 'tcp', send: undefined, receive: [], proxyProtocol: undefined } }
  }
}

/** Envoy: "no traffic interval", by default. */
const NO_TRAFFIC_MS = 60_000

type Times = Intervals & Pick<HealthCheck, 'timeoutMs' | 'intervalMs'>

function lowerTimes(message: Message): Times {
  const intervalMs = ms(message.interval, 1000)
  const noTrafficIntervalMs = ms(message.noTrafficInterval, NO_TRAFFIC_MS)
  const unhealthyIntervalMs = ms(message.unhealthyInterval, intervalMs)
  return {
    timeoutMs: ms(message.timeout, 1000),
    intervalMs,
    initialJitterMs: ms(message.initialJitter, 0),
    intervalJitterMs: ms(message.intervalJitter, 0),
    intervalJitterPercent: message.intervalJitterPercent,
    noTrafficIntervalMs,
    noTrafficHealthyIntervalMs: ms(message.noTrafficHealthyInterval, noTrafficIntervalMs),
    unhealthyIntervalMs,
    unhealthyEdgeIntervalMs: ms(message.unhealthyEdgeInterval, unhealthyIntervalMs),
    healthyEdgeIntervalMs: ms(message.healthyEdgeInterval, intervalMs),
  }
}

const ms = (duration: Duration | undefined, unset: number): number =>
  duration === undefined ? unset : milliseconds(duration)

/** The deprecated event_log_path, or the one file sink of event_logger. */
function lowerEventLog(loading: Loading, message: Message, spot: Spot): string | undefined {
  const { eventLogPath, eventLogger } = message
  const paths = new Set<string>()
  if (eventLogPath !== '') paths.add(eventLogPath)
  for (const [index, { typedConfig }] of eventLogger.entries()) {
    const sink = loading.unpack(typedConfig)
    if (isMessage(sink, HealthCheckEventFileSinkSchema)) paths.add(sink.eventLogPath)
    else if (typedConfig === undefined)
      loading.error(spot.field('event_logger').at(index).field('typed_config'), 'is required')
  }
  if (paths.size > 1)
    loading.error(
      spot.field('event_logger'),
      'known to Envoy, but Sluice writes the events of a health check to one file only',
    )
  return [...paths][0]
}

/** An endpoint's own wishes; undefined = none. */
export function lowerEndpointCheck(
  loading: Loading,
  message: Endpoint_HealthCheckConfig | undefined,
  spot: Spot,
): EndpointHealthCheck | undefined {
  if (message === undefined) return undefined
  const at = spot.field('address')
  const address = lowerIpAddress(loading, message.address, at, 'health checks go to an IP address')
  if (address !== undefined && address.kind !== 'socket')
    loading.error(at, 'known to Envoy but not supported by Sluice yet', 'use a socket_address')
  const other = address?.kind === 'socket' ? address : undefined
  const port = message.portValue === 0 ? (other?.port ?? 0) : message.portValue
  return {
    port: port === 0 ? undefined : port,
    hostname: message.hostname,
    disabled: message.disableActiveHealthCheck,
    address: other?.host,
  }
}
