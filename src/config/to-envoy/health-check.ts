// Active health checks.

import type { BodyExpectation, HealthCheck, Probe, StatusRange } from '../model/health-check.ts'
import { headerOption } from './header-mutation.ts'
import { duration, extension, fields, type Fields, type Json, listOf, unless } from './json.ts'
import { modelPart } from './model-part.ts'
import { proxyProtocolConfig } from './proxy-protocol.ts'
import { stringMatcher } from './string-match.ts'

/** HealthCheck. What Envoy's has no field for stands whole in a custom check of Sluice's. */
export const healthCheck = (check: HealthCheck): Fields =>
  fields({
    name: unless(check.name, ''),
    timeout: duration(check.timeoutMs),
    interval: duration(check.intervalMs),
    unhealthy_threshold: check.unhealthyThreshold,
    healthy_threshold: check.healthyThreshold,
    initial_jitter: check.initialJitterMs === 0 ? undefined : duration(check.initialJitterMs),
    interval_jitter: check.intervalJitterMs === 0 ? undefined : duration(check.intervalJitterMs),
    interval_jitter_percent: unless(check.intervalJitterPercent, 0),
    no_traffic_interval: duration(check.noTrafficIntervalMs),
    no_traffic_healthy_interval: duration(check.noTrafficHealthyIntervalMs),
    unhealthy_interval: duration(check.unhealthyIntervalMs),
    unhealthy_edge_interval: duration(check.unhealthyEdgeIntervalMs),
    healthy_edge_interval: duration(check.healthyEdgeIntervalMs),
    reuse_connection: unless(check.reuseConnection, true),
    tls_options: check.alpn.length === 0 ? undefined : { alpn_protocols: [...check.alpn] },
    event_log_path: check.eventLogPath,
    always_log_health_check_failures: unless(check.alwaysLogFailures, false),
    always_log_health_check_success: unless(check.alwaysLogSuccess, false),
    ...checker(check),
  })

/** Whether a message of Envoy's, or the WebSocket check, says all of it. */
function isNative({ probe, initial, port, tls, wrongAnswer }: HealthCheck): boolean {
  if (initial !== 'unhealthy' || port !== undefined || tls !== 'cluster') return false
  if ((wrongAnswer === 'fails') !== (probe.kind === 'http' || probe.kind === 'grpc')) return false
  if (probe.kind !== 'http') return true
  const plain = probe.body === undefined && probe.expectedHeaders.length === 0
  return plain && probe.expectedBody.every(({ kind }) => kind === 'bytes')
}

function checker(check: HealthCheck): Fields {
  const { probe, initial, port, tls, wrongAnswer } = check
  if (isNative(check)) return native(probe)
  const config = modelPart({ probe, initial, port, tls, wrongAnswer }) ?? {}
  return { custom_health_check: { name: 'sluice.health_checkers.model', typed_config: config } }
}

function native(probe: Probe): Fields {
  switch (probe.kind) {
    case 'http':
      return { http_health_check: httpCheck(probe) }
    case 'tcp':
      return {
        tcp_health_check: fields({
          send: probe.send && payload(probe.send),
          receive: listOf(probe.receive, payload),
          proxy_protocol_config: probe.proxyProtocol && proxyProtocolConfig(probe.proxyProtocol),
        }),
      }
    case 'grpc':
      return {
        grpc_health_check: fields({
          service_name: unless(probe.service, ''),
          authority: unless(probe.authority, ''),
          initial_metadata: listOf(probe.metadata.add, headerOption),
        }),
      }
    case 'websocket':
      return {
        custom_health_check: extension(
          'sluice.health_checkers.websocket',
          'sluice.v1.WebSocketHealthCheck',
          webSocketCheck(probe),
        ),
      }
  }
}

const webSocketCheck = (probe: Extract<Probe, { kind: 'websocket' }>): Fields =>
  fields({
    host: unless(probe.host, ''),
    path: probe.path,
    request_headers_to_add: listOf(probe.headers.add, headerOption),
    request_headers_to_remove: listOf(probe.headers.remove, (name) => name),
    subprotocols: listOf(probe.subprotocols, (name) => name),
    expected_statuses: listOf(probe.expected, int64Range),
    expected_headers: listOf(probe.expectedHeaders, ({ name, match }) => ({
      name,
      string_match: stringMatcher(match),
    })),
    ping: unless(probe.ping, false),
  })

const httpCheck = (probe: Extract<Probe, { kind: 'http' }>): Fields =>
  fields({
    host: unless(probe.host, ''),
    path: probe.path,
    method: unless(probe.method, 'GET'),
    request_headers_to_add: listOf(probe.headers.add, headerOption),
    request_headers_to_remove: listOf(probe.headers.remove, (name) => name),
    expected_statuses: listOf(probe.expected, int64Range),
    retriable_statuses: listOf(probe.retriable, int64Range),
    send: probe.body && payload(probe.body),
    receive: listOf(probe.expectedBody, receive),
    response_buffer_size: unless(probe.maxBodyBytes, 1024),
    codec_client_type: probe.version === 'http2' ? 'HTTP2' : undefined,
    service_name_matcher: probe.serviceName && stringMatcher(probe.serviceName),
  })

const payload = (bytes: Buffer): Fields => ({ text: bytes.toString('hex') })

const receive = (each: BodyExpectation): Json => (each.kind === 'bytes' ? payload(each.bytes) : {})

/** Envoy's ranges end before `end`. */
const int64Range = ({ first, last }: StatusRange): Fields => ({ start: first, end: last + 1 })
