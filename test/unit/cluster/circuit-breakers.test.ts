import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BreakerKind, CircuitBreakers } from '../../../src/cluster/circuit-breakers.ts'
import { clusterScope } from '../../../src/cluster/cluster-stats.ts'
import { StatRegistry } from '../../../src/observe/stats/registry.ts'
import { endpoint, limits } from './build.ts'

function breakers(more = {}) {
  const registry = new StatRegistry()
  const made = new CircuitBreakers('app', 'default', limits(more), clusterScope(registry, 'app'))
  const gauge = (name: string) => registry.gauge(`cluster.app.circuit_breakers.default.${name}`).value
  return { made, gauge }
}

const KINDS: readonly (readonly [BreakerKind, field: string, limit: object, gauge: string])[] = [
  ['connection', 'max_connections', { maxConnections: 2 }, 'cx_open'],
  ['pending', 'max_pending_requests', { maxPendingRequests: 2 }, 'rq_pending_open'],
  ['request', 'max_requests', { maxRequests: 2 }, 'rq_open'],
  ['retry', 'max_retries', { maxRetries: 2 }, 'rq_retry_open'],
]

test('each limit refuses by name, value and place, and opens its gauge', async (t) => {
  for (const [kind, field, limit, name] of KINDS) {
    await t.test(kind, () => {
      const { made, gauge } = breakers(limit)
      assert.equal(made.tryAcquire(kind), undefined)
      assert.equal(gauge(name), 0)
      assert.equal(made.tryAcquire(kind), undefined)
      assert.equal(gauge(name), 1)
      const refusal = made.tryAcquire(kind) ?? ''
      assert.ok(refusal.startsWith(`circuit breaker ${field} of cluster "app" is reached: 2 (envoy.yaml:70)`), refusal)
      assert.equal(made.active(kind), 2)
      made.release(kind)
      assert.equal(gauge(name), 0)
      assert.equal(made.tryAcquire(kind), undefined)
    })
  }
})

test('a limit of 0 refuses everything and is open from the start', () => {
  const { made, gauge } = breakers({ maxRequests: 0 })
  assert.match(made.tryAcquire('request') ?? '', /max_requests.*is reached: 0/)
  assert.equal(gauge('rq_open'), 1)
})

test('the one connection a pool may always have counts beyond the limit', () => {
  const { made, gauge } = breakers({ maxConnections: 1 })
  made.acquire('connection')
  made.acquire('connection')
  assert.equal(made.active('connection'), 2)
  made.release('connection')
  assert.equal(gauge('cx_open'), 1)
  made.release('connection')
  assert.equal(gauge('cx_open'), 0)
})

test('a slot given back too often is not gained', () => {
  const { made } = breakers({ maxRetries: 1 })
  made.release('retry')
  assert.equal(made.tryAcquire('retry'), undefined)
  assert.ok(made.tryAcquire('retry'))
})

test('a retry budget grows with the requests under way', () => {
  const { made } = breakers({ retryBudget: { percent: 20, minimum: 1 } })
  assert.equal(made.tryAcquire('retry'), undefined)
  assert.match(
    made.tryAcquire('retry') ?? '',
    /^circuit breaker retry_budget of cluster "app" is reached: 1 \(20 % of the requests under way, at least 1\)/,
  )
  for (let i = 0; i < 10; i++) made.acquire('request')
  assert.equal(made.tryAcquire('retry'), undefined)
  assert.ok(made.tryAcquire('retry') !== undefined)
})

test('what is left is shown where that is asked for', () => {
  const { made, gauge } = breakers({ maxRequests: 2, trackRemaining: true })
  assert.equal(gauge('remaining_rq'), 2)
  made.acquire('request')
  assert.equal(gauge('remaining_rq'), 1)
  made.acquire('request')
  made.acquire('request')
  assert.equal(gauge('remaining_rq'), 0)
})

test('one endpoint has a limit of its own, and the refusal names it and the priority', () => {
  const registry = new StatRegistry()
  const made = new CircuitBreakers(
    'app',
    'high',
    limits({ maxConnectionsPerEndpoint: 1 }),
    clusterScope(registry, 'app'),
  )
  const [one, two] = [endpoint('127.0.0.1'), endpoint('127.0.0.2')]
  assert.equal(made.tryConnect(one), undefined)
  assert.match(
    made.tryConnect(one) ?? '',
    /^circuit breaker per_host_thresholds max_connections \(priority HIGH\) of cluster "app" is reached for endpoint 127.0.0.1:80: 1/,
  )
  assert.equal(made.tryConnect(two), undefined)
  made.disconnect(one)
  assert.equal(made.tryConnect(one), undefined)
})
