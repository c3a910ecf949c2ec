// How much of the traffic each priority gets, in percent, from the health of its endpoints; and which priorities are in
// panic. The integer arithmetic is Envoy's (docs: upstream/load_balancing/priority, panic_threshold, degraded), so that the
// tables of its documentation come out to the digit.

import type { LoadSpread } from '../../config/model/balancing.ts'

/** Endpoints of one priority, or their weights. */
export interface PriorityHealth {
  /** Endpoints, without those that wait for their first check. */
  readonly total: number
  readonly healthy: number
  readonly degraded: number
  /** What availability is counted in: the same, or weights with `weightedPriorityHealth`. */
  readonly counted: { readonly total: number; readonly healthy: number; readonly degraded: number }
  /** All endpoints. */
  readonly members: number
}

export interface PriorityLoad {
  /** Percent by priority for its healthy and its degraded endpoints; all of them sum up to 100. */
  readonly healthy: readonly number[]
  readonly degraded: readonly number[]
  /** By priority: its endpoints are used whatever their health. */
  readonly panic: readonly boolean[]
}

/** The loads of priorities 0, 1, … */
export function priorityLoad(priorities: readonly PriorityHealth[], spread: LoadSpread): PriorityLoad {
  const healthy = priorities.map(({ counted }) => availability(counted.healthy, counted.total, spread))
  const degraded = priorities.map(({ counted }) => availability(counted.degraded, counted.total, spread))
  const available = Math.min(sum(healthy) + sum(degraded), 100)
  const threshold = Math.min(Math.round(spread.panicThreshold * 100), 100)
  const panic = priorities.map((priority) => available < 100 && inPanic(priority, threshold))
  if (panic.every(Boolean)) return { ...byMembers(priorities), panic }
  if (available === 0) return { ...nobody(priorities), panic }
  return { ...byAvailability(healthy, degraded, available), panic }
}

/** Percent of what a priority could take, with the overprovisioning: 100 means that it can take all. */
const availability = (part: number, whole: number, { overprovisioning }: LoadSpread): number =>
  whole === 0 ? 0 : Math.min(100, Math.floor((Math.round(overprovisioning * 100) * part) / whole))

function inPanic({ total, healthy, degraded }: PriorityHealth, threshold: number): boolean {
  const percent = total === 0 ? 0 : (100 * (healthy + degraded)) / total
  return percent < threshold
}

/** No endpoint is usable and panic is off: the first priority has all, which is nobody. */
const nobody = (priorities: readonly PriorityHealth[]): Pick<PriorityLoad, 'healthy' | 'degraded'> => ({
  healthy: priorities.map((_, priority) => (priority === 0 ? 100 : 0)),
  degraded: priorities.map(() => 0),
})

/** All priorities are in panic: each gets its share of the endpoints. */
function byMembers(priorities: readonly PriorityHealth[]): Pick<PriorityLoad, 'healthy' | 'degraded'> {
  const members = priorities.reduce((total, priority) => total + priority.members, 0)
  const healthy = priorities.map((priority) => (members === 0 ? 0 : Math.floor((100 * priority.members) / members)))
  const first = Math.max(
    0,
    priorities.findIndex((priority) => priority.members > 0),
  )
  healthy[first] = (healthy[first] ?? 0) + 100 - sum(healthy)
  return { healthy, degraded: priorities.map(() => 0) }
}

/** From the first priority down each takes what it can; then the degraded endpoints, likewise. */
function byAvailability(
  healthy: readonly number[],
  degraded: readonly number[],
  available: number,
): Pick<PriorityLoad, 'healthy' | 'degraded'> {
  const loads = { healthy: healthy.map(() => 0), degraded: degraded.map(() => 0) }
  let left = distribute(loads.healthy, healthy, 100, available)
  left = distribute(loads.degraded, degraded, left, available)
  // What rounding left over.
  const [target, part] = healthy.some((each) => each > 0) ? [loads.healthy, healthy] : [loads.degraded, degraded]
  const first = part.findIndex((each) => each > 0)
  target[first] = (target[first] ?? 0) + left
  return loads
}

/** Answers what could not be distributed. */
function distribute(loads: number[], parts: readonly number[], load: number, available: number): number {
  let left = load
  for (const [priority, part] of parts.entries()) {
    const taken = Math.min(left, Math.floor((part * 100) / available))
    loads[priority] = taken
    left -= taken
  }
  return left
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
