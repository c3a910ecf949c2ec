// Caches of names are shared by name.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEnvoy } from '../../../../src/config/envoy/index.ts'

test('a filter and a cluster that name the same DNS cache get one', async () => {
  const text = `
static_resources:
  listeners:
    - address: {socket_address: {address: 127.0.0.1, port_value: 0}}
      filter_chains:
        - filters:
            - name: sni
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig
                dns_cache_config: {name: names, max_hosts: 7}
            - name: tcp
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: t
                cluster: named
  clusters:
    - name: named
      lb_policy: CLUSTER_PROVIDED
      cluster_type:
        name: envoy.clusters.dynamic_forward_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig
          dns_cache_config: {name: names, max_hosts: 7}
`
  const { config } = await loadEnvoy([{ kind: 'text', name: 'envoy.yaml', text }])
  const gate = config?.listeners[0]?.chains[0]?.gates[0]
  assert.equal(gate?.kind, 'sni-dynamic-forward-proxy')
  assert.equal(
    gate?.kind === 'sni-dynamic-forward-proxy' ? gate.cache : undefined,
    config?.clusters.get('named')?.dnsCache,
  )
})
