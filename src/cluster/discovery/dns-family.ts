// Which of a name's addresses are used. Envoy: dns_lookup_family of config.cluster.v3.Cluster.

import type { DnsFamily } from '../../config/model/cluster.ts'
import type { DnsAnswer } from './dns-resolver.ts'

/** What to ask the resolver for. */
export function familiesToAsk(family: DnsFamily): 'v4' | 'v6' | 'both' {
  if (family === 'v4-only') return 'v4'
  return family === 'v6-only' ? 'v6' : 'both'
}

/** The addresses to use, and those to fall back to when one cannot be reached. */
export interface ChosenAddresses {
  readonly use: readonly DnsAnswer[]
  readonly fallback: readonly DnsAnswer[]
}

/** Addresses kept of one answer; the rest is ignored. */
const MAX_ADDRESSES = 1024

/**
 * Chooses by family. AUTO prefers IPv6 and V4_PREFERRED IPv4 when both exist; the other family then only stands in while
 * an address cannot be reached, which spares `localhost` (RFC 8305 in small). Envoy does so for ALL only.
 */
export function chooseAddresses(family: DnsFamily, answers: readonly DnsAnswer[]): ChosenAddresses {
  const bounded = answers.slice(0, MAX_ADDRESSES)
  if (family === 'all') return { use: bounded, fallback: [] }
  const v4 = bounded.filter((answer) => answer.family === 4)
  const v6 = bounded.filter((answer) => answer.family === 6)
  switch (family) {
    case 'v4-only':
      return { use: v4, fallback: [] }
    case 'v6-only':
      return { use: v6, fallback: [] }
    case 'v4-preferred':
      return preferred(v4, v6)
    case 'auto':
      return preferred(v6, v4)
  }
}

const preferred = (first: readonly DnsAnswer[], second: readonly DnsAnswer[]): ChosenAddresses =>
  first.length > 0 ? { use: first, fallback: second } : { use: second, fallback: [] }
