// Tunnels that are not WebSockets, over every kind of hop: payload waits for acceptance, methods survive, half-close and
// reset cross each hop as far as the protocol can carry them.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { type Http2Session, http2Session } from '../support/http2-websocket.ts'
import { type Http2TunnelApp, startHttp2TunnelApp } from '../support/http2-tunnel-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, type RawClient, upgradeRequest } from '../support/raw-client.ts'
import { accept, type AppTunnel, startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { delay, until } from '../support/waiting.ts'

const UPGRADES = [{ upgrade_type: 'websocket' }, { upgrade_type: 'foo' }, { upgrade_type: 'CONNECT' }]

let app: TunnelApp
let app2: Http2TunnelApp
let back: ProxyProcess
let front: ProxyProcess
let h2: Http2Session

before(async () => {
  app = await startTunnelApp((tunnel) => (tunnel.path.includes('/slow') ? undefined : accept(tunnel)))
  app2 = await startHttp2TunnelApp()
  const toApps = [
    cluster({ name: 'app', port: app.port }),
    cluster({ name: 'app2', port: app2.port, protocol: 'http2' }),
  ]
  const appRoutes = [route('/h1', 'app'), route('/h2', 'app2')]
  back = await startProxy(
    bootstrap([listener({ name: 'back', codec: 'HTTP2', routes: appRoutes, upgrades: UPGRADES })], toApps),
  )
  const routes = [
    ...appRoutes,
    route('/via/', 'back', { prefix_rewrite: '/' }),
    { match: { connect_matcher: {} }, route: { cluster: 'app' } },
  ]
  front = await startProxy(
    bootstrap(
      [listener({ name: 'front', routes, upgrades: UPGRADES })],
      [...toApps, cluster({ name: 'back', port: back.port('back'), protocol: 'http2' })],
    ),
  )
  h2 = await http2Session(`http://127.0.0.1:${front.port('front')}`)
})

after(async () => {
  await h2.close()
  await front.stop()
  await back.stop()
  await app.stop()
  await app2.stop()
  await nothingLeft()
})

let count = 0
const fresh = (path: string): string => `${path}/${++count}`

/** An agreed tunnel with both its ends. */
interface Ends {
  readonly client: RawClient
  readonly tunnel: AppTunnel
}

/** Opens a tunnel of type foo from an HTTP/1.1 client to the HTTP/1.1 application. */
async function open(prefix: string, method = 'GET'): Promise<Ends> {
  const path = fresh(prefix)
  const client = await rawClient(front.port('front'))
  client.write(upgradeRequest(path, 'foo', { method }))
  const answer = await client.answer()
  assert.deepEqual([answer.status, answer.headers.get('upgrade')?.toLowerCase()], [101, 'foo'])
  const tunnel = await app.tunnel(path.replace('/via', ''))
  return { client, tunnel }
}

const HOPS = [
  ['one HTTP/1.1 hop', '/h1'],
  ['HTTP/2 between two Sluices', '/via/h1'],
] as const

for (const [name, prefix] of HOPS) {
  describe(`a tunnel of a type of its own over ${name}`, () => {
    test('bytes pass both ways as they are', async () => {
      const { client, tunnel } = await open(prefix)
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      client.write(bytes)
      await until(() => tunnel.received().length === 256 || undefined, { what: '256 bytes at the app' })
      assert.deepEqual(tunnel.received(), bytes)
      tunnel.socket.write(bytes)
      assert.deepEqual(await client.read(256), bytes)
      client.close()
    })

    test('a POST arrives as a POST, without any header of ours', async () => {
      const { client, tunnel } = await open(prefix, 'POST')
      assert.equal(tunnel.method, 'POST')
      assert.deepEqual(
        [...tunnel.headers.keys()].filter((key) => key.includes('method') || key.includes('sluice')),
        [],
      )
      client.close()
    })

    test('a client that half-closes still receives until the application ends', async () => {
      const { client, tunnel } = await open(prefix)
      client.write('last words')
      client.end()
      await until(() => tunnel.ended || undefined, { what: 'the end at the app' })
      assert.equal(tunnel.received().toString(), 'last words')
      await delay(50)
      assert.equal(tunnel.closed, 'open', 'the other direction lives on')
      tunnel.socket.write('answer after your end')
      assert.equal((await client.read(21)).toString(), 'answer after your end')
      tunnel.socket.end()
      assert.equal(await client.ended, 'fin')
    })

    test('an application that half-closes still receives until the client ends', async () => {
      const { client, tunnel } = await open(prefix)
      tunnel.socket.end('goodbye')
      assert.equal((await client.read(7)).toString(), 'goodbye')
      assert.equal(await client.ended, 'fin')
      client.write('wait, one more thing')
      await until(() => tunnel.received().length === 20 || undefined, {
        what: 'the bytes after the half-close',
        detail: () => tunnel.received().toString(),
      })
      client.end()
      await until(() => tunnel.closed !== 'open' || undefined, { what: 'the end of the tunnel' })
      assert.equal(tunnel.closed, 'closed')
    })

    test('a reset by the client resets the application, and is blamed on the client', async () => {
      const { client, tunnel } = await open(prefix)
      client.write('x')
      await until(() => tunnel.received().length === 1 || undefined, { what: 'a byte' })
      client.reset()
      await until(() => tunnel.closed !== 'open' || undefined, { what: 'the end at the app' })
      assert.equal(tunnel.closed, 'reset')
      await until(async () => !(await front.tunnels()).some(({ path }) => path === tunnel.path) || undefined, {
        what: 'the tunnel to leave the ledger',
      })
    })

    test('a reset by the application resets the client', async () => {
      const { client, tunnel } = await open(prefix)
      tunnel.socket.resetAndDestroy()
      assert.equal(await client.ended, 'reset')
    })

    test('early payload waits for the 101 and then arrives once, in order', async () => {
      const path = fresh(`${prefix}/slow`)
      const client = await rawClient(front.port('front'))
      client.write(`${upgradeRequest(path, 'foo')}early `)
      const tunnel = await app.tunnel(path.replace('/via', ''))
      client.write('bird')
      await delay(100)
      assert.equal(tunnel.received().toString(), '', 'nothing may arrive before the answer')
      tunnel.socket.write(accept(tunnel) ?? '')
      assert.equal((await client.answer()).status, 101)
      await until(() => tunnel.received().length >= 10 || undefined, { what: 'the early payload' })
      assert.equal(tunnel.received().toString(), 'early bird')
      client.close()
    })

    test('early payload never reaches an application that refuses', async () => {
      const path = fresh(`${prefix}/slow`)
      const client = await rawClient(front.port('front'))
      client.write(`${upgradeRequest(path, 'foo', { method: 'POST' })}GET /stolen HTTP/1.1\r\n\r\n`)
      const tunnel = await app.tunnel(path.replace('/via', ''))
      tunnel.socket.write('HTTP/1.1 501 No\r\ncontent-length: 2\r\n\r\nno')
      assert.equal((await client.answer()).status, 501)
      assert.equal((await client.rest()).toString(), 'no')
      await delay(50)
      assert.equal(tunnel.received().toString(), '')
      client.close()
    })
  })
}

describe('HTTP/2 at the ends', () => {
  test('an HTTP/1.1 upgrade reaches an HTTP/2 application as extended CONNECT with the type as :protocol', async () => {
    const client = await rawClient(front.port('front'))
    const path = fresh('/h2')
    client.write(upgradeRequest(path, 'foo'))
    assert.equal((await client.answer()).status, 101)
    const tunnel = await app2.tunnel(path)
    assert.deepEqual(
      [tunnel.headers[':method'], tunnel.headers[':protocol'], tunnel.headers.upgrade, tunnel.headers.connection],
      ['CONNECT', 'foo', undefined, undefined],
    )
    client.write('ping')
    await until(() => tunnel.received().toString() === 'ping' || undefined, { what: 'ping' })
    tunnel.stream.write('pong')
    assert.equal((await client.read(4)).toString(), 'pong')
    client.end()
    await until(() => tunnel.ended || undefined, { what: 'END_STREAM at the app' })
    tunnel.stream.end('bye')
    assert.equal((await client.rest()).toString(), 'bye')
  })

  test('END_STREAM of an HTTP/2 client is a half-close at an HTTP/1.1 application', async () => {
    const path = fresh('/h1')
    const { stream, status } = await h2.tunnel(path, 'foo')
    assert.equal(status, 200)
    const tunnel = await app.tunnel(path)
    assert.equal(tunnel.method, 'GET')
    stream.end('all of it')
    await until(() => tunnel.ended || undefined, { what: 'the end at the app' })
    assert.equal(tunnel.received().toString(), 'all of it')
    tunnel.socket.end('and back')
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    assert.equal(text, 'and back')
  })

  test('an application that ends first half-closes the HTTP/2 stream and still receives', async () => {
    const path = fresh('/h1')
    const { stream } = await h2.tunnel(path, 'foo')
    const tunnel = await app.tunnel(path)
    tunnel.socket.end('bye')
    let text = ''
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) text += String(chunk)
    assert.equal(text, 'bye')
    assert.equal(stream.destroyed, false)
    stream.end('still here')
    await until(() => tunnel.received().toString() === 'still here' || undefined, {
      what: 'the bytes after the half-close',
    })
  })

  test('a reset stream resets the application; a reset application is CONNECT_ERROR on the stream', async () => {
    const path = fresh('/h1')
    const first = await h2.tunnel(path, 'foo')
    const tunnel = await app.tunnel(path)
    first.stream.close(8)
    // This client ends its half before it resets, so the application sees a FIN, and then nobody is there any more.
    await until(() => tunnel.ended || tunnel.closed !== 'open' || undefined, { what: 'the end at the app' })
    await until(async () => !(await front.tunnels()).some((open) => open.path === path) || undefined, {
      what: 'the tunnel to leave the ledger',
    })
    tunnel.socket.destroy()
    const other = fresh('/h1')
    const second = await h2.tunnel(other, 'foo')
    const gone = await app.tunnel(other)
    gone.socket.resetAndDestroy()
    await until(() => second.stream.closed || undefined, { what: 'the end of the stream' })
    assert.equal(second.stream.rstCode, 10)
  })

  test('the connection and its other streams survive a reset tunnel', async () => {
    const quiet = await h2.tunnel(fresh('/h1'), 'foo')
    const loud = await h2.tunnel(fresh('/h1'), 'foo')
    loud.stream.close(8)
    await delay(50)
    const path = fresh('/h1')
    const third = await h2.tunnel(path, 'foo')
    assert.equal(third.status, 200)
    assert.equal(quiet.stream.closed, false)
    quiet.stream.close(8)
    third.stream.close(8)
  })
})

describe('CONNECT', () => {
  test('an HTTP/1.1 CONNECT is proxied with its authority and carries bytes once the proxy behind said 200', async () => {
    const proxyApp = await startTunnelApp(() => 'HTTP/1.1 200 Connection established\r\n\r\n')
    const proxy = await startProxy(
      bootstrap(
        [
          listener({
            name: 'c',
            upgrades: [{ upgrade_type: 'CONNECT' }],
            routes: [{ match: { connect_matcher: {} }, route: { cluster: 'next' } }],
          }),
        ],
        [cluster({ name: 'next', port: proxyApp.port })],
      ),
    )
    const client = await rawClient(proxy.port('c'))
    client.write('CONNECT db.example:5432 HTTP/1.1\r\nhost: ignored.example\r\n\r\nSTARTUP')
    const answer = await client.answer()
    assert.equal(answer.status, 200)
    assert.deepEqual([answer.headers.has('content-length'), answer.headers.has('transfer-encoding')], [false, false])
    const tunnel = await proxyApp.tunnel('db.example:5432')
    assert.deepEqual([tunnel.method, tunnel.headers.get('host')], ['CONNECT', 'db.example:5432'])
    await until(() => tunnel.received().toString() === 'STARTUP' || undefined, { what: 'the early bytes' })
    tunnel.socket.write('READY')
    assert.equal((await client.read(5)).toString(), 'READY')
    client.close()
    await proxy.stop()
    await proxyApp.stop()
  })
})
