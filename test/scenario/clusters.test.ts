// Choosing an endpoint and getting through to one, as a user of Envoy configures it: weights, priorities, panic, hashes;
// upgrades that are tried on another host; circuit breakers by priority; ejections by each of the counters; mirrors.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { bootstrap, cluster, endpoint, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { delay, nextEvent, until, within } from '../support/waiting.ts'

/** What an application does with a handshake. */
type Manner = 'accepts' | 'refuses' | 'is silent'

interface App {
  readonly port: number
  readonly name: string
  manner: Manner
  /** Handshakes and requests. */
  upgrades: number
  requests: number
  stop(): Promise<void>
}

async function startApp(name: string, manner: Manner = 'accepts'): Promise<App> {
  const open = new Set<Duplex>()
  const sockets = new WebSocketServer({ noServer: true })
  const server: Server = createServer((_request, response) => {
    app.requests++
    response.end(name)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    app.upgrades++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
    if (app.manner === 'refuses') socket.end('HTTP/1.1 503 Not Now\r\ncontent-length: 0\r\n\r\n')
    else if (app.manner === 'accepts')
      sockets.handleUpgrade(request, socket, head, (accepted) => accepted.on('message', () => accepted.send(name)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const app: App = {
    name,
    port: listeningPort(server),
    manner,
    upgrades: 0,
    requests: 0,
    async stop() {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return app
}

let apps: readonly App[]
let refusing: App
let silent: App
let mirror: App
let proxy: ProxyProcess

const weighted = ({ port }: App, more: YamlMap): YamlMap => ({ ...endpoint(port), ...more })

/** A cluster of localities. */
const over = (name: string, localities: readonly YamlMap[], more: YamlMap = {}): YamlMap =>
  cluster({ name, port: 1, more: { load_assignment: { cluster_name: name, endpoints: localities }, ...more } })

const members = (list: readonly App[]): YamlMap => ({ lb_endpoints: list.map(({ port }) => endpoint(port)) })

const ELSEWHERE: YamlMap = {
  num_retries: 3,
  retry_back_off: { base_interval: '0.01s' },
  host_selection_retry_max_attempts: 20,
  retry_host_predicate: [
    {
      name: 'previous',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      },
    },
  ],
}

/** Handshakes at once: five for each of five endpoints. */
const BATCH = 25

/** What each way of ejecting needs; nothing else is enforced. */
const EJECTIONS: Readonly<Record<string, YamlMap>> = {
  consecutive_5xx: { consecutive_5xx: 2, enforcing_consecutive_5xx: 100 },
  consecutive_gateway_failure: { consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100 },
  consecutive_local_origin_failure: { consecutive_local_origin_failure: 2, split_external_local_origin_errors: true },
  success_rate: {
    enforcing_success_rate: 100,
    success_rate_minimum_hosts: 4,
    success_rate_request_volume: 4,
    success_rate_stdev_factor: 1500,
  },
  failure_percentage: {
    enforcing_failure_percentage: 100,
    failure_percentage_threshold: 60,
    failure_percentage_minimum_hosts: 4,
    failure_percentage_request_volume: 4,
  },
}

const ejecting = (how: string, detection: YamlMap, last: number): YamlMap =>
  over(how, [{ lb_endpoints: [...apps.map(({ port }) => endpoint(port)), endpoint(last)] }], {
    outlier_detection: {
      interval: '2s',
      base_ejection_time: '600s',
      max_ejection_percent: 100,
      enforcing_consecutive_5xx: 0,
      enforcing_success_rate: 0,
      enforcing_consecutive_local_origin_failure: how === 'consecutive_local_origin_failure' ? 100 : 0,
      ...detection,
    },
  })

before(async () => {
  apps = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startApp(name)))
  refusing = await startApp('refusing', 'refuses')
  silent = await startApp('silent', 'is silent')
  mirror = await startApp('mirror')
  const { nobody } = await freePorts('nobody')
  const [a, b, c] = apps
  assert.ok(a !== undefined && b !== undefined && c !== undefined)
  const names = ['weights', 'priorities', 'panic', 'no-panic', 'localities', ...Object.keys(EJECTIONS)]
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'web',
          routes: [
            ...names.map((name) => route(`/${name}/`, name)),
            route('/hash/', 'hash', {
              hash_policy: [
                { header: { header_name: 'x-user' }, terminal: true },
                { query_parameter: { name: 'session' }, terminal: true },
                { cookie: { name: 'known' } },
              ],
            }),
            route('/elsewhere/', 'elsewhere', {
              retry_policy: { ...ELSEWHERE, retry_on: 'retriable-status-codes', retriable_status_codes: [503] },
            }),
            route('/in-time/', 'in-time', { retry_policy: { ...ELSEWHERE, retry_on: '5xx', per_try_timeout: '0.3s' } }),
            route('/limited/high/', 'limited', { priority: 'HIGH' }),
            route('/limited/', 'limited'),
            route('/mirrored/', 'weights', { request_mirror_policies: [{ cluster: 'mirror' }] }),
          ],
        }),
      ],
      [
        over('weights', [{ lb_endpoints: [weighted(a, { load_balancing_weight: 3 }), weighted(b, {})] }]),
        over('priorities', [
          { lb_endpoints: [weighted(a, { health_status: 'UNHEALTHY' })] },
          { priority: 1, ...members([b]) },
        ]),
        over('panic', [
          {
            lb_endpoints: [
              weighted(a, { health_status: 'UNHEALTHY' }),
              weighted(b, { health_status: 'UNHEALTHY' }),
              weighted(c, {}),
            ],
          },
        ]),
        over(
          'no-panic',
          [
            {
              lb_endpoints: [
                weighted(a, { health_status: 'UNHEALTHY' }),
                weighted(b, { health_status: 'UNHEALTHY' }),
                weighted(c, {}),
              ],
            },
          ],
          { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
        ),
        over(
          'localities',
          [
            { locality: { zone: 'near' }, load_balancing_weight: 9, ...members([a]) },
            { locality: { zone: 'far' }, load_balancing_weight: 1, ...members([b]) },
          ],
          { common_lb_config: { locality_weighted_lb_config: {} } },
        ),
        over('hash', [members(apps)], { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 1009 } }),
        over('elsewhere', [members([refusing, a])]),
        over('in-time', [members([silent, b])]),
        over('limited', [members([a])], {
          circuit_breakers: { thresholds: [{ max_requests: 1 }, { priority: 'HIGH', max_requests: 2 }] },
        }),
        over('mirror', [members([mirror])]),
        ...Object.entries(EJECTIONS).map(([how, detection]) =>
          ejecting(how, detection, how === 'consecutive_local_origin_failure' ? nobody : refusing.port),
        ),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const app of [...apps, refusing, silent, mirror]) await app.stop()
  await nothingLeft()
})

async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const url = `http://127.0.0.1:${proxy.port('web')}${path}`
  const response = await fetch(url, { headers: { connection: 'close', ...headers } })
  const body = await response.text()
  return response.status === 200 ? body : `${response.status}`
}

/** How often each answered. */
async function answers(path: string, times: number): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < times; i++) {
    const name = await get(path)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

interface Refusal {
  readonly status: number
  readonly overloaded: string | undefined
  readonly body: string
}

/** An open WebSocket, or how it was refused. */
function open(path: string): Promise<WebSocket | Refusal> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('web')}${path}`)
  socket.on('error', () => undefined)
  return within(
    new Promise((resolve) => {
      socket.once('open', () => resolve(socket))
      socket.once('unexpected-response', (_request, answer: IncomingMessage) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (piece: string) => (body += piece))
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            overloaded: String(answer.headers['x-envoy-overloaded'] ?? ''),
            body,
          }),
        )
      })
    }),
    `an answer for ${path}`,
  )
}

async function opened(path: string): Promise<WebSocket> {
  const outcome = await open(path)
  if (outcome instanceof WebSocket) return outcome
  throw new Error(`${path} was refused with ${outcome.status}: ${outcome.body}`)
}

async function refused(path: string): Promise<Refusal> {
  const outcome = await open(path)
  if (!(outcome instanceof WebSocket)) return outcome
  outcome.terminate()
  throw new Error(`${path} was accepted`)
}

async function whoAnswers(socket: WebSocket): Promise<string> {
  const answer = nextEvent<Buffer>(socket, 'message')
  socket.send('who')
  return (await answer).toString()
}

async function close(socket: WebSocket): Promise<void> {
  const closed = nextEvent(socket, 'close')
  socket.close(1000)
  await closed
}

describe('an endpoint is chosen', () => {
  test('by weight', async () => {
    assert.deepEqual(await answers('/weights/', 40), { a: 30, b: 10 })
  })

  test('of the next priority when nobody of the first is healthy', async () => {
    assert.deepEqual(await answers('/priorities/', 10), { b: 10 })
  })

  test('whatever its health when too few are healthy, unless there is no panic', async () => {
    assert.deepEqual(Object.keys(await answers('/panic/', 12)).sort(), ['a', 'b', 'c'])
    assert.ok((await proxy.stat('cluster.panic.lb_healthy_panic')) > 0)
    assert.deepEqual(await answers('/no-panic/', 12), { c: 12 })
  })

  test('by the weights of the localities', async () => {
    const { a = 0, b = 0 } = await answers('/localities/', 60)
    assert.ok(a > b * 2 && b > 0, `${a} and ${b}`)
  })

  test('by a header, a parameter of the query or a cookie, and the first that there is decides', async () => {
    const users = await Promise.all(Array.from({ length: 9 }, (_, user) => get('/hash/', { 'x-user': `${user}` })))
    assert.ok(new Set(users).size > 1)
    const mine = await get('/hash/', { 'x-user': 'me' })
    for (let i = 0; i < 5; i++)
      assert.equal(await get(`/hash/?session=${i}`, { 'x-user': 'me', cookie: `known=${i}` }), mine)
    const session = await get('/hash/?session=s')
    for (let i = 0; i < 5; i++) assert.equal(await get('/hash/?session=s', { cookie: `known=${i}` }), session)
    const cookie = await get('/hash/', { cookie: 'known=k' })
    for (let i = 0; i < 5; i++) assert.equal(await get('/hash/', { cookie: 'known=k' }), cookie)
  })
})

describe('an upgrade that one host refuses or leaves unanswered is accepted by another', () => {
  for (const [path, name] of [
    ['/elsewhere/', 'a'],
    ['/in-time/', 'b'],
  ] as const) {
    test(`${path} over HTTP/1.1`, async () => {
      for (let i = 0; i < 4; i++) {
        const socket = await opened(path)
        assert.equal(await whoAnswers(socket), name)
        await close(socket)
      }
    })

    test(`${path} over HTTP/2`, async () => {
      const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
      for (let i = 0; i < 4; i++) {
        const { socket, status } = await session.open(path)
        assert.equal(status, 200)
        assert.equal(await whoAnswers(socket), name)
      }
      await session.close()
    })
  }

  test('and both hosts were asked', () => {
    assert.ok(refusing.upgrades > 0)
    assert.ok(silent.upgrades > 0)
  })
})

test('a circuit breaker refuses by its own priority, names itself and its place, and an open tunnel holds the slot', async () => {
  const usual = await opened('/limited/')
  const high = [await opened('/limited/high/'), await opened('/limited/high/')]
  const first = await refused('/limited/')
  assert.deepEqual([first.status, first.overloaded], [503, 'true'])
  assert.match(first.body, /Circuit breaker max_requests of cluster "limited" is reached: 1 \(envoy\.yaml:\d+\)/)
  const second = await refused('/limited/high/')
  assert.match(
    second.body,
    /Circuit breaker max_requests \(priority HIGH\) of cluster "limited" is reached: 2 \(envoy\.yaml:\d+\)/,
  )
  const place = /\((envoy\.yaml:\d+)\)/
  assert.notEqual(place.exec(first.body)?.[1], place.exec(second.body)?.[1])
  assert.equal(await proxy.stat('cluster.limited.circuit_breakers.default.rq_open'), 1)
  assert.equal(await proxy.stat('cluster.limited.circuit_breakers.high.rq_open'), 1)
  await close(usual)
  await proxy.statBecomes('cluster.limited.circuit_breakers.default.rq_open', 0)
  await close(await opened('/limited/'))
  for (const socket of high) await close(socket)
})

describe('an endpoint is ejected for handshakes that fail', () => {
  for (const how of Object.keys(EJECTIONS)) {
    test(`by ${how}`, async () => {
      const stat = `cluster.${how}.outlier_detection.ejections_enforced_${how}`
      let tunnels: WebSocket[] = []
      await until(
        async () => {
          // Enough for the rates of one interval, however busy the machine is.
          const outcomes = await Promise.all(Array.from({ length: BATCH }, () => open(`/${how}/`)))
          const accepted = outcomes.filter((outcome) => outcome instanceof WebSocket)
          if (tunnels.length === 0) tunnels = accepted
          else for (const tunnel of accepted) tunnel.terminate()
          return (await proxy.stat(stat)) === 1 ? true : undefined
        },
        { what: `${stat} to be 1`, ms: 30_000 },
      )
      assert.equal(await proxy.stat(`cluster.${how}.outlier_detection.ejections_active`), 1)
      assert.equal(await proxy.stat(`cluster.${how}.membership_healthy`), 4)
      // Those that were open go on, and new ones go to the others.
      for (const tunnel of tunnels) assert.equal(tunnel.readyState, WebSocket.OPEN)
      for (let i = 0; i < 8; i++) await close(await opened(`/${how}/`))
      for (const tunnel of tunnels) tunnel.terminate()
    })
  }
})

test('requests are mirrored, and no upgrade is, over HTTP/1.1 or HTTP/2', async () => {
  await close(await opened('/mirrored/'))
  const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
  assert.equal((await session.open('/mirrored/')).status, 200)
  await session.close()
  assert.match(await get('/mirrored/'), /^[ab]$/)
  await until(() => (mirror.requests === 1 ? true : undefined), { what: 'the mirrored request' })
  await delay(50)
  assert.deepEqual([mirror.requests, mirror.upgrades], [1, 0])
})
