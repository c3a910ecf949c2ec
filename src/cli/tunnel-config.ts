// The Envoy configuration of a port whose connections travel through an HTTP proxy to one target.

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

export interface TunnelWishes {
  readonly listen: Listen
  /** The proxy. */
  readonly via: ProxyAddress
  /** `host:port` as the proxy is asked for it. */
  readonly to: string
  readonly post: boolean
  readonly http2: boolean
  readonly adminPort: number | undefined
}

export interface ProxyAddress extends Listen {
  readonly secure: boolean
  /** `user:password`; secret. */
  readonly credentials: string | undefined
}

/** A bootstrap: no idle timeout, because a quiet terminal session is no dead one. */
export function tunnelConfig(wishes: TunnelWishes): object {
  const { via, to } = wishes
  const tunneling = {
    // In a format string a percent sign is written twice.
    hostname: to.replaceAll('%', '%%'),
    ...(wishes.post ? { use_post: true } : {}),
    ...(via.credentials === undefined ? {} : { headers_to_add: [proxyAuthorization(via.credentials)] }),
  }
  const filter = {
    '@type': TYPE.tcpProxy,
    stat_prefix: 'tunnel',
    cluster: 'proxy',
    idle_timeout: '0s',
    tunneling_config: tunneling,
  }
  return bootstrap(
    listener('tunnel', wishes.listen, 'envoy.filters.network.tcp_proxy', filter),
    cluster(wishes),
    wishes.adminPort,
  )
}

/** RFC 7617 §2. */
const proxyAuthorization = (credentials: string): object => ({
  header: { key: 'Proxy-Authorization', value: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` },
})

const cluster = ({ via, http2 }: TunnelWishes): object => ({
  name: 'proxy',
  ...namedEndpoint('proxy', { host: via.host, port: via.port }),
  ...upstreamKeepalive,
  ...(via.secure ? { transport_socket: verifiedTls(via.host) } : {}),
  ...httpVersion(http2 ? { http2_protocol_options: {} } : { http_protocol_options: {} }),
})
