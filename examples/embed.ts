// A proxy inside a Node program: it starts, tells of every tunnel, and stops. Run: node examples/embed.ts ws://localhost:3000
// In a project of your own, import from 'sluice'.

import { describeCause, startProxy } from '../src/index.ts'

const origin = new URL(process.argv[2] ?? 'ws://localhost:3000')

const yaml = `
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          upgrade_configs: [{upgrade_type: websocket}]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: app}}]}]}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: app
    type: STRICT_DNS
    load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: ${origin.hostname}, port_value: ${origin.port}}}}}]}]}
`

const proxy = await startProxy({ yaml })

proxy.services.ledger.listen({
  onOpen: (tunnel) => console.log(`open ${tunnel.path} → ${tunnel.endpoint}`),
  onClose: (tunnel, end) => console.log(`close ${tunnel.path}: ${describeCause(end.cause)}`),
})

console.log(`listening on ${proxy.addresses('web').join(', ')}`)
process.once('SIGTERM', () => void proxy.stop())
