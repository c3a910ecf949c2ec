// The Envoy configuration of one upstream behind one port.

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'
const UPSTREAM_TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

interface Listen {
  readonly host: string
  readonly port: number
}

/** A bootstrap: WebSockets enabled, no idle timeout on tunnels, HTTP/1.1 and HTTP/2 accepted. */
export function upstreamConfig(url: URL, listen: Listen, adminPort: number | undefined): object {
  return {
    ...(adminPort === undefined ? {} : { admin: { address: socketAddress('127.0.0.1', adminPort) } }),
    static_resources: { listeners: [listener(listen)], clusters: [cluster(url)] },
  }
}

const socketAddress = (address: string, port: number): object => ({ socket_address: { address, port_value: port } })

function listener(listen: Listen): object {
  const manager = {
    '@type': HCM,
    stat_prefix: 'ingress',
    stream_idle_timeout: '0s',
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    http2_protocol_options: { allow_connect: true },
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } }],
  }
  return {
    name: 'ingress',
    address: socketAddress(listen.host, listen.port),
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  }
}

function cluster(url: URL): object {
  const secure = url.protocol === 'wss:' || url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const http2 = {
    '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
    explicit_http_config: { http2_protocol_options: { allow_connect: true } },
  }
  const tls = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': UPSTREAM_TLS,
      sni: host,
      common_tls_context: {
        validation_context: {
          system_root_certs: {},
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: host } }],
        },
      },
    },
  }
  return {
    name: 'upstream',
    type: 'STRICT_DNS',
    load_assignment: {
      cluster_name: 'upstream',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, port) } }] }],
    },
    ...(secure ? { transport_socket: tls } : {}),
    ...(url.protocol === 'h2c:' ? { typed_extension_protocol_options: { [HTTP_OPTIONS]: http2 } } : {}),
  }
}
