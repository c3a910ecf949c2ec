// UDP listeners and CONNECT-UDP routes of scenario tests, as a person would write them.

import { fileLog, type YamlMap } from './envoy-config.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.udp.udp_proxy'

export interface UdpListenerRequest {
  readonly name: string
  readonly cluster: string
  readonly host?: string
  readonly tunneling?: YamlMap
  readonly capsules?: boolean
  /** Extra fields of the udp_proxy. */
  readonly more?: YamlMap
  /** Access log: file and format. */
  readonly log?: { readonly file: string; readonly format: string }
}

/** A UDP listener on a free port. */
export function udpListener(request: UdpListenerRequest): YamlMap {
  const { name, cluster, host = '127.0.0.1', tunneling, capsules = true, more = {}, log } = request
  const route = { '@type': `${TYPE}.v3.Route`, cluster }
  const capsule = { '@type': `${TYPE}.session.http_capsule.v3.FilterConfig` }
  const config = {
    '@type': `${TYPE}.v3.UdpProxyConfig`,
    stat_prefix: name,
    matcher: { on_no_match: { action: { name: 'route', typed_config: route } } },
    ...(tunneling === undefined ? {} : { tunneling_config: tunneling }),
    ...(tunneling === undefined || !capsules
      ? {}
      : { session_filters: [{ name: 'envoy.filters.udp.session.http_capsule', typed_config: capsule }] }),
    ...(log === undefined ? {} : { access_log: [fileLog(log.file, log.format)] }),
    ...more,
  }
  return {
    name,
    address: { socket_address: { protocol: 'UDP', address: host, port_value: 0 } },
    listener_filters: [{ name: 'envoy.filters.udp_listener.udp_proxy', typed_config: config }],
  }
}

/** A tunnel to `target.example:443` through whatever the cluster leads to. */
export const tunneling = (more: YamlMap = {}): YamlMap => ({
  proxy_host: 'proxy.example',
  target_host: 'target.example',
  default_target_port: 443,
  buffer_options: {},
  ...more,
})

/** A route that ends CONNECT-UDP at a cluster, or passes it on. */
export const udpRoute = (cluster: string, terminate = true): YamlMap => ({
  match: { connect_matcher: {} },
  route: {
    cluster,
    upgrade_configs: [{ upgrade_type: 'CONNECT-UDP', ...(terminate ? { connect_config: {} } : {}) }],
  },
})
