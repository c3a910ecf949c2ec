// The DNS caches of a server by name: whoever names one shares it. The first configuration of a name holds.

import type { DnsCacheConfig } from '../../config/model/dns-cache.ts'
import { resolverFor } from '../discovery/dns-resolver.ts'
import { DnsCache, type DnsCacheContext } from './dns-cache.ts'

export class DnsCaches {
  readonly #context: DnsCacheContext
  readonly #caches = new Map<string, DnsCache>()

  constructor(context: DnsCacheContext) {
    this.#context = context
  }

  /** The cache that `config` names; not started when it is new. */
  get(config: DnsCacheConfig): DnsCache {
    let cache = this.#caches.get(config.name)
    if (cache === undefined) {
      const resolver = resolverFor(config.nameServers, this.#context.resolver)
      cache = new DnsCache(config, { ...this.#context, resolver })
      this.#caches.set(config.name, cache)
    }
    return cache
  }

  /** Forgets all names; nothing is asked any more. */
  stop(): void {
    for (const cache of this.#caches.values()) cache.stop()
  }
}
