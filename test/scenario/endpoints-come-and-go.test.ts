// Two thousand tunnels over five endpoints, of which one dies, one freezes, one resets everything, and all return: no tunnel
// of a healthy endpoint is touched, and the access log says of every close who was it and why.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { bootstrap, cluster, endpoint, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { until, within } from '../support/waiting.ts'

const TUNNELS = 2000
const ENDPOINTS = 5
const SCRIPT = fileURLToPath(new URL('../support/echo-endpoint.mjs', import.meta.url))

interface Endpoint {
  process: ChildProcess
  port: number
}

interface Client {
  readonly socket: WebSocket
  /** Index of its endpoint, as its port tells. */
  readonly endpoint: number
  closed: { readonly code: number } | undefined
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-closes-'))
const LOG = join(folder, 'closes.log')
const endpoints: Endpoint[] = []
let proxy: ProxyProcess

async function startEndpoint(port: number): Promise<Endpoint> {
  const process = fork(SCRIPT, [String(port)], { execArgv: [] })
  const told = new Promise<number>((resolve) =>
    process.once('message', (message: { port: number }) => resolve(message.port)),
  )
  return { process, port: await within(told, 'an endpoint to listen') }
}

const LIMITS = { max_connections: 5000, max_requests: 5000, max_pending_requests: 5000 }

before(async () => {
  for (let i = 0; i < ENDPOINTS; i++) endpoints.push(await startEndpoint(0))
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'front',
          routes: [route('/', 'app', { timeout: '20s' })],
          hcm: {
            access_log: [
              {
                name: 'file',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
                  path: LOG,
                  log_format: {
                    text_format_source: {
                      inline_string: '%RESPONSE_CODE% %UPSTREAM_HOST% %CLOSED_BY% %CLOSE_CAUSE% %REQ(:PATH)%\n',
                    },
                  },
                },
              },
            ],
          },
        }),
      ],
      [
        cluster({
          name: 'app',
          port: 1,
          more: {
            lb_policy: 'LEAST_REQUEST',
            circuit_breakers: { thresholds: [LIMITS] },
            load_assignment: {
              cluster_name: 'app',
              endpoints: [{ lb_endpoints: endpoints.map(({ port }) => endpoint(port)) }],
            },
            health_checks: [
              {
                interval: '0.5s',
                no_traffic_interval: '0.5s',
                timeout: '2s',
                unhealthy_threshold: 2,
                healthy_threshold: 1,
                custom_health_check: {
                  name: 'websocket',
                  typed_config: {
                    '@type': 'type.googleapis.com/sluice.v1.WebSocketHealthCheck',
                    path: '/',
                  },
                },
              },
            ],
          },
        }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const { process } of endpoints) {
    process.kill('SIGCONT')
    process.kill('SIGKILL')
  }
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

const healthy = (count: number): Promise<true> =>
  until(async () => ((await proxy.stat('cluster.app.membership_healthy')) === count ? true : undefined), {
    what: `${count} endpoints to be healthy`,
    ms: 30_000,
  })

/** Opens a tunnel; which endpoint got it is known from the proxy's list afterwards. */
async function open(path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('front')}${path}`, { perMessageDeflate: false })
  await within(
    new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)),
    `the tunnel ${path}`,
    30_000,
  )
  socket.on('error', () => undefined)
  return socket
}

async function echoes({ socket }: Client): Promise<void> {
  const answer = once(socket, 'message')
  socket.send('still there')
  await answer
}

/** Opens `count` tunnels, a hundred at a time. */
async function openMany(count: number, prefix: string): Promise<Client[]> {
  const sockets = new Map<string, WebSocket>()
  for (let from = 0; from < count; from += 100) {
    const names = Array.from({ length: Math.min(100, count - from) }, (_, i) => `/${prefix}/${from + i}`)
    const opened = await Promise.all(names.map(open))
    opened.forEach((socket, i) => sockets.set(names[i] ?? '', socket))
  }
  const clients: Client[] = []
  for (const { path, endpoint: text } of await proxy.tunnels()) {
    const socket = sockets.get(path)
    if (socket === undefined) continue
    const index = endpoints.findIndex(({ port }) => text.endsWith(`:${port}`))
    const client: Client = { socket, endpoint: index, closed: undefined }
    socket.once('close', (code) => (client.closed = { code }))
    clients.push(client)
  }
  return clients
}

const closedOf = (clients: readonly Client[], index: number): Promise<true> =>
  until(
    () => (clients.every((client) => client.endpoint !== index || client.closed !== undefined) ? true : undefined),
    { what: `the tunnels of endpoint ${index} to close`, ms: 30_000 },
  )

test('endpoints die, freeze, reset and return under 2,000 tunnels', { timeout: 170_000 }, async () => {
  await healthy(ENDPOINTS)
  const clients = await openMany(TUNNELS, 'first')
  assert.equal(clients.length, TUNNELS)
  const share = (index: number): number => clients.filter((client) => client.endpoint === index).length
  for (let i = 0; i < ENDPOINTS; i++) assert.ok(share(i) > TUNNELS / ENDPOINTS / 2, `endpoint ${i} has ${share(i)}`)
  const of = (index: number): Endpoint => {
    const found = endpoints[index]
    assert.ok(found !== undefined)
    return found
  }

  // One dies.
  of(0).process.kill('SIGKILL')
  await closedOf(clients, 0)
  await healthy(ENDPOINTS - 1)

  // One freezes: it is marked down, and its tunnels stay.
  of(1).process.kill('SIGSTOP')
  await healthy(ENDPOINTS - 2)

  // One resets all its connections and goes on.
  of(2).process.send('reset')
  await closedOf(clients, 2)

  // New tunnels go to those that are left.
  const later = await openMany(60, 'later')
  assert.deepEqual(
    later.filter(({ endpoint: index }) => index < 2),
    [],
  )
  for (const client of later) client.socket.close(1000)
  await until(() => (later.every(({ closed }) => closed !== undefined) ? true : undefined), { what: 'them to close' })

  // No tunnel of the others was touched, and the frozen one's come back with it.
  of(1).process.kill('SIGCONT')
  await healthy(ENDPOINTS - 1)
  const rest = clients.filter(({ endpoint: index }) => index !== 0 && index !== 2)
  assert.deepEqual(
    rest.filter(({ closed }) => closed !== undefined),
    [],
  )
  await within(Promise.all(rest.map(echoes)), 'every other tunnel to echo', 30_000)

  // The dead one returns and gets tunnels again.
  endpoints[0] = await startEndpoint(of(0).port)
  await healthy(ENDPOINTS)
  const again = await openMany(50, 'again')
  assert.ok(again.some(({ endpoint: index }) => index === 0))
  for (const { socket } of [...rest, ...again]) socket.close(1000)
  await until(async () => ((await proxy.tunnels()).length === 0 ? true : undefined), {
    what: 'all tunnels to end',
    ms: 30_000,
  })
  await assertCauses(clients)
})

/** One line per tunnel: the dead and the reset endpoint's were closed by them, the others by the client. */
async function assertCauses(clients: readonly Client[]): Promise<void> {
  await proxy.admin('/reopen_logs', 'POST')
  const lines = await until(
    () => {
      const found = readFileSync(LOG, 'utf8').trim().split('\n')
      return found.length >= TUNNELS + 110 ? found : undefined
    },
    { what: 'the access log', ms: 20_000 },
  )
  const firsts = lines.filter((line) => line.includes(' /first/'))
  assert.equal(firsts.length, TUNNELS)
  const by = (index: number): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const line of firsts) {
      const [status, host = '', who, cause] = line.split(' ')
      if (!host.endsWith(`:${endpoints[index]?.port}`)) continue
      const key = `${status} ${who} ${cause}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }
  const share = (index: number): number => clients.filter((client) => client.endpoint === index).length
  for (const index of [0, 2]) {
    const counts = by(index)
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    assert.equal(total, share(index))
    for (const key of counts.keys()) assert.match(key, /^101 upstream \S+$/)
  }
  for (const index of [1, 3, 4]) assert.deepEqual([...by(index).keys()], ['101 client finished'])
}
