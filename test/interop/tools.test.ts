// The everyday tools as clients of Sluice: curl, nghttp and h2load, Node's own WebSocket, and node:http2 on both sides
// (extended CONNECT of RFC 8441 as client and as origin).

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Authority, authority } from '../support/certificates.ts'
import { type EchoApp, startEchoApp, startHttp2EchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, downstreamTls, listener, route } from '../support/envoy-config.ts'
import { runForeign } from '../support/foreign-program.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs } from '../support/tools.ts'
import { until, within } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

let ca: Authority
let http1App: EchoApp
let http2App: EchoApp
let proxy: ProxyProcess
/** Answers with the length of the body once it has all of it. */
const counter = createServer((request, response) => {
  let bytes = 0
  request.on('data', (chunk: Buffer) => (bytes += chunk.length))
  request.on('end', () => response.end(String(bytes)))
})

before(async () => {
  ca = await authority()
  const leaf = await ca.issue({ name: 'localhost' })
  http1App = await startEchoApp()
  http2App = await startHttp2EchoApp()
  await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve))
  const counterAddress = counter.address()
  if (counterAddress === null || typeof counterAddress === 'string') throw new Error('the app has no port')
  const routes = [route('/count', 'count'), route('/h2', 'http2'), route('/', 'http1')]
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'plain', routes }), listener({ name: 'tls', routes, tls: downstreamTls([leaf]) })],
      [
        cluster({ name: 'count', port: counterAddress.port }),
        cluster({ name: 'http1', port: http1App.port }),
        cluster({ name: 'http2', port: http2App.port, protocol: 'http2' }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await http1App.stop()
  await http2App.stop()
  counter.closeAllConnections()
  await new Promise<void>((resolve) => counter.close(() => resolve()))
  await nothingLeft()
})

const url = (listenerName: 'plain' | 'tls', path: string): string =>
  `http${listenerName === 'tls' ? 's' : ''}://localhost:${proxy.port(listenerName)}${path}`

/** Version, status and body of one request; curl's own proxy settings are left out. */
async function curl(...args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await runForeign('curl', [
    '-q',
    '-sS',
    '--noproxy',
    '*',
    '--max-time',
    '10',
    '-w',
    ' %{http_version} %{http_code}',
    ...args,
  ])
  assert.equal(code, 0, output)
  return stdout
}

describe('curl', () => {
  const options = needs('curl')

  for (const upstream of ['h1', 'h2']) {
    test(`curl speaks HTTP/1.1, prior-knowledge HTTP/2 and HTTPS to an ${upstream} application`, options, async () => {
      const path = `/${upstream}?curl`
      assert.equal(await curl('--http1.1', url('plain', path)), `app ${path} 1.1 200`)
      assert.equal(await curl('--http2-prior-knowledge', url('plain', path)), `app ${path} 2 200`)
      const trust = ['--cacert', ca.certificateFile]
      assert.equal(await curl(...trust, '--http1.1', url('tls', path)), `app ${path} 1.1 200`)
      assert.equal(await curl(...trust, '--http2', url('tls', path)), `app ${path} 2 200`)
    })
  }

  test('curl asks to change to h2c by Upgrade and is answered in HTTP/1.1', options, async () => {
    assert.equal(await curl('--http2', url('plain', '/h2c')), 'app /h2c 1.1 200')
  })

  test('curl sends a body of 300 kB, of known and of unknown length', options, async () => {
    const file = join(proxy.folder, 'body')
    writeFileSync(file, randomBytes(300_000))
    for (const version of ['--http1.1', '--http2-prior-knowledge']) {
      const shown = version === '--http1.1' ? '1.1' : '2'
      assert.equal(await curl(version, '-T', file, url('plain', '/count')), `300000 ${shown} 200`)
      // Over HTTP/2 curl leaves the field out, and the length with it.
      const unknown = ['-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue']
      assert.equal(await curl(version, ...unknown, '-T', file, url('plain', '/count')), `300000 ${shown} 200`)
    }
  })
})

describe('nghttp2 tools', () => {
  test('nghttp sends several requests on one connection', needs('nghttp'), async () => {
    const { code, output } = await runForeign('nghttp', [
      '-v',
      '-m',
      '3',
      url('plain', '/one'),
      url('plain', '/h2/two'),
    ])
    assert.equal(code, 0, output)
    assert.equal(output.match(/:status: 200/g)?.length, 6, output)
    assert.match(output, /SETTINGS_ENABLE_CONNECT_PROTOCOL\(0x08\):1/, 'WebSockets over HTTP/2 are offered')
    assert.doesNotMatch(output, /RST_STREAM|error_code=(?!NO_ERROR)/)
  })

  for (const [title, listenerName, path] of [
    ['in the clear to an HTTP/1.1 application', 'plain', '/load'],
    ['in the clear to an HTTP/2 application', 'plain', '/h2/load'],
    ['over TLS to an HTTP/1.1 application', 'tls', '/load'],
  ] as const) {
    test(`h2load: 2,000 requests ${title} all succeed`, needs('h2load'), async () => {
      const { code, output } = await runForeign('h2load', [
        '-n',
        '2000',
        '-c',
        '4',
        '-m',
        '25',
        url(listenerName, path),
      ])
      assert.equal(code, 0, output)
      assert.match(output, /2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout/)
      assert.match(output, /status codes: 2000 2xx/)
    })
  }
})

describe("Node's own WebSocket", () => {
  for (const [upstream, app] of [
    ['HTTP/1.1', () => http1App],
    ['HTTP/2', () => http2App],
  ] as const) {
    test(`echoes text and binary through ws: to an ${upstream} application and closes with a code`, async () => {
      const path = upstream === 'HTTP/2' ? '/h2?undici' : '/?undici'
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('plain')}${path}`)
      socket.binaryType = 'arraybuffer'
      const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
      await within(new Promise((resolve) => socket.addEventListener('open', resolve)), 'the open event')
      assert.equal(socket.extensions, 'permessage-deflate')
      assert.equal(await echoed(socket, 'grüße ☕'), 'grüße ☕')
      const big = randomBytes(500_000)
      const echo = await echoed(socket, big)
      assert.ok(echo instanceof ArrayBuffer && Buffer.from(echo).equals(big))
      socket.close(4005, 'node is done')
      const { code, reason, wasClean } = await within(closed, 'the close event')
      assert.deepEqual([code, reason, wasClean], [4005, 'node is done', true])
      const visit = await app().visit(path)
      assert.deepEqual(await until(() => visit.closed, { what: 'the close at the app' }), {
        code: 4005,
        reason: 'node is done',
      })
    })
  }

  test('wss: with a trusted authority goes over HTTP/2, which it chooses by ALPN', async () => {
    // The global WebSocket takes its authorities from the process only, so it runs in one that has them; over HTTP/2 its
    // connection does not keep that process alive.
    const program = `
      const timer = setTimeout(() => process.exit(4), 10_000)
      const socket = new WebSocket('wss://localhost:${proxy.port('tls')}/wss')
      socket.onerror = () => process.exit(3)
      socket.onopen = () => socket.send('over TLS')
      socket.onmessage = ({ data }) => { console.log(data); socket.close(4006) }
      socket.onclose = ({ code }) => { console.log(code); clearTimeout(timer) }`
    const before = await proxy.stat('http.tls.downstream_cx_http2_total')
    const { code, output } = await runNode(program, { NODE_EXTRA_CA_CERTS: ca.certificateFile, NODE_NO_WARNINGS: '1' })
    assert.deepEqual([code, output], [0, 'over TLS\n4006\n'])
    assert.equal(await proxy.stat('http.tls.downstream_cx_http2_total'), before + 1)
  })
})

describe('node:http2', () => {
  test('many WebSockets by extended CONNECT share one connection, to HTTP/1.1 and HTTP/2 origins', async () => {
    const session = await http2Session(`https://127.0.0.1:${proxy.port('tls')}`, { ca: ca.certificate })
    assert.equal(session.session.remoteSettings?.enableConnectProtocol, true)
    const sockets = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        session.open(`${index % 2 === 0 ? '' : '/h2'}/many?${index}`, { deflate: index % 4 < 2 }),
      ),
    )
    const echoes = await Promise.all(
      sockets.map(async ({ socket }, index) => {
        const message = new Promise<string>((resolve) =>
          socket.once('message', (data: Buffer) => resolve(data.toString())),
        )
        socket.send(`number ${index} ${'x'.repeat(index * 1000)}`)
        return within(message, `the echo of ${index}`)
      }),
    )
    assert.deepEqual(
      echoes.map((echo) => echo.length),
      sockets.map((_, index) => `number ${index} `.length + index * 1000),
    )
    assert.equal((await proxy.tunnels()).length, 40)
    for (const { socket } of sockets) {
      const closed = new Promise<number>((resolve) => socket.once('close', resolve))
      socket.close(1000)
      assert.equal(await within(closed, 'the close'), 1000)
    }
    await session.close()
    await proxy.statBecomes('server.tunnels_active', 0)
  })

  test('requests with bodies and trailers go on beside an open WebSocket', async () => {
    const session = await http2Session(`http://127.0.0.1:${proxy.port('plain')}`)
    const { socket } = await session.open('/beside')
    const body = await new Promise<string>((resolve, reject) => {
      const stream = session.session.request({ ':method': 'POST', ':path': '/h2/post' })
      let text = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      stream.on('end', () => resolve(text))
      stream.on('error', reject)
      stream.end(randomBytes(200_000))
    })
    assert.equal(body, 'app /h2/post')
    const message = new Promise<string>((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
    socket.send('still here')
    assert.equal(await within(message, 'the echo'), 'still here')
    socket.terminate()
    await session.close()
  })

  test('an origin sees an extended CONNECT with scheme, path and authority, and no connection headers', async () => {
    const client = await webSocket({
      protocol: 'http1',
      port: proxy.port('plain'),
      path: '/h2?seen',
      headers: { 'x-own': 'kept' },
    })
    const { headers } = await http2App.visit('/h2?seen')
    assert.deepEqual(
      [headers[':method'], headers[':protocol'], headers[':scheme'], headers[':authority'], headers['x-own']],
      ['CONNECT', 'websocket', 'http', `127.0.0.1:${proxy.port('plain')}`, 'kept'],
    )
    for (const name of ['connection', 'upgrade', 'host', 'keep-alive']) assert.equal(headers[name], undefined, name)
    await client.close()
  })
})

function echoed(socket: WebSocket, data: string | Buffer<ArrayBuffer>): Promise<unknown> {
  const answer = new Promise<unknown>((resolve) =>
    socket.addEventListener('message', (event) => resolve(event.data), { once: true }),
  )
  socket.send(data)
  return within(answer, 'the echo')
}

function runNode(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | string; output: string }> {
  return runForeign(process.execPath, ['-e', program], env)
}
