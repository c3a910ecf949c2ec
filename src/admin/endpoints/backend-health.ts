// `/backendHealth`: healthy and unhealthy endpoints of each Service, as the controller of Azure Application Gateway for
// Containers answers on its port. Clusters that stand for a Service's port are named `namespace/service/port`.

import type { ClusterStatus, HostStatus } from '../context.ts'
import { type Endpoint, json, refused } from '../endpoint.ts'

/** `namespace/service/port`, and what tells several clusters of the same port apart. */
const SERVICE_CLUSTER = /^([^/\s]+\/[^/\s]+\/\d{1,5})(?:$|[^\d])/

const SERVICE_NAME = /^[^/\s]+\/[^/\s]+\/\d{1,5}$/

export const BACKEND_HEALTH: Endpoint = {
  path: '/backendHealth',
  summary: 'healthy and unhealthy endpoints of the Services of Gateway API manifests',
  mutates: false,
  parameters: [
    { name: 'service-name', summary: 'namespace/service/port; all when absent' },
    { name: 'detailed', summary: 'true lists the endpoints' },
    { name: 'alb-id', summary: 'taken for compatibility: there is one load balancer here' },
  ],
  handle({ query }, context) {
    const wanted = query.get('service-name') ?? ''
    if (wanted !== '' && !SERVICE_NAME.test(wanted)) return refused('service-name is namespace/service/port')
    const detailed = query.get('detailed') === 'true'
    const services = [...byService(context.clusters())].filter(([name]) => wanted === '' || name === wanted)
    if (wanted !== '' && services.length === 0) return json({ services: [], error: `no route uses ${wanted}` }, 404)
    return json({ services: services.map(([name, hosts]) => serviceJson(name, hosts, detailed)) })
  },
}

/** Endpoints by Service; one that several clusters share is listed once, as the worst of what they found. */
function byService(clusters: readonly ClusterStatus[]): Map<string, Map<string, HostStatus>> {
  const services = new Map<string, Map<string, HostStatus>>()
  for (const cluster of clusters) {
    const name = SERVICE_CLUSTER.exec(cluster.name)?.[1]
    if (name === undefined) continue
    const hosts = services.get(name) ?? new Map<string, HostStatus>()
    services.set(name, hosts)
    for (const host of cluster.hosts) {
      const known = hosts.get(host.address.text)
      if (known === undefined || isHealthy(known)) hosts.set(host.address.text, host)
    }
  }
  return services
}

/** Degraded endpoints still get traffic. */
const isHealthy = (host: HostStatus): boolean => host.healthFlags.every((flag) => flag.startsWith('degraded'))

function serviceJson(name: string, hosts: ReadonlyMap<string, HostStatus>, detailed: boolean): unknown {
  const all = [...hosts.values()]
  const healthy = all.filter(isHealthy).length
  return {
    serviceName: name,
    serviceHealth: [
      {
        // The vendor's identifier of a load balancer: the process is the only one.
        albId: '',
        totalEndpoints: all.length,
        totalHealthyEndpoints: healthy,
        totalUnhealthyEndpoints: all.length - healthy,
        ...(detailed ? { endpoints: all.map(endpointJson) } : {}),
      },
    ],
  }
}

const endpointJson = (host: HostStatus): unknown => ({
  address: host.address.ip,
  // Sluice's own: endpoints of files often differ in nothing but their port.
  port: host.address.port,
  health: { status: isHealthy(host) ? 'HEALTHY' : 'UNHEALTHY' },
})
