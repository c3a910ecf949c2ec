// What Sluice takes of Envoy's active health checks.

import { CORE, fields, MUTATIONS_OF_REQUESTS, type Row } from './support-row.ts'

const CHECK = `${CORE}HealthCheck`

/** By full message name. */
export const HEALTH_ROWS: Readonly<Record<string, Row>> = {
  [CHECK]: fields(
    `name timeout interval initial_jitter interval_jitter interval_jitter_percent unhealthy_threshold healthy_threshold
     reuse_connection http_health_check tcp_health_check grpc_health_check custom_health_check no_traffic_interval
     no_traffic_healthy_interval unhealthy_interval unhealthy_edge_interval healthy_edge_interval event_log_path
     event_logger always_log_health_check_failures always_log_health_check_success tls_options`,
    {},
    {
      alt_port: 'Envoy does not read it; set health_check_config.port_value of the endpoint',
      event_service: 'write the events to a file with event_logger',
      transport_socket_match_criteria: 'health checks use the transport socket of the cluster',
    },
  ),
  [`${CHECK}.Payload`]: fields('text binary'),
  [`${CHECK}.HttpHealthCheck`]: fields(
    `host path method send receive response_buffer_size ${MUTATIONS_OF_REQUESTS} expected_statuses retriable_statuses
     codec_client_type=HTTP1|HTTP2 service_name_matcher`,
  ),
  [`${CHECK}.TcpHealthCheck`]: fields('send receive proxy_protocol_config'),
  [`${CHECK}.GrpcHealthCheck`]: fields('service_name authority initial_metadata'),
  [`${CHECK}.CustomHealthCheck`]: fields('name typed_config'),
  [`${CHECK}.TlsOptions`]: fields('alpn_protocols'),
  'envoy.config.endpoint.v3.Endpoint.HealthCheckConfig': fields(
    'port_value hostname address disable_active_health_check',
  ),
  'envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink': fields('event_log_path'),
  'sluice.v1.WebSocketHealthCheck': fields(
    `host path ${MUTATIONS_OF_REQUESTS} subprotocols expected_statuses expected_headers ping`,
  ),
  'sluice.v1.WebSocketHealthCheck.ExpectedHeader': fields('name string_match'),
}
