// Looking up names. The interface is injected; the system's resolver honours /etc/hosts and nsswitch, and asks the name
// servers itself only where the lifetime of an answer matters (RFC 1035 §3.2.1 TTL).

import { lookup, Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import type { NameServers } from '../../config/model/name-servers.ts'
import { HostsFile } from './hosts-file.ts'

export interface DnsAnswer {
  readonly address: string
  readonly family: 4 | 6
  /** Undefined when the resolver does not say. */
  readonly ttlSeconds: number | undefined
}

type AskedFamilies = 'v4' | 'v6' | 'both'

/** Resolves one name; rejects with the reason when there is no answer. */
export interface DnsResolver {
  resolve(host: string, families: AskedFamilies, withTtl: boolean): Promise<readonly DnsAnswer[]>
}

/** The resolver of this machine. */
export const systemResolver: DnsResolver = machineResolver({ hostsFile: '/etc/hosts', servers: undefined })

export interface MachineResolverOptions {
  readonly hostsFile: string
  /** `ip:port` of the name servers to ask for lifetimes; undefined = the system's. */
  readonly servers: readonly string[] | undefined
}

/** A resolver that reads the hosts file, asks name servers, and falls back to the system's own lookup. */
export function machineResolver({ hostsFile, servers }: MachineResolverOptions): DnsResolver {
  const hosts = new HostsFile(hostsFile)
  const current = freshResolver({ servers: servers ?? [] })
  return {
    async resolve(host, families, withTtl) {
      if (!withTtl) return systemLookup(host, families)
      const local = await localAnswers(hosts, host, families)
      if (local.length > 0) return local
      const { answers, failure } = await askNameServers(current(), host, families)
      if (answers.length > 0) return answers
      // A name that only the system knows (mDNS, search domains). Silent servers were asked; asking them again that way
      // would hold one of the few threads that all look-ups of the process share.
      if (failure !== undefined && SERVERS_FAILED.has(failure.code)) throw failure
      return systemLookup(host, families)
    },
  }
}

/** Asks the name servers of the configuration and nobody else, after the hosts file. */
function nameServerResolver(nameServers: NameServers): DnsResolver {
  const hosts = new HostsFile('/etc/hosts')
  const current = freshResolver(nameServers)
  return {
    async resolve(host, families) {
      const local = await localAnswers(hosts, host, families)
      if (local.length > 0) return local
      const { answers, failure } = await askNameServers(current(), host, families)
      if (answers.length === 0 && failure !== undefined) throw failure
      return answers
    },
  }
}

/** The resolver for a configuration: its own name servers, or `usual`. */
export const resolverFor = (nameServers: NameServers | undefined, usual: DnsResolver): DnsResolver =>
  nameServers === undefined ? usual : nameServerResolver(nameServers)

const localAnswers = async (hosts: HostsFile, host: string, families: AskedFamilies): Promise<readonly DnsAnswer[]> =>
  (await hosts.addresses(host)).map(unlimited).filter(({ family }) => wanted(family, families))

/** Name servers that were reached for nothing. */
const SERVERS_FAILED: ReadonlySet<unknown> = new Set(['ETIMEOUT', 'ESERVFAIL', 'ECANCELLED'])
/** Milliseconds that a name server has for its first chance; c-ares doubles it for the second. */
const FIRST_TRY_MS = 2000
const TRIES = 2
/** After so long the system's configuration of name servers is read again. */
const RESOLVER_AGE_MS = 30_000

/** One resolver, and so one socket per name server, for all look-ups of a while. */
function freshResolver({ servers, queryTimeoutMs, tries }: NameServers): () => Resolver {
  let resolver: Resolver | undefined
  let madeMs = 0
  return () => {
    const nowMs = performance.now()
    if (resolver === undefined || nowMs - madeMs > RESOLVER_AGE_MS) {
      resolver = new Resolver({ timeout: queryTimeoutMs ?? FIRST_TRY_MS, tries: tries ?? TRIES })
      if (servers.length > 0) resolver.setServers(servers)
      madeMs = nowMs
    }
    return resolver
  }
}

const wanted = (family: 4 | 6, families: AskedFamilies): boolean =>
  families === 'both' || (families === 'v4') === (family === 4)

const unlimited = (address: string): DnsAnswer => ({
  address,
  family: isIPv6(address) ? 6 : 4,
  ttlSeconds: undefined,
})

async function systemLookup(host: string, families: AskedFamilies): Promise<readonly DnsAnswer[]> {
  const family = families === 'v4' ? 4 : families === 'v6' ? 6 : 0
  const found = await lookup(host, { all: true, family, order: 'verbatim' })
  return found.map(({ address }) => unlimited(address))
}

interface NameServerAnswer {
  readonly answers: readonly DnsAnswer[]
  /** Of the family that failed worst. */
  readonly failure: (Error & { readonly code?: unknown }) | undefined
}

async function askNameServers(resolver: Resolver, host: string, families: AskedFamilies): Promise<NameServerAnswer> {
  const v6 = families === 'v4' ? [] : resolver.resolve6(host, { ttl: true })
  const v4 = families === 'v6' ? [] : resolver.resolve4(host, { ttl: true })
  const settled = await Promise.allSettled([v6, v4])
  const [six, four] = settled
  const errors = settled.flatMap((one) =>
    one.status === 'rejected' && one.reason instanceof Error ? [one.reason] : [],
  )
  const failure = errors.find((error) => 'code' in error && SERVERS_FAILED.has(error.code)) ?? errors[0]
  return { answers: [...answersOf(six, 6), ...answersOf(four, 4)], failure }
}

type Settled = PromiseSettledResult<readonly { readonly address: string; readonly ttl: number }[]>

const answersOf = (result: Settled, family: 4 | 6): DnsAnswer[] =>
  result.status === 'rejected' ? [] : result.value.map(({ address, ttl }) => ({ address, family, ttlSeconds: ttl }))
