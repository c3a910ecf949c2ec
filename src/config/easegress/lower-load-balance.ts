// loadBalance: which server of a pool a request goes to, and which one it meets again.

import { createHash } from 'node:crypto'
import type { Balancing } from '../model/balancing.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { EndpointAffinity, HashPolicy, HashSource } from '../model/hash-policy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { LoadBalance, StickySession } from './pool-schema.ts'

export interface LoweredBalance {
  readonly balancing: Balancing
  readonly hashPolicies: readonly HashPolicy[] | undefined
  readonly affinity: EndpointAffinity | undefined
}

const POLICIES = ['roundRobin', 'random', 'weightedRandom', 'ipHash', 'headerHash', 'cookieHash']

const MODULO: Balancing = { kind: 'hash-modulo' }
const IN_TURN: Balancing = { kind: 'round-robin', fromFirst: true }

export function lowerBalance(
  loading: Loading,
  spec: LoadBalance | undefined,
  spot: Spot,
  cluster: string,
): LoweredBalance {
  const base = byPolicy(loading, spec, spot.field('policy'))
  const sticky = spec?.stickySession
  if (sticky === undefined) return { ...base, affinity: undefined }
  if (sticky.mode !== 'CookieConsistentHash') return { ...base, affinity: affinity(sticky, cluster) }
  return {
    balancing: { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8 * 1024 * 1024, hash: 'murmur2' },
    hashPolicies: [{ source: cookie(sticky.appCookieName ?? ''), terminal: true, hash: 'xxhash' }],
    affinity: undefined,
  }
}

type Base = Pick<LoweredBalance, 'balancing' | 'hashPolicies'>

const hashed = (source: HashSource): Base => ({
  balancing: MODULO,
  hashPolicies: [{ source, terminal: true, hash: 'fnv1' }],
})

function byPolicy(loading: Loading, spec: LoadBalance | undefined, spot: Spot): Base {
  const policy = spec?.policy ?? ''
  switch (policy) {
    case '':
    case 'roundRobin':
      return { balancing: IN_TURN, hashPolicies: undefined }
    case 'random':
      return { balancing: { kind: 'random' }, hashPolicies: undefined }
    case 'weightedRandom':
      return { balancing: { kind: 'weighted-random' }, hashPolicies: undefined }
    case 'ipHash':
      return hashed({ kind: 'source-ip', real: true })
    case 'headerHash':
      return hashed({ kind: 'header', name: (spec?.headerHashKey ?? '').toLowerCase(), rewrite: undefined })
    case 'cookieHash':
      // The whole Cookie field, not one cookie of it.
      return hashed({ kind: 'header', name: 'cookie', rewrite: undefined })
    default:
      unknownPolicy(loading, policy, spot)
      return { balancing: IN_TURN, hashPolicies: undefined }
  }
}

function unknownPolicy(loading: Loading, policy: string, spot: Spot): void {
  if (policy === 'forward') {
    loading.error(spot, 'policy forward is known to Easegress but not supported by Sluice', 'it is for gRPC proxies')
    return
  }
  const nearest = nearestName(policy, POLICIES)
  loading.warning(
    spot,
    `there is no policy "${policy}": the servers are taken in turn, as with roundRobin`,
    nearest === undefined ? `known: ${POLICIES.join(', ')}` : `did you mean ${nearest}?`,
  )
}

const cookie = (name: string): HashSource => ({
  kind: 'cookie',
  name,
  ttlMs: undefined,
  attributes: { path: '', secure: false, httpOnly: true, sameSite: '' },
})

const TWO_HOURS = 2 * 3_600_000

/** Workers and reloads must read one another's cookies, so the key comes of the name. It keeps no secret: it only names a server. */
const affinity = (sticky: StickySession, cluster: string): EndpointAffinity => ({
  carrier: {
    kind: 'cookie',
    name: sticky.lbCookieName || 'EG_SESSION',
    ttlMs: sticky.lbCookieExpire || TWO_HOURS,
    attributes: { path: '/', secure: false, httpOnly: true, sameSite: '' },
  },
  onlyWithCookie: sticky.mode === 'ApplicationBased' ? sticky.appCookieName : undefined,
  key: createHash('sha256').update(`easegress sticky session of ${cluster}`).digest(),
  strict: false,
})
