// Pieces of Envoy configuration that the file-less commands are made of.

import type { Listen } from './listen-address.ts'

export const TYPE = {
  manager: 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  router: 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  upstreamTls: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  httpOptions: 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  tcpProxy: 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  dynamicForwardFilter: 'type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
  dynamicForwardCluster: 'type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
  targetPolicy: 'type.googleapis.com/sluice.v1.TargetPolicy',
} as const

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** Seconds. */
const KEEPALIVE = { keepalive_time: 60 }

/** The same for the connections of a cluster. */
export const upstreamKeepalive = { upstream_connection_options: { tcp_keepalive: KEEPALIVE } }

export const socketAddress = ({ host, port }: Listen): object => ({
  socket_address: { address: host, port_value: port },
})

/** A bootstrap of one listener and one cluster. */
export const bootstrap = (listener: object, cluster: object, adminPort: number | undefined): object => ({
  ...(adminPort === undefined ? {} : { admin: { address: socketAddress({ host: '127.0.0.1', port: adminPort }) } }),
  static_resources: { listeners: [listener], clusters: [cluster] },
})

/** A listener whose connections all go to one network filter. */
export const listener = (name: string, listen: Listen, filter: string, typedConfig: object): object => ({
  name,
  address: socketAddress(listen),
  // Idle tunnels are not closed, so a client that vanished is found out by the system.
  tcp_keepalive: KEEPALIVE,
  filter_chains: [{ filters: [{ name: filter, typed_config: typedConfig }] }],
})

/** TLS to `host`, which must show a certificate of its name that the system trusts. */
export const verifiedTls = (host: string): object => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': TYPE.upstreamTls,
    sni: host,
    common_tls_context: {
      validation_context: {
        system_root_certs: {},
        match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: host } }],
      },
    },
  },
})

/** `localhost:80` and the like as a cluster of one name. */
export const namedEndpoint = (cluster: string, at: Listen): object => ({
  type: 'STRICT_DNS',
  load_assignment: {
    cluster_name: cluster,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(at) } }] }],
  },
})

/** The cluster is spoken to in HTTP/1.1 or HTTP/2. */
export const httpVersion = (options: object): object => ({
  typed_extension_protocol_options: { [HTTP_OPTIONS]: { '@type': TYPE.httpOptions, explicit_http_config: options } },
})
