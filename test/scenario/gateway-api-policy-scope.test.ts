// Policies hold exactly where they should: two Gateways that reach one Service by different rules do not share what they
// found out, and what cannot be secured as asked is not reached at all.

import assert from 'node:assert/strict'
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { after, before, test } from 'node:test'
import { type Authority, authority } from '../support/certificates.ts'
import { type EchoBackend, startEcho } from '../support/gateway-echo.ts'
import { type Backend, caConfigMap, grant, startTlsEcho, tlsSecret } from '../support/gateway-tls-backend.ts'
import {
  gateway,
  load,
  pathRule,
  type Piece,
  route,
  service,
  startWorld,
  statusOf,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'

let ca: Authority
let secure: Backend
let plain: EchoBackend

before(async () => {
  ca = await authority('backends')
  secure = await startTlsEcho('secure', await ca.issue({ name: 'backend', dns: ['backend.test'] }))
  plain = await startEcho('plain')
})

after(async () => {
  await secure.stop()
  await plain.stop()
  await nothingLeft()
})

const healthPolicy = (namespace: string, path: string): Piece => ({
  apiVersion: 'alb.networking.azure.io/v1',
  kind: 'HealthCheckPolicy',
  metadata: { name: 'health', namespace },
  spec: {
    targetRef: { group: '', kind: 'Service', name: 'app', namespace: 'infra' },
    default: { interval: '5s', timeout: '5s', http: { path } },
  },
})

test('Gateways of two classes and two namespaces each have the policies of their own traffic', async () => {
  const loaded = await load([
    gateway('gw', [{ port: 80 }]),
    gateway('agc', [{ port: 8080 }], { gatewayClassName: 'azure-alb-external' }),
    gateway('theirs', [{ port: 8090 }], {}, { namespace: 'other' }),
    route('web', {
      parentRefs: [{ name: 'gw' }, { name: 'agc' }, { name: 'theirs', namespace: 'other' }],
      rules: [pathRule('/', 'app')],
    }),
    ...service('app', [plain.port]),
    healthPolicy('other', '/theirs'),
    grant(
      'infra',
      { group: 'alb.networking.azure.io', kind: 'HealthCheckPolicy', namespace: 'other' },
      { group: '', kind: 'Service' },
    ),
  ])
  const probes = [...(loaded.config?.clusters.values() ?? [])].map(({ name, healthChecks = [] }) => [
    name,
    ...healthChecks.map(({ probe }) => (probe.kind === 'http' ? probe.path : probe.kind)),
  ])
  assert.deepEqual(probes, [['infra/app/8080'], ['infra/app/8080@agc', '/'], ['infra/app/8080@other/*', '/theirs']])
})

const backendTls = (validation: Piece): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name: 'tls', namespace: 'infra' },
  spec: { targetRefs: [{ group: '', kind: 'Service', name: 'app' }], validation },
})
const validation = { hostname: 'backend.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] }

async function statusWith(gatewaySpec: Piece, policy: Piece, backend: number): Promise<number> {
  const world = await startWorld([
    gateway('gw', [{}], gatewaySpec),
    route('web', { rules: [pathRule('/', 'app')] }),
    ...service('app', [backend]),
    caConfigMap('ca', ca),
    tlsSecret('malformed', { certificate: 'Hello', key: 'world' }),
    policy,
  ])
  try {
    return (await world.ask()).status
  } finally {
    await world.stop()
  }
}

test('a backend is not reached without the client certificate that its Gateway was to show', async () => {
  const policy = backendTls(validation)
  const before = secure.connections
  for (const name of ['nothing', 'malformed'])
    assert.equal(
      await statusWith({ tls: { backend: { clientCertificateRef: { name } } } }, policy, secure.port),
      500,
      name,
    )
  assert.equal(secure.connections, before)
  assert.equal(await statusWith({}, policy, secure.port), 200)
})

test('BackendTLSPolicyGRPCRoute and BackendTLSPolicyObservedGenerationBump', async () => {
  const leaf = await ca.issue({ name: 'grpc', dns: ['backend.test'] })
  const server = createSecureServer({ cert: leaf.certificate, key: leaf.key })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-from': 'grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const policy = backendTls(validation)
  const world = await startWorld([
    gateway('gw'),
    route('calls', { rules: [{ backendRefs: [to('app')] }] }, 'GRPCRoute'),
    ...service('app', [listeningPort(server)]),
    caConfigMap('ca', ca),
    { ...policy, metadata: { name: 'tls', namespace: 'infra', generation: 4 } },
  ])
  try {
    const { status, headers } = await world.ask({
      path: '/echo.Echo/Say',
      method: 'POST',
      http2: true,
      headers: { 'content-type': 'application/grpc', te: 'trailers' },
    })
    assert.deepEqual([status, headers['x-from']], [200, 'grpc'])
    for (const index of [0, 1])
      assert.equal(
        statusOf(world.loaded, 'BackendTLSPolicy', 'tls', `ancestors[0].conditions[${index}].observedGeneration`),
        4,
      )
  } finally {
    await world.stop()
    for (const session of sessions) session.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
})

test('TLSRouteListenerPassthroughSupportedKinds', async () => {
  const loaded = await load([gateway('gw', [{ port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' } }])])
  assert.deepEqual(statusOf(loaded, 'Gateway', 'gw', 'listeners[0].supportedKinds'), [
    { group: 'gateway.networking.k8s.io', kind: 'TLSRoute' },
  ])
})

test('a BackendTLSPolicy that its schema refuses does not leave its Service to plaintext', async () => {
  assert.equal(await statusWith({}, backendTls({ ...validation, verifyDepth: 3 }), plain.port), 500)
  assert.deepEqual(plain.seen, [])
})
