// Finds the virtual host of an authority: exact domain, then the longest `*.suffix`, then the longest `prefix.*`, then `*`.
// Hosts compare in lower case (RFC 9110 §4.2.3). Envoy: the domains of config.route.v3.VirtualHost.

import { hostOf, portStart } from './authority.ts'

/** Domains of a route table, each leading to a `T`. */
export class VirtualHostIndex<T> {
  readonly #exact = new Map<string, T>()
  readonly #suffixes: LengthMaps<T>
  readonly #prefixes: LengthMaps<T>
  readonly #domains: string[] = []
  readonly #withPort = new Map<string, string>()
  readonly #ignorePort: boolean
  #any: T | undefined
  #onlyAny = true

  /** `entries` are pairs of lower-case domain and target; of a repeated domain the first counts. */
  constructor(entries: Iterable<readonly [string, T]>, ignorePort: boolean) {
    const suffixes = new Map<number, Map<string, T>>()
    const prefixes = new Map<number, Map<string, T>>()
    for (const [domain, target] of entries) this.#file(domain, target, suffixes, prefixes)
    this.#suffixes = longestFirst(suffixes)
    this.#prefixes = longestFirst(prefixes)
    this.#ignorePort = ignorePort
  }

  /** Domains in the order of the configuration. */
  get domains(): readonly string[] {
    return this.#domains
  }

  /** The target for an authority as sent, or undefined. The port counts unless the table ignores it. */
  find(authority: string): T | undefined {
    if (this.#onlyAny) return this.#any
    const lower = authority.toLowerCase()
    const host = this.#ignorePort ? hostOf(lower) : lower
    return this.#exact.get(host) ?? this.#bySuffix(host) ?? this.#byPrefix(host) ?? this.#any
  }

  /** A listed domain that is `host` with a port, for explanations. */
  domainWithPort(host: string): string | undefined {
    return this.#withPort.get(host)
  }

  #file(domain: string, target: T, suffixes: Map<number, Map<string, T>>, prefixes: Map<number, Map<string, T>>): void {
    this.#domains.push(domain)
    if (portStart(domain) >= 0) this.#withPort.set(hostOf(domain), domain)
    if (domain === '*') {
      this.#any ??= target
      return
    }
    this.#onlyAny = false
    if (domain.startsWith('*')) add(suffixes, domain.slice(1), target)
    else if (domain.endsWith('*')) add(prefixes, domain.slice(0, -1), target)
    else if (!this.#exact.has(domain)) this.#exact.set(domain, target)
  }

  #bySuffix(host: string): T | undefined {
    for (const [length, targets] of this.#suffixes) {
      // A wildcard never stands for nothing: `*.example.com` is not `.example.com`.
      if (length >= host.length) continue
      const target = targets.get(host.slice(host.length - length))
      if (target !== undefined) return target
    }
    return undefined
  }

  #byPrefix(host: string): T | undefined {
    for (const [length, targets] of this.#prefixes) {
      if (length >= host.length) continue
      const target = targets.get(host.slice(0, length))
      if (target !== undefined) return target
    }
    return undefined
  }
}

type LengthMaps<T> = readonly (readonly [number, ReadonlyMap<string, T>])[]

function add<T>(byLength: Map<number, Map<string, T>>, text: string, target: T): void {
  const targets = byLength.get(text.length) ?? new Map<string, T>()
  byLength.set(text.length, targets)
  if (!targets.has(text)) targets.set(text, target)
}

function longestFirst<T>(byLength: Map<number, Map<string, T>>): LengthMaps<T> {
  return [...byLength].sort(([a], [b]) => b - a)
}
