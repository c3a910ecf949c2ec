// Slow start: an endpoint that is new or has come back gets its share little by little. Envoy: SlowStartConfig.

import type { SlowStart } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'

/** The part of its weight, over 0 and up to 1, that an endpoint has at `nowMs`. */
export function slowStartFactor(config: SlowStart, endpoint: Endpoint, nowMs: number): number {
  const since = endpoint.health.healthySinceMs
  if (since === undefined) return 1
  const age = Math.max(nowMs - since, 1)
  if (age >= config.windowMs) return 1
  return Math.max((age / config.windowMs) ** (1 / config.aggression), config.minimumWeight, Number.EPSILON)
}
