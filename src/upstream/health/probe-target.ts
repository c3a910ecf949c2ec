// Where the probes of a check go, and how: as the cluster's connections do, but for what the check or the endpoint wants
// otherwise. Envoy: HealthCheck.tls_options, Endpoint.HealthCheckConfig.

import { isIP } from 'node:net'
import { Endpoint } from '../../cluster/endpoint.ts'
import type { Address } from '../../config/model/address.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import { DEFAULT_UPSTREAM_TLS, type UpstreamTls } from '../../config/model/tls.ts'

/** TLS of a check whose cluster has none. */
const bareTls = ({ place }: HealthCheck): UpstreamTls => ({ ...DEFAULT_UPSTREAM_TLS, autoHostSni: true, place })

/** The cluster as the probes of `check` see it. The check's timeout bounds the connection too. */
export function probedCluster(cluster: Cluster, check: HealthCheck): Cluster {
  const probed: Cluster = { ...cluster, connectTimeoutMs: check.timeoutMs, tls: probeTls(cluster, check) }
  if (check.alpn.length === 0 || probed.tls === undefined) return probed
  // Only for an explicit version the configured list is what is offered.
  const version = check.probe.kind === 'http' ? check.probe.version : 'http1'
  return { ...probed, tls: { ...probed.tls, alpn: check.alpn }, protocol: { kind: 'explicit', version } }
}

function probeTls(cluster: Cluster, check: HealthCheck): UpstreamTls | undefined {
  switch (check.tls) {
    case 'cluster':
      return cluster.tls
    case 'never':
      return undefined
    case 'unverified':
      return { ...(cluster.tls ?? bareTls(check)), validation: undefined, autoSanValidation: false }
  }
}

/** The probed side of an endpoint: an endpoint of its own, so that probes are not counted as traffic. */
export class ProbeTarget {
  readonly #endpoint: Endpoint
  readonly #check: HealthCheck
  readonly #clusterName: string
  #made: Endpoint | undefined
  #madeOf: readonly Address[] | undefined

  constructor(endpoint: Endpoint, check: HealthCheck, clusterName: string) {
    this.#endpoint = endpoint
    this.#check = check
    this.#clusterName = clusterName
  }

  /** Where to dial now; another object after the endpoint moved. */
  get endpoint(): Endpoint {
    const { addresses, config } = this.#endpoint
    if (this.#made !== undefined && this.#madeOf === addresses) return this.#made
    const [first, ...others] = addresses
    this.#madeOf = addresses
    this.#made = new Endpoint(config, [this.#probed(first), ...others.map((address) => this.#probed(address))])
    return this.#made
  }

  /** Host of the requests, from what the check says. */
  host(ofCheck: string): string {
    const { hostname = '' } = this.#endpoint.config.healthCheck ?? {}
    if (hostname !== '') return hostname
    return ofCheck === '' ? this.#clusterName : ofCheck
  }

  path(ofCheck: string): string {
    return this.#endpoint.config.healthCheck?.path ?? ofCheck
  }

  /** TLS server name of a cluster that takes it from requests: the endpoint's own, for there is no request. */
  serverName(cluster: Cluster): string {
    const { hostname } = this.#endpoint
    return cluster.tls?.autoSni === true && isIP(hostname) === 0 ? hostname.toLowerCase() : ''
  }

  #probed(address: Address): Address {
    if (address.kind !== 'socket') return address
    const own = this.#endpoint.config.healthCheck
    return {
      ...address,
      host: own?.address ?? address.host,
      port: own?.port ?? this.#check.port ?? address.port,
    }
  }
}
