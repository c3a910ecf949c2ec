// TLSRoutes by server name, passed through and terminated, and TCPRoutes. Tests with the name of a conformance test of the
// Gateway API mirror it.

import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { type Backend, grant, startLineEcho, startTlsEcho, tlsSecret } from '../support/gateway-tls-backend.ts'
import {
  conditionOf,
  duringWorld,
  gateway,
  load,
  type Piece,
  route,
  service,
  statusOf,
  type Story,
  to,
  type World,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { nextEvent, within } from '../support/waiting.ts'

let ca: Authority
let abc: Leaf
let own: Leaf
let secure: Backend
let lines: Backend
let more: Backend

before(async () => {
  ca = await authority('servers')
  abc = await ca.issue({ name: 'abc', dns: ['abc.example.com', '*.wild.example.com'] })
  own = await ca.issue({ name: 'own', dns: ['term.example.com', 'abc.example.com'] })
  secure = await startTlsEcho('secure', abc)
  lines = await startLineEcho('lines')
  more = await startLineEcho('more')
})

after(async () => {
  await Promise.all([secure, lines, more].map((backend) => backend.stop()))
  await nothingLeft()
})

const backends = (): readonly Piece[] => [
  ...service('secure', [secure.port]),
  ...service('lines', [lines.port]),
  ...service('more', [more.port]),
]

const during = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends()], story)

const passthrough = (listener: Piece = {}): Piece => ({
  port: 443,
  protocol: 'TLS',
  tls: { mode: 'Passthrough' },
  ...listener,
})
const tlsRoute = (name: string, hostnames: readonly string[], backend = 'secure', spec: Piece = {}): Piece =>
  route(name, { hostnames, rules: [{ backendRefs: [to(backend)] }], ...spec }, 'TLSRoute')
const tcpRoute = (name: string, refs: readonly Piece[], spec: Piece = {}, metadata: Piece = {}): Piece =>
  route(name, { rules: [{ backendRefs: refs }], ...spec }, 'TCPRoute', metadata)

/** What comes back first after `hello` was sent; 'closed' when the connection ends instead. */
function hello(socket: Socket, ready: 'connect' | 'secureConnect'): Promise<string> {
  const said = new Promise<string>((resolve) => {
    socket.on(ready, () => socket.write('hello'))
    socket.on('data', (data) => resolve(data.toString()))
    socket.on('error', () => resolve('closed'))
    socket.on('close', () => resolve('closed'))
  })
  return within(said, 'an answer or the end', 10_000).finally(() => socket.destroy())
}

const overTcp = (port: number): Promise<string> => hello(connectTcp(port, '127.0.0.1'), 'connect')
const overTls = (port: number, servername: string): Promise<string> =>
  hello(connectTls({ port, host: '127.0.0.1', servername, ca: ca.certificate }), 'secureConnect')

/** The server name that a TLS backend saw; 'closed' when none was reached. */
const sniAt = (world: World, sni: string): Promise<string> =>
  world.ask({ tls: { sni, ca: ca.certificate } }).then(
    ({ text }) => String(JSON.parse(text).sni),
    () => 'closed',
  )

test('TLSRouteSimpleSameNamespace', () =>
  during([gateway('gw', [passthrough()]), tlsRoute('tls', ['abc.example.com'])], async (world) => {
    assert.equal(await sniAt(world, 'abc.example.com'), 'abc.example.com')
    assert.equal(await sniAt(world, 'other.example.com'), 'closed')
    assert.equal(await overTcp(world.port(443)), 'closed')
    assert.equal(conditionOf(world.loaded, 'TLSRoute', 'tls', 'Accepted'), 'True Accepted')
    assert.equal(statusOf(world.loaded, 'Gateway', 'gw', 'listeners[0].attachedRoutes'), 1)
  }))

test('a WebSocket through a TLSRoute is the backend’s own TLS', () =>
  during([gateway('gw', [passthrough()]), tlsRoute('tls', ['abc.example.com'])], async (world) => {
    const tls = { servername: 'abc.example.com', ca: ca.certificate }
    const socket = new WebSocket(`wss://127.0.0.1:${world.port(443)}/ws`, tls)
    await nextEvent(socket, 'open')
    const message = nextEvent<unknown>(socket, 'message')
    socket.send('through')
    assert.equal(String(await message), 'through')
    socket.terminate()
  }))

test('TLSRouteHostnameIntersection', () =>
  during(
    [
      gateway('gw', [
        passthrough({ name: 'exact', hostname: 'abc.example.com' }),
        passthrough({ name: 'wild', hostname: '*.wild.example.com' }),
      ]),
      tlsRoute('wide', ['*.example.com'], 'secure'),
      tlsRoute('narrow', ['a.wild.example.com'], 'lines', { parentRefs: [{ name: 'gw', sectionName: 'wild' }] }),
    ],
    async (world) => {
      assert.equal(await sniAt(world, 'abc.example.com'), 'abc.example.com')
      assert.equal(await sniAt(world, 'b.wild.example.com'), 'b.wild.example.com')
      assert.equal(await sniAt(world, 'other.example.com'), 'closed')
      // The narrower name goes where its own route says: a backend that speaks no TLS.
      const before = lines.connections
      assert.equal(await sniAt(world, 'a.wild.example.com'), 'closed')
      assert.equal(lines.connections, before + 1)
    },
  ))

test('a server name of a listener without a route for it does not reach a wider listener', () =>
  during(
    [
      gateway('gw', [passthrough({ name: 'any' }), passthrough({ name: 'abc', hostname: 'abc.example.com' })]),
      tlsRoute('tls', ['*.example.com'], 'secure', { parentRefs: [{ name: 'gw', sectionName: 'any' }] }),
    ],
    async (world) => {
      assert.equal(await sniAt(world, 'b.wild.example.com'), 'b.wild.example.com')
      assert.equal(await sniAt(world, 'abc.example.com'), 'closed')
    },
  ))

const terminated = (hostname?: string): Piece => ({
  port: 443,
  protocol: 'TLS',
  tls: { mode: 'Terminate', certificateRefs: [{ name: 'own' }] },
  ...(hostname === undefined ? {} : { hostname }),
})

test('TLSRouteTerminateSimpleSameNamespace and TLSRouteListenerTerminateSupportedKinds', () =>
  during(
    [gateway('gw', [terminated()]), tlsSecret('own', own), tlsRoute('tls', ['term.example.com'], 'lines')],
    async (world) => {
      assert.equal(await overTls(world.port(443), 'term.example.com'), 'lines:hello')
      assert.equal(await overTls(world.port(443), 'abc.example.com'), 'closed')
      assert.equal(statusOf(world.loaded, 'Gateway', 'gw', 'listeners[0].supportedKinds[0].kind'), 'TLSRoute')
    },
  ))

test('TLSRouteMixedTerminationSameNamespace', () =>
  during(
    [
      gateway('gw', [
        { name: 'ends-here', ...terminated('term.example.com') },
        passthrough({ name: 'goes-on', hostname: 'abc.example.com' }),
      ]),
      tlsSecret('own', own),
      tlsRoute('here', ['term.example.com'], 'lines'),
      tlsRoute('through', ['abc.example.com'], 'secure'),
    ],
    async (world) => {
      assert.equal(await overTls(world.port(443), 'term.example.com'), 'lines:hello')
      assert.equal(await sniAt(world, 'abc.example.com'), 'abc.example.com')
    },
  ))

test('TLSRouteInvalidNoMatchingListener and TLSRouteInvalidNoMatchingListenerHostname', async () => {
  const tlsOnly = tlsRoute('tls', ['abc.example.com'])
  const rows: readonly (readonly [Piece, Piece, string])[] = [
    [gateway('gw', [{}]), tlsOnly, 'NotAllowedByListeners'],
    [
      gateway('gw', [{ port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'own' }] } }]),
      tlsOnly,
      'NotAllowedByListeners',
    ],
    [
      gateway('gw', [passthrough()]),
      tlsRoute('tls', ['abc.example.com'], 'secure', { parentRefs: [{ name: 'gw', sectionName: 'nothing' }] }),
      'NoMatchingParent',
    ],
    [gateway('gw', [passthrough({ hostname: 'other.org' })]), tlsOnly, 'NoMatchingListenerHostname'],
  ]
  for (const [gw, tls, reason] of rows) {
    const loaded = await load([gw, tls, tlsSecret('own', own), ...backends()])
    assert.equal(conditionOf(loaded, 'TLSRoute', 'tls', 'Accepted'), `False ${reason}`)
    assert.equal(statusOf(loaded, 'Gateway', 'gw', 'listeners[0].attachedRoutes'), 0)
  }
})

const elsewhere = { name: 'lines', namespace: 'elsewhere', port: 8080 }

test('TLSRoute and TCPRoute: InvalidBackendRefNonexistent, UnknownKind, InvalidReferenceGrant', async () => {
  const rows: readonly (readonly [Piece, string])[] = [
    [to('nothing'), 'BackendNotFound'],
    [{ ...to('lines'), group: 'x.y', kind: 'Unknown' }, 'InvalidKind'],
    [elsewhere, 'RefNotPermitted'],
  ]
  for (const [reference, reason] of rows) {
    const loaded = await load([
      gateway('gw', [passthrough(), { name: 'tcp', port: 9000, protocol: 'TCP' }]),
      route('tls', { hostnames: ['abc.example.com'], rules: [{ backendRefs: [reference] }] }, 'TLSRoute'),
      tcpRoute('tcp', [reference]),
      ...backends(),
      ...service('lines', [lines.port], 'elsewhere'),
    ])
    for (const kind of ['TLSRoute', 'TCPRoute'])
      assert.equal(
        conditionOf(loaded, kind, kind === 'TLSRoute' ? 'tls' : 'tcp', 'ResolvedRefs'),
        `False ${reason}`,
        kind,
      )
  }
})

const tcp = (name: string, port: number): Piece => ({ name, port, protocol: 'TCP' })

test('TCPRouteParentRefAttachAll and TCPRouteParentRefPortAndSectionName', async () => {
  const listeners = gateway('gw', [tcp('one', 9000), tcp('two', 5000)])
  const reached = async (world: World): Promise<string> =>
    (await Promise.all([9000, 5000].map((port) => overTcp(world.port(port))))).join(' ')
  await during([listeners, tcpRoute('all', [to('lines')])], async (world) =>
    assert.equal(await reached(world), 'lines:hello lines:hello'),
  )
  for (const parent of [{ port: 5000 }, { sectionName: 'two' }, { sectionName: 'two', port: 5000 }]) {
    const only = tcpRoute('only', [to('lines')], { parentRefs: [{ name: 'gw', ...parent }] })
    await during([listeners, only], async (world) => assert.equal(await reached(world), 'closed lines:hello'))
  }
})

test('TCPRouteMultipleRoutesAttachment', () =>
  during(
    [
      gateway('gw', [tcp('tcp', 9000)]),
      tcpRoute('young', [to('more')], {}, { creationTimestamp: '2026-01-01T00:00:00Z' }),
      tcpRoute('old', [to('lines')], {}, { creationTimestamp: '2025-01-01T00:00:00Z' }),
    ],
    async (world) => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => overTcp(world.port(9000))))
      assert.deepEqual([...new Set(answers)], ['lines:hello'])
      assert.equal(statusOf(world.loaded, 'Gateway', 'gw', 'listeners[0].attachedRoutes'), 2)
      for (const name of ['old', 'young'])
        assert.equal(conditionOf(world.loaded, 'TCPRoute', name, 'Accepted'), 'True Accepted')
    },
  ))

test('TCPRouteWeightedRouting', () =>
  during(
    [
      gateway('gw', [tcp('tcp', 9000)]),
      tcpRoute('weighted', [to('lines', { weight: 3 }), to('more', { weight: 1 }), to('secure', { weight: 0 })]),
    ],
    async (world) => {
      const before = secure.connections
      const answers: string[] = []
      for (let round = 0; round < 8; round++)
        answers.push(...(await Promise.all(Array.from({ length: 25 }, () => overTcp(world.port(9000))))))
      const share = answers.filter((answer) => answer === 'lines:hello').length / answers.length
      assert.ok(share > 0.6 && share < 0.9, `${share} of them`)
      assert.equal(answers.filter((answer) => answer === 'closed').length, 0)
      assert.equal(secure.connections, before)
    },
  ))

test('a share of a TCPRoute that does not resolve is closed', () =>
  during([gateway('gw', [tcp('tcp', 9000)]), tcpRoute('half', [to('lines'), to('nothing')])], async (world) => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => overTcp(world.port(9000))))
    assert.deepEqual([...new Set(answers)].sort(), ['closed', 'lines:hello'])
  }))

test('TCPRouteReferenceGrant and TCPRouteInvalidNonTCPListener', async () => {
  const byRoutes = { group: 'gateway.networking.k8s.io', kind: 'TCPRoute', namespace: 'infra' }
  await during(
    [
      gateway('gw', [tcp('tcp', 9000)]),
      tcpRoute('granted', [elsewhere]),
      grant('elsewhere', byRoutes, { group: '', kind: 'Service' }),
      ...service('lines', [lines.port], 'elsewhere'),
    ],
    async (world) => assert.equal(await overTcp(world.port(9000)), 'lines:hello'),
  )
  const loaded = await load([gateway('gw', [{}]), tcpRoute('tcp', [to('lines')]), ...backends()])
  assert.equal(conditionOf(loaded, 'TCPRoute', 'tcp', 'Accepted'), 'False NotAllowedByListeners')
})
