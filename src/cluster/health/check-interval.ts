// How long until the next check. Envoy: the interval fields of HealthCheck, in the order of precedence of its source.

import type { Random } from '../../core/random.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import type { Transition } from './check-state.ts'

/** What the last check came to. */
export interface LastResult {
  readonly passed: boolean
  readonly transition: Transition
}

/** Milliseconds; never 0, so that a check cannot spin. `used`: the cluster had traffic. */
export function nextCheckMs(check: HealthCheck, last: LastResult, used: boolean, random: Random): number {
  const base = used ? busyMs(check, last) : quietMs(check, last)
  const percent = Math.floor(random() * ((check.intervalJitterPercent * base) / 100))
  return Math.max(1, base + percent + Math.floor(random() * check.intervalJitterMs))
}

/** Milliseconds until the first one. */
export const firstCheckMs = (check: HealthCheck, random: Random): number => Math.floor(random() * check.initialJitterMs)

/** An edge is a result that is on its way to a change: it is checked again at the pace of the edge. */
function busyMs(check: HealthCheck, { passed, transition }: LastResult): number {
  const edge = transition === 'pending'
  if (passed) return edge ? check.healthyEdgeIntervalMs : check.intervalMs
  return edge ? check.unhealthyEdgeIntervalMs : check.unhealthyIntervalMs
}

const quietMs = (check: HealthCheck, { passed, transition }: LastResult): number =>
  passed && transition !== 'pending' ? check.noTrafficHealthyIntervalMs : check.noTrafficIntervalMs
