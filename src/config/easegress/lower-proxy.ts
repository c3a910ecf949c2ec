// Proxy (HTTP): pools as clusters, with retries, a circuit breaker and a mirror.

import type { PipelineFilter } from '../model/pipeline.ts'
import type { MirrorPolicy } from '../model/retry.ts'
import type { PathRewrite, PoolOverride } from '../model/route.ts'
import type { UpstreamTls } from '../model/tls.ts'
import { compileRegex, isRegex } from '../source/regex.ts'
import type { Spot } from '../source/tree.ts'
import { loadChain, loadPair } from './certificates.ts'
import { forwardAction, poolChoice } from './forward-action.ts'
import type { Loading } from './loading.ts'
import { lowerEndpoints } from './lower-endpoints.ts'
import { lowerProxyChecks, NO_CHECKS } from './lower-health-check.ts'
import { lowerBalance } from './lower-load-balance.ts'
import { mainPool, placeServers, poolCluster, poolSecure, type PlacedServer } from './lower-pool.ts'
import { findPolicy, lowerBreaker, lowerRetry, type Resilience } from './lower-resilience.ts'
import type { ProxyPool, ProxySpec } from './proxy-schema.ts'
import { upstreamTls } from './upstream-tls.ts'

type ProxyFilter = Extract<PipelineFilter, { kind: 'proxy' }>

const SCHEMES = ['http', 'https']

const SERVER_ERRORS = Array.from({ length: 100 }, (_, i) => 500 + i)

export function lowerProxy(
  loading: Loading,
  spec: ProxySpec,
  spot: Spot,
  prefix: string,
  policies: Resilience,
): ProxyFilter | undefined {
  const at = spot.field('pools')
  warnOfLimits(loading, spec, spot)
  const index = mainPool(loading, spec.pools, at)
  const proxy: ProxyScope = {
    loading,
    tls: lowerMtls(loading, spec, spot.field('mtls')),
    policies,
    prefixes: new Map(),
  }
  const choice = poolChoice(loading, spec.pools, index, at, prefix, (pool, place, name) =>
    lowerPool(proxy, pool, place, name),
  )
  const mirrors = spec.mirrorPool && lowerMirror(proxy, spec.mirrorPool, spot.field('mirrorPool'), `${prefix}#mirror`)
  const main = index === undefined ? undefined : spec.pools[index]
  if (choice === undefined || main === undefined || index === undefined) return undefined
  checkAlike(loading, spec.pools, main, at)
  const failureStatuses = new Set(main.failureCodes?.length ? main.failureCodes : SERVER_ERRORS)
  const breaker = findPolicy(
    loading,
    policies,
    main.circuitBreakerPolicy,
    'CircuitBreaker',
    at.at(index).field('circuitBreakerPolicy'),
  )
  return {
    kind: 'proxy',
    action: forwardAction({
      choice,
      timeoutMs: choice.main.timeoutMs,
      idleTimeoutMs: 'inherit',
      pathRewrite: pathRewrite(proxy, at),
      mirrors,
      upgrades: false,
      place: spot.place,
    }),
    breaker: breaker && lowerBreaker(breaker, failureStatuses),
    failureStatuses,
  }
}

interface ProxyScope {
  readonly loading: Loading
  readonly tls: UpstreamTls | undefined
  readonly policies: Resilience
  /** Paths of the servers' URLs, which go before the request's; each with a server that has it. */
  readonly prefixes: Map<string, Spot>
}

function lowerPool(proxy: ProxyScope, pool: ProxyPool, spot: Spot, name: string): PoolOverride {
  const { loading, policies } = proxy
  const servers = placeServers(loading, pool, spot, SCHEMES)
  for (const { url, spot: at } of servers) proxy.prefixes.set(url.target, at.field('url'))
  const balance = addCluster(proxy, pool, spot, name, servers)
  const timeoutMs = pool.timeout || undefined
  const retry = findPolicy(loading, policies, pool.retryPolicy, 'Retry', spot.field('retryPolicy'))
  return {
    timeoutMs: retry === undefined ? timeoutMs : undefined,
    retry: retry && lowerRetry(retry, pool.failureCodes?.length ? pool.failureCodes : undefined, timeoutMs),
    hashPolicies: balance.hashPolicies,
    affinity: balance.affinity,
  }
}

function addCluster(
  { loading, tls }: ProxyScope,
  pool: ProxyPool,
  spot: Spot,
  name: string,
  servers: readonly PlacedServer[],
): ReturnType<typeof lowerBalance> {
  const balance = lowerBalance(loading, pool.loadBalance, spot.field('loadBalance'), name)
  const checks =
    pool.healthCheck === undefined
      ? NO_CHECKS
      : lowerProxyChecks(loading, pool.healthCheck, spot.field('healthCheck'), servers)
  const cluster = poolCluster({
    name,
    servers,
    endpoints: lowerEndpoints(servers, {
      weighted: balance.balancing.kind === 'weighted-random',
      checks,
      setUpstreamHost: pool.setUpstreamHost ?? false,
    }),
    balancing: balance.balancing,
    healthChecks: checks.checks,
    tls: poolSecure(loading, servers) ? (tls ?? upstreamTls({ place: spot.place })) : undefined,
    place: spot.place,
  })
  loading.clusters.set(name, cluster)
  return balance
}

/** The path of a server's url goes before the path of the request, as it is written. */
function pathRewrite({ loading, prefixes }: ProxyScope, spot: Spot): PathRewrite | undefined {
  const [one, second] = [...prefixes]
  const first = one?.[0] ?? ''
  if (second !== undefined) {
    const message = 'servers of one Proxy whose urls have different paths are not supported'
    loading.error(second[1], message, 'give each path a Proxy of its own')
  }
  if (first === '') return undefined
  if (first.includes('?')) loading.error(prefixes.get(first) ?? spot, 'the url of a server must not have a query')
  // Anchored, so that it is replaced once and not again at the empty end.
  const regex = compileRegex('^(.*)$')
  const substitution = `${first.replaceAll('\\', '\\\\')}\\1`
  return isRegex(regex) ? { kind: 'regex', regex, substitution } : undefined
}

function warnOfLimits(loading: Loading, spec: ProxySpec, spot: Spot): void {
  const limits = [spot, ...spec.pools.map((_, i) => spot.field('pools').at(i))].map((at) =>
    at.field('serverMaxBodySize'),
  )
  for (const at of limits) {
    if (at.node !== undefined)
      loading.warning(at, 'serverMaxBodySize has no effect: answers pass through without being held, however long')
  }
  if ((spec.maxRedirection ?? 0) > 0)
    loading.error(
      spot.field('maxRedirection'),
      'following redirects is known to Easegress but not supported by Sluice',
      'the client gets the redirect',
    )
}

/** One breaker and one list of failures stand for all pools of a proxy. */
function checkAlike(loading: Loading, pools: readonly ProxyPool[], main: ProxyPool, spot: Spot): void {
  for (const [index, pool] of pools.entries()) {
    if (pool === main) continue
    if (pool.circuitBreakerPolicy !== main.circuitBreakerPolicy)
      loading.error(spot.at(index), 'pools of one Proxy cannot have different values of circuitBreakerPolicy', SPLIT)
    if (String(pool.failureCodes ?? '') !== String(main.failureCodes ?? ''))
      loading.error(spot.at(index), 'pools of one Proxy cannot have different values of failureCodes', SPLIT)
  }
}

const SPLIT = 'give the other pool a Proxy of its own'

function lowerMtls(loading: Loading, { mtls }: ProxySpec, spot: Spot): UpstreamTls | undefined {
  if (mtls === undefined) return undefined
  const pair = loadPair(
    loading,
    { pem: mtls.certBase64, spot: spot.field('certBase64') },
    { pem: mtls.keyBase64, spot: spot.field('keyBase64') },
    'mtls',
  )
  loadChain(loading, mtls.rootCertBase64, spot.field('rootCertBase64'))
  const unverified = mtls.insecureSkipVerify ?? false
  if (unverified) loading.warning(spot.field('insecureSkipVerify'), 'certificates of the servers are not verified')
  return upstreamTls({
    place: spot.place,
    certificates: pair === undefined ? [] : [pair],
    trustedCa: mtls.rootCertBase64,
    unverified,
  })
}

function lowerMirror(proxy: ProxyScope, pool: ProxyPool, spot: Spot, name: string): readonly MirrorPolicy[] {
  const { loading } = proxy
  const at = spot.field('filter')
  if (pool.filter === undefined) loading.error(spot, 'mirrorPool needs filter')
  else if (pool.filter.policy !== 'random')
    loading.error(
      at,
      `a mirrorPool with policy ${pool.filter.policy || 'general'} is known to Easegress but not supported by Sluice`,
      'policy: random with permil mirrors a share of the requests',
    )
  addCluster(proxy, pool, spot, name, placeServers(loading, pool, spot, SCHEMES))
  return [
    {
      cluster: { kind: 'cluster', name },
      fraction: (pool.filter?.permil ?? 0) / 1000,
      shadowSuffix: false,
      mutations: { add: [], remove: [] },
      hostRewrite: '',
      place: spot.place,
    },
  ]
}
