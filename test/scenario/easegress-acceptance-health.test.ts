// Acceptance cases of the Easegress dialect, 31 to 35: thresholds counted probe by probe, what HTTP and WebSocket checks
// accept, and that the first round is over before traffic comes.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { startEasegress, status } from '../support/easegress-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { delay, until } from '../support/waiting.ts'

/** What each probe of the counted pool gets: P passes, F fails; at the end it passes for ever. */
const SCRIPT = 'PFFPPPFPF'

/** State of the counted server when each probe came, by number from 1. */
const states: string[] = []
const closes: number[] = []
const probes: IncomingMessage[] = []
let followed = 0
let lateProbes = 0
let proxy: ProxyProcess | undefined

/** The application, and everything about its health. */
const app = createServer((request, response) => {
  const answers: Readonly<Record<string, () => void>> = {
    '/counted': () => void counted().then((good) => response.writeHead(good ? 200 : 500).end()),
    '/late': () =>
      void delay(1000)
        .then(() => response.writeHead(500).end())
        .then(() => lateProbes++),
    '/ok': () => void response.end('ok'),
    '/not-found-ok': () => void response.writeHead(404).end('all ok here'),
    '/found': () => void response.writeHead(302, { location: '/followed' }).end('ok'),
    '/followed': () => void response.end(`ok ${++followed}`),
    // No upgrade: the WebSocket check gets a 200.
    '/plain': () => void response.end('ok'),
  }
  const answer = answers[request.url ?? '']
  if (answer === undefined) response.writeHead(404).end()
  else answer()
})
const sockets = new WebSocketServer({ noServer: true })
sockets.on('headers', (headers, request) => {
  if (request.url === '/told') headers.push('X-Status: healthy')
  if (request.url === '/told-other') headers.push('X-Status: dying')
})

function listenForWebSockets(server: Server): void {
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/plain') {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      return
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => undefined)
      client.on('close', (code) => {
        if (server === side) closes.push(code)
      })
      if (server === side) probes.push(request)
    })
  })
}

/** Beside the application: where WebSocket probes with a port of their own go. */
const side = createServer((_, response) => response.writeHead(426).end())
listenForWebSockets(app)
listenForWebSockets(side)

async function counted(): Promise<boolean> {
  const index = states.length
  states.push('')
  // What was judged so far, before this probe is answered. The pages do not serve before the first round is over.
  if (index > 0) {
    await until(() => proxy, { what: 'the proxy to serve', ms: 15_000 })
    states[index] = (await healthy('counted')) ? 'healthy' : 'unhealthy'
  }
  return (SCRIPT[index] ?? 'P') === 'P'
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

const CHECKS: Readonly<Record<string, () => string>> = {
  counted: () => '{interval: 300ms, timeout: 20s, fails: 2, passes: 3, http: {uri: /counted}}',
  late: () => '{interval: 60s, timeout: 5s, http: {uri: /late}}',
  'http-alone': () => '{interval: 60s, http: {uri: /ok}, ws: {uri: /plain}}',
  exact: () => `{interval: 60s, ws: {uri: /told, match: {headers: [{name: X-Status, value: healthy}]}}}`,
  'exact-other': () => '{interval: 60s, ws: {uri: /told-other, match: {headers: [{name: X-Status, value: healthy}]}}}',
  regexp: () => '{interval: 60s, ws: {uri: /told, match: {headers: [{name: X-Status, value: ^heal, type: regexp}]}}}',
  side: () =>
    `{interval: 200ms, timeout: 2s, ws: {port: ${portOf(side.address())}, uri: /probe, headers: {X-Health-Check: sluice}}}`,
  'not-found': () => `{interval: 60s, http: {uri: /not-found-ok, match: ${MATCH}}}`,
  found: () => `{interval: 60s, http: {uri: /found, match: ${MATCH}}}`,
  'found-allowed': () => '{interval: 60s, http: {uri: /found}}',
}

const MATCH = '{statusCodes: [[200, 299], [400, 499]], body: {value: ok}}'

before(async () => {
  for (const server of [app, side]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy = await startEasegress(`
${Object.entries(CHECKS)
  .map(
    ([name, check]) => `
name: ${name}
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:
  - servers: [{url: "ws://127.0.0.1:${portOf(app.address())}"}]
    healthCheck: ${check()}
---`,
  )
  .join('')}
name: web
kind: HTTPServer
port: 8080
rules:
- paths:
${Object.keys(CHECKS)
  .map((name) => `  - {path: /${name}, backend: ${name}}`)
  .join('\n')}
`)
})

after(async () => {
  await proxy?.stop()
  sockets.close()
  for (const server of [app, side]) {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  await nothingLeft()
})

interface PipelineStatus {
  readonly filters: Readonly<Record<string, { readonly mainPool: { readonly servers: readonly ServerStatus[] } }>>
}

interface ServerStatus {
  readonly healthy: boolean
}

/** What the status page says of the one server of a pipeline. */
async function healthy(pipeline: string): Promise<boolean> {
  if (proxy === undefined) throw new Error('the proxy does not run yet')
  const { body } = await proxy.admin(`/apis/v2/status/objects/${pipeline}`)
  const found: PipelineStatus = JSON.parse(body)
  const [server] = found.filters['ws']?.mainPool.servers ?? []
  if (server === undefined) throw new Error(body)
  return server.healthy
}

/** Page and traffic agree. */
async function judged(pipeline: string): Promise<string> {
  const code = await status(proxy?.port('web') ?? 0, `/${pipeline}`)
  assert.equal(await healthy(pipeline), code !== 503, `${pipeline}: ${code}`)
  return code === 503 ? 'unhealthy' : 'healthy'
}

describe('Easegress', () => {
  test('case 35: the first check is over before a pool takes traffic', async () => {
    assert.equal(lateProbes, 1)
    assert.equal(await status(proxy?.port('web') ?? 0, '/late'), 503)
  })

  test('case 31: the number of probes until a change is exactly the threshold', async () => {
    await until(() => (states.length > SCRIPT.length ? true : undefined), { what: 'the probes', ms: 20_000 })
    // State before the 2nd probe and so on: P F F P P P F P F.
    assert.deepEqual(states.slice(1, SCRIPT.length + 1), [
      'healthy',
      'healthy',
      'unhealthy',
      'unhealthy',
      'unhealthy',
      'healthy',
      'healthy',
      'healthy',
      'healthy',
    ])
  })

  test('case 32: both checks must pass, and headers of the 101 count', async () => {
    assert.equal(await judged('http-alone'), 'unhealthy')
    assert.equal(await judged('exact'), 'healthy')
    assert.equal(await judged('exact-other'), 'unhealthy')
    assert.equal(await judged('regexp'), 'healthy')
  })

  test('case 33: a WebSocket probe has its own port and headers, and closes with 1000', async () => {
    await until(() => (closes.length >= 3 ? true : undefined), { what: 'three probes', ms: 10_000 })
    assert.ok(
      closes.every((code) => code === 1000),
      String(closes),
    )
    const [probe] = probes
    assert.deepEqual([probe?.url, probe?.headers['x-health-check']], ['/probe', 'sluice'])
    assert.ok(probes.length - closes.length <= 1, 'no more than the one that is under way')
    assert.equal(await judged('side'), 'healthy')
  })

  test('case 34: ranges of codes and the body count, and redirects are not followed', async () => {
    assert.equal(await judged('not-found'), 'healthy')
    assert.equal(await judged('found'), 'unhealthy')
    assert.equal(await judged('found-allowed'), 'healthy')
    assert.equal(followed, 0)
  })
})
