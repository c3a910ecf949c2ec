// A real browser: Chromium loads an https page through Sluice and opens a `wss:` WebSocket on the same HTTP/2 connection
// (RFC 8441), which reaches a plain HTTP/1.1 application of the `ws` package.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { authority } from '../support/certificates.ts'
import { bootstrap, cluster, downstreamTls, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs, toolPath } from '../support/tools.ts'
import { until } from '../support/waiting.ts'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const PAGE = `<!doctype html>
<title>Through Sluice</title>
<script>
  // One conversation; resolves to all that the browser saw of it.
  function converse() {
    return new Promise((resolve, reject) => {
      const seen = { text: '', binary: [], closeCode: 0, closeReason: '', clean: false }
      const socket = new WebSocket('wss://' + location.host + '/chat', ['first', 'second'])
      socket.binaryType = 'arraybuffer'
      window.socket = socket
      socket.onerror = () => reject(new Error('the WebSocket failed'))
      socket.onopen = () => {
        seen.protocol = socket.protocol
        seen.extensions = socket.extensions
        socket.send('grüße ☕')
        socket.send(new Uint8Array([0, 255, 13, 10, 0]))
      }
      let messages = 0
      socket.onmessage = ({ data }) => {
        if (typeof data === 'string') seen.text = data
        else seen.binary = [...new Uint8Array(data)]
        if (++messages === 2) resolve(seen)
      }
      window.ending = new Promise((done) => {
        socket.onclose = ({ code, reason, wasClean }) => done({ code, reason, wasClean })
      })
    })
  }
</script>
`

interface Conversation {
  readonly text: string
  readonly binary: readonly number[]
  readonly protocol: string
  readonly extensions: string
}

interface Closed {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

describe('Chromium', needs('chromium'), () => {
  const handshakes: string[] = []
  const closes: { code: number; reason: string }[] = []
  const pages = createServer((request, response) => {
    const found = request.url === '/'
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(found ? PAGE : '')
  })
  const sockets = new WebSocketServer({ server: pages, perMessageDeflate: true })
  sockets.on('connection', (socket, request) => {
    handshakes.push(`${request.method} ${request.url} HTTP/${request.httpVersion}`)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('close', (code, reason) => closes.push({ code, reason: reason.toString() }))
  })
  let proxy: ProxyProcess
  let browser: Browser

  before(async () => {
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    const address: AddressInfo | string | null = pages.address()
    if (address === null || typeof address === 'string') throw new Error('the app has no port')
    const leaf = await (await authority()).issue({ name: 'localhost' })
    proxy = await startProxy(
      bootstrap(
        [listener({ name: 'web', tls: downstreamTls([leaf]), routes: [route('/', 'app')] })],
        [cluster({ name: 'app', port: address.port })],
      ),
    )
    browser = await chromium.launch({
      executablePath: toolPath('chromium') ?? '',
      headless: true,
      args: [...ARGUMENTS, `--ignore-certificate-errors-spki-list=${leaf.spki}`],
    })
  })

  after(async () => {
    await browser.close()
    await proxy.stop()
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    pages.closeAllConnections()
    await new Promise<void>((resolve) => pages.close(() => resolve()))
    await nothingLeft()
  })

  test('a wss: page over HTTP/2 talks with a plain HTTP/1.1 WebSocket application', async () => {
    const page = await browser.newPage()
    await page.goto(`https://localhost:${proxy.port('web')}/`)
    const protocol = await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')
    assert.equal(protocol, 'h2', 'the page itself came over HTTP/2')

    const seen: Conversation = await page.evaluate('converse()')
    assert.equal(seen.text, 'grüße ☕')
    assert.deepEqual(seen.binary, [0, 255, 13, 10, 0])
    assert.equal(seen.protocol, 'first', 'the subprotocol that ws chose')
    assert.match(seen.extensions, /^permessage-deflate/, 'agreed between the browser and ws')
    assert.deepEqual(handshakes, ['GET /chat HTTP/1.1'])

    const [tunnel, ...others] = await proxy.tunnels()
    assert.deepEqual(others, [])
    assert.deepEqual(
      [tunnel?.type, tunnel?.path, tunnel?.hops.downstream, tunnel?.hops.upstream],
      ['websocket', '/chat', 'HTTP/2', 'HTTP/1.1'],
    )
    assert.deepEqual([tunnel?.from_client.messages, tunnel?.from_upstream.messages], [2, 2])

    const stats = await proxy.stats()
    const value = (name: string): number => stats.get(name) ?? Number.NaN
    assert.ok(value('http.web.downstream_cx_http2_total') >= 1, 'an HTTP/2 connection was opened')
    assert.equal(value('http.web.downstream_cx_http1_total'), 0, 'and none of HTTP/1.1')
    assert.equal(value('http.web.upgrade.websocket.accepted_total'), 1)
    assert.equal(value('http.web.downstream_cx_upgrades_total'), 1)

    await page.evaluate('socket.close(4321, "the page is done")')
    const closed: Closed = await page.evaluate('ending')
    assert.deepEqual(closed, { code: 4321, reason: 'the page is done', wasClean: true })
    await until(() => closes[0], { what: 'the close at the application' })
    assert.deepEqual(closes, [{ code: 4321, reason: 'the page is done' }])
    await proxy.statBecomes('http.web.downstream_cx_upgrades_active', 0)
    await page.close()
  })

  test('the application closes with a code; a refused WebSocket is an error of that page only', async () => {
    const page = await browser.newPage()
    await page.goto(`https://localhost:${proxy.port('web')}/`)
    await page.evaluate('converse()')
    for (const socket of sockets.clients) socket.close(4000, 'the app is done')
    assert.deepEqual(await page.evaluate('ending'), { code: 4000, reason: 'the app is done', wasClean: true })
    sockets.options.verifyClient = (_info, answer) => answer(false, 403, 'not today')
    await assert.rejects(async () => page.evaluate('converse()'), /the WebSocket failed/)
    assert.equal(await page.evaluate('fetch("/").then(({ status }) => status)'), 200, 'the connection lives on')
    assert.equal(await proxy.stat('http.web.downstream_cx_http1_total'), 0)
    await page.close()
  })
})
