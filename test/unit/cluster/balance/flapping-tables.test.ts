import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Balancing, DEFAULT_SPREAD } from '../../../../src/config/model/balancing.ts'
import { ClusterBalancer } from '../../../../src/cluster/balance/cluster-balancer.ts'
import { clusterScope, clusterStats } from '../../../../src/cluster/cluster-stats.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { xxHash64OfLatin1 } from '../../../../src/core/hash/xx-hash.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { mulberry32 } from '../../../support/random.ts'
import { cluster, endpoint } from '../build.ts'

const TABLES: readonly Balancing[] = [
  { kind: 'maglev', tableSize: 1009 },
  { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8_388_608, hash: 'xxhash' },
]
const KEYS = Array.from({ length: 500 }, (_, i) => xxHash64OfLatin1(`client ${i}`))

/** Three endpoints, and how many tables were made of them. */
function build(balancing: Balancing) {
  const registry = new StatRegistry()
  const scope = clusterScope(registry, 'app')
  const clock = new ManualClock()
  const balancer = new ClusterBalancer(cluster({ balancing, spread: { ...DEFAULT_SPREAD, panicThreshold: 0 } }), {
    clock,
    random: mulberry32(1),
    stats: clusterStats(scope),
    scope,
  })
  const endpoints = [endpoint('10.0.0.1'), endpoint('10.0.0.2'), endpoint('10.0.0.3')]
  for (const one of endpoints) one.health.onChange = () => balancer.healthChanged(one)
  balancer.setMembers(endpoints)
  const [name] = balancing.kind === 'maglev' ? ['maglev_lb.max_entries_per_host'] : ['ring_hash_lb.size']
  const gauge = registry.gauge(`cluster.app.${name}`)
  return {
    clock,
    balancer,
    endpoints,
    owners: () => KEYS.map((hash) => balancer.pick({ tried: [], hash })),
    /** Whether a table was made since the last call. */
    made() {
      const was = gauge.value
      gauge.value = -1
      return was !== -1
    },
    set: (which: Endpoint | undefined, failed: boolean) => which?.health.mark('failedActive', failed, clock.now()),
  }
}

for (const balancing of TABLES) {
  test(`${balancing.kind}: endpoints that flap have a table made ten times a second at most, and get nothing while unfit`, () => {
    const { clock, endpoints, owners, made, set } = build(balancing)
    const [gone] = endpoints
    const before = owners()
    assert.ok(made())
    set(gone, true)
    const without = owners()
    assert.ok(!made(), 'the table of a moment ago serves')
    assert.ok(without.every((owner) => owner !== gone && owner !== undefined))
    for (const [index, owner] of before.entries()) if (owner !== gone) assert.equal(without[index], owner)
    set(gone, false)
    assert.deepEqual(owners(), before)
    assert.ok(!made())
    set(gone, true)
    clock.advance(100)
    assert.ok(!owners().includes(gone))
    assert.ok(made())
    set(gone, false)
    assert.ok(!owners().includes(gone), 'who comes back waits for the next table')
    clock.advance(100)
    assert.deepEqual(owners(), before)
    assert.ok(made())
  })

  test(`${balancing.kind}: nobody waits for a table when nobody is fit, or one is again`, () => {
    const { endpoints, owners, set } = build(balancing)
    const [one, ...others] = endpoints
    owners()
    // The last one that is fit is in the table, if hard to find.
    for (const other of others) set(other, true)
    assert.ok(owners().every((owner) => owner === one))
    set(one, true)
    assert.ok(owners().every((owner) => owner === undefined))
    set(one, false)
    assert.ok(owners().every((owner) => owner === one))
  })

  test(`${balancing.kind}: an endpoint that joins or leaves is no flapping`, () => {
    const { balancer, endpoints, owners } = build(balancing)
    owners()
    balancer.setMembers(endpoints.slice(1))
    assert.ok(!owners().includes(endpoints[0]))
    balancer.setMembers(endpoints)
    assert.ok(owners().includes(endpoints[0]))
  })
}
