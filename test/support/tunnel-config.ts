// Pieces of configuration for CONNECT and TCP tunnels, beside those of envoy-config.ts.

import { bareListener, type YamlMap } from './envoy-config.ts'

const TYPE = 'type.googleapis.com/'

export interface TcpListenerRequest {
  readonly name: string
  /** Absent when `tcp` has weighted_clusters. */
  readonly cluster?: string
  readonly port?: number
  /** tunneling_config; absent = plain TCP. */
  readonly tunnel?: YamlMap
  /** More fields of the tcp_proxy. */
  readonly tcp?: YamlMap
  readonly tls?: YamlMap
  /** More fields of the listener. */
  readonly more?: YamlMap
  /** Network filters before it. */
  readonly before?: readonly YamlMap[]
}

/** The tcp_proxy network filter. */
export const tcpProxy = ({ name, cluster, tunnel, tcp = {} }: TcpListenerRequest): YamlMap => ({
  name: 'tcp',
  typed_config: {
    '@type': `${TYPE}envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: name,
    ...(cluster === undefined ? {} : { cluster }),
    ...(tunnel === undefined ? {} : { tunneling_config: tunnel }),
    ...tcp,
  },
})

/** A listener that forwards TCP. */
export const tcpListener = (request: TcpListenerRequest): YamlMap => ({
  ...bareListener(request.name, request.port ?? 0),
  filter_chains: [
    {
      filters: [...(request.before ?? []), tcpProxy(request)],
      ...(request.tls === undefined ? {} : { transport_socket: request.tls }),
    },
  ],
  ...request.more,
})

/** A route that ends CONNECT and sends its bytes to `cluster`. */
export const terminate = (cluster: string, match: YamlMap = {}, connect: YamlMap = {}): YamlMap => ({
  match: { connect_matcher: {}, ...match },
  route: { cluster, upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: connect }] },
})

/** A route that takes a POST for a CONNECT and ends it. */
export const terminatePost = (cluster: string, match: YamlMap = {}): YamlMap => ({
  match: { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }], ...match },
  route: { cluster, upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true } }] },
})
