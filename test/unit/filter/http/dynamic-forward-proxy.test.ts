import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterRuntime } from '../../../../src/cluster/cluster-runtime.ts'
import { DnsCaches } from '../../../../src/cluster/dns-cache/dns-caches.ts'
import type { RequestHead } from '../../../../src/codec/http-stream.ts'
import type { Cluster } from '../../../../src/config/model/cluster.ts'
import type { DnsCacheConfig } from '../../../../src/config/model/dns-cache.ts'
import type { ClusterChoice } from '../../../../src/config/model/route.ts'
import { NO_MUTATIONS } from '../../../../src/config/model/header-mutation.ts'
import {
  type DynamicForwardProxyConfig,
  dynamicForwardProxyFilter,
} from '../../../../src/filter/http/dynamic-forward-proxy/dynamic-forward-proxy.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { compileRouteTable } from '../../../../src/route/compiled-table.ts'
import { selectRoute } from '../../../../src/route/select-route.ts'
import { PAUSE } from '../../../../src/transport/byte-stream.ts'
import { requestHead } from '../../../support/exchange-facts.ts'
import { RecordedHandle } from '../../../support/exchange-handle.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { addresses, cluster, dnsCacheConfig, FakeResolver, place, settle } from '../../cluster/build.ts'
import { forward, prefix, route, table, virtualHost } from '../../route/build.ts'

interface Wishes {
  readonly cluster?: Partial<Cluster>
  readonly cache?: Partial<DnsCacheConfig>
  readonly choice?: ClusterChoice
  readonly override?: Partial<DynamicForwardProxyConfig>
}

function made(wishes: Wishes = {}) {
  const resolver = new FakeResolver()
  const context = { clock: new ManualClock(), random: () => 0, resolver, registry: new StatRegistry() }
  const dnsCaches = new DnsCaches(context)
  const dnsCache = dnsCacheConfig(wishes.cache)
  const named = cluster({ name: 'named', discovery: 'dynamic-forward-proxy', dnsCache, ...wishes.cluster })
  const runtime = new ClusterRuntime(named, { ...context, dnsCaches })
  runtime.start()
  const clusters = new Map([
    ['named', { cluster: named, runtime }],
    ['app', { cluster: cluster(), runtime }],
  ])
  const config: DynamicForwardProxyConfig = {
    kind: 'dynamic-forward-proxy',
    name: 'dfp',
    disabled: false,
    place: place(30),
    cache: dnsCache,
    hostRewrite: '',
    hostRewriteHeader: '',
  }
  const factory = dynamicForwardProxyFilter(config, {
    cache: dnsCaches.get(dnsCache),
    cluster: (name) => clusters.get(name),
  })
  const action = forward({ cluster: wishes.choice ?? { kind: 'cluster', name: 'named' } })
  const routes = compileRouteTable(table([virtualHost('all', ['*'], [route('r', prefix('/'), { action })])]))
  const override = wishes.override === undefined ? undefined : { ...config, ...wishes.override }
  const run = (changes: Partial<RequestHead>, fields: readonly string[] = [], endStream = true) => {
    const head = requestHead(fields, { tunnel: undefined, ...changes })
    const selected = selectRoute(routes, { head: { ...head, path: '/' }, internal: false, tls: undefined, random: 0 })
    assert.ok(selected.kind === 'route')
    const handle = new RecordedHandle(selected, head)
    const filter = factory.create(handle, override)
    const verdict = filter.onRequestHead?.(head, endStream)
    return { head, handle, filter, verdict }
  }
  return { run, runtime, resolver, clock: context.clock }
}

const CONNECT = { method: 'CONNECT', path: '', tunnel: { kind: 'connect' } } as const

test('a request waits until its name is known, then finds the endpoint; the next one does not wait', async () => {
  const { run, runtime, resolver } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const { handle, verdict } = run({ authority: 'A.example' })
  assert.equal(verdict, 'stop')
  assert.deepEqual(handle.calls, [])
  await settle()
  assert.deepEqual(handle.calls, ['continue'])
  assert.equal(runtime.pick({ tried: [], target: 'a.example:80' }).kind, 'endpoint')
  assert.equal(run({ authority: 'a.example:8080' }).verdict, 'continue')
})

test('CONNECT, upgrades and CONNECT-UDP wait alike', async () => {
  const { run, resolver } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const udp = { kind: 'upgrade', type: 'connect-udp' } as const
  const all = [run({ ...CONNECT, authority: 'a.example:443' }, [], false)]
  all.push(run({ tunnel: udp, authority: 'a.example:443' }, [], false))
  await settle()
  for (const { handle, verdict } of all) {
    assert.equal(verdict, 'stop')
    assert.deepEqual(handle.calls, ['continue'])
  }
  assert.deepEqual(resolver.asked, ['a.example both ttl'])
})

test('an address is not looked up', () => {
  const { run, resolver } = made()
  for (const authority of ['10.0.0.1', '[::1]:80', '[::ffff:10.0.0.1]:80'])
    assert.equal(run({ authority }).verdict, 'continue', authority)
  assert.deepEqual(resolver.asked, [])
})

test('a name that does not resolve is answered with 503 and the reason', async () => {
  const { run } = made()
  const { handle } = run({ ...CONNECT, authority: 'gone.example:443' })
  await settle()
  assert.deepEqual(handle.calls, ['target_name_unresolved'])
  assert.equal(handle.reply?.details, 'dns_resolution_failure{ENOTFOUND}')
  assert.equal(handle.reply?.explanation, 'looking up the name of gone.example:443 failed: ENOTFOUND')
  assert.deepEqual(handle.reply?.place, place(30))
  const again = run({ authority: 'gone.example' })
  assert.equal(again.verdict, 'stop', 'known to fail')
  assert.deepEqual(again.handle.calls, ['target_name_unresolved'])
})

test('a full cache, and too many that wait, are answered with 503', () => {
  const full = made({ cache: { maxHosts: 0 } }).run({ authority: 'a.example' })
  assert.equal(full.handle.reply?.details, 'dns_cache_overflow')
  assert.match(
    full.handle.reply?.explanation ?? '',
    /the name of a\.example:80 cannot be looked up: it holds 0 names already/,
  )
  const { run } = made({ cache: { maxPendingRequests: 1 } })
  run({ authority: 'a.example' })
  const second = run({ authority: 'a.example' })
  assert.deepEqual(second.handle.calls, ['dns_cache_overflow'])
  assert.equal(second.handle.reply?.details, 'dynamic_forward_proxy_pending_request_overflow')
})

const HOSTILE = [
  '127.1',
  '2130706433',
  '0x7f.1',
  'a..b',
  '.',
  `${'a.'.repeat(150)}b`,
  'a:0',
  'a:65536',
  '[fe80::1%eth0]:80',
]

test('what is no host is answered with 400, without a query', () => {
  const { run, resolver } = made()
  for (const authority of [...HOSTILE, '[a]', '::1', 'b\u00fccher.example', 'user@a']) {
    const { handle, verdict } = run({ authority })
    assert.equal(verdict, 'stop', authority)
    assert.deepEqual(handle.calls, ['invalid_authority'], authority)
  }
  assert.deepEqual(resolver.asked, [])
})

test('the target policy refuses before a lookup where no answer could change it', async () => {
  const targetPolicy = {
    allow: [{ host: 'a.example', range: undefined, ports: undefined }],
    onlyAllowed: true,
    place: place(12),
  }
  const { run, resolver } = made({ cluster: { targetPolicy } })
  const other = run({ authority: 'b.example' })
  assert.deepEqual(other.handle.calls, ['target_not_allowed'])
  assert.deepEqual(other.handle.reply?.place, place(12))
  assert.deepEqual(run({ authority: '169.254.169.254' }).handle.calls, ['target_not_allowed'])
  assert.deepEqual(resolver.asked, [])
  assert.equal(run({ authority: 'a.example' }).verdict, 'stop')
  assert.equal(resolver.asked.length, 1)
})

test('requests for other clusters pass; of weighted ones any that dials names is enough', () => {
  const member = (name: string) => ({
    cluster: { kind: 'cluster', name } as const,
    weight: 50,
    mutations: NO_MUTATIONS,
    hostRewrite: '',
    perFilter: new Map(),
    place: place(40),
  })
  const weighted = (...names: readonly string[]): ClusterChoice => ({
    kind: 'weighted',
    total: 100,
    headerName: '',
    clusters: names.map(member),
  })
  const verdict = (choice: ClusterChoice, fields: readonly string[] = []) =>
    made({ choice }).run({ authority: 'a.example' }, fields).verdict
  assert.equal(verdict({ kind: 'cluster', name: 'app' }), 'continue')
  assert.equal(verdict({ kind: 'cluster', name: 'missing' }), 'continue')
  assert.equal(verdict({ kind: 'header', header: 'x-cluster' }, ['x-cluster', 'named']), 'stop')
  assert.equal(verdict({ kind: 'header', header: 'x-cluster' }), 'continue')
  assert.equal(verdict(weighted('app', 'app')), 'continue')
  assert.equal(verdict(weighted('app', 'named')), 'stop')
})

test('a route may have another host looked up, which becomes the authority', () => {
  const rewritten = (
    override: Partial<DynamicForwardProxyConfig>,
    head: Partial<RequestHead>,
    fields: readonly string[] = [],
  ) => {
    const { run, resolver } = made({ override })
    const { head: changed } = run(head, fields)
    return `${changed.authority} ${resolver.asked.join()}`
  }
  const literal = { hostRewrite: 'b.example' }
  const header = { hostRewriteHeader: 'x-to' }
  assert.equal(rewritten(literal, { authority: 'a.example:8080' }), 'b.example b.example both ttl')
  assert.equal(rewritten(literal, { ...CONNECT, authority: 'a.example:8443' }), 'b.example:8443 b.example both ttl')
  assert.equal(
    rewritten({ hostRewrite: 'b.example:1' }, { ...CONNECT, authority: 'a.example:8443' }),
    'b.example:1 b.example both ttl',
  )
  assert.equal(
    rewritten(header, { authority: 'a.example' }, ['x-to', 'c.example:81']),
    'c.example:81 c.example both ttl',
  )
  assert.equal(rewritten(header, { authority: 'a.example' }), 'a.example a.example both ttl')
  assert.equal(rewritten(header, { authority: 'a.example' }, ['x-to', 'no host/']), 'a.example a.example both ttl')
})

test('a body waits at the client meanwhile', async () => {
  const { run, resolver } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const { handle, filter } = run({ method: 'POST', authority: 'a.example' }, ['content-length', '5'], false)
  assert.ok(handle.stream.pauses.has(PAUSE.filter))
  assert.equal(filter.onRequestData?.(Buffer.from('hello'), 0, 5, true), 'buffer')
  await settle()
  assert.equal(handle.stream.pauses.size, 0)
  assert.deepEqual(handle.calls, ['continue'])
  const failing = run({ method: 'POST', authority: 'gone.example' }, [], false)
  await settle()
  assert.equal(failing.handle.stream.pauses.size, 0, 'also after a failure')
  const tunnel = run({ ...CONNECT, authority: 'gone2.example:1' }, [], false)
  assert.equal(tunnel.handle.stream.pauses.size, 0, 'a client that waits for a tunnel may leave')
})

test('a client that left hears nothing', async () => {
  const { run, resolver } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const { handle, filter } = run({ authority: 'a.example' })
  filter.onDestroy?.()
  await settle()
  assert.deepEqual(handle.calls, [])
})
