// The endpoints of a cluster sorted by priority and health: what loads are computed from and pickers are made of.

import type { LoadSpread } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import type { PriorityHealth } from './priority-load.ts'

/** Which endpoints of a priority: `all` in panic. */
export type HealthClass = 'healthy' | 'degraded' | 'all'

/** Endpoints of one priority, each list in the order of the configuration. */
export interface PriorityMembers {
  readonly healthy: readonly Endpoint[]
  readonly degraded: readonly Endpoint[]
  readonly all: readonly Endpoint[]
}

/** By priority, from 0 without gaps: one without endpoints has empty lists. */
export function sortByPriority(endpoints: readonly Endpoint[]): readonly PriorityMembers[] {
  const sets: { healthy: Endpoint[]; degraded: Endpoint[]; all: Endpoint[] }[] = []
  for (const endpoint of endpoints) {
    const { priority } = endpoint.config
    while (sets.length <= priority) sets.push({ healthy: [], degraded: [], all: [] })
    const set = sets[priority]
    const { state } = endpoint.health
    set?.all.push(endpoint)
    if (state === 'healthy' || state === 'degraded') set?.[state].push(endpoint)
  }
  return sets
}

/** What the loads of a priority are computed from. Endpoints that wait for their first check do not count either way. */
export function healthOf({ healthy, degraded, all }: PriorityMembers, spread: LoadSpread): PriorityHealth {
  const checked = all.filter(({ health }) => !health.flags.pendingActive)
  const counts = { total: checked.length, healthy: healthy.length, degraded: degraded.length }
  const members = all.length
  if (spread.weightedPriorityHealth !== true) return { ...counts, members, counted: counts }
  const weights = { total: weightOf(checked), healthy: weightOf(healthy), degraded: weightOf(degraded) }
  return { ...counts, members, counted: weights }
}

const weightOf = (endpoints: readonly Endpoint[]): number =>
  endpoints.reduce((sum, { config }) => sum + config.weight, 0)
