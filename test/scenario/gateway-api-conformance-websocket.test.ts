// WebSockets through HTTPRoutes: the Gateway API's conformance test HTTPRouteBackendProtocolWebSocket, and what filters,
// timeouts, weights and redirects do to a handshake and leave alone afterwards.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { startHttp2EchoApp } from '../support/echo-app.ts'
import {
  type Ask,
  type Backends,
  conditionOf,
  duringWorld,
  gateway,
  load,
  pathRule,
  type Piece,
  route,
  service,
  startBackends,
  type Story,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { rawClient } from '../support/raw-client.ts'
import { tcpServer } from '../support/gateway-tcp.ts'
import { delay, nextEvent } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

let backends: Backends

before(async () => {
  backends = await startBackends(['v1', 'v2'])
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

const withWorld = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends.manifests], story)

const portOf = (pod: string): number => backends.all.find((each) => each.pod === pod)?.port ?? 0
const seenAt = (path: string): Readonly<Record<string, string>> | undefined =>
  backends.all[0]?.seen.find((echo) => echo.path === path)?.headers

const HANDSHAKE: Ask['headers'] = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
}

for (const appProtocol of ['kubernetes.io/ws', undefined]) {
  test(`HTTPRouteBackendProtocolWebSocket ${appProtocol === undefined ? 'without appProtocol' : ''}`, () =>
    withWorld(
      [
        gateway('gw'),
        ...service('ws', [portOf('v1')], 'infra', appProtocol === undefined ? {} : { appProtocol }),
        route('r', { rules: [{ backendRefs: [to('ws')] }] }),
      ],
      async (world) => {
        const socket = new WebSocket(`ws://127.0.0.1:${world.port()}/ws`, {
          headers: { origin: 'ws://gateway/TestName' },
        })
        await nextEvent(socket, 'open')
        const answers: string[] = []
        socket.on('message', (data, binary) =>
          answers.push(`${binary ? 'binary' : 'text'} ${Buffer.isBuffer(data) ? data.toString() : ''}`),
        )
        socket.send('Websocket Support!')
        await nextEvent(socket, 'message')
        socket.send(Buffer.from([1, 2, 3, 4, 5, 6, 7]))
        await nextEvent(socket, 'message')
        assert.deepEqual(answers, [
          'text Websocket Support!',
          `binary ${Buffer.from([1, 2, 3, 4, 5, 6, 7]).toString()}`,
        ])
        const closed = nextEvent(socket, 'close')
        socket.close(1000)
        await closed
        assert.equal((await world.ask()).status, 200)
      },
    ))
}

test('appProtocol wss without a BackendTLSPolicy is refused, and never spoken to in the clear', () =>
  withWorld(
    [
      gateway('gw'),
      ...service('wss', [portOf('v1')], 'infra', { appProtocol: 'kubernetes.io/wss' }),
      route('r', { rules: [pathRule('/never-in-the-clear', 'wss')] }),
    ],
    async (world) => {
      const { status } = await world.ask({ path: '/never-in-the-clear', headers: HANDSHAKE })
      assert.equal(status, 500)
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False UnsupportedProtocol')
      assert.equal(seenAt('/never-in-the-clear'), undefined)
    },
  ))

test('a refusal of the backend reaches the client as it is; a closed port is 503; a silent one 504', async () => {
  const refusing = await tcpServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno')),
  )
  const silent = await tcpServer(() => undefined)
  const closed = await tcpServer(() => undefined)
  await closed.stop()
  try {
    await withWorld(
      [
        gateway('gw'),
        ...service('refusing', [refusing.port]),
        ...service('silent', [silent.port]),
        ...service('closed', [closed.port]),
        route('r', {
          rules: [
            pathRule('/refusing', 'refusing'),
            pathRule('/closed', 'closed'),
            pathRule('/silent', 'silent', 'PathPrefix', { timeouts: { request: '300ms' } }),
          ],
        }),
      ],
      async (world) => {
        const refused = await world.ask({ path: '/refusing', headers: HANDSHAKE })
        assert.deepEqual([refused.status, refused.text], [403, 'no'])
        assert.equal((await world.ask({ path: '/closed', headers: HANDSHAKE })).status, 503)
        assert.equal((await world.ask({ path: '/silent', headers: HANDSHAKE })).status, 504)
      },
    )
  } finally {
    await refusing.stop()
    await silent.stop()
  }
})

const filtered = (path: string, ...filters: readonly Piece[]): Piece => pathRule(path, 'v1', 'PathPrefix', { filters })

test('rewrites and header changes act on the handshake and leave frames alone', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          filtered(
            '/app',
            {
              type: 'URLRewrite',
              urlRewrite: { hostname: 'inside.example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
            },
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: {
                set: [{ name: 'x-set', value: 'set' }],
                add: [{ name: 'x-add', value: 'b' }],
                remove: ['x-gone'],
              },
            },
            { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-answer', value: 'seen' }] } },
          ),
          {
            matches: [{ path: { type: 'PathPrefix', value: '/away' } }],
            filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'other.example' } }],
          },
        ],
      }),
    ],
    async (world) => {
      const answered = await world.ask({ path: '/app/head', headers: HANDSHAKE })
      assert.deepEqual([answered.status, answered.headers['x-answer']], [101, 'seen'])
      const headers = { 'x-add': 'a', 'x-gone': 'x' }
      const client = await webSocket({ protocol: 'http1', port: world.port(), path: '/app/chat?x=1', headers })
      client.socket.send('X-Gone: /app x-gone')
      assert.equal((await client.next()).data.toString(), 'X-Gone: /app x-gone')
      await client.close()
      const seen = seenAt('/chat?x=1')
      assert.deepEqual([seen?.['host'], seen?.['x-set'], seen?.['x-gone']], ['inside.example', 'set', undefined])
      assert.equal(seen?.['x-add']?.replaceAll(', ', ','), 'a,b')
      const away = await world.ask({ path: '/away', host: 'here.example', headers: HANDSHAKE })
      assert.deepEqual([away.status, away.headers['location']], [302, 'http://other.example/away'])
    },
  ))

test('a handshake is split by weight', () =>
  withWorld(
    [gateway('gw'), route('r', { rules: [{ backendRefs: [to('v1', { weight: 9 }), to('v2', { weight: 1 })] }] })],
    async (world) => {
      const before = backends.all.map(({ seen }) => seen.length)
      const rounds = 200
      for (let index = 0; index < rounds; index++)
        assert.equal((await world.ask({ path: '/split', headers: HANDSHAKE })).status, 101)
      const [first = 0, second = 0] = backends.all.map(({ seen }, index) => seen.length - (before[index] ?? 0))
      assert.equal(first + second, rounds)
      // Five standard deviations.
      assert.ok(Math.abs(second - rounds / 10) <= 5 * Math.sqrt(rounds * 0.1 * 0.9), `${second} of ${rounds}`)
    },
  ))

test('the request timeout ends at the 101, and a slow 101 is 504', async () => {
  const slow = await tcpServer((socket) => void socket.once('data', () => undefined))
  try {
    await withWorld(
      [
        gateway('gw'),
        ...service('slow', [slow.port]),
        route('r', {
          rules: [
            pathRule('/stays', 'v1', 'PathPrefix', { timeouts: { request: '400ms' } }),
            pathRule('/slow', 'slow', 'PathPrefix', { timeouts: { request: '400ms' } }),
          ],
        }),
      ],
      async (world) => {
        const client = await webSocket({ protocol: 'http1', port: world.port(), path: '/stays' })
        await delay(1000)
        client.socket.send('still here')
        assert.equal((await client.next()).data.toString(), 'still here')
        await client.close()
        assert.equal((await world.ask({ path: '/slow', headers: HANDSHAKE })).status, 504)
      },
    )
  } finally {
    await slow.stop()
  }
})

for (const name of ['Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Host']) {
  test(`a header modifier cannot touch ${name}`, async () => {
    const loaded = await load([
      gateway('gw'),
      route('r', {
        rules: [filtered('/', { type: 'RequestHeaderModifier', requestHeaderModifier: { remove: [name] } })],
      }),
    ])
    const [first] = loaded.diagnostics
    assert.match(first?.message ?? '', /is not changed by filters/)
    assert.equal(first?.place.path, 'spec.rules[0].filters[0].requestHeaderModifier.remove[0]')
    assert.ok(first.place.line > 1)
  })
}

test('a mirror gets no upgrade, and CORS keeps no WebSocket away', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          filtered('/mirrored', { type: 'RequestMirror', requestMirror: { backendRef: { name: 'v2', port: 8080 } } }),
          filtered('/cors', { type: 'CORS', cors: { allowOrigins: ['https://good.example'] } }),
        ],
      }),
    ],
    async (world) => {
      const client = await webSocket({ protocol: 'http1', port: world.port(), path: '/mirrored' })
      client.socket.send('one')
      assert.equal((await client.next()).data.toString(), 'one')
      await client.close()
      assert.equal(
        backends.all[1]?.seen.some(({ path }) => path === '/mirrored'),
        false,
      )
      const crossed = await world.ask({ path: '/cors', headers: { ...HANDSHAKE, origin: 'https://bad.example' } })
      assert.equal(crossed.status, 101)
    },
  ))

test('a WebSocket of an HTTP/2 client reaches an HTTP/1.1 backend as GET with Upgrade', () =>
  withWorld([gateway('gw'), route('r', { rules: [{ backendRefs: [to('v1')] }] })], async (world) => {
    const client = await webSocket({ protocol: 'http2', port: world.port(), path: '/from-h2' })
    client.socket.send('over h2')
    assert.equal((await client.next()).data.toString(), 'over h2')
    await client.close()
    assert.equal(seenAt('/from-h2')?.['upgrade'], 'websocket')
  }))

test('a backend of h2c gets an extended CONNECT', async () => {
  const app = await startHttp2EchoApp()
  try {
    await withWorld(
      [
        gateway('gw'),
        ...service('h2', [app.port], 'infra', { appProtocol: 'kubernetes.io/h2c' }),
        route('r', { rules: [{ backendRefs: [to('h2')] }] }),
      ],
      async (world) => {
        const client = await webSocket({ protocol: 'http1', port: world.port(), path: '/to-h2' })
        client.socket.send('hello')
        assert.equal((await client.next()).data.toString(), 'hello')
        await client.close()
      },
    )
  } finally {
    await app.stop()
  }
})

test('a plain CONNECT finds no route', () =>
  withWorld([gateway('gw'), route('r', { rules: [{ backendRefs: [to('v1')] }] })], async (world) => {
    const client = await rawClient(world.port())
    client.write('CONNECT internal.example:80 HTTP/1.1\r\nhost: internal.example:80\r\n\r\n')
    const { status } = await client.answer()
    assert.ok(status >= 400, `${status}`)
    client.close()
  }))
