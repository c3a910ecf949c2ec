import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText } from '../../../../src/config/model/address.ts'
import type { Cluster } from '../../../../src/config/model/cluster.ts'
import type { OutlierDetection } from '../../../../src/config/model/outlier-detection.ts'
import { ClusterRuntime } from '../../../../src/cluster/cluster-runtime.ts'
import type { Lookup } from '../../../../src/cluster/dns-cache/dns-cache.ts'
import { DnsCaches } from '../../../../src/cluster/dns-cache/dns-caches.ts'
import { OwnListeners } from '../../../../src/cluster/own-listeners.ts'
import { readTargetRule } from '../../../../src/config/model/target-rule-text.ts'
import { readTarget } from '../../../../src/cluster/target.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { OUTLIERS } from '../outlier/build.ts'
import { addresses, cluster, dnsCacheConfig, FakeResolver, place, settle } from '../build.ts'

function policy(allow: readonly string[] = [], onlyAllowed = false): NonNullable<Cluster['targetPolicy']> {
  const rules = allow.map((text) => {
    const read = readTargetRule(text)
    if (read.kind === 'invalid') throw new Error(read.message)
    return read.rule
  })
  return { allow: rules, onlyAllowed, place: place(12) }
}

function made(more: Partial<Cluster> = {}) {
  const clock = new ManualClock()
  const registry = new StatRegistry()
  const resolver = new FakeResolver()
  const context = { clock, random: () => 0, resolver, registry }
  const dnsCaches = new DnsCaches(context)
  const ownListeners = new OwnListeners(() => [])
  const dnsCache = dnsCacheConfig()
  const config = cluster({ discovery: 'dynamic-forward-proxy', dnsCache, ...more })
  const runtime = new ClusterRuntime(config, { ...context, dnsCaches, ownListeners })
  runtime.start()
  const cache = dnsCaches.get(dnsCache)
  /** As the filter does before the cluster is asked. */
  const lookUp = async (host: string, ...list: readonly string[]): Promise<Lookup> => {
    resolver.answers.set(host, addresses(...list))
    const found = cache.lookup(host, { onResolved: () => undefined, onLookupFailed: () => undefined })
    await settle()
    return found
  }
  const pick = (target: string | undefined): string => {
    const picked = runtime.pick({ tried: [], target })
    return picked.kind === 'none' ? `${picked.code}: ${picked.reason}` : picked.addresses.map(addressText).join(' ')
  }
  return { runtime, clock, registry, resolver, cache, lookUp, pick, ownListeners }
}

test('a name that was looked up is dialled, its host name kept for TLS', async () => {
  const { runtime, lookUp, pick, registry } = made()
  await lookUp('a.example', '10.0.0.1', '10.0.0.2', 'fd00::1')
  assert.equal(pick('A.Example.:443'), '10.0.0.1:443 10.0.0.2:443 [fd00::1]:443')
  const endpoint = runtime.pick({ tried: [], target: 'a.example:443' })
  assert.ok(endpoint.kind === 'endpoint')
  assert.equal(endpoint.hostname, 'a.example')
  assert.notEqual(runtime.pick({ tried: [], target: 'a.example:80' }), endpoint, 'a port is another target')
  assert.equal(registry.gauge('cluster.app.membership_total').value, 2)
})

test('an address needs no lookup', () => {
  const { pick, resolver } = made()
  assert.equal(pick('10.0.0.1:80'), '10.0.0.1:80')
  assert.equal(pick('[::1]:80'), '[::1]:80')
  assert.equal(pick('[::ffff:10.0.0.1]:80'), '10.0.0.1:80')
  assert.deepEqual(resolver.asked, [])
})

test('without an answer the reason says what is missing', () => {
  const { pick } = made()
  assert.match(
    pick(undefined),
    /^no_healthy_upstream: cluster "app" \(envoy\.yaml:60\) dials the host that is named, and none/,
  )
  assert.match(pick('a.example:80'), /the filter dynamic_forward_proxy with DNS cache "names" must look it up first/)
  assert.match(pick('a..b:80'), /^invalid_authority: the host "a\.\.b:80" has an empty label/)
  assert.match(pick('127.1:80'), /^invalid_authority: .* short or non-decimal/)
  assert.ok(pick(`${'x'.repeat(9000)}:80`).length < 300)
})

test('other addresses of the name are dialled from then on; a forgotten name takes its endpoints along', async () => {
  const { runtime, lookUp, pick, clock, resolver } = made()
  const gone: string[] = []
  runtime.onEndpointRemoved((endpoint) => gone.push(endpoint.config.hostname))
  await lookUp('a.example', '10.0.0.1')
  const endpoint = runtime.pick({ tried: [], target: 'a.example:80' })
  assert.ok(endpoint.kind === 'endpoint')
  endpoint.capability.learn('no', 1)
  resolver.answers.set('a.example', addresses('10.0.0.7'))
  clock.advance(60_000)
  await settle()
  assert.deepEqual(endpoint.addresses.map(addressText), ['10.0.0.7:80'], 'without being asked for')
  assert.equal(endpoint.capability.extendedConnect, 'unknown')
  assert.equal(pick('a.example:80'), '10.0.0.7:80')
  endpoint.stats.cxActive = 1
  for (let i = 0; i < 10; i++) {
    clock.advance(60_000)
    await settle()
  }
  assert.deepEqual(gone, ['a.example'])
  assert.equal(endpoint.removed, true)
  assert.equal(runtime.endpoints.length, 0)
  assert.match(pick('a.example:80'), /must look it up first/)
})

test('of several answers only the permitted ones are dialled', async () => {
  const { lookUp, pick } = made({ targetPolicy: policy() })
  await lookUp('mixed.example', '10.0.0.1', '1.1.1.1', '127.0.0.1', '::1')
  assert.equal(pick('mixed.example:80'), '1.1.1.1:80')
})

test('the address is judged, not the name: a name that moves inside is no longer dialled', async () => {
  const { runtime, lookUp, pick, clock, resolver } = made({ targetPolicy: policy() })
  await lookUp('rebind.example', '1.1.1.1')
  const endpoint = runtime.pick({ tried: [], target: 'rebind.example:80' })
  assert.ok(endpoint.kind === 'endpoint')
  resolver.answers.set('rebind.example', addresses('169.254.169.254'))
  clock.advance(60_000)
  await settle()
  assert.deepEqual(endpoint.addresses.map(addressText), ['1.1.1.1:80'], 'what waits for it never dials the new one')
  assert.equal(endpoint.removed, true)
  assert.match(pick('rebind.example:80'), /^target_not_allowed: the target rebind\.example:80 resolves to a link-local/)
  assert.equal(runtime.endpoints.length, 0)
})

test('rules open names and addresses', async () => {
  const { lookUp, pick } = made({ targetPolicy: policy(['db.corp:5432', '127.0.0.1:8080']) })
  await lookUp('db.corp', '10.0.0.1')
  assert.equal(pick('db.corp:5432'), '10.0.0.1:5432')
  assert.match(pick('db.corp:22'), /^target_not_allowed: the target db\.corp:22 resolves to a private address/)
  assert.equal(pick('127.0.0.1:8080'), '127.0.0.1:8080')
  assert.match(pick('127.0.0.1:8081'), /^target_not_allowed/)
})

test('a listener that is bound later is refused from then on', async () => {
  const { lookUp, pick, ownListeners } = made({ targetPolicy: policy() })
  await lookUp('me.example', '8.8.8.8')
  assert.equal(pick('me.example:3128'), '8.8.8.8:3128')
  ownListeners.add('8.8.8.8', 3128)
  assert.match(
    pick('me.example:3128'),
    /^target_not_allowed: the target me\.example:3128 resolves to this proxy itself/,
  )
})

test('filters can ask before they look a name up', () => {
  const { runtime } = made({ targetPolicy: policy(['a.example:443'], true) })
  const refusal = (text: string) => {
    const target = readTarget(text)
    return target.kind === 'target' ? runtime.refusalOf(target) : target.reason
  }
  assert.equal(refusal('a.example:443'), undefined)
  assert.match(refusal('b.example:443') ?? '', /^the target b\.example:443 is named by no allow rule/)
  assert.match(refusal('127.0.0.1:443') ?? '', /loopback/)
  assert.equal(
    made().runtime.refusalOf({ kind: 'target', host: { kind: 'ip', ip: '127.0.0.1' }, port: 1, text: '' }),
    undefined,
  )
})

test('unused endpoints of one name do not pile up by port', async () => {
  const { runtime, lookUp, pick, clock, cache } = made()
  await lookUp('a.example', '10.0.0.1')
  for (let port = 1; port <= 1000; port++) pick(`a.example:${port}`)
  assert.equal(runtime.endpoints.length, 1000)
  for (let i = 0; i < 11; i++) {
    clock.advance(60_000)
    cache.addressesOf('a.example')
    await settle()
  }
  assert.equal(runtime.endpoints.length, 0)
  assert.notEqual(cache.addressesOf('a.example'), undefined)
  assert.equal(pick('a.example:5'), '10.0.0.1:5')
})

test('stop lets go of the cache and its timers', async () => {
  const { runtime, lookUp, pick, cache, clock } = made()
  await lookUp('a.example', '10.0.0.1')
  pick('a.example:80')
  runtime.stop()
  cache.stop()
  assert.equal(clock.pending, 0)
  assert.equal(runtime.endpoints.length, 1, 'what is open goes on')
})

test('outlier detection leaves a named endpoint out for a while', async () => {
  const outlierDetection: OutlierDetection = { ...OUTLIERS, consecutive5xx: 2, maxEjectionPercent: 100 }
  const { runtime, clock, lookUp, pick } = made({ outlierDetection })
  await lookUp('a.example', '10.0.0.1')
  const target = 'a.example:80'
  const endpoint = runtime.pick({ tried: [], target })
  assert.ok(endpoint.kind === 'endpoint')
  for (let i = 0; i < 2; i++) endpoint.outlier?.httpStatus(503)
  assert.match(pick(target), /^no_healthy_upstream: 10\.0\.0\.1:80 is left out by outlier_detection/)
  assert.equal(runtime.recoveryInMs, 30_000)
  clock.advance(30_000)
  assert.equal(pick(target), '10.0.0.1:80')
  runtime.stop()
})
