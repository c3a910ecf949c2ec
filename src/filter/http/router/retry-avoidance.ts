// Where a retry shall not go. Envoy: retry_host_predicate (previous_hosts, omit_canary_hosts, omit_host_metadata) and
// retry_priority (previous_priorities).

import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { RetryPolicy } from '../../../config/model/retry.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'

type Avoidance = Pick<DialNeed, 'rejects' | 'repicks' | 'triedPriorities'>

/** Namespace of metadata that load balancing reads. */
const LB = 'envoy.lb'

/** For the next try after those at `tried`; undefined when any endpoint will do. The first try is free to go anywhere. */
export function avoidance(policy: RetryPolicy, tried: readonly Endpoint[]): Avoidance | undefined {
  if (tried.length === 0) return undefined
  const { avoid, hostSelectionAttempts, previousPrioritiesEvery } = policy
  const predicates = avoid.previousHosts || avoid.canaries || avoid.metadata !== undefined
  if (!predicates && previousPrioritiesEvery === undefined) return undefined
  return {
    rejects: predicates ? (endpoint) => isAvoided(policy, tried, endpoint) : undefined,
    repicks: hostSelectionAttempts,
    triedPriorities: previousPrioritiesEvery === undefined ? undefined : prioritiesOf(tried, previousPrioritiesEvery),
  }
}

function isAvoided({ avoid }: RetryPolicy, tried: readonly Endpoint[], endpoint: Endpoint): boolean {
  if (avoid.previousHosts && tried.includes(endpoint)) return true
  const metadata = endpoint.config.metadata?.get(LB)
  if (avoid.canaries && metadata?.get('canary') === 'true') return true
  if (avoid.metadata === undefined || avoid.metadata.size === 0) return false
  for (const [key, value] of avoid.metadata) if (metadata?.get(key) !== value) return false
  return true
}

/** The priorities of the tries that were made up to the last multiple of `every`. */
function prioritiesOf(tried: readonly Endpoint[], every: number): readonly number[] | undefined {
  const counted = tried.length - (tried.length % every)
  return counted === 0 ? undefined : [...new Set(tried.slice(0, counted).map(({ config }) => config.priority))]
}
