// Limits on what a cluster carries at once, per priority. Envoy: config.cluster.v3.CircuitBreakers.

import type { CircuitBreakers, Cluster } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { RoutingPriority, type CircuitBreakers as Message, type CircuitBreakers_Thresholds } from './messages.ts'

/** The first threshold of a priority counts, as in Envoy. `spot` is the field's. */
export function lowerCircuitBreakers(
  loading: Loading,
  message: Message | undefined,
  spot: Spot,
): Cluster['circuitBreakers'] {
  checkPerHost(loading, message?.perHostThresholds ?? [], spot.field('per_host_thresholds'))
  const of = (priority: RoutingPriority): CircuitBreakers => {
    const thresholds = message?.thresholds ?? []
    const index = thresholds.findIndex((each) => each.priority === priority)
    const perHost = message?.perHostThresholds.find((each) => each.priority === priority)
    return breakers(thresholds[index], perHost, index < 0 ? spot : spot.field('thresholds').at(index))
  }
  return { default: of(RoutingPriority.DEFAULT), high: of(RoutingPriority.HIGH) }
}

function breakers(
  message: CircuitBreakers_Thresholds | undefined,
  perHost: CircuitBreakers_Thresholds | undefined,
  spot: Spot,
): CircuitBreakers {
  const budget = message?.retryBudget
  return {
    maxConnections: message?.maxConnections ?? 1024,
    maxPendingRequests: message?.maxPendingRequests ?? 1024,
    maxRequests: message?.maxRequests ?? 1024,
    maxRetries: message?.maxRetries ?? 3,
    ...(budget === undefined
      ? {}
      : { retryBudget: { percent: budget.budgetPercent?.value ?? 20, minimum: budget.minRetryConcurrency ?? 3 } }),
    ...(perHost?.maxConnections === undefined ? {} : { maxConnectionsPerEndpoint: perHost.maxConnections }),
    ...(message?.trackRemaining === true ? { trackRemaining: true } : {}),
    place: spot.place,
  }
}

/** Envoy takes max_connections of them and leaves the rest aside; here the rest is refused. */
function checkPerHost(loading: Loading, thresholds: readonly CircuitBreakers_Thresholds[], spot: Spot): void {
  for (const [index, each] of thresholds.entries()) {
    const others = {
      max_pending_requests: each.maxPendingRequests,
      max_requests: each.maxRequests,
      max_retries: each.maxRetries,
      retry_budget: each.retryBudget,
    }
    for (const [field, value] of Object.entries(others))
      if (value !== undefined)
        loading.error(spot.at(index).field(field), 'only max_connections can be limited per host')
  }
}
