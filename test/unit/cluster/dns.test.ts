import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsFamily } from '../../../src/config/model/cluster.ts'
import { addressText } from '../../../src/config/model/address.ts'
import { chooseAddresses } from '../../../src/cluster/discovery/dns-family.ts'
import { systemResolver } from '../../../src/cluster/discovery/dns-resolver.ts'
import type { Endpoint } from '../../../src/cluster/endpoint.ts'
import { addresses, cluster, dnsError, endpointConfig, picks, settle, world } from './build.ts'

const V4 = ['10.0.0.1', '10.0.0.2']
const V6 = ['fd00::1']

const FAMILIES: readonly (readonly [
  DnsFamily,
  answers: readonly string[],
  use: readonly string[],
  fallback: readonly string[],
])[] = [
  ['auto', [...V4, ...V6], V6, V4],
  ['auto', V4, V4, []],
  ['v4-preferred', [...V6, ...V4], V4, V6],
  ['v4-preferred', V6, V6, []],
  ['v4-only', [...V6, ...V4], V4, []],
  ['v4-only', V6, [], []],
  ['v6-only', [...V6, ...V4], V6, []],
  ['all', [...V6, ...V4], [...V6, ...V4], []],
  ['all', [], [], []],
]

test('dns_lookup_family chooses addresses', async (t) => {
  for (const [family, answers, use, fallback] of FAMILIES) {
    await t.test(`${family} of ${answers.join(' ') || 'nothing'}`, () => {
      const chosen = chooseAddresses(family, addresses(...answers))
      assert.deepEqual(
        [chosen.use, chosen.fallback].map((list) => list.map((one) => one.address)),
        [use, fallback],
      )
    })
  }
  await t.test('an answer of endless addresses is cut', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
    assert.equal(chooseAddresses('all', addresses(...many)).use.length, 1024)
  })
})

const strict = (more = {}) =>
  cluster({ discovery: 'strict-dns', dnsFamily: 'v4-only', endpoints: [endpointConfig('app.local')], ...more })

async function started(config = strict(), answers: Record<string, readonly string[] | Error> = { 'app.local': V4 }) {
  const made = world(config)
  for (const [name, list] of Object.entries(answers))
    made.resolver.answers.set(name, list instanceof Error ? list : addresses(...list))
  made.runtime.start()
  await made.runtime.warm
  return made
}

test('STRICT_DNS makes an endpoint of every address', async () => {
  const { runtime } = await started()
  assert.deepEqual(picks(runtime, 3), ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.1:80'])
  assert.equal(runtime.stats.membershipTotal.value, 2)
  assert.equal(runtime.stats.membershipHealthy.value, 2)
  runtime.stop()
})

test('LOGICAL_DNS has one endpoint, which moves to the first address and forgets what it learnt', async () => {
  const { runtime, resolver, clock } = await started(strict({ discovery: 'logical-dns' }))
  const [endpoint] = runtime.endpoints
  assert.equal(runtime.endpoints.length, 1)
  assert.equal(endpoint?.text, '10.0.0.1:80')
  endpoint?.capability.learn('no', 1)
  const removed: Endpoint[] = []
  runtime.onEndpointRemoved((one) => removed.push(one))
  resolver.answers.set('app.local', addresses('10.0.0.9'))
  clock.advance(5000)
  await settle()
  assert.deepEqual(runtime.endpoints, [endpoint])
  assert.equal(endpoint?.text, '10.0.0.9:80')
  assert.equal(endpoint?.capability.extendedConnect, 'unknown')
  assert.deepEqual(removed, [])
  assert.equal(runtime.pick(), endpoint)
  runtime.stop()
})

test('warm-up waits for the first outcome of every name, also a bad one', async () => {
  const config = strict({
    endpoints: [endpointConfig('app.local'), endpointConfig('other.local'), endpointConfig('10.9.9.9')],
  })
  const { runtime } = await started(config, { 'app.local': V4, 'other.local': dnsError('ESERVFAIL') })
  assert.deepEqual(
    runtime.endpoints.map((one) => one.text),
    ['10.0.0.1:80', '10.0.0.2:80', '10.9.9.9:80'],
  )
  assert.deepEqual(runtime.lookupFailures, ['other.local: ESERVFAIL'])
  runtime.stop()
})

test('before the first answer the reason says so, and after a failure it says which', async () => {
  const { runtime, resolver, clock } = world(strict())
  runtime.start()
  const early = runtime.pick()
  assert.ok(early.kind === 'none')
  assert.equal(early.code, 'no_healthy_upstream')
  assert.match(early.reason, /cluster "app" \(envoy.yaml:60\) has no address yet/)
  await runtime.warm
  const late = runtime.pick()
  assert.ok(late.kind === 'none')
  assert.equal(late.code, 'dns_resolution_failed')
  assert.match(late.reason, /has no address: lookup of app.local: ENOTFOUND/)
  assert.equal(runtime.stats.upstreamCxNoneHealthy.value, 2)
  resolver.answers.set('app.local', addresses('10.0.0.1'))
  clock.advance(500)
  await settle()
  assert.deepEqual(picks(runtime, 1), ['10.0.0.1:80'])
  assert.deepEqual(runtime.lookupFailures, [])
  runtime.stop()
})

test('a refresh keeps the endpoints that stay, adds new ones and takes off the others, once', async () => {
  const { runtime, resolver, clock } = await started()
  const [stays, goes] = runtime.endpoints
  assert.ok(stays !== undefined && goes !== undefined)
  stays.stats.rqActive = 3
  goes.stats.rqActive = 1
  const removed: Endpoint[] = []
  runtime.onEndpointRemoved((one) => removed.push(one))
  resolver.answers.set('app.local', addresses('10.0.0.3', '10.0.0.1', '10.0.0.3'))
  clock.advance(5000)
  await settle()
  assert.deepEqual(
    runtime.endpoints.map((one) => one.text),
    ['10.0.0.3:80', '10.0.0.1:80'],
  )
  assert.equal(runtime.endpoints[1], stays)
  assert.deepEqual(removed, [goes])
  assert.equal(goes.removed, true)
  assert.equal(goes.stats.rqActive, 1)
  assert.equal(picks(runtime, 20).includes('10.0.0.2:80'), false)
  assert.equal(runtime.stats.membershipChange.value, 2)
  clock.advance(5000)
  await settle()
  assert.equal(removed.length, 1)
  assert.equal(runtime.stats.membershipChange.value, 2)
  assert.equal(runtime.stats.updateNoRebuild.value, 1)
  runtime.stop()
})

test('an unchanged answer keeps the picker where it is', async () => {
  const { runtime, clock } = await started()
  assert.deepEqual(picks(runtime, 1), ['10.0.0.1:80'])
  clock.advance(5000)
  await settle()
  assert.deepEqual(picks(runtime, 1), ['10.0.0.2:80'])
  runtime.stop()
})

test('a listener that was taken off hears nothing', async () => {
  const { runtime, resolver, clock } = await started()
  const off = runtime.onEndpointRemoved(() => assert.fail('must not be called'))
  off()
  resolver.answers.set('app.local', addresses('10.0.0.1'))
  clock.advance(5000)
  await settle()
  assert.equal(runtime.endpoints.length, 1)
  runtime.stop()
})

const BAD: readonly (readonly [string, readonly string[] | Error])[] = [
  ['a server failure', dnsError('ESERVFAIL')],
  ['an unknown name', dnsError('ENOTFOUND')],
  ['an empty answer', []],
  ['an answer of the other family', ['fd00::1']],
]

test('a bad answer keeps the last good one', async (t) => {
  for (const [name, answer] of BAD) {
    await t.test(name, async () => {
      const { runtime, resolver, clock } = await started()
      resolver.answers.set('app.local', answer instanceof Error ? answer : addresses(...answer))
      clock.advance(5000)
      await settle()
      assert.deepEqual(picks(runtime, 2), ['10.0.0.1:80', '10.0.0.2:80'])
      assert.equal(runtime.stats.updateFailure.value, 1)
      assert.equal(runtime.lookupFailures.length, 1)
      runtime.stop()
    })
  }
})

test('failures are asked again sooner, doubling up to the refresh rate, and jittered', async () => {
  const delays = async (random: () => number): Promise<(number | undefined)[]> => {
    const { runtime, clock } = world(strict(), random)
    runtime.start()
    const seen: (number | undefined)[] = []
    for (let i = 0; i < 6; i++) {
      await settle()
      seen.push(clock.nextIn)
      clock.advance(clock.nextIn ?? 0)
    }
    runtime.stop()
    return seen
  }
  assert.deepEqual(await delays(() => 0), [500, 1000, 2000, 4000, 5000, 5000])
  assert.deepEqual(await delays(() => 0.5), [375, 750, 1500, 3000, 3750, 3750])
})

const ttl = (seconds: number | undefined) => [{ address: '10.0.0.1', family: 4 as const, ttlSeconds: seconds }]
const TTLS: readonly (readonly [respect: boolean, ttl: number | undefined, delay: number])[] = [
  [false, 30, 5000],
  [true, 30, 30000],
  [true, 1, 1000],
  [true, 0.1, 1000],
  [true, 0, 5000],
  [true, undefined, 5000],
  [true, 4294967295, 604800000],
]

test('respect_dns_ttl sets the next refresh, within bounds', async (t) => {
  for (const [respectDnsTtl, seconds, delay] of TTLS) {
    await t.test(`${respectDnsTtl} ${seconds}`, async () => {
      const { runtime, resolver, clock } = world(strict({ respectDnsTtl }))
      resolver.answers.set('app.local', ttl(seconds))
      runtime.start()
      await runtime.warm
      assert.equal(clock.nextIn, delay)
      assert.deepEqual(resolver.asked, [`app.local v4${respectDnsTtl ? ' ttl' : ''}`])
      runtime.stop()
    })
  }
})

test('stopping sets no timer and drops an answer on its way', async () => {
  const { runtime, resolver, clock } = world(strict())
  resolver.answers.set('app.local', addresses(...V4))
  runtime.start()
  runtime.stop()
  await settle()
  assert.equal(runtime.endpoints.length, 0)
  assert.equal(clock.pending, 0)
  await runtime.warm
})

test('one address behind two names is one endpoint until both names drop it', async () => {
  const config = strict({ endpoints: [endpointConfig('app.local'), endpointConfig('other.local')] })
  const { runtime, resolver, clock } = await started(config, { 'app.local': ['10.0.0.1'], 'other.local': ['10.0.0.1'] })
  assert.equal(runtime.endpoints.length, 1)
  resolver.answers.set('app.local', addresses('10.0.0.2'))
  clock.advance(5000)
  await settle()
  assert.deepEqual(
    runtime.endpoints.map((one) => [one.text, one.removed]),
    [
      ['10.0.0.2:80', false],
      ['10.0.0.1:80', false],
    ],
  )
  runtime.stop()
})

test('an address of the other family stands behind the preferred one for dialling', async () => {
  const config = strict({ dnsFamily: 'auto', endpoints: [endpointConfig('app.local')] })
  const { runtime } = await started(config, { 'app.local': ['127.0.0.1', '::1'] })
  assert.equal(runtime.endpoints.length, 1)
  assert.deepEqual(runtime.endpoints[0]?.addresses.map(addressText), ['[::1]:80', '127.0.0.1:80'])
  runtime.stop()
})

test('the system resolver knows localhost, with and without TTL, and rejects nonsense', async () => {
  for (const withTtl of [false, true]) {
    const found = await systemResolver.resolve('localhost', 'v4', withTtl)
    assert.deepEqual(
      found.map((one) => one.address),
      ['127.0.0.1'],
    )
  }
  await assert.rejects(systemResolver.resolve(`${'a'.repeat(64)}.invalid`, 'both', false))
})

test('after a success the next failure is again asked about soon', async () => {
  const { runtime, resolver, clock } = await started(strict(), { 'app.local': dnsError('EAI_AGAIN') })
  clock.advance(500)
  await settle()
  assert.equal(clock.nextIn, 1000)
  resolver.answers.set('app.local', addresses('10.0.0.1'))
  clock.advance(1000)
  await settle()
  assert.equal(clock.nextIn, 5000)
  resolver.answers.set('app.local', dnsError('EAI_AGAIN'))
  clock.advance(5000)
  await settle()
  assert.equal(clock.nextIn, 500)
  runtime.stop()
})

test('dns_failure_refresh_rate says how long to wait after failures, and starts over after a success', async () => {
  const config = strict({ dnsRefreshMs: 60_000, dnsFailureBackoff: { baseMs: 1000, maxMs: 4000 } })
  const { runtime, resolver, clock } = world(config, () => 0.5)
  runtime.start()
  await runtime.warm
  const attempts = () => runtime.stats.updateAttempt.value
  for (const [waitMs, count] of [
    [500, 2],
    [1000, 3],
    [2000, 4],
    [2000, 5],
  ] as const) {
    clock.advance(waitMs - 1)
    await settle()
    assert.equal(attempts(), count - 1)
    clock.advance(1)
    await settle()
    assert.equal(attempts(), count)
  }
  resolver.answers.set('app.local', addresses('10.0.0.1'))
  clock.advance(2000)
  await settle()
  assert.deepEqual(picks(runtime, 1), ['10.0.0.1:80'])
  resolver.answers.delete('app.local')
  clock.advance(60_000)
  await settle()
  const failed = attempts()
  clock.advance(500)
  await settle()
  assert.equal(attempts(), failed + 1)
  assert.deepEqual(picks(runtime, 1), ['10.0.0.1:80'])
  runtime.stop()
})

test('dns_jitter makes the wait after a success longer by chance', async () => {
  const { runtime, resolver, clock } = world(strict({ dnsRefreshMs: 5000, dnsJitterMs: 2000 }), () => 0.5)
  resolver.answers.set('app.local', addresses('10.0.0.1'))
  runtime.start()
  await runtime.warm
  clock.advance(5999)
  await settle()
  assert.equal(runtime.stats.updateAttempt.value, 1)
  clock.advance(1)
  await settle()
  assert.equal(runtime.stats.updateAttempt.value, 2)
  runtime.stop()
})
