// Real servers that come up and go down, and exactly how many probes it takes until the proxy says so: a server of the `ws`
// package alone, nginx, and a gRPC server of grpc-js with the standard health service. The event log tells every probe.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { type ForeignServer, freePorts, startForeign } from '../support/foreign-program.ts'
import { type GrpcHealthServer, startGrpcHealthServer } from '../support/grpc-health-server.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs } from '../support/tools.ts'
import { until } from '../support/waiting.ts'

const FAILURES = 3
const SUCCESSES = 2

const folder = mkdtempSync(join(tmpdir(), 'sluice-thresholds-'))
const SINK = 'type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink'

const check = (cluster: string, probe: YamlMap): YamlMap => ({
  timeout: '5s',
  interval: '0.1s',
  no_traffic_interval: '0.1s',
  unhealthy_threshold: FAILURES,
  healthy_threshold: SUCCESSES,
  always_log_health_check_failures: true,
  always_log_health_check_success: true,
  event_logger: [{ name: 'file', typed_config: { '@type': SINK, event_log_path: join(folder, cluster) } }],
  ...probe,
})

const WEBSOCKET: YamlMap = {
  custom_health_check: {
    name: 'websocket',
    typed_config: { '@type': 'type.googleapis.com/sluice.v1.WebSocketHealthCheck', path: '/', ping: true },
  },
}
const expecting = (status: number): YamlMap => ({
  http_health_check: { path: '/', expected_statuses: [{ start: status, end: status + 1 }] },
})
const GRPC: YamlMap = { grpc_health_check: { service_name: 'app' } }

/** A server that a test starts and stops, and the checks that judge it right. */
interface Judged {
  readonly name: string
  readonly port: number
  readonly protocol: 'http1' | 'http2'
  readonly checks: Readonly<Record<string, YamlMap>>
  /** A program that must be installed. */
  readonly program?: string
  start(): Promise<void>
  stop(): Promise<void>
}

function webSocketOnly(port: number): Judged {
  let server: WebSocketServer | undefined
  return {
    name: 'websocket-only',
    port,
    protocol: 'http1',
    checks: { websocket: WEBSOCKET, tcp: { tcp_health_check: {} }, 'http-426': expecting(426) },
    async start() {
      const started = new WebSocketServer({ host: '127.0.0.1', port })
      await new Promise<void>((resolve) => started.once('listening', resolve))
      server = started
    },
    async stop() {
      const stopped = server
      for (const socket of stopped?.clients ?? []) socket.terminate()
      await new Promise<void>((resolve) => (stopped === undefined ? resolve() : stopped.close(() => resolve())))
    },
  }
}

function nginx(port: number): Judged {
  let server: ForeignServer | undefined
  return {
    name: 'nginx',
    port,
    protocol: 'http1',
    checks: { http: expecting(204) },
    program: 'nginx',
    async start() {
      server = await startForeign({
        name: 'nginx',
        config: (at) => `daemon off; worker_processes 1; pid ${at}/pid; error_log stderr;
events {}
http { access_log off; server { listen 127.0.0.1:${port}; location / { return 204; } } }`,
        args: (file, at) => ['-p', at, '-c', file],
        ports: [port],
      })
    },
    async stop() {
      await server?.stop()
    },
  }
}

let grpcServer: GrpcHealthServer | undefined

const grpc = (port: number): Judged => ({
  name: 'grpc',
  port,
  protocol: 'http2',
  checks: { grpc: GRPC },
  async start() {
    grpcServer = await startGrpcHealthServer(['app'], { port })
  },
  async stop() {
    grpcServer?.stop()
  },
})

const checked = (name: string, port: number, protocol: 'http1' | 'http2', probe: YamlMap): YamlMap =>
  cluster({ name, port, protocol, more: { health_checks: [check(name, probe)] } })

const clusters = ({ name, port, protocol, checks }: Judged): YamlMap[] =>
  Object.entries(checks).map(([kind, probe]) => checked(`${name}-${kind}`, port, protocol, probe))

const ports = await freePorts('websocket', 'nginx', 'grpc')
const all = [webSocketOnly(ports.websocket), nginx(ports.nginx), grpc(ports.grpc)]

let proxy: ProxyProcess

/** Kinds of checks that take a server for dead that speaks only WebSocket. */
const WRONG: Readonly<Record<string, YamlMap>> = { http: expecting(200), grpc: GRPC }

before(async () => {
  // Every port is closed: the first round fails at once.
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: [route('/', 'grpc-grpc')] })],
      [
        ...all.flatMap(clusters),
        ...Object.entries(WRONG).map(([kind, probe]) =>
          checked(`wrong-${kind}`, ports.websocket, kind === 'grpc' ? 'http2' : 'http1', probe),
        ),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const server of all) await server.stop()
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

const counted = (name: string, what: string): Promise<number> => proxy.stat(`cluster.${name}.health_check.${what}`)

/** Single letters for the events of a cluster: a failed probe, a good one, and what became of the endpoint. */
const LETTERS: Readonly<Record<string, string>> = {
  health_check_failure_event: 'f',
  successful_health_check_event: 's',
  eject_unhealthy_event: 'D',
  add_healthy_event: 'U',
}

function story(name: string): string {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
  return lines
    .map((line) => Object.keys(JSON.parse(line)).find((key) => key.endsWith('_event')) ?? '')
    .map((event) => LETTERS[event] ?? '?')
    .join('')
}

/** Waits for the event and answers the whole story up to it. */
const storyUntil = (name: string, event: 'U' | 'D', times = 1): Promise<string> =>
  until(
    () => {
      const told = story(name)
      const end = told.split(event, times).join(event).length
      return told.split(event).length > times ? told.slice(0, end + 1) : undefined
    },
    { what: `${event} of ${name}`, detail: () => story(name) },
  )

// The probe that takes an endpoint out is told as D, then as f; the one that brings it back as U alone.
for (const server of all) {
  const names = Object.keys(server.checks).map((kind) => `${server.name}-${kind}`)
  const needed = needs(...(server.program === undefined ? [] : [server.program]))

  test(`${server.name}: up after ${SUCCESSES} good probes, down after ${FAILURES} bad ones`, needed, async () => {
    await server.start()
    for (const name of names) assert.match(await storyUntil(name, 'U'), /^f+sU$/, name)
    for (const name of names) {
      await until(() => (/Us/.test(story(name)) ? true : undefined), { what: `another probe of ${name}` })
    }
    if (server.name === 'websocket-only') await wrongProbes()
    const changes = server.name === 'grpc' ? await notServing() : ''
    await server.stop()
    const down = new RegExp(`^f+sUs+${changes}ffD$`)
    for (const name of names) assert.match(await storyUntil(name, 'D', changes === '' ? 1 : 2), down, name)
    await server.start()
    for (const name of names) assert.match(await storyUntil(name, 'U', changes === '' ? 2 : 3), /ffDf+sU$/, name)
    await server.stop()
  })
}

/** A plain request and a gRPC call are refused by a server that speaks only WebSocket. */
async function wrongProbes(): Promise<void> {
  for (const kind of Object.keys(WRONG)) {
    assert.ok((await counted(`wrong-${kind}`, 'failure')) > 0)
    assert.equal(await counted(`wrong-${kind}`, 'success'), 0)
    assert.equal(await proxy.stat(`cluster.wrong-${kind}.membership_healthy`), 0)
  }
}

/** An answer that says NOT_SERVING needs no threshold. What it adds to the story. */
async function notServing(): Promise<string> {
  const calls = grpcServer?.calls ?? 0
  grpcServer?.health.setStatus('app', 'NOT_SERVING')
  assert.match(await storyUntil('grpc-grpc', 'D'), /^f+sUs+D$/)
  grpcServer?.health.setStatus('app', 'SERVING')
  assert.match(await storyUntil('grpc-grpc', 'U', 2), /Df+sU$/)
  assert.ok((grpcServer?.calls ?? 0) > calls)
  return 'Df+sUs*'
}
