// Builds Envoy bootstrap configurations for scenario tests: listeners with an HTTP connection manager, routes, clusters,
// TLS. Plain data that is printed as the YAML a person would write, so that places in answers have lines.

import { stringify } from 'yaml'
import type { Leaf } from './certificates.ts'

/** A piece of configuration: what YAML can say. */
export type Yaml = string | number | boolean | null | readonly Yaml[] | YamlMap
export interface YamlMap {
  readonly [key: string]: Yaml
}

export type Codec = 'HTTP1' | 'HTTP2' | 'AUTO'
/** How a cluster chooses its HTTP version. */
export type UpstreamProtocol = 'http1' | 'http2' | 'auto' | 'downstream'

const TYPE = 'type.googleapis.com/'
const HCM = `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

export const ROUTER: YamlMap = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
}

/** A buffer filter: on a tunnel it would wait for an end that never comes. */
export const bufferFilter = (maxRequestBytes: number): YamlMap => ({
  name: 'buffer',
  typed_config: {
    '@type': `${TYPE}envoy.extensions.filters.http.buffer.v3.Buffer`,
    max_request_bytes: maxRequestBytes,
  },
})

/** A header_mutation filter that adds one request header. */
export const addRequestHeader = (name: string, key: string, value: string): YamlMap => ({
  name,
  typed_config: {
    '@type': `${TYPE}envoy.extensions.filters.http.header_mutation.v3.HeaderMutation`,
    mutations: {
      request_mutations: [{ append: { header: { key, value }, append_action: 'APPEND_IF_EXISTS_OR_ADD' } }],
    },
  },
})

export interface ListenerRequest {
  readonly name: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  readonly routes: readonly YamlMap[]
  readonly codec?: Codec
  readonly tls?: YamlMap
  /** Types of upgrade_configs; default websocket. */
  readonly upgrades?: readonly YamlMap[]
  /** Extra fields of the connection manager. */
  readonly hcm?: YamlMap
  /** Extra fields of the listener. */
  readonly more?: YamlMap
  readonly filters?: readonly YamlMap[]
}

/** A listener with one filter chain; see {@link filterChain} for several. */
export function listener(request: ListenerRequest): YamlMap {
  return { ...bareListener(request.name, request.port ?? 0), filter_chains: [filterChain(request)], ...request.more }
}

export const bareListener = (name: string, port = 0): YamlMap => ({
  name,
  address: { socket_address: { address: '127.0.0.1', port_value: port } },
})

/** One filter chain: TLS, connection manager, routes for every host. */
export function filterChain(request: ListenerRequest, match?: YamlMap): YamlMap {
  return {
    ...(match === undefined ? {} : { filter_chain_match: match }),
    filters: [{ name: 'hcm', typed_config: { '@type': HCM, ...connectionManager(request) } }],
    ...(request.tls === undefined ? {} : { transport_socket: request.tls }),
  }
}

function connectionManager(request: ListenerRequest): YamlMap {
  const { routes, codec = 'AUTO', upgrades = [{ upgrade_type: 'websocket' }], filters = [] } = request
  return {
    stat_prefix: request.name,
    codec_type: codec,
    upgrade_configs: upgrades,
    http2_protocol_options: { allow_connect: true },
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [...filters, ROUTER],
    ...request.hcm,
  }
}

/** A route from a path prefix to a cluster. */
export const route = (prefix: string, cluster: string, action: YamlMap = {}, more: YamlMap = {}): YamlMap => ({
  match: { prefix },
  route: { cluster, ...action },
  ...more,
})

export interface ClusterRequest {
  readonly name: string
  readonly port: number
  readonly protocol?: UpstreamProtocol
  readonly tls?: YamlMap
  readonly http2?: YamlMap
  readonly more?: YamlMap
}

/** A cluster with one endpoint on loopback. */
export function cluster({ name, port, protocol = 'http1', tls, http2 = {}, more = {} }: ClusterRequest): YamlMap {
  return {
    name,
    connect_timeout: '2s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint(port)] }] },
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { '@type': TYPE + HTTP_OPTIONS, ...protocolOptions(protocol, http2) },
    },
    ...(tls === undefined ? {} : { transport_socket: tls }),
    ...more,
  }
}

export const endpoint = (port: number): YamlMap => ({
  endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
})

function protocolOptions(protocol: UpstreamProtocol, http2: YamlMap): YamlMap {
  const both = { http_protocol_options: {}, http2_protocol_options: http2 }
  switch (protocol) {
    case 'http1':
      return { explicit_http_config: { http_protocol_options: {} } }
    case 'http2':
      return { explicit_http_config: { http2_protocol_options: http2 } }
    case 'auto':
      return { auto_config: both }
    case 'downstream':
      return { use_downstream_protocol_config: both }
  }
}

/** TLS that a listener offers with `leaves`. */
export function downstreamTls(leaves: readonly Leaf[], common: YamlMap = {}, more: YamlMap = {}): YamlMap {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_certificates: leaves.map(tlsCertificate),
        alpn_protocols: ['h2', 'http/1.1'],
        ...common,
      },
      ...more,
    },
  }
}

/** TLS towards an upstream that shows a certificate of the authority in `caFile`. */
export function upstreamTls(caFile: string, common: YamlMap = {}, more: YamlMap = {}): YamlMap {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
      sni: 'localhost',
      common_tls_context: { validation_context: { trusted_ca: { filename: caFile } }, ...common },
      ...more,
    },
  }
}

export const tlsCertificate = (leaf: Leaf): YamlMap => ({
  certificate_chain: { filename: leaf.certificateFile },
  private_key: { filename: leaf.keyFile },
})

export const TLS_INSPECTOR: YamlMap = {
  name: 'tls_inspector',
  typed_config: { '@type': `${TYPE}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector` },
}

/** An access log to a file; `format` is a text format or the fields of a JSON one. */
export function fileLog(path: string, format: string | YamlMap): YamlMap {
  const text = typeof format === 'string'
  const formats: YamlMap = text ? { text_format_source: { inline_string: format } } : { json_format: format }
  return {
    name: 'log',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog`,
      path,
      log_format: formats,
    },
  }
}

/** The whole bootstrap, with an admin listener on a free port. */
export const bootstrap = (
  listeners: readonly YamlMap[],
  clusters: readonly YamlMap[],
  more: YamlMap = {},
): YamlMap => ({
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  static_resources: { listeners, clusters },
  ...more,
})

/** As a file's text. */
export const yamlText = (config: YamlMap): string => stringify(config, { lineWidth: 0, aliasDuplicateObjects: false })
