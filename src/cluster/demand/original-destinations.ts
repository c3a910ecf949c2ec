// ORIGINAL_DST: dials the address that a header names, or the one that the client's connection was on its way to before
// the system redirected it. Envoy: original_dst_lb_config.

import { printable } from '../../core/printable.ts'
import type { Address } from '../../config/model/address.ts'
import { placeHint } from '../../config/model/place.ts'
import type { Cluster, OriginalDestination } from '../../config/model/cluster.ts'
import type { PickContext } from '../balance/picker.ts'
import { Endpoint } from '../endpoint.ts'
import { none, type NoEndpoint } from '../no-endpoint.ts'
import { readIpTarget } from '../target.ts'
import type { TargetJudge } from '../target-policy.ts'
import { DemandSet, type DemandSetTools } from './demand-set.ts'
import { demandedConfig, type EndpointsOnDemand } from './endpoints-on-demand.ts'

/** What an original-dst cluster without settings does. */
const DEFAULTS: OriginalDestination = { headerName: '', portOverride: undefined, cleanupMs: 5000 }

export class OriginalDestinations implements EndpointsOnDemand {
  readonly #cluster: Cluster
  readonly #config: OriginalDestination
  readonly #judge: TargetJudge | undefined
  readonly #stats: DemandSetTools['stats']
  readonly #set: DemandSet

  constructor(cluster: Cluster, judge: TargetJudge | undefined, tools: Omit<DemandSetTools, 'unusedMs'>) {
    this.#cluster = cluster
    this.#config = cluster.originalDestination ?? DEFAULTS
    this.#judge = judge
    this.#stats = tools.stats
    this.#set = new DemandSet({ ...tools, unusedMs: this.#config.cleanupMs })
  }

  get endpoints(): readonly Endpoint[] {
    return this.#set.endpoints
  }

  start(): void {
    // There is nothing to discover.
  }

  stop(): void {
    this.#set.stop()
  }

  pick(context: PickContext): Endpoint | NoEndpoint {
    const named = this.#named(context)
    if (named === undefined) return none('no_healthy_upstream', this.#whatIsMissing(context))
    const address: Address = { ...named, port: this.#config.portOverride ?? named.port }
    const refusal = this.#judge?.refusal('', address.host, address.port)
    if (refusal !== undefined) return none('target_not_allowed', refusal)
    const key = `${address.host} ${address.port}`
    const known = this.#set.get(key)
    if (known !== undefined) return known
    const endpoint = new Endpoint(demandedConfig(this.#cluster, address, ''), [address])
    return this.#set.add(key, endpoint)
      ? endpoint
      : none('no_healthy_upstream', `${this.#where()} has no room for more`)
  }

  #named({ target, original }: PickContext): Extract<Address, { kind: 'socket' }> | undefined {
    const { place } = this.#cluster
    if (this.#config.headerName !== '' && target !== undefined) {
      const read = readIpTarget(target)
      if (read?.host.kind === 'ip') return { kind: 'socket', host: read.host.ip, port: read.port, place }
      this.#stats.originalDstHostInvalid.value++
    }
    if (original === undefined || original.port === 0) return undefined
    return { kind: 'socket', host: original.ip, port: original.port, place }
  }

  #whatIsMissing({ target }: PickContext): string {
    const { headerName } = this.#config
    const connection =
      'the connection has no original destination: was it redirected, to a listener with the original_dst filter?'
    if (headerName === '') return `${this.#where()}: ${connection}`
    const header = printable(headerName)
    if (target === undefined)
      return `${this.#where()}: the request has no header "${header}" (http_header_name), and ${connection}`
    const shown = printable(target.slice(0, SHOWN))
    return `${this.#where()}: header "${header}" has "${shown}", which is no ip:port, and ${connection}`
  }

  #where(): string {
    return `cluster "${this.#cluster.name}" (${placeHint(this.#cluster.place)})`
  }
}

/** Characters of a bad header that its explanation shows. */
const SHOWN = 100
