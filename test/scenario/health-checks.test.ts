// Active health checks as the real program makes them, of servers of others that go down and come back: nginx, `ws` and
// gRPC on node:http2. The probes are counted where they arrive.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { freePorts, startForeign } from '../support/foreign-program.ts'
import { type GrpcHealthApp, startGrpcHealthApp } from '../support/grpc-health-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { type TcpTarget, startTcpTarget } from '../support/tcp-target.ts'
import { needs } from '../support/tools.ts'
import { tcpListener } from '../support/tunnel-config.ts'
import { nextEvent, until } from '../support/waiting.ts'
import { listeningPort } from '../support/listening-port.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-health-'))
const eventLog = join(folder, 'events')

/** A page whose status the test sets, with the probes it got. */
interface Page {
  readonly port: number
  status: number
  headers: Readonly<Record<string, string>>
  probes: number
  /** Statuses of the next probes, which come first. */
  readonly script: number[]
  stop(): Promise<void>
}

async function startPage(): Promise<Page> {
  const server: Server = createServer((request, response) => {
    const probe = request.headers['user-agent'] === 'Envoy/HC'
    if (probe) page.probes++
    response.writeHead(probe ? (page.script.shift() ?? page.status) : 200, page.headers)
    response.end('page')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const page: Page = {
    port: listeningPort(server),
    status: 200,
    headers: {},
    probes: 0,
    script: [],
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return page
}

/** Every interval is this one. */
const INTERVAL = '0.15s'

const check = (more: YamlMap): YamlMap => ({
  timeout: '2s',
  interval: INTERVAL,
  no_traffic_interval: INTERVAL,
  unhealthy_threshold: 3,
  healthy_threshold: 2,
  ...more,
})

const NEVER_PANIC: YamlMap = { common_lb_config: { healthy_panic_threshold: { value: 0 } } }

const checked = (name: string, port: number, checks: readonly YamlMap[]): YamlMap =>
  cluster({ name, port, more: { health_checks: checks, ...NEVER_PANIC } })

const WEBSOCKET_CHECK: YamlMap = {
  custom_health_check: {
    name: 'websocket',
    typed_config: { '@type': 'type.googleapis.com/sluice.v1.WebSocketHealthCheck', path: '/health', ping: true },
  },
}

/** `/path` of the listener leads to the cluster of that name. */
const CLUSTERS = ['page', 'retriable', 'sockets', 'only-http', 'only-tcp', 'only-websocket'] as const

let page: Page
let retriable: Page
let plain: Page
let sockets: EchoApp
let only: EchoApp
let grpc: GrpcHealthApp
let target: TcpTarget
let proxy: ProxyProcess

before(async () => {
  page = await startPage()
  retriable = await startPage()
  plain = await startPage()
  sockets = await startEchoApp()
  only = await startEchoApp()
  grpc = await startGrpcHealthApp()
  target = await startTcpTarget()
  const http = { http_health_check: { path: '/health' } }
  const strict = { http_health_check: { path: '/health', expected_statuses: [{ start: 426, end: 427 }] } }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'web', routes: CLUSTERS.map((name) => route(`/${name}/`, name)) }),
        tcpListener({ name: 'tcp', cluster: 'kept' }),
        tcpListener({ name: 'cut', cluster: 'cut' }),
      ],
      [
        checked('page', page.port, [
          check({
            ...http,
            event_logger: [
              {
                name: 'file',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink',
                  event_log_path: eventLog,
                },
              },
            ],
          }),
        ]),
        checked('retriable', retriable.port, [
          check({ http_health_check: { path: '/health', retriable_statuses: [{ start: 500, end: 600 }] } }),
        ]),
        checked('sockets', sockets.port, [check({ ...WEBSOCKET_CHECK, timeout: '0.5s' })]),
        checked('only-http', only.port, [check(strict)]),
        checked('only-tcp', only.port, [check({ tcp_health_check: {} })]),
        checked('only-websocket', only.port, [check(WEBSOCKET_CHECK)]),
        cluster({
          name: 'grpc',
          port: grpc.port,
          protocol: 'http2',
          more: { health_checks: [check({ grpc_health_check: { service_name: 'app' } })], ...NEVER_PANIC },
        }),
        ...['kept', 'cut'].map((name) => ({
          name,
          connect_timeout: '2s',
          close_connections_on_host_health_failure: name === 'cut',
          ...NEVER_PANIC,
          load_assignment: {
            cluster_name: name,
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: '127.0.0.1', port_value: target.port } },
                      health_check_config: { port_value: plain.port },
                    },
                  },
                ],
              },
            ],
          },
          health_checks: [check(http)],
        })),
      ],
    ),
  )
  grpc.services.set('app', 1)
})

after(async () => {
  await proxy.stop()
  for (const app of [page, retriable, plain, sockets, only, grpc, target]) await app.stop()
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

async function flags(name: string): Promise<string> {
  const { body } = await proxy.admin('/clusters')
  return new RegExp(`^${name}::[^\n]*::health_flags::(.*)$`, 'm').exec(body)?.[1] ?? ''
}

const becomes = (name: string, wanted: RegExp): Promise<string> =>
  until(
    async () => {
      const now = await flags(name)
      return wanted.test(now) ? now : undefined
    },
    { what: `${name} to be ${wanted.source}`, detail: () => proxy.output() },
  )

async function get(path: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${proxy.port('web')}${path}`, { headers: { connection: 'close' } })
  await response.text()
  return response.status
}

const HEALTHY = /^healthy$/
const FAILED = /^\/failed_active_hc/

/** What the event log says has happened to a cluster. */
const events = (): Promise<string[]> =>
  until(
    () => {
      const lines = readFileSync(eventLog, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
      const names = lines.map((line) => Object.keys(JSON.parse(line)).find((key) => key.endsWith('_event')) ?? '')
      return names.length >= 3 ? names : undefined
    },
    { what: 'three events' },
  )

describe('active health checks', () => {
  test('the first round is over before a listener takes connections', async () => {
    assert.ok(page.probes >= 1)
    assert.ok((await proxy.stat('cluster.page.health_check.attempt')) >= 1)
    assert.equal(await get('/page/'), 200)
  })

  test("a status that is not expected counts at once by Envoy's rule; the way back takes the threshold", async () => {
    await becomes('page', HEALTHY)
    page.status = 503
    await becomes('page', FAILED)
    assert.equal(await get('/page/'), 503)
    assert.equal(await proxy.stat('cluster.page.membership_healthy'), 0)
    page.status = 200
    await becomes('page', HEALTHY)
    assert.equal(await get('/page/'), 200)
    assert.deepEqual((await events()).slice(0, 3), ['add_healthy_event', 'eject_unhealthy_event', 'add_healthy_event'])
    assert.match(proxy.output(), /endpoint is unhealthy .*cluster=page .*reason="answered 503 to GET \/health"/)
    assert.match(proxy.output(), /endpoint is healthy again .*cluster=page/)
  })

  test('an ordinary response can take its endpoint out', async () => {
    page.headers = { 'x-envoy-immediate-health-check-fail': 'true' }
    page.status = 503
    await becomes('page', FAILED)
    page.status = 200
    page.headers = {}
    await becomes('page', HEALTHY)
    page.headers = { 'x-envoy-immediate-health-check-fail': 'true' }
    await get('/page/')
    page.headers = {}
    assert.equal(await proxy.stat('cluster.page.health_check.passive_failure'), 1)
    await becomes('page', HEALTHY)
  })

  test('the number of probes until a change is exactly the threshold', async () => {
    await becomes('retriable', HEALTHY)
    const changes = (): string[] =>
      [...proxy.output().matchAll(/endpoint is (\S+ ?\S*) cluster=retriable/g)].map(([, change = '']) => change)
    const before = changes().length
    const plays = async (answers: readonly number[]): Promise<readonly string[]> => {
      retriable.script.push(...answers)
      await until(() => (retriable.script.length === 0 ? true : undefined), { what: 'the answers to be given' })
      // The next probe comes after the last of them was judged.
      const { probes } = retriable
      await until(() => (retriable.probes > probes ? true : undefined), { what: 'another probe' })
      return changes().slice(before)
    }
    // Two failures and a success begin anew; three in a row are the threshold.
    assert.deepEqual(await plays([503, 503, 200, 503, 503, 200]), [])
    assert.deepEqual(await plays([503, 503, 503]), ['unhealthy'])
    await becomes('retriable', HEALTHY)
    assert.deepEqual(await plays([503, 503, 503, 200, 503, 200, 503]), ['unhealthy', 'healthy again', 'unhealthy'])
    await becomes('retriable', HEALTHY)
    assert.deepEqual(changes().slice(before), ['unhealthy', 'healthy again', 'unhealthy', 'healthy again'])
  })

  test('a WebSocket server that goes down, and its tunnels', async () => {
    await becomes('sockets', HEALTHY)
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('web')}/sockets/live`)
    await nextEvent(socket, 'open')
    const { port } = sockets
    assert.equal((await sockets.visit('/health')).headers['user-agent'], 'Envoy/HC')
    // No new visitor is let in any more, the open ones stay.
    const live = await sockets.visit('/sockets/live')
    await sockets.stop().catch(() => undefined)
    assert.ok(live)
    await becomes('sockets', FAILED)
    assert.equal(await get('/sockets/'), 503)
    sockets = await startEchoApp({ port })
    await becomes('sockets', HEALTHY)
    assert.equal(await get('/sockets/'), 200)
    socket.terminate()
  })

  test('a live tunnel stays when its endpoint turns unhealthy; TCP sessions end if they are told to', async () => {
    await becomes('kept', HEALTHY)
    await becomes('cut', HEALTHY)
    const kept = connect(proxy.port('tcp'), '127.0.0.1')
    const keptServer = await target.next()
    const cut = connect(proxy.port('cut'), '127.0.0.1')
    const cutServer = await target.next()
    for (const socket of [kept, cut]) socket.on('error', () => undefined)
    const ended = nextEvent(cut, 'close')
    cut.resume()
    keptServer.on('data', (data) => keptServer.write(data))
    cutServer.resume()
    cutServer.on('end', () => cutServer.end())
    plain.status = 503
    await ended
    await becomes('kept', FAILED)
    const echo = nextEvent<Buffer>(kept, 'data')
    kept.write('still here')
    assert.equal((await echo).toString(), 'still here')
    kept.destroy()
    plain.status = 200
    await becomes('kept', HEALTHY)
  })

  test('a server that speaks only WebSocket is judged right by each kind of check', async () => {
    // The application answers plain requests with 200, where 426 is expected: the HTTP check is the wrong one.
    await becomes('only-http', FAILED)
    await becomes('only-tcp', HEALTHY)
    await becomes('only-websocket', HEALTHY)
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('web')}/only-websocket/x`)
    await nextEvent(socket, 'open')
    socket.terminate()
    assert.equal(await get('/only-http/'), 503)
  })

  test('a gRPC service that stops serving and serves again', async () => {
    await becomes('grpc', HEALTHY)
    grpc.services.set('app', 2)
    await becomes('grpc', FAILED)
    assert.match(proxy.output(), /cluster=grpc .*reason="is NOT_SERVING"/)
    grpc.services.set('app', 1)
    await becomes('grpc', HEALTHY)
    grpc.services.delete('app')
    await becomes('grpc', FAILED)
    assert.match(proxy.output(), /gRPC status 5: the service is unknown to it/)
    grpc.services.set('app', 1)
    await becomes('grpc', HEALTHY)
    assert.equal(grpc.sessions, 1)
  })
})

test('nginx that is stopped and started again', needs('nginx'), async () => {
  const { nginx: port } = await freePorts('nginx')
  const start = () =>
    startForeign({
      name: 'nginx',
      config: (at) => `daemon off; worker_processes 1; pid ${at}/pid; error_log stderr;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:${port}; location /health { return 204; } location / { return 426; } }
}`,
      args: (file, at) => ['-p', at, '-c', file],
      ports: [port],
    })
  let nginx = await start()
  const expected = { http_health_check: { path: '/health', expected_statuses: [{ start: 200, end: 300 }] } }
  const own = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: [route('/', 'nginx')] })],
      [
        checked('nginx', port, [check(expected)]),
        checked('wrong', port, [check({ http_health_check: { path: '/' } })]),
      ],
    ),
  )
  const healthy = (count: number): Promise<void> => own.statBecomes('cluster.nginx.membership_healthy', count)
  await healthy(1)
  await nginx.stop()
  await healthy(0)
  nginx = await start()
  await healthy(1)
  assert.match(
    own.output(),
    /cluster=wrong .*reason="answered 426 to GET \/" hint=".*speaks only WebSocket.*use a tcp or websocket check"/,
  )
  await own.stop()
  await nginx.stop()
})
