// The Envoy bootstrap that Sluice (and Envoy alike) runs in the benchmark.
import type { Site } from './peer.ts'

export function sluiceBootstrap(site: Site): string {
  return site.shape.tcp === 'forward' || site.shape.tcp === 'enter' ? forwarding(site) : serving(site)
}

/** Up to the network filter. */
const listenerHead = (site: Site): string => `admin:
  address: { socket_address: { address: 127.0.0.1, port_value: ${site.adminPort} } }
static_resources:
  listeners:
  - name: downstream
    address: { socket_address: { address: 127.0.0.1, port_value: ${site.listenPort} } }
    filter_chains:
    - filters:
`

/** tcp_proxy, plain or into HTTP/2 CONNECT. */
function forwarding(site: Site): string {
  return `${listenerHead(site)}      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: bench
          cluster: origin
${site.shape.tcp === 'enter' ? '          tunneling_config: { hostname: "origin.test:443" }\n' : ''}${cluster(site, site.shape.tcp === 'enter')}`
}

const leaving = `              - match: { connect_matcher: {} }
                route:
                  cluster: origin
                  upgrade_configs:
                  - upgrade_type: CONNECT
                    connect_config: {}
`

function serving(site: Site): string {
  return `${listenerHead(site)}      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          upgrade_configs:
          - upgrade_type: websocket
          http2_protocol_options:
            allow_connect: true
          stream_idle_timeout: 3600s
          route_config:
            name: route
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
${site.shape.tcp === 'leave' ? leaving : ''}              - match: { prefix: "/" }
                route: { cluster: origin, timeout: 0s }
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
${site.shape.tls ? downstreamTls(site) : ''}${cluster(site, site.shape.upstream === 'http2')}`
}

function cluster(site: Site, http2: boolean): string {
  return `  clusters:
  - name: origin
    type: STATIC
    connect_timeout: 10s
    circuit_breakers:
      thresholds:
      - max_connections: 100000
        max_pending_requests: 100000
        max_requests: 100000
    load_assignment:
      cluster_name: origin
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: { socket_address: { address: 127.0.0.1, port_value: ${site.originPort} } }
${http2 ? upstreamHttp2 : ''}`
}

function downstreamTls(site: Site): string {
  return `      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - certificate_chain: { filename: ${site.certificate.certificate} }
              private_key: { filename: ${site.certificate.key} }
`
}

const upstreamHttp2 = `    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config:
          http2_protocol_options:
            allow_connect: true
`
