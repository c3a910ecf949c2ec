// TLS towards backends: the Gateway API's BackendTLSPolicy, AGC's policy of the same name, and the Gateway's own client
// certificate. Tests with the name of a conformance test of the Gateway API mirror it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import {
  type Backend,
  caConfigMap,
  caSecret,
  grant,
  startLineEcho,
  startTlsEcho,
  type TlsEcho,
  tlsSecret,
} from '../support/gateway-tls-backend.ts'
import {
  conditionOf,
  duringWorld,
  gateway,
  load,
  type Piece,
  route,
  service,
  statusOf,
  to,
  type World,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { nextEvent } from '../support/waiting.ts'

let servers: Authority
let clients: Authority
let strangers: Authority
let client: Leaf
let plain: Backend
let secure: Backend
let mutual: Backend

before(async () => {
  servers = await authority('backend CA')
  clients = await authority('client CA')
  strangers = await authority('strangers')
  client = await clients.issue({ name: 'gateway' })
  const leaf = await servers.issue({
    name: 'backend',
    dns: ['abc.example.com'],
    uris: ['spiffe://abc.example.com/backend'],
  })
  plain = await startLineEcho('plain')
  secure = await startTlsEcho('secure', leaf)
  mutual = await startTlsEcho('mutual', leaf, clients)
})

after(async () => {
  await Promise.all([plain, secure, mutual].map((backend) => backend.stop()))
  await nothingLeft()
})

/** The status, and what the backend saw when it was reached. */
async function ask(world: World, path = '/'): Promise<{ readonly status: number; readonly echo: TlsEcho | undefined }> {
  const { status, text } = await world.ask({ path })
  return { status, echo: status === 200 ? JSON.parse(text) : undefined }
}

const policy = (validation: Piece, target: Piece = {}, metadata: Piece = {}): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name: 'policy', namespace: 'infra', ...metadata },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name: 'secure', ...target }],
    validation: { hostname: 'abc.example.com', caCertificateRefs: [CA], ...validation },
  },
})
const CA = { group: '', kind: 'ConfigMap', name: 'ca' }

const simple = route('simple', { rules: [{ backendRefs: [to('secure')] }] })
const world = (more: readonly Piece[]): readonly Piece[] => [
  gateway('gw'),
  simple,
  ...service('secure', [secure.port]),
  caConfigMap('ca', servers),
  caConfigMap('other-ca', strangers),
  ...more,
]

const acceptedOf = async (manifests: readonly Piece[], name = 'policy', type = 'Accepted'): Promise<string> =>
  conditionOf(await load(manifests), 'BackendTLSPolicy', name, type, 'ancestors[0]')

test('BackendTLSPolicy', async () => {
  await duringWorld(world([policy({})]), async (running) => {
    const { status, echo } = await ask(running)
    assert.equal(status, 200)
    assert.equal(echo?.sni, 'abc.example.com')
    const at = (type: string): string => conditionOf(running.loaded, 'BackendTLSPolicy', 'policy', type, 'ancestors[0]')
    assert.equal(at('Accepted'), 'True Accepted')
    assert.equal(at('ResolvedRefs'), 'True ResolvedRefs')
    assert.equal(statusOf(running.loaded, 'BackendTLSPolicy', 'policy', 'ancestors[0].ancestorRef.name'), 'gw')
  })
  const wrong = [
    policy({ hostname: 'other.example.com' }),
    policy({ caCertificateRefs: [{ ...CA, name: 'other-ca' }] }),
    policy({ caCertificateRefs: [], wellKnownCACertificates: 'System' }),
  ]
  for (const each of wrong) {
    const before = secure.connections
    await duringWorld(world([each]), async (running) => assert.match(String((await ask(running)).status), /^50[023]$/))
    assert.ok(secure.connections > before, 'it was tried, in TLS')
  }
})

test('BackendTLSPolicyInvalidCACertificateRef and BackendTLSPolicyInvalidKind', async () => {
  const rows: readonly (readonly [Piece, string, readonly Piece[]])[] = [
    [{ ...CA, name: 'nothing' }, 'InvalidCACertificateRef', []],
    [{ ...CA, name: 'malformed' }, 'InvalidCACertificateRef', [caConfigMap('malformed', { certificate: 'Hello' })]],
    [{ ...CA, kind: 'Secret' }, 'InvalidKind', []],
  ]
  for (const [reference, reason, more] of rows) {
    const manifests = world([policy({ caCertificateRefs: [reference] }), ...more])
    assert.equal(await acceptedOf(manifests), 'False NoValidCACertificate')
    assert.equal(await acceptedOf(manifests, 'policy', 'ResolvedRefs'), `False ${reason}`)
    const before = secure.connections
    await duringWorld(manifests, async (running) => assert.equal((await ask(running)).status, 500))
    assert.equal(secure.connections, before, 'never in the clear, never unverified')
  }
})

test('one good CA among bad ones is enough, and the bad one is told', async () => {
  const manifests = world([policy({ caCertificateRefs: [{ ...CA, name: 'nothing' }, CA] })])
  assert.equal(await acceptedOf(manifests), 'True Accepted')
  assert.equal(await acceptedOf(manifests, 'policy', 'ResolvedRefs'), 'False InvalidCACertificateRef')
  await duringWorld(manifests, async (running) => assert.equal((await ask(running)).status, 200))
})

test('BackendTLSPolicyConflictResolution', async () => {
  const old = policy({}, {}, { name: 'old', creationTimestamp: '2025-01-01T00:00:00Z' })
  const young = policy(
    { hostname: 'other.example.com' },
    {},
    { name: 'young', creationTimestamp: '2026-01-01T00:00:00Z' },
  )
  const manifests = world([young, old])
  assert.equal(await acceptedOf(manifests, 'old'), 'True Accepted')
  assert.equal(await acceptedOf(manifests, 'young'), 'False Conflicted')
  await duringWorld(manifests, async (running) => assert.equal((await ask(running)).status, 200))

  const named = policy({}, { sectionName: 'first' }, { name: 'named', creationTimestamp: '2026-02-01T00:00:00Z' })
  const general = policy(
    { hostname: 'other.example.com' },
    {},
    { name: 'general', creationTimestamp: '2025-01-01T00:00:00Z' },
  )
  const both = world([named, general])
  assert.equal(await acceptedOf(both, 'named'), 'True Accepted')
  assert.equal(await acceptedOf(both, 'general'), 'True Accepted')
  await duringWorld(both, async (running) => assert.equal((await ask(running)).status, 200))
})

test('BackendTLSPolicySANValidation', async () => {
  const rows: readonly (readonly [readonly Piece[], number])[] = [
    [[{ type: 'Hostname', hostname: 'abc.example.com' }], 200],
    [[{ type: 'URI', uri: 'spiffe://abc.example.com/backend' }], 200],
    [
      [
        { type: 'Hostname', hostname: 'nobody.example.com' },
        { type: 'URI', uri: 'spiffe://abc.example.com/backend' },
      ],
      200,
    ],
    [[{ type: 'Hostname', hostname: '*.example.com' }], 200],
    [[{ type: 'Hostname', hostname: 'nobody.example.com' }], 503],
    [[{ type: 'URI', uri: 'spiffe://abc.example.com/BACKEND' }], 503],
  ]
  for (const [subjectAltNames, expected] of rows) {
    // The hostname is not on the certificate: with other names given it is only what the backend is asked for.
    const manifests = world([policy({ hostname: 'sni.example.com', subjectAltNames })])
    await duringWorld(manifests, async (running) => {
      const { status, echo } = await ask(running)
      assert.equal(status, expected, JSON.stringify(subjectAltNames))
      if (status === 200) assert.equal(echo?.sni, 'sni.example.com')
    })
  }
})

test('a policy for a Service that is not there says so', async () => {
  const manifests = [
    gateway('gw'),
    route('simple', { rules: [{ backendRefs: [to('ghost')] }] }),
    caConfigMap('ca', servers),
  ]
  assert.equal(await acceptedOf([...manifests, policy({}, { name: 'ghost' })]), 'False TargetNotFound')
})

const withClientCertificate = (reference: Piece): Piece =>
  gateway('gw', [{}], { tls: { backend: { clientCertificateRef: reference } } })

test('GatewayTLSBackendClientCertificate', () =>
  duringWorld(
    [
      withClientCertificate({ name: 'client' }),
      simple,
      ...service('secure', [mutual.port]),
      caConfigMap('ca', servers),
      tlsSecret('client', client),
      policy({}),
    ],
    async (running) => {
      const { status, echo } = await ask(running)
      assert.equal(status, 200)
      assert.equal(echo?.client, 'gateway')
      assert.equal(conditionOf(running.loaded, 'Gateway', 'gw', 'ResolvedRefs', ''), 'True ResolvedRefs')
    },
  ))

test('GatewayInvalidTLSBackendConfiguration', async () => {
  const rows: readonly (readonly [Piece, string])[] = [
    [{ name: 'nothing' }, 'InvalidClientCertificateRef'],
    [{ name: 'client', group: 'wrong.company.io' }, 'InvalidClientCertificateRef'],
    [{ name: 'client', kind: 'ConfigMap' }, 'InvalidClientCertificateRef'],
    [{ name: 'malformed' }, 'InvalidClientCertificateRef'],
    [{ name: 'client', namespace: 'elsewhere' }, 'RefNotPermitted'],
  ]
  for (const [reference, reason] of rows) {
    const loaded = await load([
      withClientCertificate(reference),
      simple,
      ...service('secure', [secure.port]),
      tlsSecret('client', client),
      tlsSecret('client', client, 'elsewhere'),
      tlsSecret('malformed', { certificate: 'Hello', key: 'world' }),
    ])
    assert.equal(conditionOf(loaded, 'Gateway', 'gw', 'ResolvedRefs', ''), `False ${reason}`)
    assert.match(conditionOf(loaded, 'Gateway', 'gw', 'Accepted', ''), /^True/)
  }
})

/** Dials a WebSocket; the first echo, or the status of the refusal. */
async function webSocketEcho(port: number, path: string): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  try {
    const refused = new Promise<string>((resolve) => {
      socket.on('unexpected-response', (_, response) => {
        response.resume()
        resolve(String(response.statusCode))
      })
    })
    const opened = nextEvent(socket, 'open').then(async () => {
      const message = nextEvent<unknown>(socket, 'message')
      socket.send('over TLS')
      return String(await message)
    })
    opened.catch(() => undefined)
    return await Promise.race([refused, opened])
  } finally {
    socket.on('error', () => undefined)
    socket.terminate()
  }
}

test('appProtocol wss with a policy is a WebSocket over TLS; without one, or with another CA, it is refused', async () => {
  const wss = (more: readonly Piece[]): readonly Piece[] => [
    gateway('gw'),
    simple,
    ...service('secure', [secure.port], 'infra', { appProtocol: 'kubernetes.io/wss' }),
    caConfigMap('ca', servers),
    caConfigMap('other-ca', strangers),
    ...more,
  ]
  await duringWorld(wss([policy({})]), async (running) =>
    assert.equal(await webSocketEcho(running.port(), '/ws'), 'over TLS'),
  )
  await duringWorld(wss([policy({ caCertificateRefs: [{ ...CA, name: 'other-ca' }] })]), async (running) =>
    assert.match(await webSocketEcho(running.port(), '/ws'), /^50[23]$/),
  )
  await duringWorld(wss([]), async (running) => {
    assert.equal(await webSocketEcho(running.port(), '/ws'), '500')
    assert.equal(conditionOf(running.loaded, 'HTTPRoute', 'simple', 'ResolvedRefs'), 'False UnsupportedProtocol')
  })
})

const albPolicy = (config: Piece, target: Piece = {}): Piece => ({
  apiVersion: 'alb.networking.azure.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name: 'alb', namespace: 'infra' },
  spec: { targetRef: { group: '', kind: 'Service', name: 'secure', ...target }, default: config },
})

const albWorld = (port: number, more: readonly Piece[]): readonly Piece[] => [
  gateway('gw'),
  simple,
  ...service('secure', [port]),
  caSecret('ca-secret', servers),
  tlsSecret('client', client),
  ...more,
]

test("AGC's BackendTLSPolicy: SNI, CA, name, client certificate; without verify it encrypts only", async () => {
  const caCertificateRef = { name: 'ca-secret' }
  const rows: readonly (readonly [string, Backend, Piece, number])[] = [
    [
      'all of it',
      mutual,
      {
        sni: 'abc.example.com',
        ports: [{ port: 8080 }],
        clientCertificateRef: { name: 'client' },
        verify: { caCertificateRef, subjectAltName: 'abc.example.com' },
      },
      200,
    ],
    [
      'another name',
      secure,
      { sni: 'abc.example.com', verify: { caCertificateRef, subjectAltName: 'other.example.com' } },
      503,
    ],
    ['SNI is the name when no other is given', secure, { sni: 'other.example.com', verify: { caCertificateRef } }, 503],
    ['nobody is verified', secure, { sni: 'other.example.com' }, 200],
    ['no client certificate', mutual, { sni: 'abc.example.com' }, 503],
  ]
  for (const [what, backend, config, expected] of rows) {
    await duringWorld(albWorld(backend.port, [albPolicy(config)]), async (running) => {
      const { status, echo } = await ask(running)
      assert.equal(status, expected, what)
      if (backend === mutual && status === 200) assert.equal(echo?.client, 'gateway')
      assert.equal(conditionOf(running.loaded, 'BackendTLSPolicy', 'alb', 'Accepted', ''), 'True Accepted')
    })
  }
})

test("AGC's BackendTLSPolicy that cannot work answers 500 and never speaks in the clear", async () => {
  const rows: readonly (readonly [Piece, string])[] = [
    [albPolicy({ verify: { caCertificateRef: { name: 'nothing' } } }), 'InvalidCertificateRef'],
    [albPolicy({ clientCertificateRef: { name: 'nothing' } }), 'InvalidCertificateRef'],
    [
      { ...albPolicy({}), spec: { targetRef: { group: '', kind: 'Service', name: 'secure' }, override: {} } },
      'InvalidBackendTLSPolicy',
    ],
    [albPolicy({ verify: { caCertificateRef: { name: 'ca', kind: 'Pod' } } }), 'InvalidKind'],
  ]
  for (const [each, reason] of rows) {
    const before = secure.connections
    await duringWorld(albWorld(secure.port, [each]), async (running) => {
      assert.equal((await ask(running)).status, 500, reason)
      assert.equal(conditionOf(running.loaded, 'BackendTLSPolicy', 'alb', 'Accepted', ''), `False ${reason}`)
    })
    assert.equal(secure.connections, before)
  }
  const nowhere = await load(albWorld(secure.port, [albPolicy({}, { name: 'ghost' })]))
  assert.equal(conditionOf(nowhere, 'BackendTLSPolicy', 'alb', 'Accepted', ''), 'False ServiceNotFound')
})

test('BackendTLSPolicyTLSRouteTerminate: TLS ends here and starts again', async () => {
  const leaf = await servers.issue({ name: 'front', dns: ['front.example.org'] })
  const granted = grant('infra', { group: 'x.y', kind: 'Z', namespace: 'infra' }, { group: '', kind: 'Secret' })
  await duringWorld(
    [
      gateway('gw', [{ port: 443, protocol: 'TLS', tls: { mode: 'Terminate', certificateRefs: [{ name: 'front' }] } }]),
      tlsSecret('front', leaf),
      granted,
      route('tls', { hostnames: ['front.example.org'], rules: [{ backendRefs: [to('secure')] }] }, 'TLSRoute'),
      ...service('secure', [secure.port]),
      caConfigMap('ca', servers),
      policy({}),
    ],
    async (running) => {
      const { status, text } = await running.ask({ tls: { sni: 'front.example.org', ca: servers.certificate } })
      assert.equal(status, 200)
      assert.equal(JSON.parse(text).sni, 'abc.example.com')
    },
  )
})
