// Pieces of Envoy configuration below HTTP: listener filters, gates and terminal network filters.

import type { Yaml, YamlMap } from './envoy-config.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.'

/** A listener filter by the last parts of its type. */
export const listenerFilter = (name: string, message: string, fields: YamlMap = {}): YamlMap => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: { '@type': `${TYPE}listener.${name}.v3.${message}`, ...fields },
})

export const proxyProtocolFilter = (fields: YamlMap = {}): YamlMap =>
  listenerFilter('proxy_protocol', 'ProxyProtocol', fields)

export const TLS_INSPECTOR: YamlMap = listenerFilter('tls_inspector', 'TlsInspector')
export const HTTP_INSPECTOR: YamlMap = listenerFilter('http_inspector', 'HttpInspector')

/** A network filter by the last parts of its type. */
export const networkFilter = (name: string, message: string, fields: YamlMap = {}): YamlMap => ({
  name: `envoy.filters.network.${name}`,
  typed_config: { '@type': `${TYPE}network.${name}.v3.${message}`, ...fields },
})

export const ECHO: YamlMap = networkFilter('echo', 'Echo')

export const directResponse = (text: string): YamlMap =>
  networkFilter('direct_response', 'Config', { response: { inline_string: text } })

/** RBAC with one policy that matches one permission and one principal. */
export const rbac = (action: string, permission: YamlMap, principal: YamlMap, more: YamlMap = {}): YamlMap =>
  networkFilter('rbac', 'RBAC', {
    stat_prefix: 'rules',
    rules: { action, policies: { 'the policy': { permissions: [permission], principals: [principal] } } },
    ...more,
  })

/** A loopback listener of network filters. */
export const tcpListener = (
  name: string,
  filters: readonly Yaml[],
  more: YamlMap = {},
  chain: YamlMap = {},
): YamlMap => ({
  name,
  address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
  filter_chains: [{ filters, ...chain }],
  ...more,
})
