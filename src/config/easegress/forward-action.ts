// What Proxy and WebSocketProxy have in common once their pools are clusters: the choice among them, and the action.

import type { Place } from '../model/place.ts'
import type { MirrorPolicy } from '../model/retry.ts'
import type { ClusterChoice, ForwardAction, PathRewrite, PoolOverride } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { PoolSpec } from './lower-pool.ts'
import { lowerPoolMatch } from './lower-pool-match.ts'

export interface PoolChoice {
  readonly cluster: ClusterChoice
  /** What the main pool says. */
  readonly main: PoolOverride
}

/** Lowers every pool, in order; undefined when no main pool is there to fall back on. */
export function poolChoice<P extends PoolSpec>(
  loading: Loading,
  pools: readonly P[],
  main: number | undefined,
  spot: Spot,
  prefix: string,
  lower: (pool: P, spot: Spot, cluster: string) => PoolOverride,
): PoolChoice | undefined {
  const overrides = new Map<string, PoolOverride>()
  const candidates: Extract<ClusterChoice, { kind: 'first-match' }>['candidates'][number][] = []
  const mainName = `${prefix}#main`
  for (const [index, pool] of pools.entries()) {
    const at = spot.at(index)
    const name = index === main || pool.filter === undefined ? mainName : `${prefix}#candidate#${candidates.length}`
    if (pool.filter !== undefined)
      candidates.push({ match: lowerPoolMatch(loading, pool.filter, at.field('filter')), pool: name })
    overrides.set(name, lower(pool, at, name))
  }
  const mainOverride = overrides.get(mainName)
  if (main === undefined || mainOverride === undefined) return undefined
  const cluster: ClusterChoice =
    candidates.length === 0
      ? { kind: 'cluster', name: mainName }
      : { kind: 'first-match', candidates, main: mainName, pools: overrides }
  return { cluster, main: mainOverride }
}

export interface ForwardOptions {
  readonly choice: PoolChoice
  readonly timeoutMs: number | undefined
  readonly idleTimeoutMs: ForwardAction['idleTimeoutMs']
  readonly pathRewrite: PathRewrite | undefined
  readonly mirrors: readonly MirrorPolicy[] | undefined
  /** Whether WebSockets are passed on. */
  readonly upgrades: boolean
  readonly place: Place
}

export const forwardAction = (options: ForwardOptions): ForwardAction => ({
  kind: 'forward',
  cluster: options.choice.cluster,
  clusterNotFoundStatus: 503,
  pathRewrite: options.pathRewrite,
  hostRewrite: { kind: 'auto' },
  appendForwardedHost: false,
  timeoutMs: options.timeoutMs,
  idleTimeoutMs: options.idleTimeoutMs,
  maxStreamDurationMs: undefined,
  upgrades: new Map([['websocket', { enabled: options.upgrades, filters: undefined, place: options.place }]]),
  connect: undefined,
  retry: options.choice.main.retry,
  mirrors: options.mirrors,
  hashPolicies: options.choice.main.hashPolicies,
  affinity: options.choice.main.affinity,
  websocket: options.choice.main.websocket,
  timeoutPlace: options.place,
})
