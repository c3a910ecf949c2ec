// Looking up names. The interface is injected; the system's resolver honours /etc/hosts and nsswitch, and asks the name
// servers itself only where the lifetime of an answer matters (RFC 1035 §3.2.1 TTL).

import { lookup, Resolver } from 'node:dns/promises'

export interface DnsAnswer {
  readonly address: string
  readonly family: 4 | 6
  /** Undefined when the resolver does not say. */
  readonly ttlSeconds: number | undefined
}

/** Resolves one name; rejects with the reason when there is no answer. */
export interface DnsResolver {
  resolve(host: string, families: 'v4' | 'v6' | 'both', withTtl: boolean): Promise<readonly DnsAnswer[]>
}

/** The resolver of this machine. */
export const systemResolver: DnsResolver = {
  async resolve(host, families, withTtl) {
    if (!withTtl) return systemLookup(host, families)
    const answers = await askNameServers(host, families)
    // Names from /etc/hosts and the like are unknown to name servers; they have no lifetime.
    return answers.length > 0 ? answers : systemLookup(host, families)
  },
}

async function systemLookup(host: string, families: 'v4' | 'v6' | 'both'): Promise<readonly DnsAnswer[]> {
  const family = families === 'v4' ? 4 : families === 'v6' ? 6 : 0
  const found = await lookup(host, { all: true, family, order: 'verbatim' })
  return found.map((answer) => ({
    address: answer.address,
    family: answer.family === 6 ? 6 : 4,
    ttlSeconds: undefined,
  }))
}

async function askNameServers(host: string, families: 'v4' | 'v6' | 'both'): Promise<readonly DnsAnswer[]> {
  const resolver = new Resolver()
  const v6 = families === 'v4' ? [] : resolver.resolve6(host, { ttl: true })
  const v4 = families === 'v6' ? [] : resolver.resolve4(host, { ttl: true })
  const [six, four] = await Promise.allSettled([v6, v4])
  return [...answers(six, 6), ...answers(four, 4)]
}

type Settled = PromiseSettledResult<readonly { readonly address: string; readonly ttl: number }[]>

const answers = (result: Settled, family: 4 | 6): DnsAnswer[] =>
  result.status === 'rejected' ? [] : result.value.map(({ address, ttl }) => ({ address, family, ttlSeconds: ttl }))
