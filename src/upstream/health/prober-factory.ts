// Makes the probers of a cluster: what all endpoints of a check share is made once.

import type { Clock } from '../../core/clock.ts'
import { http1Stats } from '../../codec/http1/stats.ts'
import { newHttp2Stats } from '../../codec/http2/stats.ts'
import { clusterScope, clusterStats } from '../../cluster/cluster-stats.ts'
import type { DnsResolver } from '../../cluster/discovery/dns-resolver.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import type { Prober, ProberFactory } from '../../cluster/health/prober.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import { StatRegistry } from '../../observe/stats/registry.ts'
import type { InternalNetwork } from '../../transport/internal.ts'
import { clientCodecs } from '../client-codecs.ts'
import { diallerFactory } from '../dial.ts'
import { compileHeaderExpectations } from './answer-test.ts'
import { GrpcQuestion } from './grpc-question.ts'
import { compileHttpExpectations, HttpQuestion } from './http-question.ts'
import { probedCluster, ProbeTarget } from './probe-target.ts'
import type { ProbeTools } from './probe-tools.ts'
import { RequestProber } from './request-prober.ts'
import { TcpProber } from './tcp-prober.ts'
import { WebSocketProber } from './websocket-prober.ts'

/** What probes need of the server. */
export interface ProberParts {
  readonly clock: Clock
  readonly internal: InternalNetwork
  readonly resolver: DnsResolver
}

/** The probers of `cluster`. Their connections appear in none of the cluster's statistics, as in Envoy. */
export function proberFactory(cluster: Cluster, parts: ProberParts): ProberFactory {
  const made = new Map<HealthCheck, (endpoint: Endpoint) => Prober>()
  return (endpoint, check) => {
    let make = made.get(check)
    if (make === undefined) {
      make = makerOf(cluster, check, parts)
      made.set(check, make)
    }
    return make(endpoint)
  }
}

function makerOf(cluster: Cluster, check: HealthCheck, parts: ProberParts): (endpoint: Endpoint) => Prober {
  const { clock, internal, resolver } = parts
  const probed = probedCluster(cluster, check)
  const uncounted = clusterStats(clusterScope(new StatRegistry(), cluster.statName))
  const tools: ProbeTools = {
    clock,
    cluster: probed,
    check,
    diallers: diallerFactory(probed, { clock, stats: uncounted, internal, resolver }),
    codecs: clientCodecs(probed, clock, { http1: http1Stats(), http2: newHttp2Stats() }),
  }
  const target = (endpoint: Endpoint): ProbeTarget => new ProbeTarget(endpoint, check, cluster.name)
  const { probe } = check
  switch (probe.kind) {
    case 'http': {
      const expected = compileHttpExpectations(probe)
      return (endpoint) => {
        const at = target(endpoint)
        return new RequestProber(tools, at, new HttpQuestion(tools, probe, at, expected))
      }
    }
    case 'grpc':
      return (endpoint) => {
        const at = target(endpoint)
        return new RequestProber(tools, at, new GrpcQuestion(tools, probe, at))
      }
    case 'tcp':
      return (endpoint) => new TcpProber(tools, probe, target(endpoint))
    case 'websocket': {
      const headerFault = compileHeaderExpectations(probe.expectedHeaders)
      return (endpoint) => new WebSocketProber(tools, { probe, target: target(endpoint), headerFault })
    }
  }
}
