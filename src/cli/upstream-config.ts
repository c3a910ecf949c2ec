// The Envoy configuration of one upstream behind one port.

import {
  bootstrap,
  httpVersion,
  listener,
  namedEndpoint,
  TYPE,
  upstreamKeepalive,
  verifiedTls,
} from './config-parts.ts'
import type { Listen } from './listen-address.ts'

/** A bootstrap: WebSockets enabled, no idle timeout on tunnels, HTTP/1.1 and HTTP/2 accepted. */
export function upstreamConfig(url: URL, listen: Listen, adminPort: number | undefined): object {
  const filter = 'envoy.filters.network.http_connection_manager'
  return bootstrap(listener('ingress', listen, filter, manager), cluster(url), adminPort)
}

const manager = {
  '@type': TYPE.manager,
  stat_prefix: 'ingress',
  stream_idle_timeout: '0s',
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  http2_protocol_options: { allow_connect: true },
  route_config: {
    virtual_hosts: [
      { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
    ],
  },
  http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': TYPE.router } }],
}

function cluster(url: URL): object {
  const secure = url.protocol === 'wss:' || url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  return {
    name: 'upstream',
    ...namedEndpoint('upstream', { host, port }),
    ...upstreamKeepalive,
    ...(secure ? { transport_socket: verifiedTls(host) } : {}),
    ...(url.protocol === 'h2c:' ? httpVersion({ http2_protocol_options: { allow_connect: true } }) : {}),
  }
}
