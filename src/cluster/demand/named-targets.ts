// Dynamic forward proxy: dials the `host:port` that a request names, from the addresses of the DNS cache, where a filter
// put the name before. An address needs no lookup. Envoy: envoy.clusters.dynamic_forward_proxy.

import { ADDRESSES_PER_NAME } from '../../core/limits.ts'
import { printable } from '../../core/printable.ts'
import type { Address } from '../../config/model/address.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import { placeHint } from '../../config/model/place.ts'
import type { PickContext } from '../balance/picker.ts'
import type { ChosenAddresses } from '../discovery/dns-family.ts'
import type { DnsCache, DnsCacheListener } from '../dns-cache/dns-cache.ts'
import { Endpoint } from '../endpoint.ts'
import { none, type NoEndpoint } from '../no-endpoint.ts'
import { readTarget, type Target } from '../target.ts'
import type { TargetJudge } from '../target-policy.ts'
import { DemandSet, type DemandSetTools } from './demand-set.ts'
import { demandedConfig, type EndpointsOnDemand } from './endpoints-on-demand.ts'

/** Unused addresses, which no cache forgets, go after Envoy's default host_ttl. */
const UNUSED_MS = 300_000

export class NamedTargets implements EndpointsOnDemand, DnsCacheListener {
  readonly #cluster: Cluster
  /** undefined = only addresses can be named. */
  readonly #cache: DnsCache | undefined
  readonly #judge: TargetJudge | undefined
  readonly #set: DemandSet
  /** The targets of each name that have endpoints. */
  readonly #targets = new Map<string, Map<string, Target>>()
  #unlisten: (() => void) | undefined

  constructor(
    cluster: Cluster,
    cache: DnsCache | undefined,
    judge: TargetJudge | undefined,
    tools: Omit<DemandSetTools, 'unusedMs'>,
  ) {
    this.#cluster = cluster
    this.#cache = cache
    this.#judge = judge
    this.#set = new DemandSet({
      ...tools,
      unusedMs: cache?.config.hostTtlMs ?? UNUSED_MS,
      onRemoved: (endpoint) => {
        this.#unlist(endpoint)
        tools.onRemoved(endpoint)
      },
    })
  }

  get endpoints(): readonly Endpoint[] {
    return this.#set.endpoints
  }

  start(): void {
    this.#unlisten ??= this.#cache?.listen(this)
    this.#cache?.start()
  }

  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#set.stop()
  }

  pick({ target: text }: PickContext): Endpoint | NoEndpoint {
    if (text === undefined)
      return none('no_healthy_upstream', `${this.#where()} dials the host that is named, and none is`)
    const target = readTarget(text)
    if (target.kind === 'invalid') {
      const shown = printable(text.slice(0, SHOWN))
      return none('invalid_authority', `the host "${shown}" ${target.reason}`)
    }
    const addresses = this.#addresses(target)
    if (addresses === undefined) return none('no_healthy_upstream', this.#notLookedUp(target))
    const { permitted, refusal } = this.#judged(target, addresses)
    const [first, ...others] = permitted
    if (first === undefined) {
      this.#set.remove(target.text)
      return none('target_not_allowed', refusal ?? `${target.text} has no address`)
    }
    const known = this.#set.get(target.text)
    if (known === undefined) return this.#make(target, [first, ...others])
    // What the policy permits changes without DNS, too, when a listener is bound.
    known.moveTo([first, ...others])
    return known
  }

  onAddresses(host: string, chosen: ChosenAddresses): void {
    for (const target of [...(this.#targets.get(host)?.values() ?? [])]) {
      const [first, ...others] = this.#judged(target, addressesOf(chosen, target, this.#cluster)).permitted
      const endpoint = first === undefined ? undefined : this.#set.peek(target.text)
      if (first === undefined) this.#set.remove(target.text)
      else endpoint?.moveTo([first, ...others])
    }
  }

  onForgotten(host: string): void {
    for (const key of [...(this.#targets.get(host)?.keys() ?? [])]) this.#set.remove(key)
  }

  #addresses(target: Target): readonly Address[] | undefined {
    const { host, port } = target
    if (host.kind === 'ip') return [{ kind: 'socket', host: host.ip, port, place: this.#cluster.place }]
    const chosen = this.#cache?.addressesOf(host.name)
    return chosen === undefined ? undefined : addressesOf(chosen, target, this.#cluster)
  }

  #judged(
    { host }: Target,
    addresses: readonly Address[],
  ): { permitted: readonly Address[]; refusal: string | undefined } {
    const name = host.kind === 'name' ? host.name : ''
    return this.#judge?.judge(name, addresses) ?? { permitted: addresses, refusal: undefined }
  }

  #make(target: Target, addresses: readonly [Address, ...Address[]]): Endpoint | NoEndpoint {
    const { host, port, text } = target
    const hostname = host.kind === 'name' ? host.name : host.ip
    const named: Address = { kind: 'socket', host: hostname, port, place: this.#cluster.place }
    const endpoint = new Endpoint(demandedConfig(this.#cluster, named, hostname), addresses)
    if (!this.#set.add(text, endpoint)) return none('no_healthy_upstream', `${this.#where()} has no room for more`)
    if (host.kind === 'ip') return endpoint
    const targets = this.#targets.get(host.name) ?? new Map<string, Target>()
    targets.set(text, target)
    this.#targets.set(host.name, targets)
    return endpoint
  }

  #unlist({ config: { address, hostname } }: Endpoint): void {
    const targets = this.#targets.get(hostname)
    if (targets === undefined || address.kind !== 'socket') return
    targets.delete(`${hostname}:${address.port}`)
    if (targets.size === 0) this.#targets.delete(hostname)
  }

  #notLookedUp({ text }: Target): string {
    const cache = this.#cache?.config.name ?? ''
    return `${this.#where()} has no address of ${text}: the filter dynamic_forward_proxy with DNS cache "${cache}" must look it up first, for the same host`
  }

  #where(): string {
    return `cluster "${this.#cluster.name}" (${placeHint(this.#cluster.place)})`
  }
}

/** Characters of a bad host that its explanation shows. */
const SHOWN = 100

const addressesOf = ({ use, fallback }: ChosenAddresses, { port }: Target, { place }: Cluster): readonly Address[] =>
  [...use, ...fallback]
    .slice(0, ADDRESSES_PER_NAME)
    .map(({ address }) => ({ kind: 'socket', host: address, port, place }))
