import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsCache } from '../../../../src/cluster/dns-cache/dns-cache.ts'
import { DnsCaches } from '../../../../src/cluster/dns-cache/dns-caches.ts'
import type { LookupFailure, NameWaiter } from '../../../../src/cluster/dns-cache/waiting.ts'
import type { ChosenAddresses } from '../../../../src/cluster/discovery/dns-family.ts'
import type { DnsAnswer, DnsResolver } from '../../../../src/cluster/discovery/dns-resolver.ts'
import type { DnsCacheConfig } from '../../../../src/config/model/dns-cache.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { onFault } from '../../../../src/transport/fault.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { addresses, dnsCacheConfig, dnsError, settle } from '../build.ts'

/** A resolver whose questions the test answers. */
class HeldResolver implements DnsResolver {
  readonly questions: {
    host: string
    answer: (answers: readonly DnsAnswer[]) => void
    fail: (error: Error) => void
  }[] = []

  resolve(host: string): Promise<readonly DnsAnswer[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly DnsAnswer[]>()
    this.questions.push({ host, answer: resolve, fail: reject })
    return promise
  }

  async answer(...list: readonly string[]): Promise<void> {
    this.questions.shift()?.answer(addresses(...list))
    await settle()
  }

  async fail(code = 'ENOTFOUND'): Promise<void> {
    this.questions.shift()?.fail(dnsError(code))
    await settle()
  }
}

class Waiter implements NameWaiter {
  readonly heard: string[] = []
  onResolved({ use, fallback }: ChosenAddresses): void {
    this.heard.push([...use, ...fallback].map(({ address }) => address).join(' '))
  }
  onLookupFailed({ kind, reason }: LookupFailure): void {
    this.heard.push(`${kind}: ${reason}`)
  }
}

function made(more: Partial<DnsCacheConfig> = {}) {
  const clock = new ManualClock()
  const resolver = new HeldResolver()
  const registry = new StatRegistry()
  const cache = new DnsCache(dnsCacheConfig(more), { clock, random: () => 0, resolver, registry })
  const stat = (name: string) => registry.all().find((one) => one.name === `dns_cache.names.${name}`)
  const value = (name: string): number => {
    const found = stat(name)
    assert.ok(found !== undefined && found.kind !== 'histogram', name)
    return found.value
  }
  const lookup = (host: string) => {
    const waiter = new Waiter()
    const result = cache.lookup(host, waiter)
    return { waiter, result }
  }
  return { clock, resolver, cache, value, lookup }
}

test('a name is asked for once, however many wait, and then known', async () => {
  const { resolver, lookup, value } = made()
  const one = lookup('a.example')
  const two = lookup('a.example')
  assert.equal(one.result.kind, 'waiting')
  assert.equal(resolver.questions.length, 1)
  assert.deepEqual(one.waiter.heard, [])
  await resolver.answer('10.0.0.1', 'fd00::1')
  assert.deepEqual([one.waiter.heard, two.waiter.heard], [['10.0.0.1 fd00::1'], ['10.0.0.1 fd00::1']])
  const third = lookup('a.example')
  assert.equal(third.result.kind, 'resolved')
  assert.equal(resolver.questions.length, 0)
  assert.deepEqual(
    [
      'dns_query_attempt',
      'dns_query_success',
      'dns_query_failure',
      'host_added',
      'num_hosts',
      'host_address_changed',
    ].map(value),
    [1, 1, 0, 1, 1, 1],
  )
})

test('a failure is told with its reason, remembered for a second, then asked anew', async () => {
  const { resolver, lookup, clock, value } = made()
  const one = lookup('gone.example')
  await resolver.fail('ENOTFOUND')
  assert.deepEqual(one.waiter.heard, ['failed: ENOTFOUND'])
  const two = lookup('gone.example')
  assert.ok(two.result.kind === 'failed')
  assert.deepEqual(two.result.failure, { kind: 'failed', reason: 'ENOTFOUND' })
  assert.equal(resolver.questions.length, 0, 'no query for the second')
  clock.advance(1000)
  assert.equal(value('num_hosts'), 0)
  assert.equal(lookup('gone.example').result.kind, 'waiting')
  assert.deepEqual(['dns_query_failure', 'host_removed'].map(value), [1, 1])
})

test('an answer without addresses of the family is a failure that says so', async () => {
  const { resolver, lookup } = made({ family: 'v4-only' })
  const one = lookup('six.example')
  await resolver.answer('fd00::1')
  assert.deepEqual(one.waiter.heard, ['failed: no addresses of family v4-only'])
  const two = lookup('none.example')
  await resolver.answer()
  assert.deepEqual(two.waiter.heard, ['failed: no addresses'])
})

test('patience ends with query_timeout; the late answer serves the next', async () => {
  const { resolver, lookup, clock, value } = made({ queryTimeoutMs: 5000 })
  const one = lookup('slow.example')
  clock.advance(5000)
  assert.deepEqual(one.waiter.heard, ['timeout: no answer within 5000 ms'])
  assert.equal(value('dns_query_timeout'), 1)
  const two = lookup('slow.example')
  assert.equal(two.result.kind, 'waiting')
  assert.equal(resolver.questions.length, 1, 'still the one query')
  await resolver.answer('10.0.0.1')
  assert.deepEqual(two.waiter.heard, ['10.0.0.1'])
  assert.deepEqual(one.waiter.heard.length, 1)
  clock.advance(6000)
  assert.equal(value('dns_query_timeout'), 1)
})

test('each who waits has the patience again when a query outlived the first', async () => {
  const { lookup, clock } = made({ queryTimeoutMs: 5000 })
  lookup('slow.example')
  clock.advance(5000)
  const two = lookup('slow.example')
  clock.advance(4999)
  assert.deepEqual(two.waiter.heard, [])
  clock.advance(1)
  assert.deepEqual(two.waiter.heard, ['timeout: no answer within 5000 ms'])
})

test('a name is asked for again at the refresh rate, and changes are told', async () => {
  const { cache, resolver, lookup, clock, value } = made({ refreshMs: 60_000 })
  const told: string[] = []
  cache.listen({
    onAddresses: (host, { use }) => told.push(`${host} ${use.map(({ address }) => address).join(' ')}`),
    onForgotten: (host) => told.push(`${host} forgotten`),
  })
  lookup('a.example')
  await resolver.answer('10.0.0.1')
  clock.advance(59_999)
  assert.equal(resolver.questions.length, 0)
  clock.advance(1)
  await resolver.answer('10.0.0.1')
  clock.advance(60_000)
  await resolver.answer('10.0.0.2')
  assert.deepEqual(told, ['a.example 10.0.0.1', 'a.example 10.0.0.2'])
  assert.equal(value('host_address_changed'), 2)
})

test('a lifetime that the resolver knows is the refresh rate, within min_refresh_rate', async () => {
  for (const [ttlSeconds, waits] of [
    [120, 120_000],
    [1, 5000],
    [0, 5000],
  ] as const) {
    const { resolver, lookup, clock } = made({ minRefreshMs: 5000 })
    lookup('a.example')
    resolver.questions.shift()?.answer([
      { address: '10.0.0.1', family: 4, ttlSeconds: 500 },
      { address: '10.0.0.2', family: 4, ttlSeconds },
    ])
    await settle()
    assert.equal(clock.nextIn, waits)
  }
})

test('lifetimes that no timer holds are waited for in parts', async () => {
  const { resolver, lookup, clock } = made({ hostTtlMs: 90 * 24 * 3600 * 1000 })
  lookup('a.example')
  resolver.questions.shift()?.answer([{ address: '10.0.0.1', family: 4, ttlSeconds: 30 * 24 * 3600 }])
  await settle()
  assert.ok((clock.nextIn ?? Infinity) < 2 ** 31)
  clock.advance(30 * 24 * 3600 * 1000 - 1)
  assert.equal(resolver.questions.length, 0)
  clock.advance(1)
  assert.equal(resolver.questions.length, 1)
})

test('a refresh that fails keeps the addresses and is tried again sooner', async () => {
  const { resolver, lookup, clock, cache } = made({ refreshMs: 60_000 })
  lookup('a.example')
  await resolver.answer('10.0.0.1')
  clock.advance(60_000)
  await resolver.fail('ESERVFAIL')
  assert.equal(lookup('a.example').result.kind, 'resolved')
  for (const waits of [500, 1000, 2000]) {
    assert.equal(clock.nextIn, waits)
    clock.advance(waits)
    await resolver.fail('ESERVFAIL')
  }
  assert.deepEqual(cache.addressesOf('a.example')?.use, addresses('10.0.0.1'))
})

test('a name that nobody uses for host_ttl is forgotten; use keeps it', async () => {
  const { cache, resolver, lookup, clock, value } = made({ refreshMs: 60_000, hostTtlMs: 150_000 })
  const gone: string[] = []
  cache.listen({ onAddresses: () => undefined, onForgotten: (host) => gone.push(host) })
  lookup('a.example')
  await resolver.answer('10.0.0.1')
  for (let i = 0; i < 4; i++) {
    clock.advance(60_000)
    await resolver.answer('10.0.0.1')
    cache.addressesOf('a.example')
  }
  clock.advance(60_000)
  await resolver.answer('10.0.0.1')
  clock.advance(60_000)
  await resolver.answer('10.0.0.1')
  assert.deepEqual(gone, [])
  clock.advance(30_000)
  assert.deepEqual(gone, ['a.example'])
  assert.equal(value('num_hosts'), 0)
  assert.equal(clock.pending, 0)
})

test('max_hosts: names that never resolved make room, resolved ones do not', async () => {
  const { resolver, lookup, value } = made({ maxHosts: 2 })
  lookup('a.example')
  await resolver.answer('10.0.0.1')
  lookup('bad.example')
  await resolver.fail()
  const b = lookup('b.example')
  assert.equal(b.result.kind, 'waiting', 'in place of bad.example')
  const c = lookup('c.example')
  assert.ok(c.result.kind === 'failed', 'b.example is still being asked for')
  assert.equal(c.result.failure.kind, 'hosts-overflow')
  assert.match(c.result.failure.reason, /^it holds 2 names already \(max_hosts of DNS cache "names", envoy\.yaml:80\)$/)
  await resolver.answer('10.0.0.2')
  assert.equal(lookup('c.example').result.kind, 'failed')
  assert.equal(value('host_overflow'), 2)
  assert.equal(value('num_hosts'), 2)
})

test('a query under way is not forgotten to make room, or queries would be without bound', () => {
  const { resolver, lookup } = made({ maxHosts: 1 })
  const { result } = lookup('a.example')
  assert.ok(result.kind === 'waiting')
  result.ticket.cancel()
  assert.equal(lookup('b.example').result.kind, 'failed')
  assert.equal(resolver.questions.length, 1)
})

test('those who may wait are counted', async () => {
  const { resolver, lookup, value } = made({ maxPendingRequests: 2 })
  const one = lookup('a.example')
  lookup('b.example')
  assert.equal(value('circuit_breakers.rq_pending_open'), 1)
  const three = lookup('a.example')
  assert.ok(three.result.kind === 'failed')
  assert.equal(three.result.failure.kind, 'pending-overflow')
  assert.equal(value('dns_rq_pending_overflow'), 1)
  assert.ok(one.result.kind === 'waiting')
  one.result.ticket.cancel()
  one.result.ticket.cancel()
  assert.equal(lookup('a.example').result.kind, 'waiting', 'a cancelled one made room')
  assert.equal(lookup('c.example').result.kind, 'failed', 'but only once')
  await resolver.answer('10.0.0.1')
  assert.deepEqual(one.waiter.heard, [])
  assert.equal(value('circuit_breakers.rq_pending_open'), 0)
})

test('one that is cancelled while others are told hears nothing', async () => {
  const { cache, resolver } = made()
  const heard: string[] = []
  const late = { cancel: (): void => undefined }
  cache.lookup('a.example', {
    onResolved: () => {
      heard.push('first')
      late.cancel()
    },
    onLookupFailed: () => undefined,
  })
  const second = cache.lookup('a.example', { onResolved: () => heard.push('second'), onLookupFailed: () => undefined })
  assert.ok(second.kind === 'waiting')
  late.cancel = () => second.ticket.cancel()
  await resolver.answer('10.0.0.1')
  assert.deepEqual(heard, ['first'])
})

test('a fault of one that waits does not keep the answer from the others', async () => {
  const faults: unknown[] = []
  onFault((error) => faults.push(error))
  const { cache, resolver, lookup } = made()
  const fault = new Error('bug')
  cache.lookup('a.example', {
    onResolved: () => {
      throw fault
    },
    onLookupFailed: () => undefined,
  })
  const other = lookup('a.example')
  await resolver.answer('10.0.0.1')
  assert.deepEqual(other.waiter.heard, ['10.0.0.1'])
  assert.deepEqual(faults, [fault])
})

test('stop tells those who wait and leaves no timer; a late answer does nothing', async () => {
  const { cache, resolver, lookup, clock, value } = made()
  lookup('known.example')
  await resolver.answer('10.0.0.1')
  const one = lookup('a.example')
  cache.stop()
  assert.deepEqual(one.waiter.heard, ['stopped: the proxy is stopping'])
  assert.equal(clock.pending, 0)
  await resolver.answer('10.0.0.2')
  assert.equal(clock.pending, 0)
  assert.equal(value('num_hosts'), 0)
})

test('preresolve asks at the start, once, and skips what needs no lookup', async () => {
  const preresolve = [
    { host: 'A.example.', port: 443 },
    { host: 'a.example', port: 80 },
    { host: '10.0.0.1', port: 80 },
    { host: 'a..b', port: 80 },
  ]
  const { cache, resolver, lookup } = made({ preresolve })
  cache.start()
  cache.start()
  assert.deepEqual(
    resolver.questions.map(({ host }) => host),
    ['a.example'],
  )
  await resolver.answer('10.0.0.1')
  assert.equal(lookup('a.example').result.kind, 'resolved')
})

test('whoever names a cache shares it', () => {
  const context = {
    clock: new ManualClock(),
    random: () => 0,
    resolver: new HeldResolver(),
    registry: new StatRegistry(),
  }
  const caches = new DnsCaches(context)
  assert.equal(caches.get(dnsCacheConfig()), caches.get(dnsCacheConfig()))
  assert.notEqual(caches.get(dnsCacheConfig()), caches.get(dnsCacheConfig({ name: 'others' })))
})
