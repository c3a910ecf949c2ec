// GRPCRoutes: matching, headers, hostnames and weights of the Gateway API's conformance suite, each test named after the one
// that it mirrors. Calls are HTTP/2 requests as a gRPC client makes them (node:http2); what finds no route is 404 or
// grpc-status 12, which clients take for UNIMPLEMENTED alike.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoBackend, startEcho } from '../support/gateway-echo.ts'
import {
  type Answer,
  type Ask,
  conditionOf,
  duringWorld,
  gateway,
  load,
  type Piece,
  route,
  service,
  type Story,
  to,
  type World,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

let backends: readonly EchoBackend[]

before(async () => {
  backends = await Promise.all(['v1', 'v2', 'v3'].map((name) => startEcho(name, { h2c: true })))
})

after(async () => {
  await Promise.all(backends.map((each) => each.stop()))
  await nothingLeft()
})

function withWorld(manifests: readonly Piece[], story: Story): Promise<void> {
  const services = backends.flatMap(({ pod, port }) => service(pod, [port]))
  return duringWorld([...manifests, ...services], story)
}

const grpcRoute = (name: string, spec: Piece): Piece => route(name, spec, 'GRPCRoute')
const call = (world: World, path: string, ask: Ask = {}): Promise<Answer> =>
  world.ask({
    ...ask,
    path,
    method: 'POST',
    http2: true,
    headers: { 'content-type': 'application/grpc', te: 'trailers', ...ask.headers },
  })

async function check(world: World, table: readonly (readonly [string, Ask, string])[]): Promise<void> {
  for (const [path, ask, expected] of table) {
    const { pod, status, headers } = await call(world, path, ask)
    const unimplemented = status === 404 || headers['grpc-status'] === '12'
    assert.equal(pod === '' && unimplemented ? 'UNIMPLEMENTED' : pod, expected, JSON.stringify([path, ask]))
  }
}

const method = (service: string, name: string, backend: string): Piece => ({
  matches: [{ method: { service, method: name } }],
  backendRefs: [to(backend)],
})

test('GRPCExactMethodMatching', () =>
  withWorld(
    [
      gateway('gw'),
      grpcRoute('r', {
        rules: [
          method('echo.Echo', 'One', 'v1'),
          method('echo.Echo', 'Two', 'v2'),
          { matches: [{ method: { service: 'other.Service' } }], backendRefs: [to('v3')] },
        ],
      }),
    ],
    async (world) => {
      await check(world, [
        ['/echo.Echo/One', {}, 'v1'],
        ['/echo.Echo/Two', {}, 'v2'],
        ['/echo.Echo/Three', {}, 'UNIMPLEMENTED'],
        ['/other.Service/Any', {}, 'v3'],
        ['/other.Services/Any', {}, 'UNIMPLEMENTED'],
      ])
      assert.equal((await call(world, '/echo.Echo/One')).echo?.proto, 'HTTP/2.0')
      assert.equal((await world.ask({ path: '/echo.Echo/One', method: 'POST' })).status, 404)
    },
  ))

const headers = (...pairs: readonly string[]): Piece => ({
  headers: pairs.map((pair) => ({ name: pair.split('=')[0], value: pair.split('=')[1] })),
})

test('GRPCRouteHeaderMatching', () =>
  withWorld(
    [
      gateway('gw'),
      grpcRoute('r', {
        rules: [
          { matches: [headers('version=one')], backendRefs: [to('v1')] },
          { matches: [headers('version=two')], backendRefs: [to('v2')] },
          { matches: [headers('version=two', 'color=orange')], backendRefs: [to('v1')] },
          { matches: [headers('color=blue'), headers('color=green')], backendRefs: [to('v3')] },
        ],
      }),
    ],
    (world) =>
      check(world, [
        ['/echo.Echo/One', { headers: { version: 'one' } }, 'v1'],
        ['/echo.Echo/One', { headers: { version: 'two' } }, 'v2'],
        ['/echo.Echo/One', { headers: { version: 'two', color: 'orange' } }, 'v1'],
        ['/echo.Echo/One', { headers: { color: 'green' } }, 'v3'],
        ['/echo.Echo/One', { headers: { color: 'orange' } }, 'UNIMPLEMENTED'],
        ['/echo.Echo/One', {}, 'UNIMPLEMENTED'],
      ]),
  ))

test('GRPCRouteListenerHostnameMatching', () =>
  withWorld(
    [
      gateway('gw', [{ hostname: 'bar.com' }, { hostname: 'foo.bar.com' }, { hostname: '*.bar.com' }]),
      ...[1, 2, 3].map((number) =>
        grpcRoute(`r${number}`, {
          parentRefs: [{ name: 'gw', sectionName: `listener-${number}` }],
          rules: [{ backendRefs: [to(`v${number}`)] }],
        }),
      ),
    ],
    (world) =>
      check(world, [
        ['/echo.Echo/One', { host: 'bar.com' }, 'v1'],
        ['/echo.Echo/One', { host: 'foo.bar.com' }, 'v2'],
        ['/echo.Echo/One', { host: 'baz.bar.com' }, 'v3'],
        ['/echo.Echo/One', { host: 'no.matching.host' }, 'UNIMPLEMENTED'],
      ]),
  ))

test('GRPCRouteNamedRule and GRPCRouteRequestHeaderModifier', () =>
  withWorld(
    [
      gateway('gw'),
      grpcRoute('r', {
        rules: [
          {
            name: 'named',
            ...method('echo.Echo', 'One', 'v1'),
            filters: [
              {
                type: 'RequestHeaderModifier',
                requestHeaderModifier: { set: [{ name: 'x-set', value: 'set' }], remove: ['x-gone'] },
              },
            ],
          },
        ],
      }),
    ],
    async (world) => {
      const { pod, echo } = await call(world, '/echo.Echo/One', { headers: { 'x-gone': 'x', 'x-set': 'old' } })
      assert.deepEqual([pod, echo?.headers['x-set'], echo?.headers['x-gone']], ['v1', 'set', undefined])
    },
  ))

test('GRPCRouteWeight', () =>
  withWorld(
    [
      gateway('gw'),
      grpcRoute('r', {
        rules: [{ backendRefs: [to('v1', { weight: 70 }), to('v2', { weight: 30 }), to('v3', { weight: 0 })] }],
      }),
    ],
    async (world) => {
      let first = 0
      const rounds = 200
      for (let index = 0; index < rounds; index++) {
        const { pod } = await call(world, '/echo.Echo/One')
        assert.notEqual(pod, 'v3')
        if (pod === 'v1') first++
      }
      // Five standard deviations.
      assert.ok(Math.abs(first - rounds * 0.7) < 5 * Math.sqrt(rounds * 0.7 * 0.3), `${first} of ${rounds}`)
    },
  ))

test('of an HTTPRoute and a GRPCRoute with one hostname the older is served and the other refused', async () => {
  const loaded = await load([
    gateway('gw'),
    route('http', { rules: [{ backendRefs: [to('v1')] }] }, 'HTTPRoute', { creationTimestamp: '2026-01-02T00:00:00Z' }),
    route('grpc', { rules: [{ backendRefs: [to('v1')] }] }, 'GRPCRoute', { creationTimestamp: '2026-01-01T00:00:00Z' }),
    ...service('v1', [1]),
  ])
  assert.equal(conditionOf(loaded, 'GRPCRoute', 'grpc', 'Accepted'), 'True Accepted')
  assert.match(conditionOf(loaded, 'HTTPRoute', 'http', 'Accepted'), /^False/)
})
