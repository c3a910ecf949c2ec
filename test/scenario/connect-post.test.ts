// A POST that its route takes for a CONNECT (allow_post): the tunnel is made of the two message bodies. The far side is a
// plain TCP application.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type ConnectClient, connectHttp2, CONNECTORS } from '../support/connect-client.ts'
import { bootstrap, bufferFilter, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { startTcpApp, type TcpApp, type TcpVisitor } from '../support/tcp-app.ts'
import { delay, until, within } from '../support/waiting.ts'

const POST = { name: ':method', string_match: { exact: 'POST' } }
const tunnelled = (prefix: string, name: string, upgrade: YamlMap): YamlMap => ({
  match: { prefix, headers: [POST] },
  route: { cluster: name, upgrade_configs: [{ upgrade_type: 'CONNECT', ...upgrade }] },
})
const ALLOWED = { connect_config: { allow_post: true } }

let app: TcpApp
let proxy: ProxyProcess

before(async () => {
  app = await startTcpApp()
  const gone = await startTcpApp()
  const gonePort = gone.port
  await gone.stop()
  const routes = [
    tunnelled('/gone', 'gone', ALLOWED),
    tunnelled('/disabled', 'app', { ...ALLOWED, enabled: false }),
    tunnelled('/tunnel', 'app', ALLOWED),
    { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'plain' } } },
  ]
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'front', routes, upgrades: [], filters: [bufferFilter(1000)] })],
      [cluster({ name: 'app', port: app.port }), cluster({ name: 'gone', port: gonePort })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

for (const [version, connect] of CONNECTORS) {
  const joined = async (early = ''): Promise<{ client: ConnectClient; visitor: TcpVisitor }> => {
    const before = app.visitors.length
    const client = await connect({ port: proxy.port('front'), target: 'any.example', post: '/tunnel', early })
    assert.equal(client.status, 200)
    return { client, visitor: await app.visitor(before) }
  }

  describe(`a POST that is taken for a CONNECT, by ${version}`, () => {
    test('bytes pass both ways, also past a buffer filter', async () => {
      const { client, visitor } = await joined()
      assert.equal(client.headers.has('content-length'), false)
      assert.equal(client.headers.get('transfer-encoding'), version === 'HTTP/1.1' ? 'chunked' : undefined)
      client.write('question')
      await visitor.has('question')
      visitor.socket.write('answer')
      assert.equal((await client.read(6)).toString(), 'answer')
      const bytes = randomBytes(3_000_000)
      client.write(bytes)
      await visitor.has(bytes.length + 8)
      assert.ok(visitor.received().subarray(8).equals(bytes))
      await client.close()
    })

    test('body bytes from before the acceptance go first', async () => {
      const { client, visitor } = await joined('EARLY-')
      client.write('LATER')
      await visitor.has('EARLY-LATER')
      await client.close()
    })

    test('the end of the body is the half-close; the answer goes on', async () => {
      const { client, visitor } = await joined('all of it')
      client.end()
      await until(() => visitor.ended || undefined, { what: 'the half-close at the server' })
      await visitor.has('all of it')
      await delay(50)
      visitor.socket.end('and the answer')
      assert.equal((await client.rest()).toString(), 'and the answer')
      await client.close()
    })

    test('the server ends first: the response ends, and the body still arrives', async () => {
      const { client, visitor } = await joined()
      visitor.socket.end('bye')
      assert.equal((await client.rest()).toString(), 'bye')
      await delay(100)
      client.write('thanks')
      await visitor.has('thanks')
      client.end()
      await until(() => visitor.closed !== 'open' || undefined, { what: 'the end at the server' })
      assert.equal(visitor.closed, 'closed')
      await client.close()
    })

    test('a reset by the server cuts the response off', async () => {
      const { client, visitor } = await joined()
      visitor.socket.resetAndDestroy()
      assert.equal(await within(client.ended, 'the reset'), 'reset')
      // INTERNAL_ERROR: the stream is no CONNECT (RFC 9113 §7).
      if (version === 'HTTP/2') assert.equal(client.resetCode, 0x2)
      await client.close()
    })

    test('a reset by the client reaches the server', async () => {
      const { client, visitor } = await joined('x')
      await visitor.has('x')
      client.reset()
      await visitor.isReset()
      await client.close()
    })

    test('a server that refuses gives 503', async () => {
      const client = await connect({ port: proxy.port('front'), target: 'any.example', post: '/gone', early: 'x' })
      assert.equal(client.status, 503)
      assert.match(client.headers.get('x-sluice-reason') ?? '', /^upstream_connection_failure;/)
      await client.close()
    })

    test('a disabled entry refuses the POST as it would the CONNECT', async () => {
      const client = await connect({ port: proxy.port('front'), target: 'any.example', post: '/disabled' })
      assert.equal(client.status, 403)
      await client.close()
    })
  })
}

test('another path is an ordinary request', async () => {
  const client = await rawClient(proxy.port('front'))
  client.write('POST /other HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc')
  assert.equal((await client.answer()).status, 200)
  assert.equal((await client.read(5)).toString(), 'plain')
  client.close()
})

test('the ledger lists it as a CONNECT with method POST', async () => {
  const client = await connectHttp2({ port: proxy.port('front'), target: 'any.example', post: '/tunnel', early: '123' })
  const open = await until(async () => (await proxy.tunnels()).find(({ from_client: { bytes } }) => bytes === 3), {
    what: 'the tunnel in /connections',
  })
  assert.deepEqual([open.type, open.method, open.path, open.hops.upstream], ['CONNECT', 'POST', '/tunnel', 'TCP'])
  await client.close()
})

test('a POST with a Content-Length ends its direction there', async () => {
  const before = app.visitors.length
  const client = await rawClient(proxy.port('front'))
  client.write(
    'POST /tunnel HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabcdGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n',
  )
  assert.equal((await client.answer()).status, 200)
  const visitor = await app.visitor(before)
  await until(() => visitor.ended || undefined, { what: 'the half-close at the server' })
  assert.equal(visitor.received().toString(), 'abcd')
  visitor.socket.end('1')
  const body = (await client.rest()).toString()
  assert.equal(body, '1\r\n1\r\n0\r\n\r\n')
  client.close()
})

test('counters balance', async () => {
  await proxy.statBecomes('cluster.app.upstream_rq_active', 0)
  await proxy.statBecomes('cluster.app.upstream_cx_active', 0)
  await proxy.statBecomes('http.front.downstream_cx_upgrades_active', 0)
  await proxy.statBecomes('http.front.downstream_rq_active', 0)
})
