// What a request's tries may cost and when there is another one: the retry policy that holds, with what a trusted caller
// asks for on top (x-envoy-retry-on and its kin). Envoy: config.route.v3.RetryPolicy; the cluster's wins over the route's.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { Place } from '../../../config/model/place.ts'
import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from '../../../config/model/retry.ts'
import { compileHeaderMatch, type HeaderTest } from '../../../route/header-test.ts'
import type { CallerWishes } from './caller-wishes.ts'

export interface RetryPlan {
  readonly policy: RetryPolicy
  /** Empty = never. */
  readonly on: ReadonlySet<RetryCondition>
  /** Tries after the first one. */
  readonly retries: number
  readonly statuses: ReadonlySet<number>
  readonly headers: readonly HeaderTest[]
  readonly perTryTimeoutMs: number | undefined
  readonly perTryIdleTimeoutMs: number | undefined
}

interface Compiled {
  readonly plan: RetryPlan
  readonly requestTests: readonly HeaderTest[]
}

const NEVER: ReadonlySet<RetryCondition> = new Set()
const compiledPolicies = new WeakMap<RetryPolicy, Compiled>()

/** The plan for one request; undefined when nothing is ever tried again and no try is timed. */
export function planRetries(
  policy: RetryPolicy | undefined,
  wishes: CallerWishes | undefined,
  head: RequestHead,
  place: Place,
): RetryPlan | undefined {
  if (wishes !== undefined) return withWishes(compiled(policy ?? { ...DEFAULT_RETRY, place }), wishes, head)
  if (policy === undefined) return undefined
  const { plan, requestTests } = compiled(policy)
  return mayRetry(requestTests, head) ? plan : { ...plan, on: NEVER }
}

function compiled(policy: RetryPolicy): Compiled {
  let known = compiledPolicies.get(policy)
  if (known === undefined) {
    known = compile(policy)
    compiledPolicies.set(policy, known)
  }
  return known
}

function compile(policy: RetryPolicy): Compiled {
  const { on, retries, statuses, perTryTimeoutMs, perTryIdleTimeoutMs } = policy
  const headers = policy.headers.map(compileHeaderMatch)
  return {
    plan: { policy, on, retries, statuses, headers, perTryTimeoutMs, perTryIdleTimeoutMs },
    requestTests: policy.requestHeaders.map(compileHeaderMatch),
  }
}

/** retriable_request_headers: one is enough. */
const mayRetry = (tests: readonly HeaderTest[], head: RequestHead): boolean =>
  tests.length === 0 || tests.some((test) => test(head))

function withWishes({ plan, requestTests }: Compiled, wishes: CallerWishes, head: RequestHead): RetryPlan {
  return {
    policy: plan.policy,
    on: mayRetry(requestTests, head) ? new Set([...plan.on, ...wishes.on]) : NEVER,
    retries: wishes.retries ?? plan.retries,
    statuses: wishes.statuses.length === 0 ? plan.statuses : new Set([...plan.statuses, ...wishes.statuses]),
    headers: [...plan.headers, ...wishes.headerNames.map(present)],
    perTryTimeoutMs: wishes.perTryTimeoutMs ?? plan.perTryTimeoutMs,
    perTryIdleTimeoutMs: plan.perTryIdleTimeoutMs,
  }
}

const present =
  (name: string): HeaderTest =>
  (head) =>
    head.headers.has(name)
