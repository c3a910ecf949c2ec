// What is a reason to try again, case by case of retry_on; how long to wait; what a trusted caller may ask for; where a
// retry does not go.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeaderList } from '../../../../../src/codec/header-list.ts'
import type { RequestHead } from '../../../../../src/codec/http-stream.ts'
import { NOWHERE } from '../../../../../src/config/model/place.ts'
import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from '../../../../../src/config/model/retry.ts'
import type { ErrorCode } from '../../../../../src/core/errors.ts'
import { takeWishes } from '../../../../../src/filter/http/router/caller-wishes.ts'
import { askedPauseMs, backoffMs } from '../../../../../src/filter/http/router/retry-backoff.ts'
import { retriesAnswer, retriesLoss } from '../../../../../src/filter/http/router/retry-decision.ts'
import { planRetries, type RetryPlan } from '../../../../../src/filter/http/router/retry-plan.ts'

const policy = (on: readonly RetryCondition[], more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  ...DEFAULT_RETRY,
  on: new Set(on),
  place: NOWHERE,
  ...more,
})

const request = (fields: readonly string[] = []): RequestHead => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/',
  protocol: 'HTTP/1.1',
  headers: new HeaderList([...fields]),
  tunnel: undefined,
})

function planOf(on: readonly RetryCondition[], more: Partial<RetryPolicy> = {}): RetryPlan {
  const plan = planRetries(policy(on, more), undefined, request(), NOWHERE)
  assert.ok(plan)
  return plan
}

const present = { kind: 'present', present: true } as const
const header = (name: string) => ({ name, invert: false, treatMissingAsEmpty: false, test: present })

describe('an answer', () => {
  const cases: readonly (readonly [RetryCondition, number, readonly string[], boolean])[] = [
    ['5xx', 500, [], true],
    ['5xx', 599, [], true],
    ['5xx', 499, [], false],
    ['5xx', 101, [], false],
    ['gateway-error', 501, [], false],
    ['gateway-error', 502, [], true],
    ['gateway-error', 504, [], true],
    ['gateway-error', 505, [], false],
    ['retriable-4xx', 409, [], true],
    ['retriable-4xx', 429, [], false],
    ['retriable-status-codes', 429, [], true],
    ['retriable-status-codes', 500, [], false],
    ['retriable-headers', 200, ['x-again', 'no'], true],
    ['retriable-headers', 200, ['x-other', 'yes'], false],
    ['reset', 503, [], false],
    ['connect-failure', 503, [], false],
    ['5xx', 503, ['x-envoy-ratelimited', 'true'], false],
    ['envoy-ratelimited', 429, ['x-envoy-ratelimited', 'true'], true],
    ['envoy-ratelimited', 429, [], false],
    ['cancelled', 200, ['grpc-status', '1'], true],
    ['deadline-exceeded', 200, ['grpc-status', '4'], true],
    ['resource-exhausted', 200, ['grpc-status', '8'], true],
    ['internal', 200, ['grpc-status', '13'], true],
    ['unavailable', 200, ['grpc-status', '14'], true],
    ['unavailable', 200, ['grpc-status', '13'], false],
    ['unavailable', 200, ['grpc-status', 'constructor'], false],
  ]
  for (const [on, status, fields, expected] of cases) {
    test(`${status} ${fields.join(' ')} is ${expected ? 'a' : 'no'} reason for ${on}`, () => {
      const plan = planOf([on], { statuses: new Set([429]), headers: [header('x-again')] })
      const head = { status, reason: '', headers: new HeaderList([...fields]) }
      assert.equal(retriesAnswer(plan, head, 'x-envoy'), expected)
    })
  }
})

describe('the loss of a try', () => {
  const cases: readonly (readonly [RetryCondition, ErrorCode, boolean, boolean])[] = [
    ['reset', 'upstream_closed_before_response', true, true],
    ['5xx', 'upstream_reset_before_response', true, true],
    ['gateway-error', 'per_try_timeout', true, true],
    ['reset', 'per_try_idle_timeout', true, true],
    ['reset', 'upstream_overflow', false, false],
    ['5xx', 'no_healthy_upstream', false, false],
    ['5xx', 'response_timeout', true, false],
    ['5xx', 'target_not_allowed', false, false],
    ['connect-failure', 'upstream_connection_failure', false, true],
    ['connect-failure', 'upstream_connection_timeout', false, true],
    ['connect-failure', 'upstream_closed_before_response', true, false],
    ['refused-stream', 'upstream_refused_stream', true, true],
    ['refused-stream', 'upstream_reset_before_response', true, false],
    ['reset-before-request', 'upstream_connection_failure', false, true],
    ['reset-before-request', 'upstream_closed_before_response', true, false],
    ['retriable-4xx', 'upstream_closed_before_response', true, false],
    ['retriable-status-codes', 'upstream_connection_failure', false, false],
    ['5xx', 'websocket_invalid_accept', true, true],
    ['5xx', 'upstream_max_stream_duration', true, true],
  ]
  for (const [on, code, sent, expected] of cases) {
    test(`by ${code} is ${expected ? 'a' : 'no'} reason for ${on}`, () => {
      assert.equal(retriesLoss(planOf([on]), { code, sent }), expected)
    })
  }
})

describe('the wait before another try', () => {
  const jittered = { baseMs: 25, maxMs: 250, kind: 'jittered', randomization: 0 } as const

  test('is a random part of a doubling time', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 60].map((retry) => backoffMs(jittered, retry, 0.5)),
      [12.5, 25, 50, 100, 125, 125],
    )
    assert.equal(backoffMs(jittered, 3, 0), 0)
  })

  test('is fixed, or grows by half, as Easegress has it', () => {
    assert.equal(backoffMs({ baseMs: 100, maxMs: 1, kind: 'fixed', randomization: 0 }, 5, 0.9), 100)
    const growing = { baseMs: 100, maxMs: 10_000, kind: 'exponential', randomization: 0.5 } as const
    assert.deepEqual(
      [backoffMs(growing, 2, 0.5), backoffMs(growing, 2, 0), backoffMs(growing, 0, 1)],
      [225, 112.5, 150],
    )
  })

  test('is what the answer asks for, up to the longest that is taken', () => {
    const limited = policy([], {
      rateLimited: {
        headers: [
          { name: 'retry-after', format: 'seconds' },
          { name: 'x-at', format: 'unix' },
        ],
        maxMs: 60_000,
      },
    })
    const asked = (...fields: string[]): number | undefined =>
      askedPauseMs(limited, new HeaderList(fields), 1_000_000, 0.5)
    assert.equal(asked('retry-after', '2'), 2500)
    assert.equal(asked('x-at', '1004'), 5000)
    assert.equal(asked('x-at', '999'), undefined)
    assert.equal(asked('retry-after', '61'), undefined)
    assert.equal(asked('retry-after', '61', 'x-at', '1002'), 2500)
    assert.equal(asked('retry-after', 'Fri, 31 Dec 1999 23:59:59 GMT'), undefined)
    assert.equal(askedPauseMs(policy([]), new HeaderList(['retry-after', '1']), 0, 0), undefined)
  })
})

describe('a trusted caller', () => {
  test('adds reasons, statuses and headers, and its headers go no further', () => {
    const head = request([
      'x-envoy-retry-on',
      '5xx, retriable-status-codes,nonsense,unavailable',
      'x-envoy-retry-grpc-on',
      'cancelled,5xx',
      'x-envoy-max-retries',
      '7',
      'x-envoy-retriable-status-codes',
      '404,x,410',
      'x-envoy-retriable-header-names',
      'X-Again',
      'x-envoy-upstream-rq-timeout-ms',
      '0',
      'x-envoy-upstream-rq-per-try-timeout-ms',
      '300',
      'x-other',
      'stays',
    ])
    const wishes = takeWishes(head.headers, 'x-envoy')
    assert.deepEqual(head.headers.fields, ['x-other', 'stays'])
    assert.equal(wishes?.timeoutMs, 0)
    const plan = planRetries(policy(['reset']), wishes, head, NOWHERE)
    assert.deepEqual([...(plan?.on ?? [])], ['reset', '5xx', 'retriable-status-codes', 'cancelled'])
    assert.deepEqual([plan?.retries, plan?.perTryTimeoutMs, [...(plan?.statuses ?? [])]], [7, 300, [404, 410]])
    assert.equal(plan?.headers.length, 1)
  })

  test('asks for nothing with an ordinary request, and for a bounded number of tries', () => {
    assert.equal(takeWishes(new HeaderList(['x-envoy-internal', 'true']), 'x-envoy'), undefined)
    assert.equal(takeWishes(new HeaderList(['x-envoy-max-retries', '999999']), 'x-envoy')?.retries, 100)
    assert.equal(takeWishes(new HeaderList(['x-envoy-max-retries', '-1']), 'x-envoy')?.retries, undefined)
  })

  test('cannot have retried what retriable_request_headers leaves out', () => {
    const wishes = takeWishes(new HeaderList(['x-envoy-retry-on', '5xx']), 'x-envoy')
    const plan = planRetries(policy(['reset'], { requestHeaders: [header('x-may')] }), wishes, request(), NOWHERE)
    assert.equal(plan?.on.size, 0)
  })
})
