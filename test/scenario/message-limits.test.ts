// WebSocket policies of a route: message limits on frames (easegress.md §7, cases 23–29), handshakes and origins (§5, cases
// 14–17), over HTTP/1.1 and HTTP/2, with real peers and with raw bytes.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ForwardAction } from '../../src/config/model/route.ts'
import type { WebSocketPolicy } from '../../src/config/model/websocket-policy.ts'
import { type EditedProxy, editActions, startEdited } from '../support/edited-proxy.ts'
import { bootstrap, cluster, fileLog, listener, route } from '../support/envoy-config.ts'
import { type EchoApp, startEchoApp, startHttp2EchoApp } from '../support/echo-app.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type RawAnswer, type RawClient, rawClient } from '../support/raw-client.ts'
import { accept, startTunnelApp, type TunnelApp, type AppTunnel } from '../support/tunnel-app.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'
import { frame } from '../unit/websocket/frames.ts'

const place = { file: 'limits.yaml', line: 7, column: 1, path: '' }
const NO_LIMIT = {
  required: true,
  origin: undefined,
  refuseExtensions: true,
  maxMessageFromClient: undefined,
  maxMessageFromServer: undefined,
  place,
}

const POLICIES: Readonly<Record<string, WebSocketPolicy>> = {
  '/client': { ...NO_LIMIT, maxMessageFromClient: 1024 },
  '/server': { ...NO_LIMIT, maxMessageFromServer: 1024 },
  '/mebi': { ...NO_LIMIT, maxMessageFromClient: 1024 * 1024 },
  '/none': NO_LIMIT,
  '/origin': { ...NO_LIMIT, origin: { patterns: ['*.example'] } },
}

let app: EchoApp
let app2: EchoApp
let raw: TunnelApp
let proxy: EditedProxy
let folder: string
let logFile: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-limits-'))
  logFile = join(folder, 'access.log')
  app = await startEchoApp()
  app2 = await startHttp2EchoApp()
  raw = await startTunnelApp((tunnel) => {
    if (tunnel.path.includes('choose'))
      return accept(tunnel)?.replace('\r\n\r\n', '\r\nsec-websocket-protocol: b\r\n\r\n')
    return accept(tunnel)
  })
  const routesTo = (name: string) => Object.keys(POLICIES).map((prefix) => route(prefix, name))
  const log = {
    access_log: [fileLog(logFile, '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%\n')],
  }
  proxy = await startEdited(
    bootstrap(
      [
        listener({ name: 'one', routes: routesTo('app'), hcm: log }),
        listener({ name: 'two', routes: routesTo('app2'), hcm: log }),
        listener({ name: 'raw', routes: routesTo('raw'), hcm: log }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'app2', port: app2.port, protocol: 'http2' }),
        cluster({ name: 'raw', port: raw.port }),
      ],
    ),
    (config) =>
      editActions(config, (prefix, action): ForwardAction => {
        const websocket = POLICIES[prefix]
        return websocket === undefined ? action : { ...action, websocket }
      }),
  )
})

after(async () => {
  await proxy.stop()
  await Promise.all([app.stop(), app2.stop(), raw.stop()])
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

let visits = 0
const path = (prefix: string): string => `${prefix}/${++visits}`

/** The access-log line of a path, once it is written. */
const logLine = (target: string): Promise<string> =>
  until(
    () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`${target} `)),
    { what: `the log line of ${target}` },
  )

for (const [client, server] of [
  ['http1', 'one'],
  ['http2', 'one'],
  ['http1', 'two'],
  ['http2', 'two'],
] as const) {
  describe(`${client} client, ${server === 'one' ? 'HTTP/1.1' : 'HTTP/2'} server`, () => {
    const open = (target: string) => webSocket({ protocol: client, port: proxy.port(server), path: target })
    const visitOf = (target: string) => (server === 'one' ? app : app2).visit(target)

    test('a message of exactly the limit passes, one byte more is refused with 1009 and the server hears 1001', async () => {
      const target = path('/client')
      const socket = await open(target)
      socket.socket.send(Buffer.alloc(1024, 1))
      assert.equal((await socket.next()).data.length, 1024)
      socket.socket.send(Buffer.alloc(1025, 1))
      const { code, reason } = await socket.closed
      assert.equal(code, 1009)
      assert.equal(reason, 'message of the client exceeds 1024 bytes (limits.yaml:7)')
      const visit = await visitOf(target)
      await until(() => visit.closed, { what: 'the close of the server' })
      assert.deepEqual(visit.closed, { code: 1001, reason })
      assert.equal(await logLine(target), `${target} 101 websocket_message_too_big -`)
      await socket.destroy()
    })

    test('a server that sends too much is told so, and the client hears 1001', async () => {
      const target = path('/server')
      const socket = await open(target)
      const visit = await visitOf(target)
      visit.socket.send(Buffer.alloc(1024))
      assert.equal((await socket.next()).data.length, 1024)
      visit.socket.send(Buffer.alloc(1025))
      assert.equal((await socket.closed).code, 1001)
      await until(() => visit.closed, { what: 'the close of the server' })
      assert.equal(visit.closed?.code, 1009)
      assert.equal(visit.closed?.reason, 'message of the server exceeds 1024 bytes (limits.yaml:7)')
      await socket.destroy()
    })

    test('fragments are counted together', async () => {
      const target = path('/client')
      const socket = await open(target)
      for (const fin of [false, true]) socket.socket.send(Buffer.alloc(512), { fin })
      assert.equal((await socket.next()).data.length, 1024)
      for (const fin of [false, false, true]) socket.socket.send(Buffer.alloc(512), { fin })
      assert.equal((await socket.closed).code, 1009)
      const visit = await visitOf(target)
      await until(() => visit.closed, { what: 'the close of the server' })
      assert.equal(visit.closed?.code, 1001)
      await socket.destroy()
    })

    test('without a limit megabytes pass', async () => {
      const socket = await open(path('/none'))
      // 64 MiB once: `ws` takes no more, and one hop says as much as four.
      const bytes = Buffer.alloc((client === 'http1' && server === 'one' ? 64 : 4) * 1024 * 1024 - 1, 7)
      socket.socket.send(bytes)
      assert.ok((await socket.next(60_000)).data.equals(bytes))
      assert.equal((await socket.close(1000, 'bye')).code, 1000)
    })

    test('closes, pings and messages pass as they are below a limit', async () => {
      const target = path('/client')
      const socket = await open(target)
      const pong = new Promise<Buffer>((resolve) => socket.socket.once('pong', resolve))
      socket.socket.ping('x')
      assert.equal((await pong).toString(), 'x')
      assert.deepEqual((await visitOf(target)).pings, ['x'])
      for (let i = 0; i < 100; i++) {
        socket.socket.send(`message ${i}`)
        if (i % 10 === 0) socket.socket.ping(`${i}`)
      }
      for (let i = 0; i < 100; i++) assert.equal((await socket.next()).data.toString(), `message ${i}`)
      const reason = 'r'.repeat(123)
      socket.socket.send(`close 4001 ${reason}`)
      assert.deepEqual(await socket.closed, { code: 4001, reason })
      await socket.destroy()
    })

    test('a Close of the client keeps its reason', async () => {
      const target = path('/client')
      const socket = await open(target)
      await socket.close(1000, 'bye')
      const visit = await visitOf(target)
      await until(() => visit.closed, { what: 'the close' })
      assert.deepEqual(visit.closed, { code: 1000, reason: 'bye' })
    })
  })
}

const HANDSHAKE: Readonly<Record<string, string>> = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

interface Ask {
  readonly port?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}

async function ask(
  target: string,
  { port = 'raw', method = 'GET', headers = {} }: Ask = {},
): Promise<[RawClient, RawAnswer]> {
  const client = await rawClient(proxy.port(port))
  const fields = Object.entries({ host: 'chat.example', ...HANDSHAKE, ...headers }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  )
  client.write(`${method} ${target} HTTP/1.1\r\n${fields.join('')}\r\n`)
  return [client, await client.answer()]
}

async function rawPair(target: string): Promise<[RawClient, AppTunnel]> {
  const [client, { status }] = await ask(target)
  assert.equal(status, 101)
  return [client, await raw.tunnel(target)]
}

const MASK = 0x01020304

/** Code and reason of an unmasked Close frame. */
async function closeOf(client: RawClient): Promise<[number, string]> {
  const [first, length = 0] = await client.read(2)
  assert.equal(first, 0x88)
  const payload = await client.read(length)
  return [payload.readUInt16BE(0), payload.toString('utf8', 2)]
}

/** The same of a masked one at the end of what a server got. */
function maskedClose(bytes: Buffer): number {
  assert.equal(bytes[0], 0x88)
  assert.ok(((bytes[1] ?? 0) & 0x80) !== 0, 'towards a server it is masked')
  const code = bytes.readUInt16BE(6)
  return code ^ bytes.readUInt16BE(2)
}

describe('raw frames', () => {
  test('a frame of 1 GiB is refused at its head: nothing of it goes on', async () => {
    const [client, server] = await rawPair(path('/mebi'))
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4])
    for (const byte of head) client.write(Buffer.from([byte]))
    client.write(Buffer.alloc(256 * 1024))
    assert.deepEqual(await closeOf(client), [1009, 'message of the client exceeds 1048576 bytes (limits.yaml:7)'])
    await until(() => server.received().length >= 8 || undefined, { what: 'a Close' })
    assert.equal(maskedClose(server.received()), 1001)
    server.socket.write(frame(8, Buffer.from([0x03, 0xe9])))
    client.end()
    await until(() => server.ended || undefined, { what: 'the end of the server' })
    server.socket.end()
    await client.ended
    client.close()
  })

  test('of a message of 1 GiB in fragments no more than the limit goes on', async () => {
    const [client, server] = await rawPair(path('/mebi'))
    const size = 64 * 1024
    for (let i = 0; i <= 16; i++) client.write(frame(i === 0 ? 2 : 0, Buffer.alloc(size), { fin: false, mask: MASK }))
    assert.equal((await closeOf(client))[0], 1009)
    const passed = 16 * (size + 14)
    await until(() => server.received().length > passed || undefined, { what: 'the fragments and a Close' })
    assert.equal(maskedClose(server.received().subarray(passed)), 1001)
    client.reset()
    await until(() => server.ended || undefined, { what: 'the end of the server' })
    server.socket.end()
  })

  test('a Close does not go into a frame: the one that is passing is finished first', async () => {
    const [client, server] = await rawPair(path('/client'))
    const answer = frame(2, Buffer.alloc(4000, 5))
    server.socket.write(answer.subarray(0, 1000))
    assert.ok((await client.read(1000)).equals(answer.subarray(0, 1000)))
    client.write(frame(2, Buffer.alloc(2000), { mask: MASK }))
    await until(() => server.received().length > 0 || undefined, { what: 'a Close' })
    assert.equal(maskedClose(server.received()), 1001)
    server.socket.write(Buffer.concat([answer.subarray(1000), frame(1, 'more')]))
    assert.ok((await client.read(answer.length - 1000)).equals(answer.subarray(1000)))
    assert.equal((await closeOf(client))[0], 1009)
    client.close()
    await until(() => server.ended || undefined, { what: 'the end of the server' })
    server.socket.end()
  })

  test('peers that never answer the Close are cut off', async () => {
    const [client, server] = await rawPair(path('/client'))
    client.write(frame(2, Buffer.alloc(1025), { mask: MASK }))
    assert.equal((await closeOf(client))[0], 1009)
    assert.equal((await client.rest()).length, 0)
    await until(() => server.ended || undefined, { what: 'the end of the server' })
    client.close()
    server.socket.end()
  })

  const CODES = [1005, 1006, 1015, 999, 5000]
  const invalid: Readonly<Record<string, Buffer>> = {
    ...Object.fromEntries(
      CODES.map((code) => [`Close ${code}`, frame(8, Buffer.from([code >> 8, code & 255]), { mask: MASK })]),
    ),
    'an unmasked frame': frame(1, 'x'),
    'a reserved opcode': frame(3, 'x', { mask: MASK }),
    'a reserved bit': Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
    'a length in more bytes than it needs': Buffer.from([0x81, 0xfe, 0, 1, 0, 0, 0, 0, 0x78]),
    'a control frame in fragments': frame(9, 'x', { fin: false, mask: MASK }),
    'a control frame of 126 bytes': frame(9, Buffer.alloc(126), { mask: MASK }),
    'a continuation of nothing': frame(0, 'x', { mask: MASK }),
  }
  for (const [what, bytes] of Object.entries(invalid)) {
    test(`${what} is answered with 1002, and nothing of it passes`, async () => {
      const target = path('/client')
      const [client, server] = await rawPair(target)
      client.write(bytes)
      const [code, reason] = await closeOf(client)
      assert.equal(code, 1002)
      assert.match(reason, /^the client sent a frame that /)
      await until(() => server.received().length >= 8 || undefined, { what: 'a Close' })
      assert.equal(maskedClose(server.received()), 1001)
      server.socket.write(frame(8, Buffer.from([0x03, 0xe9])))
      server.socket.end()
      client.end()
      await client.ended
      client.close()
      assert.equal(await logLine(target), `${target} 101 websocket_frame_invalid DPE`)
    })
  }

  test('a masked frame of a server is answered with a masked 1002', async () => {
    const [client, server] = await rawPair(path('/server'))
    server.socket.write(frame(1, 'x', { mask: MASK }))
    assert.equal((await closeOf(client))[0], 1001)
    await until(() => server.received().length >= 8 || undefined, { what: 'a Close' })
    assert.equal(maskedClose(server.received()), 1002)
    client.write(frame(8, '', { mask: MASK }))
    server.socket.end()
    await client.ended
    client.close()
  })
})

describe('handshakes', () => {
  const cases: readonly (readonly [string, Ask, number, Readonly<Record<string, string>>])[] = [
    [
      'a list in Connection and another case',
      { headers: { connection: 'keep-alive, Upgrade', upgrade: 'WebSocket' } },
      101,
      {},
    ],
    [
      'no Upgrade',
      { headers: { upgrade: undefined, connection: undefined } },
      426,
      { upgrade: 'websocket', connection: 'upgrade' },
    ],
    ['POST', { method: 'POST', headers: { 'content-length': '0' } }, 405, { allow: 'GET' }],
    ['version 8', { headers: { 'sec-websocket-version': '8' } }, 400, { 'sec-websocket-version': '13' }],
    ['no key', { headers: { 'sec-websocket-key': undefined } }, 400, {}],
    ['a key that is none', { headers: { 'sec-websocket-key': 'your-key-here' } }, 400, {}],
    [
      'two keys',
      { headers: { 'sec-websocket-key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } },
      400,
      {},
    ],
  ]
  for (const [what, request, status, headers] of cases) {
    test(`${what}: ${status}`, async () => {
      const target = path('/none')
      const [client, answer] = await ask(target, request)
      assert.equal(answer.status, status)
      for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers.get(name), value, name)
      client.reset()
      if (status !== 101) assert.equal(await logLine(target), `${target} ${status} websocket_bad_handshake -`)
    })
  }

  test('over HTTP/2 only an extended CONNECT with version 13 will do', async () => {
    const session = await http2Session(`http://127.0.0.1:${proxy.port('two')}`)
    const good = await session.tunnel(path('/none'), 'websocket', { 'sec-websocket-version': '13' })
    assert.equal(good.status, 200)
    const bad = await session.tunnel(path('/none'), 'websocket', { 'sec-websocket-version': '8' })
    assert.deepEqual([bad.status, bad.headers['sec-websocket-version']], [400, '13'])
    const refused = await session.tunnel(path('/origin'), 'websocket', {
      'sec-websocket-version': '13',
      origin: 'http://evil.test',
    })
    assert.equal(refused.status, 403)
    await session.close()
  })

  for (const [origin, status] of [
    [undefined, 101],
    ['http://evil.test', 403],
    ['https://a.example', 101],
    ['https://A.EXAMPLE', 101],
    ['http://CHAT.example.org', 403],
    ['http://a.example:81', 403],
    ['http://chat.example:80', 403],
    ['http://a.example@evil.test', 403],
    ['null', 403],
  ] as const) {
    test(`Origin ${origin}: ${status}`, async () => {
      const target = path('/origin')
      const [client, answer] = await ask(target, { headers: { origin } })
      assert.equal(answer.status, status)
      client.reset()
      if (status === 403) assert.equal(await logLine(target), `${target} 403 websocket_origin_refused -`)
    })
  }

  test("the request's own host may always, in any case", async () => {
    const [client, answer] = await ask(path('/origin'), {
      headers: { host: 'Other.Test:81', origin: 'http://oTHER.test:81' },
    })
    assert.equal(answer.status, 101)
    client.reset()
  })

  test('the subprotocol that the server selects passes, and one that was not offered is refused with 502', async () => {
    const [client, answer] = await ask(`${path('/none')}/choose`, { headers: { 'sec-websocket-protocol': 'a, b' } })
    assert.deepEqual([answer.status, answer.headers.get('sec-websocket-protocol')], [101, 'b'])
    client.reset()
    const target = `${path('/none')}/choose`
    const [other, refused] = await ask(target, { headers: { 'sec-websocket-protocol': 'c' } })
    assert.equal(refused.status, 502)
    other.reset()
    assert.equal(await logLine(target), `${target} 502 websocket_handshake_invalid_selection UPE`)
  })

  test('offers of extensions are taken away', async () => {
    const target = path('/client')
    const socket = await webSocket({ protocol: 'http1', port: proxy.port('one'), path: target, deflate: true })
    assert.equal(socket.extensions, '')
    assert.equal((await app.visit(target)).headers['sec-websocket-extensions'], undefined)
    await socket.close()
  })
})
