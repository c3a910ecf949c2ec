import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOWHERE } from '../../../src/config/model/place.ts'
import type { ConnectTermination } from '../../../src/config/model/route.ts'
import { terminationOf, tunnelIntent } from '../../../src/route/connect-termination.ts'
import { connectTo, forward, prefix, request, route } from './build.ts'

const ends = (allowPost = false): ConnectTermination => ({ proxyProtocol: undefined, allowPost, place: NOWHERE })
const cluster = (terminatesConnect: boolean) => ({ terminatesConnect, place: NOWHERE })
const upgrade = (type: string) => request({ tunnel: { kind: 'upgrade', type } })

test('a POST is taken for a CONNECT only by a route that allows it', async (t) => {
  const rows = [
    ['allow_post', request({ method: 'POST' }), forward({ connect: ends(true) }), 'connect'],
    ['connect_config without allow_post', request({ method: 'POST' }), forward({ connect: ends() }), undefined],
    ['no connect_config', request({ method: 'POST' }), forward(), undefined],
    ['another method', request({ method: 'PUT' }), forward({ connect: ends(true) }), undefined],
    ['a method in small letters', request({ method: 'post' }), forward({ connect: ends(true) }), undefined],
  ] as const
  for (const [name, head, action, kind] of rows) {
    await t.test(name, () => assert.equal(tunnelIntent(head, route('r', prefix('/'), { action }))?.kind, kind))
  }
})

test('a POST that asks for an upgrade keeps what it asks for', () => {
  const head = request({ method: 'POST', tunnel: { kind: 'upgrade', type: 'websocket' } })
  const terminating = route('r', prefix('/'), { action: forward({ connect: ends(true) }) })
  assert.deepEqual(tunnelIntent(head, terminating), { kind: 'upgrade', type: 'websocket' })
})

test('what ends here and what is passed on', async (t) => {
  const rows = [
    ['CONNECT with connect_config', connectTo('a:1'), ends(), false, true],
    ['CONNECT without', connectTo('a:1'), undefined, false, false],
    ['CONNECT to a cluster with a TCP pool', connectTo('a:1'), undefined, true, true],
    ['connect-udp with connect_config', upgrade('connect-udp'), ends(), false, true],
    ['a WebSocket on the same route', upgrade('websocket'), ends(), true, false],
    ['an ordinary request on the same route', request(), ends(true), true, false],
  ] as const
  for (const [name, head, termination, pool, ended] of rows) {
    await t.test(name, () => {
      const found = terminationOf(head, forward({ connect: termination }), cluster(pool))
      assert.equal(found !== undefined, ended)
    })
  }
})

test('the connect_config of the route is the one that counts', () => {
  const own = ends(true)
  assert.equal(terminationOf(connectTo('a:1'), forward({ connect: own }), cluster(true)), own)
})
