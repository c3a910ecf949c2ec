// The Envoy configuration of a forward proxy: CONNECT to any host, and plain requests with absolute addresses.

import { bootstrap, listener, TYPE, upstreamKeepalive } from './config-parts.ts'
import type { Listen } from './listen-address.ts'

export interface ProxyWishes {
  readonly listen: Listen
  /** Rules such as `10.0.0.5:22`, `*.corp.example:443`, `192.168.0.0/16`. */
  readonly allow: readonly string[]
  /** Refuse everything that no rule allows. */
  readonly onlyAllowed: boolean
  readonly adminPort: number | undefined
}

const dnsCache = { name: 'names', dns_lookup_family: 'V4_PREFERRED' }

/** A bootstrap with a target policy: private networks and this machine are refused unless allowed. */
export function proxyConfig({ listen, allow, onlyAllowed, adminPort }: ProxyWishes): object {
  const filter = 'envoy.filters.network.http_connection_manager'
  return bootstrap(listener('proxy', listen, filter, manager), cluster(allow, onlyAllowed), adminPort)
}

const manager = {
  '@type': TYPE.manager,
  stat_prefix: 'proxy',
  stream_idle_timeout: '0s',
  http2_protocol_options: { allow_connect: true },
  route_config: {
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        // RFC 9110 §11.7.2: meant for this proxy, which asks for none; an origin must not see it.
        request_headers_to_remove: ['proxy-authorization'],
        routes: [
          {
            match: { connect_matcher: {} },
            route: { cluster: 'named', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
          },
          { match: { prefix: '/' }, route: { cluster: 'named' } },
        ],
      },
    ],
  },
  http_filters: [
    {
      name: 'envoy.filters.http.dynamic_forward_proxy',
      typed_config: { '@type': TYPE.dynamicForwardFilter, dns_cache_config: dnsCache },
    },
    { name: 'envoy.filters.http.router', typed_config: { '@type': TYPE.router } },
  ],
}

const cluster = (allow: readonly string[], onlyAllowed: boolean): object => ({
  name: 'named',
  lb_policy: 'CLUSTER_PROVIDED',
  ...upstreamKeepalive,
  cluster_type: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: { '@type': TYPE.dynamicForwardCluster, dns_cache_config: dnsCache },
  },
  metadata: {
    typed_filter_metadata: {
      'sluice.target_policy': {
        '@type': TYPE.targetPolicy,
        ...(allow.length === 0 ? {} : { allow }),
        ...(onlyAllowed ? { only_allowed: true } : {}),
      },
    },
  },
})
