// The truth table of upgrade_configs: what the connection manager says, what the route says, what happens, through which
// filters. Filters add a header, so the application sees which chain a request went through.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  addRequestHeader,
  bootstrap,
  bufferFilter,
  cluster,
  listener,
  ROUTER,
  route,
  type YamlMap,
} from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

const own = (word: string): YamlMap[] => [addRequestHeader('own', 'x-chain', word), ROUTER]

type Manager = 'absent' | 'enabled' | 'disabled' | 'enabled-filters' | 'disabled-filters'
type RouteWord = 'absent' | 'enabled' | 'disabled'

const MANAGER: Readonly<Record<Manager, readonly YamlMap[]>> = {
  absent: [],
  enabled: [{ upgrade_type: 'websocket' }],
  disabled: [{ upgrade_type: 'websocket', enabled: false }],
  'enabled-filters': [{ upgrade_type: 'websocket', filters: own('manager') }],
  'disabled-filters': [{ upgrade_type: 'websocket', enabled: false, filters: own('manager') }],
}

const ROUTES: readonly YamlMap[] = [
  route('/absent', 'app'),
  route('/enabled', 'app', { upgrade_configs: [{ upgrade_type: 'WebSocket', enabled: true }] }),
  route('/disabled', 'app', { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] }),
  route('/own', 'app', { upgrade_configs: [{ upgrade_type: 'websocket', filters: own('route') }] }),
  route('/foo', 'app', { upgrade_configs: [{ upgrade_type: 'foo' }] }),
  route(
    '/unbuffered',
    'app',
    {},
    {
      typed_per_filter_config: {
        buffer: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
          disabled: true,
        },
      },
    },
  ),
  { match: { connect_matcher: {} }, route: { cluster: 'app' } },
]

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp()
  const listeners = Object.entries(MANAGER).map(([name, upgrades]) =>
    listener({ name, upgrades, routes: ROUTES, filters: [addRequestHeader('default', 'x-chain', 'default')] }),
  )
  const buffered = listener({ name: 'buffered', routes: ROUTES, filters: [bufferFilter(1000)] })
  proxy = await startProxy(bootstrap([...listeners, buffered], [cluster({ name: 'app', port: app.port })]))
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

let visits = 0

/** The status, and the filter chain that the application saw. */
async function ask(listenerName: string, path: string, type = 'websocket'): Promise<[number, string | undefined]> {
  const client = await rawClient(proxy.port(listenerName))
  const target = `${path}/${++visits}`
  client.write(upgradeRequest(target, type))
  const { status } = await client.answer()
  client.close()
  return [status, status === 101 ? (await app.tunnel(target)).headers.get('x-chain') : undefined]
}

const TABLE: readonly (readonly [Manager, RouteWord, number, string?])[] = [
  ['absent', 'absent', 403],
  ['absent', 'enabled', 101, 'default'],
  ['absent', 'disabled', 403],
  ['enabled', 'absent', 101, 'default'],
  ['enabled', 'enabled', 101, 'default'],
  ['enabled', 'disabled', 403],
  ['enabled-filters', 'absent', 101, 'manager'],
  ['enabled-filters', 'enabled', 101, 'manager'],
  ['enabled-filters', 'disabled', 403],
  ['disabled', 'absent', 403],
  ['disabled', 'enabled', 101, 'default'],
  ['disabled', 'disabled', 403],
  ['disabled-filters', 'absent', 403],
  ['disabled-filters', 'enabled', 101, 'manager'],
  ['disabled-filters', 'disabled', 403],
]

describe('upgrade_configs of the connection manager and of the route', () => {
  for (const [manager, word, status, chain] of TABLE) {
    const outcome = status === 403 ? 'refuse it' : `let it through the ${chain} filters`
    test(`manager ${manager}, route ${word}: ${outcome}`, async () => {
      assert.deepEqual(await ask(manager, `/${word}`), [status, chain])
    })
  }

  test("a route's own filters replace those of the manager for that type", async () => {
    assert.deepEqual(await ask('enabled', '/own'), [101, 'route'])
    assert.deepEqual(await ask('enabled-filters', '/own'), [101, 'route'])
    assert.deepEqual(await ask('absent', '/own'), [101, 'route'])
  })

  test('types are told apart, without regard to case', async () => {
    assert.deepEqual(await ask('enabled', '/foo', 'FOO'), [101, 'default'])
    assert.deepEqual(await ask('enabled', '/absent', 'foo'), [403, undefined])
    assert.deepEqual(await ask('enabled', '/foo', 'foo, websocket'), [403, undefined])
    assert.deepEqual(await ask('enabled', '/absent', 'WebSocket'), [101, 'default'])
  })

  test('CONNECT is looked up by its own word: 403 with a route, and says so', async () => {
    const client = await rawClient(proxy.port('enabled'))
    client.write('CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n')
    const answer = await client.answer()
    assert.equal(answer.status, 403)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', /CONNECT is not enabled/)
    client.close()
  })

  test('Upgrade without the Connection token is an ordinary request without either header', async () => {
    const client = await rawClient(proxy.port('absent'))
    client.write('GET /absent/plain HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: keep-alive\r\n\r\n')
    const tunnel = await app.tunnel('/absent/plain')
    assert.equal(tunnel.headers.has('upgrade'), false)
    client.close()
  })

  test('Upgrade: h2c is dropped and the request goes on', async () => {
    const client = await rawClient(proxy.port('absent'))
    client.write(
      'GET /absent/h2c HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n',
    )
    const tunnel = await app.tunnel('/absent/h2c')
    assert.deepEqual([tunnel.headers.has('upgrade'), tunnel.headers.has('http2-settings')], [false, false])
    client.close()
  })

  test('an extended CONNECT obeys the same table', async () => {
    for (const [name, path, status] of [
      ['enabled', '/absent/two', 200],
      ['absent', '/absent/two', 403],
      ['absent', '/enabled/two', 200],
    ] as const) {
      const session = await http2Session(`http://127.0.0.1:${proxy.port(name)}`)
      const tunnel = await session.tunnel(path, 'websocket', {
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
      })
      assert.equal(tunnel.status, status, `${name} ${path}`)
      tunnel.stream.destroy()
      await session.close()
    }
  })

  test('a buffer filter that a route disables does not hold its tunnels back', async () => {
    const client = await rawClient(proxy.port('buffered'))
    client.write(upgradeRequest('/unbuffered/x'))
    assert.equal((await client.answer()).status, 101)
    client.close()
  })
})
