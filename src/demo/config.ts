// The demo's two configurations, in the Envoy YAML a user would write.

/** Port 0 takes a free one. */
export interface DemoPorts {
  readonly front: number
  readonly admin: number
}

const router = `http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}`

/** Takes HTTP/1.1 and HTTP/2 from clients, speaks HTTP/2 to the sidecar. */
export const frontConfig = (ports: DemoPorts, sidecarPort: number): string => `
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: ${ports.admin}}}
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: ${ports.front}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          use_remote_address: true
          upgrade_configs: [{upgrade_type: websocket}]
          http2_protocol_options: {allow_connect: true}
          route_config:
            virtual_hosts:
            - name: app
              domains: ["*"]
              routes: [{name: all, match: {prefix: "/"}, route: {cluster: sidecar}}]
          ${router}
  clusters:
  - name: sidecar
    load_assignment:
      cluster_name: sidecar
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${sidecarPort}}}}}]}]
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {allow_connect: true}}
`

/** Takes HTTP/2 from the front, speaks HTTP/1.1 to the application. */
export const sidecarConfig = (appPort: number): string => `
static_resources:
  listeners:
  - name: sidecar
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: sidecar
          codec_type: HTTP2
          upgrade_configs: [{upgrade_type: websocket}]
          http2_protocol_options: {allow_connect: true}
          route_config:
            virtual_hosts:
            - name: app
              domains: ["*"]
              routes: [{name: all, match: {prefix: "/"}, route: {cluster: app}}]
          ${router}
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${appPort}}}}}]}]
`
