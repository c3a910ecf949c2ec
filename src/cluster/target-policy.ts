// Judges what a proxy may dial for its clients: the address that is dialled, after DNS, so that a name which changes its
// mind between the check and the dial gains nothing. Envoy has no such check; smokescreen is the known example.

import type { Address } from '../config/model/address.ts'
import { placeHint } from '../config/model/place.ts'
import type { TargetPolicy, TargetRule } from '../config/model/target-policy.ts'
import { type IpGroups, ipGroups, inRange, type IpRange, ipRange } from '../transport/ip-range.ts'
import { specialClass } from './address-class.ts'
import type { OwnListeners } from './own-listeners.ts'

/** What is left of a list of addresses; `refusal` says why the first of the others went. */
export interface Judgement {
  readonly permitted: readonly Address[]
  readonly refusal: string | undefined
}

export class TargetJudge {
  readonly #policy: TargetPolicy
  readonly #own: OwnListeners
  readonly #rules: readonly Rule[]

  constructor(policy: TargetPolicy, own: OwnListeners) {
    this.#policy = policy
    this.#own = own
    this.#rules = policy.allow.map((rule) => ({
      ...rule,
      net: rule.range === undefined ? undefined : ipRange(rule.range),
    }))
  }

  /**
   * Keeps the addresses that may be dialled. `name`: the one that led to them; '' when the address itself was named.
   * Pipes and internal listeners can be named by the configuration only, and pass.
   */
  judge(name: string, addresses: readonly Address[]): Judgement {
    const permitted: Address[] = []
    let refusal: string | undefined
    for (const address of addresses) {
      const why = address.kind === 'socket' ? this.refusal(name, address.host, address.port) : undefined
      if (why === undefined) permitted.push(address)
      else refusal ??= why
    }
    return { permitted, refusal }
  }

  /** Why `ip` and `port` must not be dialled, for people; undefined when they may. */
  refusal(name: string, ip: string, port: number): string | undefined {
    const groups = ipGroups(ip)
    const target = targetText(name === '' ? ip : name, port)
    if (groups === undefined) return this.#refuse(target, 'is no plain IP address')
    const asked: Asked = { name, ip: groups, port }
    const opening = this.#rules.filter((rule) => opens(rule, asked))
    const is = name === '' ? 'is' : 'resolves to'
    // A network or a host with all its ports is opened for what runs there, not for this proxy's admin pages.
    const own = !opening.some(({ ports }) => ports !== undefined) && this.#own.covers(ip, port)
    if (opening.length > 0) return own ? this.#refuse(target, `${is} this proxy itself`) : undefined
    const special = specialClass(groups)
    // The range is told, the address is not: a client shall not learn the names of a private network.
    if (special !== undefined) return this.#refuse(target, `${is} ${special.name} (${special.range})`)
    if (own) return this.#refuse(target, `${is} this proxy itself`)
    if (!this.#policy.onlyAllowed || this.#rules.some((rule) => isStar(rule, port))) return undefined
    return this.#refuse(target, 'is named by no allow rule')
  }

  /** Why `name` need not even be looked up: a lookup by itself tells its name server something. */
  nameRefusal(name: string, port: number): string | undefined {
    if (!this.#policy.onlyAllowed) return undefined
    if (this.#rules.some((rule) => admitsPort(rule, port) && (rule.net !== undefined || namedBy(rule, name))))
      return undefined
    return this.#refuse(targetText(name, port), 'is named by no allow rule')
  }

  #refuse(target: string, why: string): string {
    const where = placeHint(this.#policy.place)
    return `the target ${target} ${why}, which the target policy (${where}) refuses; to permit it, add the allow rule "${target}" there (sluice proxy: --allow '${target}')`
  }
}

interface Rule extends TargetRule {
  readonly net: IpRange | undefined
}

interface Asked {
  /** '' when an address was named. */
  readonly name: string
  readonly ip: IpGroups
  readonly port: number
}

/** `*` names everything and so nothing in particular: it serves `onlyAllowed` and never opens what is refused. */
function opens(rule: Rule, { name, ip, port }: Asked): boolean {
  if (!admitsPort(rule, port) || rule.host === '*') return false
  return rule.net === undefined ? name !== '' && namedBy(rule, name) : inRange(ip, rule.net)
}

const isStar = (rule: Rule, port: number): boolean => rule.host === '*' && admitsPort(rule, port)

const admitsPort = ({ ports }: Rule, port: number): boolean =>
  ports === undefined || ports.some(({ from, to }) => port >= from && port <= to)

function namedBy({ host }: Rule, name: string): boolean {
  if (host === undefined) return false
  if (host === '*' || host === name) return true
  return host.startsWith('*.') && name.length > host.length - 1 && name.endsWith(host.slice(1))
}

const targetText = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
