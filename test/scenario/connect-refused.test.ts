// CONNECT where it is off, disabled, unrouted or malformed: Envoy's answers, and what happens to the connection. Also which
// virtual host and route a CONNECT gets, and what becomes of it when it is passed on.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectHttp2, CONNECTORS } from '../support/connect-client.ts'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

const CONNECT = { upgrade_configs: [{ upgrade_type: 'CONNECT' }] }
const connectRoute = (name: string, action: YamlMap = CONNECT, match: YamlMap = {}): YamlMap => ({
  name,
  match: { connect_matcher: {}, ...match },
  route: { cluster: 'next', ...action },
  request_headers_to_add: [{ header: { key: 'x-route', value: name } }],
})

const host = (name: string, domains: readonly string[], routes: readonly YamlMap[]): YamlMap => ({
  name,
  domains,
  routes,
})
const tables = (hosts: readonly YamlMap[], more: YamlMap = {}): YamlMap => ({
  route_config: { virtual_hosts: hosts },
  ...more,
})

const HOSTS = [
  host('exact', ['exact.example:443'], [connectRoute('exact')]),
  host('suffix', ['*.wild.example:443'], [connectRoute('suffix')]),
  host('prefix', ['anyport.example:*'], [connectRoute('prefix')]),
  host('portless', ['portless.example'], [connectRoute('portless')]),
  host(
    'disabled',
    ['off.example:443'],
    [connectRoute('disabled', { upgrade_configs: [{ upgrade_type: 'CONNECT', enabled: false }] })],
  ),
  host('absent', ['absent.example:443'], [connectRoute('absent', {})]),
  host('paths', ['paths.example:443'], [route('/', 'next', CONNECT), route('', 'next', CONNECT)]),
  host(
    'headers',
    ['headers.example:443'],
    [
      connectRoute('foo', CONNECT, { headers: [{ name: 'foo', string_match: { exact: 'bar' } }] }),
      connectRoute('other'),
    ],
  ),
  host(
    'rewrite',
    ['rewrite.example:443'],
    [connectRoute('literal', { ...CONNECT, host_rewrite_literal: 'inner.example:22' })],
  ),
  host('by-header', ['by-header.example:443'], [connectRoute('header', { ...CONNECT, host_rewrite_header: 'x-to' })]),
  host(
    'mixed',
    ['mixed.example:443', 'mixed.example'],
    [
      connectRoute('connect', { upgrade_configs: [{ upgrade_type: 'CONNECT' }, { upgrade_type: 'connect-udp' }] }),
      { name: 'rest', match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'path' } } },
    ],
  ),
]

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp(({ headers, method }) =>
    method === 'CONNECT' && headers.get('x-refuse') === undefined
      ? 'HTTP/1.1 200 OK\r\n\r\n'
      : 'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="x"\r\ncontent-length: 2\r\n\r\nno',
  )
  const dry = [{ name: 'd', domains: ['*'], routes: [route('/', 'next')] }]
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'front', routes: [], upgrades: [], hcm: tables(HOSTS) }),
        listener({ name: 'dry', routes: [], upgrades: [], hcm: tables(dry) }),
      ],
      [cluster({ name: 'next', port: app.port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

interface Row {
  readonly target: string
  readonly status: number
  /** The start of x-sluice-reason, or of the route that took it. */
  readonly says: string
}

const REFUSED: readonly Row[] = [
  { target: 'unknown.example:443', status: 404, says: 'route_not_found' },
  { target: 'exact.example:22', status: 404, says: 'route_not_found' },
  { target: 'wild.example:443', status: 404, says: 'route_not_found' },
  { target: 'a.wild.example:22', status: 404, says: 'route_not_found' },
  { target: 'portless.example:443', status: 404, says: 'route_not_found' },
  { target: 'paths.example:443', status: 404, says: 'route_not_found' },
  { target: 'off.example:443', status: 403, says: 'upgrade_failed' },
  { target: 'absent.example:443', status: 403, says: 'upgrade_failed' },
]

for (const [version, connect] of CONNECTORS) {
  describe(`CONNECT that is refused, by ${version}`, () => {
    for (const { target, status, says } of REFUSED) {
      test(`${target} gets ${status} ${says}`, async () => {
        const client = await connect({ port: proxy.port('front'), target })
        assert.equal(client.status, status)
        assert.match(client.headers.get('x-sluice-reason') ?? '', new RegExp(`^${says}[;]`))
        if (version === 'HTTP/1.1') {
          assert.equal(client.headers.get('connection'), 'close')
          await client.rest()
        }
        await client.close()
      })
    }

    test('a table without connect_matcher gives 404', async () => {
      const client = await connect({ port: proxy.port('dry'), target: 'a.example:1' })
      assert.equal(client.status, 404)
      await client.close()
    })

    test('an answer of the next proxy other than 2xx reaches the client with its body and opens nothing', async () => {
      const client = await connect({
        port: proxy.port('front'),
        target: 'exact.example:443',
        headers: { 'x-refuse': '1' },
      })
      assert.deepEqual([client.status, client.headers.get('proxy-authenticate')], [407, 'Basic realm="x"'])
      assert.equal((await client.read(2)).toString(), 'no')
      await client.close()
    })
  })

  describe(`CONNECT that is routed and passed on, by ${version}`, () => {
    const passed = async (target: string, headers: Readonly<Record<string, string>> = {}) => {
      const count = app.tunnels.length
      const client = await connect({ port: proxy.port('front'), target, headers })
      await client.close()
      return { status: client.status, seen: app.tunnels[count] }
    }

    for (const [target, name] of [
      ['exact.example:443', 'exact'],
      ['EXACT.example:443', 'exact'],
      ['a.wild.example:443', 'suffix'],
      ['a.b.wild.example:443', 'suffix'],
      ['anyport.example:22', 'prefix'],
      ['anyport.example:443', 'prefix'],
      ['headers.example:443', 'other'],
    ] as const) {
      test(`${target} takes route ${name}`, async () => {
        const { status, seen } = await passed(target)
        assert.equal(status, 200)
        assert.equal(seen?.headers.get('x-route'), name)
        assert.match(seen?.head ?? '', new RegExp(`^CONNECT ${target} HTTP/1.1\r\n`))
        assert.equal(seen?.headers.get('host'), target)
      })
    }

    test('header conditions hold for a CONNECT', async () => {
      const { seen } = await passed('headers.example:443', { foo: 'bar' })
      assert.equal(seen?.headers.get('x-route'), 'foo')
    })

    test('host_rewrite changes the target', async () => {
      const { seen } = await passed('rewrite.example:443')
      assert.match(seen?.head ?? '', /^CONNECT inner\.example:22 HTTP\/1\.1\r\n/)
      assert.equal(seen?.headers.get('host'), 'inner.example:22')
    })

    test('a rewrite from a header takes an authority and nothing else', async () => {
      const good = await passed('by-header.example:443', { 'x-to': 'other.example:1' })
      assert.match(good.seen?.head ?? '', /^CONNECT other\.example:1 HTTP/)
      const bad = await passed('by-header.example:443', { 'x-to': 'other.example:1 HTTP/1.1 x' })
      assert.match(bad.seen?.head ?? '', /^CONNECT by-header\.example:443 HTTP/)
    })

    test('Proxy-Authorization passes on, with no framing and no Connection added', async () => {
      const { seen } = await passed('exact.example:443', { 'proxy-authorization': 'Basic c2VjcmV0' })
      assert.equal(seen?.headers.get('proxy-authorization'), 'Basic c2VjcmV0')
      for (const name of ['content-length', 'transfer-encoding', 'connection'])
        assert.equal(seen?.headers.has(name), false)
    })
  })
}

describe('connect_matcher', () => {
  test('takes connect-udp and never a WebSocket', async () => {
    const session = await http2Session(`http://127.0.0.1:${proxy.port('front')}`)
    const webSocket = await session.tunnel('/x', 'websocket', { ':authority': 'mixed.example' })
    // The path route answers; to an HTTP/2 client a 2xx would accept, so it is a 502.
    assert.equal(webSocket.status, 502)
    const path = '/.well-known/masque/udp/mixed.example/443/'
    const udp = await session.tunnel(path, 'connect-udp', { ':authority': 'mixed.example' })
    assert.equal(udp.status, 407)
    assert.equal(app.tunnels.at(-1)?.headers.get('x-route'), 'connect')
    await session.close()
  })

  test('a WebSocket by HTTP/1.1 does not match it', async () => {
    const client = await rawClient(proxy.port('front'))
    client.write(upgradeRequest('/x', 'websocket', { headers: { host: 'mixed.example' } }))
    assert.equal((await client.answer()).status, 200)
    client.close()
  })
})

describe('malformed CONNECT by HTTP/1.1', () => {
  for (const [name, head, status] of [
    ['without a port', 'CONNECT exact.example HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['with port 0', 'CONNECT exact.example:0 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['with a URL', 'CONNECT http://exact.example:443 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['with a body length', 'CONNECT exact.example:443 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nGET /', 400],
    ['with chunks', 'CONNECT exact.example:443 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n', 501],
    ['with user information', 'CONNECT user@exact.example:443 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ] as const) {
    test(`${name} gets ${status} and the connection closes`, async () => {
      const count = app.tunnels.length
      const client = await rawClient(proxy.port('front'))
      client.write(head)
      const answer = await client.answer()
      assert.equal(answer.status, status)
      await client.rest()
      client.close()
      assert.equal(app.tunnels.length, count)
    })
  }

  test('what follows a refused CONNECT is never read as a request', async () => {
    const count = app.tunnels.length
    const client = await rawClient(proxy.port('front'))
    client.write(
      'CONNECT off.example:443 HTTP/1.1\r\nhost: x\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: mixed.example\r\n\r\n',
    )
    assert.equal((await client.answer()).status, 403)
    assert.doesNotMatch((await client.rest()).toString('latin1'), /HTTP\/1\.1/)
    client.close()
    assert.equal(app.tunnels.length, count)
  })
})

describe('malformed CONNECT by HTTP/2', () => {
  for (const authority of ['exact.example:', 'exact.example:0', 'exact.example:99999']) {
    test(`port of ${authority} gets 400`, async () => {
      const client = await connectHttp2({ port: proxy.port('front'), target: authority })
      assert.equal(client.status, 400)
      await client.close()
    })
  }
})
