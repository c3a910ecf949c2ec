// What an operator of Application Gateway for Containers sees of a WebSocket: the diagnostic log, metrics, backendHealth,
// the affinity cookie. The real program with manifests and a real `ws` client.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { WebSocket } from 'ws'
import { type EchoBackend, startEcho } from '../support/gateway-echo.ts'
import { gateway, type Piece, route, service, to } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startText } from '../support/proxy-process.ts'
import { delay, nextEvent, until } from '../support/waiting.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-agc-log-'))
const logFile = join(folder, 'diagnostic.log')
const LISTENER = '127.0.0.1:80'

let one: EchoBackend
let two: EchoBackend
let proxy: ProxyProcess

const twoEndpoints = (): readonly Piece[] => {
  const [own, first] = service('pair', [one.port])
  const [, second] = service('pair', [two.port])
  return [own ?? {}, first ?? {}, { ...second, metadata: { ...Object(second?.['metadata']), name: 'pair-second' } }]
}

before(async () => {
  one = await startEcho('one')
  two = await startEcho('two')
  const manifests = [
    gateway('gw', [{}], { gatewayClassName: 'azure-alb-external' }),
    route('chat', { rules: [{ matches: [{ path: { value: '/chat' } }], backendRefs: [to('chat')] }] }),
    route('pair', { rules: [{ matches: [{ path: { value: '/pair' } }], backendRefs: [to('pair')] }] }),
    {
      apiVersion: 'alb.networking.azure.io/v1',
      kind: 'RoutePolicy',
      metadata: { name: 'sticky', namespace: 'infra' },
      spec: {
        targetRef: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'pair' },
        default: { sessionAffinity: { affinityType: 'managed-cookie' } },
      },
    },
    ...service('chat', [one.port]),
    ...twoEndpoints(),
  ]
  const text = manifests.map((each) => stringify(each)).join('---\n')
  proxy = await startText(text, {
    args: ['--admin', '127.0.0.1:0', '--port-map', '80=0', '--diagnostic-log', logFile, '--drain-time-s', '0'],
  })
})

after(async () => {
  await proxy.stop()
  await one.stop()
  await two.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

interface LogLine {
  readonly category: string
  readonly operationName: string
  readonly time: string
  readonly properties: Readonly<Record<string, string>>
}

/** Lines of the diagnostic log about a path. */
const linesOf = (path: string): readonly LogLine[] =>
  (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LogLine => JSON.parse(line))
    .filter(({ properties }) => properties['requestUri']?.startsWith(path))

const dial = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<WebSocket> => {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port(LISTENER)}${path}`, { headers })
  await nextEvent(socket, 'open')
  return socket
}

async function end(socket: WebSocket): Promise<void> {
  const closed = nextEvent(socket, 'close')
  socket.close(1000)
  await closed
}

test('one line when the WebSocket closes, every property a string, and none before', async () => {
  const socket = await dial('/chat?token=abc&room=1')
  const echoed = nextEvent(socket, 'message')
  socket.send('ten bytes!')
  await echoed
  await delay(300)
  assert.deepEqual(linesOf('/chat?token'), [])
  await end(socket)
  const [line, ...others] = await until(
    () => (linesOf('/chat?token').length > 0 ? linesOf('/chat?token') : undefined),
    {
      what: 'the line',
    },
  )
  assert.ok(line !== undefined && others.length === 0)
  assert.equal(line.category, 'TrafficControllerAccessLog')
  assert.equal(line.operationName, 'ReqRespLogs')
  assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000)
  const { properties } = line
  for (const [name, value] of Object.entries(properties)) assert.equal(typeof value, 'string', name)
  assert.equal(properties['requestUri'], '/chat?token=<redacted>&room=1')
  assert.equal(properties['httpStatusCode'], '101')
  assert.equal(properties['httpMethod'], 'GET')
  assert.equal(properties['httpVersion'], 'HTTP/1.1')
  assert.equal(properties['tlsProtocol'], '-')
  assert.equal(properties['backendPort'], String(one.port))
  assert.match(properties['clientIp'] ?? '', /^127\.0\.0\.1:\d+$/)
  assert.ok(Number(properties['timeTaken']) >= 300, `${properties['timeTaken']} ms`)
  assert.ok(Number(properties['backendTimeTaken']) >= 300, `${properties['backendTimeTaken']} ms`)
  // A masked text frame of ten bytes and a Close frame; the echo and the Close of the other side, unmasked.
  assert.equal(properties['requestBodyBytes'], String(6 + 10 + 6 + 2))
  assert.equal(properties['responseBodyBytes'], String(2 + 10 + 2 + 2))
  const seen = one.seen.find(({ path }) => path.startsWith('/chat?token'))
  assert.ok(seen?.headers['x-request-id'] !== undefined)
  assert.equal(properties['trackingId'], seen.headers['x-request-id'])
})

test('upgrades are counted when they are accepted: a gauge of open ones, a counter of new ones', async () => {
  const prefix = 'http.infra/gw/listener-1.'
  const counts = async (): Promise<readonly number[]> =>
    Promise.all(
      ['downstream_cx_upgrades_active', 'downstream_cx_upgrades_total'].map((name) => proxy.stat(prefix + name)),
    )
  const [, total = 0] = await counts()
  const socket = await dial('/chat')
  assert.deepEqual(await counts(), [1, total + 1])
  const refused = new WebSocket(`ws://127.0.0.1:${proxy.port(LISTENER)}/nowhere`)
  const response = await new Promise<IncomingMessage>((resolve) =>
    refused.on('unexpected-response', (_, answer) => resolve(answer)),
  )
  response.resume()
  refused.on('error', () => undefined)
  refused.terminate()
  assert.equal(response.statusCode, 404)
  assert.deepEqual(await counts(), [1, total + 1])
  await end(socket)
  await proxy.statBecomes(`${prefix}downstream_cx_upgrades_active`, 0)
  assert.deepEqual(await counts(), [0, total + 1])
})

test('the affinity cookie is set on the 101 with Path=/, and brings back the same backend', async () => {
  const first = new WebSocket(`ws://127.0.0.1:${proxy.port(LISTENER)}/pair/deep`)
  const response = await new Promise<{ headers: { 'set-cookie'?: string[] } }>((resolve) =>
    first.on('upgrade', resolve),
  )
  const [cookie = ''] = response.headers['set-cookie'] ?? []
  assert.match(cookie, /^AGCAffinity=[^;]+;/)
  assert.match(cookie, /; ?path=\/(?:;|$)/i)
  assert.match(cookie, /max-age=86400/i)
  const servedBy = (): EchoBackend => (one.seen.some(({ path }) => path === '/pair/deep') ? one : two)
  await until(() => [...one.seen, ...two.seen].some(({ path }) => path === '/pair/deep') || undefined, {
    what: 'the handshake',
  })
  const backend = servedBy()
  first.terminate()
  for (let round = 0; round < 8; round++) {
    const socket = await dial(`/pair/again-${round}`, { cookie: cookie.split(';')[0] ?? '' })
    assert.ok(
      backend.seen.some(({ path }) => path === `/pair/again-${round}`),
      `round ${round}`,
    )
    await end(socket)
  }
})

test('backendHealth counts the endpoints of a Service', async () => {
  const { status, body } = await proxy.admin('/backendHealth?service-name=infra/pair/8080&detailed=true')
  assert.equal(status, 200)
  const { services } = JSON.parse(body)
  assert.equal(services.length, 1)
  const [{ serviceName, serviceHealth }] = services
  assert.equal(serviceName, 'infra/pair/8080')
  assert.equal(serviceHealth[0].totalEndpoints, 2)
  assert.equal(serviceHealth[0].totalHealthyEndpoints, 2)
  const ports = new Set(serviceHealth[0].endpoints.map(({ port }: { port: number }) => port))
  assert.deepEqual(ports, new Set([one.port, two.port]))
})

test('forwarding headers are there, and nobody is impersonated', async () => {
  const answer = await fetch(`http://127.0.0.1:${proxy.port(LISTENER)}/chat/plain`)
  assert.equal(answer.status, 200)
  assert.doesNotMatch(answer.headers.get('server') ?? '', /microsoft/i)
  const seen = one.seen.find(({ path }) => path === '/chat/plain')
  assert.match(seen?.headers['x-forwarded-for'] ?? '', /127\.0\.0\.1/)
  assert.equal(seen?.headers['x-forwarded-proto'], 'http')
  assert.match(seen?.headers['x-request-id'] ?? '', /^[0-9a-f-]{36}$/)
})
