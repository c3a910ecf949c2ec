// Resilience policies of a pipeline, by name: Retry and CircuitBreaker. Defaults are those of the vendor's code.

import type { Place } from '../model/place.ts'
import { nearestName } from '../model/nearest-name.ts'
import { DEFAULT_RETRY, type RetryPolicy, type SlidingBreaker } from '../model/retry.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { circuitBreakerPolicy, retryPolicy, type CircuitBreakerSpec, type RetrySpec } from './pipeline-schema.ts'
import { readObject } from './read-object.ts'

export type ResiliencePolicy =
  | { readonly kind: 'Retry'; readonly spec: RetrySpec; readonly place: Place }
  | { readonly kind: 'CircuitBreaker'; readonly spec: CircuitBreakerSpec; readonly place: Place }

export type Resilience = ReadonlyMap<string, ResiliencePolicy>

const KINDS = ['Retry', 'CircuitBreaker']

export function readResilience(
  loading: Loading,
  policies: readonly { readonly kind: string; readonly name: string }[],
  spot: Spot,
): Resilience {
  const read = new Map<string, ResiliencePolicy>()
  for (const [index, { kind, name }] of policies.entries()) {
    const at = spot.at(index)
    if (read.has(name)) loading.error(at.field('name'), `a second policy is named "${name}"`)
    const policy = readPolicy(loading, kind, at)
    if (policy !== undefined) read.set(name, policy)
  }
  return read
}

function readPolicy(loading: Loading, kind: string, spot: Spot): ResiliencePolicy | undefined {
  if (kind === 'Retry') {
    const spec = readObject(loading, retryPolicy, spot)
    return spec && { kind, spec, place: spot.place }
  }
  if (kind === 'CircuitBreaker') {
    const spec = readObject(loading, circuitBreakerPolicy, spot)
    return spec && { kind, spec, place: spot.place }
  }
  const nearest = nearestName(kind, KINDS)
  loading.error(
    spot.field('kind'),
    `there is no resilience policy "${kind}"`,
    nearest === undefined ? `known: ${KINDS.join(', ')}` : `did you mean ${nearest}?`,
  )
  return undefined
}

/** The policy of that name; reported when there is none or it is of the other kind. */
export function findPolicy<K extends ResiliencePolicy['kind']>(
  loading: Loading,
  policies: Resilience,
  name: string | undefined,
  kind: K,
  spot: Spot,
): Extract<ResiliencePolicy, { kind: K }> | undefined {
  if (!name) return undefined
  const found = policies.get(name)
  if (found !== undefined && isKind(found, kind)) return found
  const nearest = nearestName(name, policies.keys())
  loading.error(
    spot,
    found === undefined ? `the pipeline has no resilience policy "${name}"` : `"${name}" is no ${kind} policy`,
    found === undefined && nearest !== undefined ? `did you mean ${nearest}?` : undefined,
  )
  return undefined
}

const isKind = <K extends ResiliencePolicy['kind']>(
  policy: ResiliencePolicy,
  kind: K,
): policy is Extract<ResiliencePolicy, { kind: K }> => policy.kind === kind

/** `statuses`: failureCodes of the pool; undefined = every 5xx. The time limit counts for each try. */
export function lowerRetry(
  { spec, place }: Extract<ResiliencePolicy, { kind: 'Retry' }>,
  statuses: readonly number[] | undefined,
  perTryTimeoutMs: number | undefined,
): RetryPolicy {
  const baseMs = spec.waitDuration || 500
  const retries = (spec.maxAttempts ?? 3) - 1
  return {
    ...DEFAULT_RETRY,
    on: new Set(
      statuses === undefined ? ['5xx'] : ['connect-failure', 'reset', 'refused-stream', 'retriable-status-codes'],
    ),
    retries,
    perTryTimeoutMs,
    backoff: {
      baseMs,
      maxMs: Math.ceil(baseMs * 1.5 ** Math.min(retries, 30)),
      kind: spec.backOffPolicy === 'exponential' ? 'exponential' : 'fixed',
      randomization: spec.randomizationFactor ?? 0,
    },
    statuses: new Set(statuses ?? []),
    place,
  }
}

export function lowerBreaker(
  { spec, place }: Extract<ResiliencePolicy, { kind: 'CircuitBreaker' }>,
  failureStatuses: ReadonlySet<number>,
): SlidingBreaker {
  return {
    name: spec.name,
    window: {
      kind: spec.slidingWindowType === 'TIME_BASED' ? 'time' : 'count',
      size: spec.slidingWindowSize ?? 100,
    },
    failureRateThreshold: spec.failureRateThreshold ?? 50,
    slowCallRateThreshold: spec.slowCallRateThreshold ?? 100,
    slowCallMs: spec.slowCallDurationThreshold ?? 60_000,
    permittedInHalfOpen: spec.permittedNumberOfCallsInHalfOpenState ?? 10,
    minimumCalls: spec.minimumNumberOfCalls ?? 100,
    maxWaitInHalfOpenMs: spec.maxWaitDurationInHalfOpenState ?? 0,
    waitInOpenMs: spec.waitDurationInOpenState ?? 60_000,
    failureStatuses,
    place,
  }
}
