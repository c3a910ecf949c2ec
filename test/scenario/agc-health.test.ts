// Health as Application Gateway for Containers judges it, on real sockets: backends that speak only WebSocket under each kind
// of probe, bodies and status codes, TLS, readiness probes; and 500 against 503.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { caConfigMap } from '../support/gateway-tls-backend.ts'
import { gateway, load, type Piece, route, service, startWorld, to, type World } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { answer, type Probed, startProbed, upgradeRequired } from '../support/probed-backend.ts'
import { until } from '../support/waiting.ts'

let ca: Authority
let leaf: Leaf

before(async () => {
  ca = await authority('backends')
  leaf = await ca.issue({ name: 'backend', dns: ['backend.test'] })
})

after(() => nothingLeft())

const healthPolicy = (config: Piece, annotations: Piece = {}): Piece => ({
  apiVersion: 'alb.networking.azure.io/v1',
  kind: 'HealthCheckPolicy',
  metadata: { name: 'health', namespace: 'infra', annotations },
  spec: {
    targetRef: { group: '', kind: 'Service', name: 'app' },
    default: { interval: '100ms', timeout: '2s', healthyThreshold: 1, unhealthyThreshold: 3, ...config },
  },
})

async function during(
  backend: Probed,
  manifests: readonly Piece[],
  story: (world: World) => Promise<void>,
): Promise<void> {
  const world = await startWorld([
    gateway('gw', [{}], { gatewayClassName: 'azure-alb-external' }),
    route('app', { rules: [{ backendRefs: [to('app')] }] }),
    ...service('app', [backend.port]),
    ...manifests,
  ])
  try {
    await story(world)
  } finally {
    await world.stop()
    await backend.stop()
  }
}

/** A handshake's status: 101 when the backend was reached. */
const handshake = async (world: World): Promise<number> => {
  const { status } = await world.ask({
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  return status
}

const becomes = (world: World, expected: number): Promise<unknown> =>
  until(async () => ((await handshake(world)) === expected ? true : undefined), {
    what: `a handshake to give ${expected}`,
    ms: 10_000,
  })

/** Time for the checks to change their mind, if they were to. */
const probes = (backend: Probed, count: number): Promise<unknown> =>
  until(() => (backend.seen.length >= count ? true : undefined), { what: `${count} probes`, ms: 10_000 })

test("the policy of AGC's article loads: GET /health as localhost", async () => {
  const backend = await startProbed(answer(200), { ws: true })
  await during(
    backend,
    [healthPolicy({ interval: '5s', timeout: '3s', unhealthyThreshold: 1, http: { path: '/health' } })],
    async (world) => {
      await probes(backend, 1)
      assert.equal(backend.seen[0], 'GET /health localhost')
      assert.equal(await handshake(world), 101)
    },
  )
})

test('a backend that speaks only WebSocket is taken for dead by a plain probe, after three failures', async () => {
  const backend = await startProbed(upgradeRequired, { ws: true })
  await during(backend, [healthPolicy({})], async (world) => {
    await becomes(world, 503)
    assert.ok(backend.seen.length >= 3, backend.seen.join())
    assert.ok(backend.seen.every((line) => line === 'GET / localhost'))
  })
})

test('the same backend is healthy when 426 is expected, by a TCP probe, by a WebSocket probe, and without any', async () => {
  const rows: readonly (readonly [string, Piece, number])[] = [
    ['426', healthPolicy({ http: { match: { statusCodes: [{ start: 426, end: 426 }] } } }), 5],
    ['tcp', healthPolicy({}, { 'sluice.dev/health-check': 'tcp' }), 0],
    [
      'websocket',
      healthPolicy({}, { 'sluice.dev/health-check': 'websocket', 'sluice.dev/health-check-ping': 'true' }),
      0,
    ],
    ['none', healthPolicy({}, { 'sluice.dev/health-check': 'none' }), 0],
  ]
  for (const [what, policy, plain] of rows) {
    const backend = await startProbed(upgradeRequired, { ws: true })
    await during(backend, [policy], async (world) => {
      if (plain > 0) await probes(backend, plain)
      else for (let round = 0; round < 10; round++) assert.equal(await handshake(world), 101, what)
      assert.equal(await handshake(world), 101, what)
      if (plain === 0) assert.deepEqual(backend.seen, [], what)
    })
  }
})

test('the body must hold what the policy says, and one success is not enough for healthyThreshold 2', async () => {
  let body = 'all ok'
  let successes = 0
  const backend = await startProbed(
    (_, response) => {
      if (body === 'all ok') successes++
      response.writeHead(200).end(body)
    },
    { ws: true },
  )
  const policy = healthPolicy({
    healthyThreshold: 2,
    unhealthyThreshold: 1,
    http: { path: '/health', match: { body: 'ok' } },
  })
  await during(backend, [policy], async (world) => {
    await probes(backend, 3)
    assert.equal(await handshake(world), 101)
    body = 'no'
    await becomes(world, 503)
    successes = 0
    body = 'all ok'
    await becomes(world, 101)
    assert.ok(successes >= 2, `after ${successes} successes`)
  })
})

test('on the port of a TLS Service the probe speaks TLS; with useTLS: false it does not', async () => {
  const tls = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { name: 'tls', namespace: 'infra' },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'app' }],
      validation: { hostname: 'backend.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] },
    },
  }
  const secure = await startProbed(answer(200), { ws: true, tls: leaf })
  await during(secure, [tls, caConfigMap('ca', ca), healthPolicy({ http: { path: '/health' } })], async (world) => {
    await probes(secure, 2)
    assert.equal(secure.seen[0], 'https GET /health localhost')
    assert.equal(await handshake(world), 101)
  })
  const spoken = await startProbed(answer(200), { ws: true, tls: leaf })
  await during(spoken, [tls, caConfigMap('ca', ca), healthPolicy({ useTLS: false })], async (world) => {
    await becomes(world, 503)
    assert.deepEqual(spoken.seen, [])
  })
})

test('on another port the probe speaks in the clear, unless useTLS says otherwise', async () => {
  const other = await startProbed(answer(204))
  const secureOther = await startProbed(answer(204), { tls: leaf })
  for (const [probe, config] of [
    [other, { port: other.port }],
    [secureOther, { port: secureOther.port, useTLS: true }],
  ] as const) {
    const backend = await startProbed(upgradeRequired, { ws: true })
    await during(backend, [healthPolicy(config)], async (world) => {
      await probes(probe, 4)
      assert.equal(await handshake(world), 101)
      assert.deepEqual(backend.seen, [])
    })
  }
  assert.equal(secureOther.seen[0], 'https GET / localhost')
  await other.stop()
  await secureOther.stop()
})

test('without a policy the readinessProbe of the Pods is asked', async () => {
  const backend = await startProbed(answer(200), { ws: true })
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app-1', namespace: 'infra', labels: { app: 'app' } },
    spec: {
      containers: [
        {
          name: 'app',
          ports: [{ containerPort: 3000 }],
          readinessProbe: { httpGet: { path: '/ready', port: 3000 }, periodSeconds: 1 },
        },
      ],
    },
  }
  await during(backend, [pod], async () => {
    await probes(backend, 1)
    assert.equal(backend.seen[0], 'GET /ready localhost')
  })
})

test('references that do not resolve give 500 for their share, no endpoint gives 503', async () => {
  const backend = await startProbed(answer(200, 'app'))
  const half = route('half', { hostnames: ['half.test'], rules: [{ backendRefs: [to('app'), to('nothing')] }] })
  const nobody = route('nobody', { hostnames: ['nobody.test'], rules: [{ backendRefs: [to('empty')] }] })
  await during(backend, [half, nobody, ...service('empty', []), healthPolicy({})], async (world) => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => world.ask({ host: 'half.test' })))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 500]))
    assert.equal((await world.ask({ host: 'nobody.test' })).status, 503)
  })
})

test('a firewall policy is refused by name, and the rest is served', async () => {
  const firewall = {
    apiVersion: 'alb.networking.azure.io/v1',
    kind: 'WebApplicationFirewallPolicy',
    metadata: { name: 'waf', namespace: 'infra' },
    spec: {
      targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' },
      webApplicationFirewall: { id: '/subscriptions/1' },
    },
  }
  const loaded = await load([
    gateway('gw'),
    route('app', { rules: [{ backendRefs: [to('app')] }] }),
    ...service('app', [1]),
    firewall,
  ])
  assert.ok(loaded.config !== undefined)
  assert.ok(
    loaded.diagnostics.some(({ message }) => message.includes('WebApplicationFirewallPolicy infra/waf has no effect')),
  )
})
