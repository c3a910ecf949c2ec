// Acceptance cases of the Easegress dialect, 23 to 30: messages and their limits, closes with their reasons, pings, order,
// and what happens to open WebSockets when a server or the proxy goes.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { type EchoApp, startEchoApp, type Visit } from '../support/echo-app.ts'
import { handshakeText, startEasegress, status } from '../support/easegress-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { until, within } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

let app: EchoApp
let proxy: ProxyProcess
let port: number
let healthy = true

/** Takes text as it comes, and says over HTTP how it is. */
const lax = createServer((_, response) => response.writeHead(healthy ? 200 : 503).end())
const laxSockets = new WebSocketServer({ server: lax, skipUTF8Validation: true, perMessageDeflate: false })
const received: Buffer[] = []
const laxVisitors: WebSocket[] = []
laxSockets.on('connection', (socket) => {
  laxVisitors.push(socket)
  socket.on('error', () => undefined)
  socket.on('message', (data: Buffer) => {
    received.push(data)
    socket.send(data, { binary: true })
  })
})

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

const pipeline = (name: string, server: number, more: string): string => `---
name: ${name}
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:
  - servers: [{url: "ws://127.0.0.1:${server}"}]
${more}
`

const objects = (): string => `
${pipeline('limited', app.port, '    clientMaxMsgSize: 1024\n    serverMaxMsgSize: 1024')}
${pipeline('unset', app.port, '')}
${pipeline('unlimited', app.port, '    clientMaxMsgSize: -1\n    serverMaxMsgSize: -1')}
${pipeline('lax', portOf(lax.address()), '    healthCheck: {interval: 100ms, timeout: 2s, http: {uri: /up}}')}
---
name: web
kind: HTTPServer
port: 8080
rules:
- paths:
  - {pathPrefix: /limited, backend: limited}
  - {pathPrefix: /unset, backend: unset}
  - {pathPrefix: /unlimited, backend: unlimited}
  - {pathPrefix: /lax, backend: lax}
`

before(async () => {
  app = await startEchoApp({ deflate: false })
  await new Promise<void>((resolve) => lax.listen(0, '127.0.0.1', resolve))
  proxy = await startEasegress(objects())
  port = proxy.port('web')
})

after(async () => {
  await proxy.stop()
  await app.stop()
  for (const socket of laxSockets.clients) socket.terminate()
  laxSockets.close()
  lax.closeAllConnections()
  await new Promise<void>((resolve) => lax.close(() => resolve()))
  await nothingLeft()
})

let visits = 0

async function open(pool: string): Promise<{ readonly client: WebSocketClient; readonly visit: Visit }> {
  const path = `/${pool}/${++visits}`
  const client = await webSocket({ protocol: 'http1', port, path })
  return { client, visit: await app.visit(path) }
}

const closed = (visit: Visit): Promise<NonNullable<Visit['closed']>> =>
  until(() => visit.closed, { what: 'the close at the server', ms: 5000 })

/** A handshake by hand, for frames by hand. */
async function rawOpen(path: string): Promise<RawClient> {
  const client = await rawClient(port)
  client.write(handshakeText(path))
  assert.equal((await client.answer()).status, 101)
  return client
}

/** A masked frame; the mask is 0, so that its payload can be read. */
const frame = (first: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload])

/** The payload of the Close that comes next. */
async function closeFrame(client: RawClient): Promise<Buffer> {
  const [first, length = 0] = await client.read(2)
  assert.equal(first, 0x88)
  return client.read(length)
}

describe('Easegress', () => {
  test('case 23: a message of the client over the limit', async () => {
    const { client, visit } = await open('limited')
    client.socket.send(Buffer.alloc(1024, 1))
    assert.equal((await client.next()).data.length, 1024)
    client.socket.send(Buffer.alloc(1025, 1))
    assert.equal((await client.closed).code, 1009)
    assert.equal((await closed(visit)).code, 1001)
    const parts = await open('limited')
    for (const fin of [false, false, true]) parts.client.socket.send(Buffer.alloc(512), { fin })
    assert.equal((await parts.client.closed).code, 1009)
    assert.equal((await closed(parts.visit)).code, 1001)
    const unset = await open('unset')
    unset.client.socket.send(Buffer.alloc(32_768))
    assert.equal((await unset.client.next()).data.length, 32_768)
    unset.client.socket.send(Buffer.alloc(32_769))
    assert.equal((await unset.client.closed).code, 1009)
    const unlimited = await open('unlimited')
    unlimited.client.socket.send(Buffer.alloc(64 * 1024 * 1024, 7))
    assert.equal((await unlimited.client.next(60_000)).data.length, 64 * 1024 * 1024)
    await unlimited.client.close()
  })

  test('case 24: a message of the server over the limit', async () => {
    const { client, visit } = await open('limited')
    visit.socket.send(Buffer.alloc(1024, 1))
    assert.equal((await client.next()).data.length, 1024)
    visit.socket.send(Buffer.alloc(1025, 1))
    assert.equal((await closed(visit)).code, 1009)
    assert.equal((await client.closed).code, 1001)
    const parts = await open('limited')
    for (const fin of [false, false, true]) parts.visit.socket.send(Buffer.alloc(512), { fin })
    assert.equal((await closed(parts.visit)).code, 1009)
    assert.equal((await parts.client.closed).code, 1001)
    const unset = await open('unset')
    unset.visit.socket.send(Buffer.alloc(32_768))
    assert.equal((await unset.client.next()).data.length, 32_768)
    unset.visit.socket.send(Buffer.alloc(32_769))
    assert.equal((await closed(unset.visit)).code, 1009)
  })

  test('case 25: closes arrive with code and reason, and a reset arrives as an end', async () => {
    const one = await open('limited')
    assert.deepEqual(await one.client.close(1000, 'bye'), { code: 1000, reason: 'bye' })
    assert.deepEqual(await closed(one.visit), { code: 1000, reason: 'bye' })
    const two = await open('limited')
    two.visit.socket.close(4001, 'r'.repeat(123))
    assert.deepEqual(await two.client.closed, { code: 4001, reason: 'r'.repeat(123) })
    const three = await open('limited')
    three.client.socket.close()
    assert.deepEqual(await closed(three.visit), { code: 1005, reason: '' })
    const raw = await rawOpen('/limited/reset')
    const visit = await app.visit('/limited/reset')
    raw.reset()
    assert.equal((await closed(visit)).code, 1006)
  })

  test('case 26: codes that must not be sent are answered with 1002', async () => {
    for (const pool of ['limited', 'unlimited']) {
      for (const code of [1005, 1006, 1015, 999, 5000]) {
        const path = `/${pool}/codes/${code}`
        const client = await rawOpen(path)
        const payload = Buffer.alloc(2)
        payload.writeUInt16BE(code)
        client.write(frame(0x88, payload))
        assert.equal((await closeFrame(client)).readUInt16BE(), 1002, path)
        client.close()
        // Below a limit the server hears of it by a Close that is right. Without one frames are not judged here: the
        // server got the code itself, and the 1002 is its own.
        assert.equal((await closed(await app.visit(path))).code, pool === 'limited' ? 1001 : 1006, path)
      }
    }
  })

  test('case 27: a ping reaches the server, and its pong the client', async () => {
    const { client, visit } = await open('limited')
    const pong = new Promise<string>((resolve) => client.socket.once('pong', (data) => resolve(data.toString())))
    client.socket.ping('x')
    assert.equal(await within(pong, 'the pong'), 'x')
    assert.deepEqual(visit.pings, ['x'])
    await client.close()
  })

  test('case 28: text passes as it is, valid UTF-8 or not', async () => {
    const client = await rawOpen('/lax/text')
    const broken = Buffer.from([0x61, 0xff, 0xc0, 0x80])
    client.write(frame(0x81, broken))
    assert.deepEqual(await client.read(2), Buffer.from([0x82, broken.length]))
    assert.deepEqual(await client.read(broken.length), broken)
    assert.deepEqual(received, [broken])
    client.close()
  })

  test('case 29: messages both ways and pings between them keep their order', async () => {
    const { client, visit } = await open('limited')
    const pongs: string[] = []
    client.socket.on('pong', (data) => pongs.push(data.toString()))
    const numbers = Array.from({ length: 100 }, (_, i) => i)
    for (const i of numbers) {
      client.socket.send(`client ${i}`)
      visit.socket.send(`server ${i}`)
      if (i % 10 === 0) client.socket.ping(String(i))
    }
    const texts: string[] = []
    while (texts.length < 200) texts.push(String((await client.next()).data))
    for (const side of ['client', 'server'])
      assert.deepEqual(
        texts.filter((text) => text.startsWith(side)),
        numbers.map((i) => `${side} ${i}`),
      )
    await until(() => (pongs.length === 10 ? true : undefined), { what: 'ten pongs' })
    assert.deepEqual(pongs, numbers.filter((i) => i % 10 === 0).map(String))
    await client.close()
  })

  test('case 30: a server that turns unhealthy keeps its sessions', async () => {
    const client = await webSocket({ protocol: 'http1', port, path: '/lax/stays' })
    healthy = false
    await until(async () => ((await status(port, '/lax/new')) === 503 ? true : undefined), { what: '503', ms: 20_000 })
    client.socket.send('still here')
    assert.equal(String((await client.next()).data), 'still here')
    await client.close()
  })

  test('case 30: at a stop sessions go on until the drain time is over, and are told why they end', async () => {
    const stopping = await startEasegress(objects(), { args: ['--drain-time-s', '1'] })
    const client = await webSocket({ protocol: 'http1', port: stopping.port('web'), path: '/limited/drained' })
    const visit = await app.visit('/limited/drained')
    const stopped = stopping.stop()
    client.socket.send('still here')
    assert.equal(String((await client.next()).data), 'still here')
    const { code, reason } = await client.closed
    assert.equal(code, 1001, reason)
    assert.equal((await closed(visit)).code, 1001)
    await stopped
  })
})
