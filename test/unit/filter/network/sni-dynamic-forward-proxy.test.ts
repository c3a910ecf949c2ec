import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsCache } from '../../../../src/cluster/dns-cache/dns-cache.ts'
import { targetOfConnection } from '../../../../src/cluster/target.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { nextConnectionId } from '../../../../src/core/ids.ts'
import type { Admission } from '../../../../src/filter/network-filter.ts'
import { sniDynamicForwardProxy } from '../../../../src/filter/network/sni-dynamic-forward-proxy/sni-dynamic-forward-proxy.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import type { TlsInfo } from '../../../../src/transport/byte-stream.ts'
import { ConnectionState } from '../../../../src/transport/connection-state.ts'
import { memoryPair } from '../../../../src/transport/memory.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { addresses, cluster, dnsCacheConfig, FakeResolver, settle } from '../../cluster/build.ts'

function made(more: Parameters<typeof dnsCacheConfig>[0] = {}) {
  const resolver = new FakeResolver()
  const registry = new StatRegistry()
  const cache = new DnsCache(dnsCacheConfig(more), { clock: new ManualClock(), random: () => 0, resolver, registry })
  const gate = sniDynamicForwardProxy(8443, cache)
  const arrive = (serverName: string, tls?: TlsInfo, state?: ConnectionState) => {
    const { accepted } = memoryPair(tls === undefined ? {} : { tls })
    if (state !== undefined) accepted.amend({ state })
    const heard: Admission[] = []
    const arrival = { stream: accepted, id: nextConnectionId(), listenerName: 'l', filterChainName: '', serverName }
    const pass = gate.admit(arrival, (admission) => heard.push(admission))
    const said = () =>
      heard.map((one) => (one.kind === 'admitted' ? 'admitted' : `${one.cause.code}: ${one.cause.detail}`))
    const target = () => targetOfConnection(cluster({ discovery: 'dynamic-forward-proxy' }), accepted.info, serverName)
    return { pass, said, target, stream: accepted }
  }
  return { resolver, arrive }
}

const tlsInfo = (serverName: string): TlsInfo => ({
  version: 'TLSv1.3',
  cipher: '',
  serverName,
  alpn: '',
  sessionId: '',
  sessionReused: false,
  peerVerified: false,
})

test('the server name is looked up and becomes the target of the tcp_proxy behind', async () => {
  const { resolver, arrive } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const first = arrive('a.example')
  assert.deepEqual(first.said(), [])
  assert.ok(first.pass)
  await settle()
  assert.deepEqual(first.said(), ['admitted'])
  assert.equal(first.target(), 'a.example:8443')
  const second = arrive('A.example')
  assert.deepEqual(second.said(), ['admitted'], 'at once')
  assert.equal(second.target(), 'a.example:8443')
})

test('the server name of a session that ended here counts too', async () => {
  const { resolver, arrive } = made()
  resolver.answers.set('b.example', addresses('10.0.0.1'))
  const { said, target } = arrive('', tlsInfo('b.example'))
  await settle()
  assert.deepEqual(said(), ['admitted'])
  assert.equal(target(), 'b.example:8443')
})

test('filter state that was set before wins, and the rest of the state stays', async () => {
  const { resolver, arrive } = made()
  resolver.answers.set('c.example', addresses('10.0.0.1'))
  const state = new ConnectionState()
  state.filterState.set('envoy.upstream.dynamic_host', 'c.example')
  state.filterState.set('envoy.upstream.dynamic_port', '99')
  state.sniffedProtocol = 'h2c'
  const { target, stream } = arrive('a.example', undefined, state)
  await settle()
  assert.equal(target(), 'c.example:99')
  assert.equal(stream.info.state?.sniffedProtocol, 'h2c')
})

test('without a server name everything passes', () => {
  const { resolver, arrive } = made()
  const { said, target, pass } = arrive('')
  assert.deepEqual(said(), ['admitted'])
  assert.equal(target(), undefined)
  assert.equal(pass, undefined)
  assert.deepEqual(resolver.asked, [])
})

test('a name that does not resolve, or is none, is refused with the reason', async () => {
  const { arrive, resolver } = made()
  const gone = arrive('gone.example')
  await settle()
  assert.deepEqual(gone.said(), ['target_name_unresolved: the server name gone.example cannot be looked up: ENOTFOUND'])
  assert.deepEqual(arrive('gone.example').said(), gone.said(), 'known to fail')
  for (const name of ['a..b', '127.1', '0x7f.1', 'a'.repeat(300), 'a\u0000b'])
    assert.match(arrive(name).said()[0] ?? '', /^invalid_authority: the server name/, name)
  assert.equal(resolver.asked.length, 1)
  assert.match(made({ maxHosts: 0 }).arrive('a.example').said()[0] ?? '', /^dns_cache_overflow: /)
})

test('a client that left hears nothing', async () => {
  const { resolver, arrive } = made()
  resolver.answers.set('a.example', addresses('10.0.0.1'))
  const { pass, said, stream } = arrive('a.example')
  stream.reset(closeCause('client', 'tcp', 'client_disconnect'))
  pass?.released()
  await settle()
  assert.deepEqual(said(), [])
})
