// WebSockets over five endpoints: least request spreads tunnels that stay, hashes and sessions bring clients back to their
// endpoint, with the cookie on the 101 itself and on the 200 of an extended CONNECT.

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, endpoint, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { until, within } from '../support/waiting.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.'
const COOKIE_POLICY: YamlMap = {
  cookie: { name: 'lb', ttl: '600s', path: '/', attributes: [{ name: 'SameSite', value: 'Lax' }] },
}

const session = (strict = false): YamlMap => ({
  strict,
  session_state: {
    name: 'envoy.http.stateful_session.cookie',
    typed_config: {
      '@type': `${TYPE}http.stateful_session.cookie.v3.CookieBasedSessionState`,
      cookie: { name: 'session', ttl: '120s', path: '/' },
    },
  },
})

const perRoute = (override: YamlMap): YamlMap => ({
  typed_per_filter_config: {
    session: { '@type': `${TYPE}filters.http.stateful_session.v3.StatefulSessionPerRoute`, ...override },
  },
})

let apps: readonly EchoApp[]
let proxy: ProxyProcess
let visits = 0

before(async () => {
  apps = await Promise.all(Array.from({ length: 5 }, () => startEchoApp()))
  const over = (name: string, more: YamlMap): YamlMap =>
    cluster({
      name,
      port: 1,
      more: {
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: apps.map(({ port }) => endpoint(port)) }],
        },
        ...more,
      },
    })
  const tcp = {
    name: 'tcp',
    typed_config: {
      '@type': `${TYPE}filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: 'tcp',
      cluster: 'maglev',
      hash_policy: [{ source_ip: {} }],
    },
  }
  const http = listener({
    name: 'http',
    filters: [
      {
        name: 'session',
        typed_config: { '@type': `${TYPE}filters.http.stateful_session.v3.StatefulSession`, ...session() },
      },
    ],
    routes: [
      route('/least', 'least', {}, perRoute({ disabled: true })),
      route('/ring', 'ring', { hash_policy: [COOKIE_POLICY] }, perRoute({ disabled: true })),
      route(
        '/maglev',
        'maglev',
        { hash_policy: [{ header: { header_name: 'x-user' } }] },
        perRoute({ disabled: true }),
      ),
      route(
        '/ip',
        'murmur',
        { hash_policy: [{ connection_properties: { source_ip: true } }] },
        perRoute({ disabled: true }),
      ),
      route('/strict', 'turns', {}, perRoute({ stateful_session: session(true) })),
      route('/session', 'turns'),
    ],
  })
  proxy = await startProxy(
    bootstrap(
      [
        http,
        {
          name: 'tcp',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [{ filters: [tcp] }],
        },
      ],
      [
        over('least', { lb_policy: 'LEAST_REQUEST' }),
        over('ring', { lb_policy: 'RING_HASH' }),
        over('murmur', { lb_policy: 'RING_HASH', ring_hash_lb_config: { hash_function: 'MURMUR_HASH_2' } }),
        over('maglev', { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 1009 } }),
        over('turns', { lb_policy: 'ROUND_ROBIN' }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await Promise.all(apps.map((app) => app.stop()))
  await nothingLeft()
})

interface Opened {
  readonly socket: WebSocket
  readonly cookies: readonly string[]
  readonly app: EchoApp
}

/** Opens a WebSocket on a path of its own and finds out who got it. */
async function open(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Opened> {
  const mine = `${path}?${visits++}`
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('http')}${mine}`, { headers })
  socket.on('error', () => undefined)
  const answer = await within(
    new Promise<IncomingMessage>((resolve, reject) => {
      socket.once('upgrade', resolve)
      socket.once('unexpected-response', (_request, refusal: IncomingMessage) =>
        reject(new Error(String(refusal.statusCode))),
      )
    }),
    `a 101 for ${mine}`,
  )
  return { socket, cookies: answer.headers['set-cookie'] ?? [], app: await appOf(mine) }
}

const appOf = (path: string): Promise<EchoApp> =>
  until(() => apps.find((app) => app.visits.some((visit) => visit.path === path)), {
    what: `a visit of ${path}`,
    ms: 5000,
  })

async function visit(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Omit<Opened, 'socket'>> {
  const { socket, ...rest } = await open(path, headers)
  socket.terminate()
  return rest
}

const pair = (cookie: string | undefined): string => cookie?.split(';', 1)[0] ?? ''

test('least request spreads tunnels that stay open', async () => {
  const sockets: WebSocket[] = []
  const counts = new Map<EchoApp, number>()
  for (let i = 0; i < 50; i++) {
    const { socket, app } = await open('/least')
    sockets.push(socket)
    counts.set(app, (counts.get(app) ?? 0) + 1)
  }
  for (const app of apps) {
    const count = counts.get(app) ?? 0
    assert.ok(count >= 6 && count <= 14, `one endpoint has ${count} of 50 tunnels`)
  }
  for (const socket of sockets) socket.terminate()
})

test('a ring hash cookie is set on the 101 and brings the client back', async () => {
  const first = await visit('/ring')
  assert.equal(first.cookies.length, 1)
  assert.match(first.cookies[0] ?? '', /^lb=[0-9a-f]{16}; Max-Age=600; Path=\/; SameSite=Lax; HttpOnly$/)
  for (let i = 0; i < 10; i++) {
    const again = await visit('/ring', { cookie: `other=1; ${pair(first.cookies[0])}` })
    assert.equal(again.app, first.app)
    assert.deepEqual(again.cookies, [])
  }
  const met = new Set<EchoApp>()
  for (let i = 0; i < 60; i++) met.add((await visit('/ring', { cookie: `lb=client-${i}` })).app)
  assert.equal(met.size, 5)
})

test('maglev by header: a user stays, users spread', async () => {
  const met = new Set<EchoApp>()
  for (let user = 0; user < 60; user++) {
    const { app } = await visit('/maglev', { 'x-user': `user ${user}` })
    met.add(app)
    if (user % 10 === 0) assert.equal((await visit('/maglev', { 'x-user': `user ${user}` })).app, app)
  }
  assert.equal(met.size, 5)
})

test('by source address all of one client goes to one endpoint, over HTTP and over TCP', async () => {
  const { app } = await visit('/ip')
  for (let i = 0; i < 5; i++) assert.equal((await visit('/ip')).app, app)
  const answers = new Set<EchoApp>()
  for (let i = 0; i < 5; i++) {
    const path = `/tcp?${visits++}`
    const socket = connect(proxy.port('tcp'), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
    answers.add(await appOf(path))
    socket.destroy()
  }
  assert.equal(answers.size, 1)
})

test('a session cookie is set on the 101, names no address, and brings the client back', async () => {
  const first = await visit('/session')
  const [cookie] = first.cookies
  assert.match(cookie ?? '', /^session=[A-Za-z0-9_-]{43}; Max-Age=120; Path=\/; HttpOnly$/)
  for (let i = 0; i < 10; i++) {
    const again = await visit('/session', { cookie: pair(cookie) })
    assert.equal(again.app, first.app)
    assert.deepEqual(again.cookies, [])
  }
})

test('a session that names nobody goes anywhere and gets a new cookie, unless it is strict', async () => {
  const made = await visit('/session', { cookie: `session=${'A'.repeat(43)}` })
  assert.equal(made.cookies.length, 1)
  await assert.rejects(open('/strict', { cookie: `session=${'A'.repeat(43)}` }), /503/)
  const first = await visit('/strict')
  assert.equal((await visit('/strict', { cookie: pair(first.cookies[0]) })).app, first.app)
})

test('a session cookie is set on the 200 of an extended CONNECT and brings the client back', async () => {
  const http2 = await http2Session(`http://127.0.0.1:${proxy.port('http')}`)
  try {
    const path = `/session?${visits++}`
    const first = await http2.open(path)
    const cookie = pair(first.headers['set-cookie']?.[0])
    const app = await appOf(path)
    assert.match(cookie, /^session=/)
    for (let i = 0; i < 5; i++) {
      const next = `/session?${visits++}`
      const again = await http2.open(next, { headers: { cookie } })
      assert.equal(await appOf(next), app)
      assert.equal(again.headers['set-cookie'], undefined)
    }
    // The same cookie over HTTP/1.1.
    assert.equal((await visit('/session', { cookie })).app, app)
  } finally {
    await http2.close()
  }
})

test('the tables of a cluster are among its statistics', async () => {
  const stats = await proxy.stats()
  assert.equal(stats.get('cluster.ring.ring_hash_lb.size'), 1025)
  assert.equal(stats.get('cluster.ring.ring_hash_lb.min_hashes_per_host'), 205)
  assert.equal(stats.get('cluster.maglev.maglev_lb.max_entries_per_host'), 202)
  assert.equal(stats.get('cluster.maglev.lb_healthy_panic'), 0)
})
