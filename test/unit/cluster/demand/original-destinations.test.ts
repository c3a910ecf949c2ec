import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PickContext } from '../../../../src/cluster/balance/picker.ts'
import type { Cluster, OriginalDestination } from '../../../../src/config/model/cluster.ts'
import { address } from '../../../support/exchange-facts.ts'
import { cluster, place, world } from '../build.ts'

const original = address('10.9.9.9', 8080)

function made(settings: Partial<OriginalDestination> = {}, more: Partial<Cluster> = {}) {
  const originalDestination = { headerName: 'x-to', portOverride: undefined, cleanupMs: 5000, ...settings }
  const all = world(cluster({ discovery: 'original-dst', originalDestination, ...more }))
  all.runtime.start()
  const pick = (context: Omit<PickContext, 'tried'>): string => {
    const picked = all.runtime.pick({ tried: [], ...context })
    return picked.kind === 'none' ? `${picked.code}: ${picked.reason}` : picked.text
  }
  const stat = (name: string): number => all.registry.counter(`cluster.app.${name}`).value
  return { ...all, pick, stat }
}

test('the header decides, else the original destination', () => {
  const { pick, stat } = made()
  assert.equal(pick({ target: '10.0.0.1:80', original }), '10.0.0.1:80')
  assert.equal(pick({ target: '[fd00:0::1]:80', original }), '[fd00::1]:80')
  assert.equal(pick({ original }), '10.9.9.9:8080')
  assert.equal(stat('original_dst_host_invalid'), 0)
})

test('a header that is no ip:port is counted and passed over', () => {
  const { pick, stat } = made()
  const bad = [
    'localhost:80',
    '10.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '127.1:80',
    '::1:80',
    '[fe80::1%eth0]:80',
    '',
  ]
  for (const target of bad) assert.equal(pick({ target, original }), '10.9.9.9:8080', target)
  assert.equal(stat('original_dst_host_invalid'), bad.length)
})

test('without use_http_header no header counts', () => {
  const { pick, stat } = made({ headerName: '' })
  assert.equal(pick({ target: '10.0.0.1:80', original }), '10.9.9.9:8080')
  assert.equal(pick({ target: 'nonsense', original }), '10.9.9.9:8080')
  assert.equal(stat('original_dst_host_invalid'), 0)
})

test('the port override wins over both', () => {
  const { pick } = made({ portOverride: 15001 })
  assert.equal(pick({ target: '10.0.0.1:80' }), '10.0.0.1:15001')
  assert.equal(pick({ original }), '10.9.9.9:15001')
})

test('without an address the reason says what is missing', () => {
  const { pick, stat } = made({ headerName: ':authority' })
  const where = 'no_healthy_upstream: cluster "app" (envoy.yaml:60): '
  const none =
    'the connection has no original destination: was it redirected, to a listener with the original_dst filter?'
  assert.equal(pick({}), `${where}the request has no header ":authority" (http_header_name), and ${none}`)
  assert.equal(
    pick({ target: 'a.example\u001b:80' }),
    `${where}header ":authority" has "a.example\\x1b:80", which is no ip:port, and ${none}`,
  )
  assert.ok(pick({ target: 'a'.repeat(10_000) }).length < 500)
  assert.equal(made({ headerName: '' }).pick({ target: 'x' }), `${where}${none}`)
  assert.equal(
    pick({ original: address('/run/app.sock', 0) }).slice(0, where.length),
    where,
    'a pipe is no destination',
  )
  assert.equal(stat('upstream_cx_none_healthy'), 4)
})

test('an endpoint is shared while it is used and forgotten after cleanup_interval', () => {
  const { runtime, clock, registry, stat } = made()
  const gone: string[] = []
  runtime.onEndpointRemoved((endpoint) => gone.push(endpoint.text))
  const first = runtime.pick({ tried: [], target: '10.0.0.1:80' })
  assert.equal(runtime.pick({ tried: [], target: '10.0.0.1:80' }), first)
  assert.ok(first.kind === 'endpoint')
  runtime.pick({ tried: [], target: '10.0.0.2:80' })
  const gauge = registry.gauge('cluster.app.membership_total')
  assert.deepEqual([gauge.value, stat('membership_change'), runtime.endpoints.length], [2, 2, 2])
  first.stats.cxActive = 1
  clock.advance(20_000)
  assert.deepEqual(gone, ['10.0.0.2:80'], 'one has a connection open')
  first.stats.cxActive = 0
  clock.advance(5000)
  assert.deepEqual(gone, ['10.0.0.2:80', '10.0.0.1:80'])
  assert.equal(first.removed, true)
  assert.deepEqual([gauge.value, stat('membership_change'), clock.pending], [0, 4, 0])
  assert.notEqual(runtime.pick({ tried: [], target: '10.0.0.1:80' }), first)
})

test('an endpoint that is being dialled outlives a shorter cleanup_interval', () => {
  const { runtime, clock } = made({ cleanupMs: 1000 }, { connectTimeoutMs: 6000 })
  runtime.pick({ tried: [], target: '10.0.0.1:80' })
  clock.advance(6000)
  assert.equal(runtime.endpoints.length, 1)
  clock.advance(2000)
  assert.equal(runtime.endpoints.length, 0)
})

test('the number of endpoints is bounded: unused ones make room, used ones do not', () => {
  const { runtime, clock, pick } = made({ cleanupMs: 3_600_000 })
  for (let i = 0; i < 16 * 1024; i++) assert.match(pick({ target: `10.0.${i >> 8}.${i & 255}:80` }), /^10/)
  const used = runtime.pick({ tried: [], target: '10.0.0.0:80' })
  assert.ok(used.kind === 'endpoint')
  used.stats.cxActive = 1
  assert.match(pick({ target: '11.0.0.1:80' }), /^no_healthy_upstream: cluster "app" \(envoy\.yaml:60\) has no room/)
  clock.advance(10_000)
  assert.equal(pick({ target: '11.0.0.1:80' }), '11.0.0.1:80')
  assert.ok(runtime.endpoints.length <= 16 * 1024)
  assert.equal(used.removed, false)
})

test('the target policy holds for headers and original destinations', () => {
  const targetPolicy = { allow: [], onlyAllowed: false, place: place(12) }
  const { pick, runtime } = made({}, { targetPolicy })
  assert.match(
    pick({ target: '169.254.169.254:80' }),
    /^target_not_allowed: the target 169\.254\.169\.254:80 is a link-local/,
  )
  assert.match(
    pick({ target: '[::ffff:127.0.0.1]:80' }),
    /^target_not_allowed: the target 127\.0\.0\.1:80 is a loopback/,
  )
  assert.match(pick({ original }), /^target_not_allowed: the target 10\.9\.9\.9:8080 is a private/)
  assert.equal(pick({ target: '1.1.1.1:443' }), '1.1.1.1:443')
  assert.equal(runtime.endpoints.length, 1)
})

test('stop leaves no timer', () => {
  const { runtime, clock } = made()
  runtime.pick({ tried: [], target: '10.0.0.1:80' })
  runtime.stop()
  assert.equal(clock.pending, 0)
})
