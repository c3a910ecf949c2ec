// Makes the picker of a cluster's balancing policy over the endpoints that may be used now.

import type { Random } from '../../core/random.ts'
import type { Balancing } from '../../config/model/cluster.ts'
import type { Endpoint } from '../endpoint.ts'
import { LeastRequest } from './least-request.ts'
import type { Candidates, Picker } from './picker.ts'
import { RandomPicker } from './random.ts'
import { roundRobin } from './round-robin.ts'

/** A picker over the usable endpoints, or undefined when there is none. */
export function makePicker(balancing: Balancing, endpoints: readonly Endpoint[], random: Random): Picker | undefined {
  const candidates = usable(endpoints)
  if (candidates === undefined) return undefined
  switch (balancing.kind) {
    case 'round-robin':
      return roundRobin(candidates, random)
    case 'least-request':
      return new LeastRequest(candidates, balancing.choices, balancing.activeRequestBias, random)
    case 'random':
      return new RandomPicker(candidates, random)
  }
}

/**
 * The healthy endpoints of the most preferred priority (0 first) that has any; without any, the degraded ones likewise.
 * Deviation: Envoy's panic mode, which sends to unhealthy endpoints when too few are healthy, waits for health checks.
 */
export function usable(endpoints: readonly Endpoint[]): Candidates | undefined {
  return ofBestPriority(endpoints, 'healthy') ?? ofBestPriority(endpoints, 'degraded')
}

function ofBestPriority(endpoints: readonly Endpoint[], health: 'healthy' | 'degraded'): Candidates | undefined {
  const fit = endpoints.filter((endpoint) => endpoint.health.state === health)
  const best = fit.reduce((least, endpoint) => Math.min(least, endpoint.config.priority), Infinity)
  const [first, ...others] = fit.filter((endpoint) => endpoint.config.priority === best)
  return first === undefined ? undefined : [first, ...others]
}
