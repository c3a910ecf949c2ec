import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterScope, clusterStats } from '../../../src/cluster/cluster-stats.ts'
import { StatRegistry } from '../../../src/observe/stats/registry.ts'

const stats = (registry: StatRegistry, name = 'app') => clusterStats(clusterScope(registry, name))

test('statistics have Envoy names and the cluster as a label', () => {
  const registry = new StatRegistry()
  stats(registry).upstreamRqPendingOverflow.value++
  const stat = registry.all().find((one) => one.name === 'cluster.app.upstream_rq_pending_overflow')
  assert.equal(stat?.kind === 'counter' && stat.value, 1)
  assert.equal(stat?.extracted, 'cluster.upstream_rq_pending_overflow')
  assert.deepEqual(stat?.tags, [{ name: 'envoy_cluster_name', value: 'app' }])
})

test('a field is the camel case of its name', () => {
  const registry = new StatRegistry()
  for (const [field, stat] of Object.entries(stats(registry))) {
    if (!('name' in stat)) continue
    const words = stat.name.replace('cluster.app.', '').split(/[._]/)
    assert.equal(words.map((word, i) => (i === 0 ? word : word[0]?.toUpperCase() + word.slice(1))).join(''), field)
  }
})

test('response codes are counted when they come, by code and class, with labels', () => {
  const registry = new StatRegistry()
  const { responses } = stats(registry)
  const before = registry.all().length
  for (const status of [101, 200, 204, 200, 503]) responses.count(status)
  const made = registry.all().filter((one) => /upstream_rq_(\d\d\d|\dxx)$/.test(one.name))
  assert.equal(registry.all().length, before + made.length)
  assert.deepEqual(
    made.map((one) => `${one.name} ${one.kind === 'counter' ? one.value : ''}`),
    [
      'cluster.app.upstream_rq_101 1',
      'cluster.app.upstream_rq_1xx 1',
      'cluster.app.upstream_rq_200 2',
      'cluster.app.upstream_rq_204 1',
      'cluster.app.upstream_rq_2xx 3',
      'cluster.app.upstream_rq_503 1',
      'cluster.app.upstream_rq_5xx 1',
    ],
  )
  const ok = made.find((one) => one.name.endsWith('_200'))
  assert.equal(ok?.extracted, 'cluster.upstream_rq')
  assert.deepEqual(ok?.tags.at(-1), { name: 'envoy_response_code', value: '200' })
  const twos = made.find((one) => one.name.endsWith('_2xx'))
  assert.equal(twos?.extracted, 'cluster.upstream_rq_xx')
  assert.deepEqual(twos?.tags.at(-1), { name: 'envoy_response_code_class', value: '2' })
})

test('a status no server should send makes no counter', () => {
  const registry = new StatRegistry()
  const { responses } = stats(registry)
  const before = registry.all().length
  for (const status of [0, 99, 600, 999, 200.5, NaN]) responses.count(status)
  assert.equal(registry.all().length, before)
})

test('colons of a cluster name become underscores, and a second generation keeps the counts', () => {
  const registry = new StatRegistry()
  stats(registry, 'a:b').upstreamCxTotal.value = 7
  assert.equal(registry.counter('cluster.a_b.upstream_cx_total').value, 7)
  assert.equal(stats(registry, 'a:b').upstreamCxTotal.value, 7)
})
