// The acceptance cases of the Gateway API dialect about status and lifecycle, by number (docs/dialects.md lists all of them),
// as `sluice status -c FOLDER` and `sluice run -c FOLDER` answer them.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startEcho } from '../support/gateway-echo.ts'
import { conditionsIn, filesOf, runStatus, startProgram } from '../support/gateway-program.ts'
import { gateway, pathRule, part, type Piece, route, service, to, withMetadata } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

after(() => nothingLeft())

const API = 'gateway.networking.k8s.io/v1'
const ALB = 'alb.networking.azure.io/v1'

/** A manifest, and what of its conditions must be there. */
type Row = readonly [manifest: Piece, ...expected: string[]]

const object = (apiVersion: string, kind: string, name: string, spec: Piece, metadata: Piece = {}): Piece => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'infra', ...metadata },
  spec,
})

const listen = (listener: Piece, spec: Piece = {}, name = 'wrong'): Piece =>
  gateway(name, [{ port: 8443, ...listener }], { addresses: [{ type: 'IPAddress', value: '127.0.0.9' }], ...spec })

const https = (certificate: Piece): Piece => ({ protocol: 'HTTPS', tls: { certificateRefs: [certificate] } })

const app = { group: '', kind: 'Service', name: 'app' }
const web = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'web' }
const gw = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' }

const BASE: readonly Piece[] = [
  gateway('gw', [{ hostname: '*.example.com', allowedRoutes: { namespaces: { from: 'Same' } } }]),
  route('web', { hostnames: ['web.example.com'], rules: [pathRule('/', 'app')] }),
  route('to-ghost', { rules: [pathRule('/ghost', 'ghost')] }),
  ...['tls-1', 'tls-2', 'tls-3'].flatMap((name) => [
    route(name, { rules: [pathRule(`/${name}`, name)] }),
    ...service(name, [1]),
  ]),
  ...service('app', [1]),
  ...service('other', [1], 'elsewhere'),
  ...service('secure', [1], 'infra', { appProtocol: 'kubernetes.io/wss' }),
]

const forwarding = (more: Piece, rule: Piece = {}): Piece =>
  route('wrong', { rules: [{ backendRefs: [to('app')], ...rule }], ...more })
const backendRef = (reference: Piece): Piece => forwarding({}, { backendRefs: [reference] })
const filters = (...list: Piece[]): Piece => forwarding({}, { backendRefs: [], filters: list })
const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'a.example' } }

const GATEWAYS: readonly Row[] = [
  [object(API, 'GatewayClass', 'wrong', {}, { namespace: undefined }), 'Accepted=False/Unsupported'],
  [
    object(API, 'GatewayClass', 'wrong', { controllerName: 'sluice.dev/gateway-controller', parametersRef: app }),
    'Accepted=False/InvalidParameters',
  ],
  [listen({ port: 0 }), 'Accepted=False/Invalid', 'Programmed=False/Invalid'],
  [
    listen({ protocol: 'UDP' }),
    'Accepted=False/ListenersNotValid',
    'Accepted=False/UnsupportedProtocol',
    'Programmed=False/Invalid',
  ],
  [
    listen({}, { infrastructure: { parametersRef: { group: 'x.io', kind: 'Y', name: 'z' } } }),
    'Accepted=False/InvalidParameters',
  ],
  [listen({}, { addresses: [{ type: 'NamedAddress', value: 'x' }] }), 'Accepted=False/UnsupportedAddress'],
  [listen(https({ name: 'nothing' })), 'ResolvedRefs=False/InvalidCertificateRef', 'Programmed=False/Invalid'],
  [listen(https({ name: 'cert', namespace: 'elsewhere' })), 'ResolvedRefs=False/RefNotPermitted'],
  [
    listen({ allowedRoutes: { kinds: [{ kind: 'FanRoute' }] } }),
    'ResolvedRefs=False/InvalidRouteKinds',
    'Programmed=False/Invalid',
  ],
  [
    listen({}, { tls: { backend: { clientCertificateRef: { name: 'nothing' } } } }),
    'ResolvedRefs=False/InvalidClientCertificateRef',
    'Accepted=True/Accepted',
  ],
]

const ROUTES: readonly Row[] = [
  [forwarding({ parentRefs: [{ name: 'gw', sectionName: 'nowhere' }] }), 'Accepted=False/NoMatchingParent'],
  [forwarding({ hostnames: ['other.test'] }), 'Accepted=False/NoMatchingListenerHostname'],
  [
    {
      ...forwarding({ parentRefs: [{ name: 'gw', namespace: 'infra' }] }),
      metadata: { name: 'wrong', namespace: 'elsewhere' },
    },
    'Accepted=False/NotAllowedByListeners',
  ],
  [forwarding({}, { timeouts: { request: 'soon' } }), 'Accepted=False/UnsupportedValue'],
  [forwarding({ rulez: [] }), 'Accepted=False/UnsupportedValue'],
  [
    filters(redirect, { type: 'URLRewrite', urlRewrite: { hostname: 'b.example' } }),
    'Accepted=False/IncompatibleFilters',
  ],
  [forwarding({}, { filters: [redirect] }), 'Accepted=False/IncompatibleFilters'],
  [
    filters({ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['Upgrade'] } }),
    'Accepted=False/UnsupportedValue',
  ],
  [
    filters({ type: 'ExtensionRef', extensionRef: { group: 'x.io', kind: 'Y', name: 'z' } }),
    'ResolvedRefs=False/InvalidKind',
  ],
  [backendRef({ ...to('app'), group: 'x.io', kind: 'Bucket' }), 'ResolvedRefs=False/InvalidKind'],
  [backendRef(to('nothing')), 'ResolvedRefs=False/BackendNotFound'],
  [backendRef({ ...to('app'), port: 1 }), 'ResolvedRefs=False/BackendNotFound'],
  [backendRef({ ...to('other'), namespace: 'elsewhere' }), 'ResolvedRefs=False/RefNotPermitted'],
  [backendRef(to('secure')), 'ResolvedRefs=False/UnsupportedProtocol'],
  [
    route('wrong', { hostnames: ['a.example.com'], rules: [{ backendRefs: [to('app')] }] }, 'TLSRoute'),
    'Accepted=False/NotAllowedByListeners',
  ],
  [route('wrong', { rules: [{ backendRefs: [to('app')] }] }, 'TCPRoute'), 'Accepted=False/NotAllowedByListeners'],
  [route('wrong', { rules: [] }, 'TCPRoute'), 'Accepted=False/UnsupportedValue'],
]

const healthCheck = (config: Piece, target: Piece = app, more: Piece = {}): Piece =>
  object(ALB, 'HealthCheckPolicy', 'wrong', { targetRef: target, default: config, ...more })
const backendTls = (validation: Piece, target: Piece): Piece =>
  object(API, 'BackendTLSPolicy', 'wrong', { targetRefs: [target], validation })
const config = { group: '', kind: 'ConfigMap', name: 'nothing' }
const albTls = (settings: Piece, target: Piece = app): Piece =>
  object(ALB, 'BackendTLSPolicy', 'wrong', { targetRef: target, default: settings })
const frontendTls = (settings: Piece, target: Piece = gw): Piece =>
  object(ALB, 'FrontendTLSPolicy', 'wrong', { targetRef: target, default: settings })
const routePolicy = (settings: Piece, target: Piece = web): Piece =>
  object(ALB, 'RoutePolicy', 'wrong', { targetRef: target, default: settings })

const POLICIES: readonly Row[] = [
  [healthCheck({}, app, { override: {} }), 'Accepted=False/InvalidHealthCheckPolicy'],
  [healthCheck({ interval: '0s' }), 'Accepted=False/InvalidHealthCheckPolicy'],
  [healthCheck({ unhealthyThreshold: 0 }), 'Accepted=False/InvalidHealthCheckPolicy'],
  [healthCheck({ protocol: 'TCP' }), 'Accepted=False/InvalidHealthCheckPolicy'],
  [healthCheck({ port: 70_000 }), 'Accepted=False/InvalidPort'],
  [healthCheck({}, { ...app, kind: 'Deployment' }), 'Accepted=False/InvalidKind', 'ResolvedRefs=False/InvalidKind'],
  [healthCheck({}, { ...app, group: 'apps' }), 'Accepted=False/InvalidGroup'],
  [healthCheck({}, { ...app, name: 'nothing' }), 'Accepted=False/InvalidService'],
  [healthCheck({}, { ...app, name: 'Not_A_Name' }), 'Accepted=False/InvalidName'],
  [healthCheck({}, { ...app, sectionNames: ['nothing'] }), 'ResolvedRefs=False/InvalidPort'],
  [healthCheck({}, { ...app, name: 'other', namespace: 'elsewhere' }), 'Accepted=False/RefNotPermitted'],
  [object(ALB, 'HealthCheckPolicy', 'wrong', { default: {} }), 'Accepted=False/NoTargetReference'],
  [routePolicy({ timeouts: { routeTimeout: '-1s' } }), 'Accepted=False/InvalidRoutePolicy'],
  [routePolicy({ nonsense: true }), 'Accepted=False/InvalidRoutePolicy'],
  [routePolicy({}, { ...web, name: 'nothing' }), 'Accepted=False/InvalidHTTPRoute'],
  [routePolicy({}, { ...web, kind: 'TCPRoute' }), 'Accepted=False/InvalidKind'],
  [object(ALB, 'RoutePolicy', 'wrong', {}), 'Accepted=False/NoTargetReference'],
  [frontendTls({ policyType: { type: 'predefined', name: '1999-01' } }), 'Accepted=False/InvalidFrontendTLSPolicyName'],
  [frontendTls({}, { ...gw, name: 'nothing' }), 'Accepted=False/InvalidGateway'],
  [frontendTls({ nonsense: true }), 'Accepted=False/InvalidFrontendTLSPolicy'],
  [
    albTls({ verify: { caCertificateRef: { name: 'nothing' } } }),
    'Accepted=False/InvalidCertificateRef',
    'ResolvedRefs=False/InvalidCertificateRef',
  ],
  [albTls({ ports: [{ port: 1 }] }), 'Accepted=False/InvalidBackendTLSPolicy'],
  [albTls({}, { ...app, name: 'nothing' }), 'Accepted=False/ServiceNotFound'],
  [
    object(ALB, 'BackendLoadBalancingPolicy', 'wrong', {
      targetRefs: [{ targetRef: app }],
      loadBalancing: { strategy: 'fastest' },
    }),
    'Accepted=False/InvalidBackendLoadBalancingPolicy',
  ],
  [
    backendTls({ hostname: 'a.test', caCertificateRefs: [config] }, { ...app, name: 'tls-1' }),
    'Accepted=False/NoValidCACertificate',
    'ResolvedRefs=False/InvalidCACertificateRef',
  ],
  [
    backendTls({ hostname: 'a.test', caCertificateRefs: [{ ...config, kind: 'Bucket' }] }, { ...app, name: 'tls-2' }),
    'Accepted=False/NoValidCACertificate',
    'ResolvedRefs=False/InvalidKind',
  ],
  [
    backendTls({ hostname: 'a.test', wellKnownCACertificates: 'System' }, { ...app, name: 'ghost' }),
    'Accepted=False/TargetNotFound',
  ],
  [backendTls({ hostname: 'a.test' }, { ...app, name: 'tls-3' }), 'Accepted=False/Invalid'],
]

/** All rows in one folder, told apart by their names, and Gateways by their addresses. */
function named(manifest: Piece, index: number): Piece {
  const spec = part(manifest, 'spec')
  const [address] = Array.isArray(spec['addresses']) ? spec['addresses'] : []
  const own = { addresses: [{ type: 'IPAddress', value: `127.0.0.${index + 10}` }] }
  return {
    ...withMetadata(manifest, { name: `wrong-${index}` }),
    spec: address?.type === 'IPAddress' ? { ...spec, ...own } : spec,
  }
}

for (const [what, rows] of [
  ['every wrong Gateway and GatewayClass has its condition and reason', GATEWAYS],
  ['case 10: every wrong route, one that would break the handshake among them, has its condition and reason', ROUTES],
  ['case 18: every wrong policy has its condition and reason', POLICIES],
] as const)
  test(what, async () => {
    const { code, objects } = await runStatus(
      filesOf([...BASE, ...rows.map(([manifest], index) => named(manifest, index))]),
    )
    assert.equal(code, 1)
    for (const [index, [manifest, ...expected]] of rows.entries()) {
      const said = conditionsIn(objects.find(({ metadata }) => metadata.name === `wrong-${index}`)?.status)
      for (const each of expected)
        assert.ok(said.includes(each), `${JSON.stringify(manifest)}: ${each} is not among ${said.join(', ')}`)
    }
  })

const GOOD = [gateway('gw'), route('web', { rules: [pathRule('/', 'app')] }), ...service('app', [1])]

test('case 38: every condition of an accepted object has its generation', async () => {
  const dated = GOOD.map((each) => withMetadata(each, { generation: 7 }))
  const { code, objects, stderr } = await runStatus(filesOf(dated))
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ['Gateway', 'HTTPRoute'],
  )
  const text = JSON.stringify(objects)
  assert.deepEqual(new Set(text.match(/"observedGeneration":\d+/g)), new Set(['"observedGeneration":7']))
  assert.ok(
    conditionsIn(objects).every((each) => /=True\/|^Conflicted=False\//.test(each)),
    conditionsIn(objects).join(),
  )
})

test('case 43: entries that other controllers wrote into status.parents stay', async () => {
  const parents = [
    {
      parentRef: { name: 'theirs' },
      controllerName: 'example.com/other',
      conditions: [{ type: 'X', status: 'True', reason: 'Y' }],
    },
  ]
  const [first, web = {}, ...others] = GOOD
  const { objects } = await runStatus(filesOf([first ?? {}, { ...web, status: { parents } }, ...others]))
  const said = conditionsIn(objects.find(({ kind }) => kind === 'HTTPRoute')?.status)
  assert.deepEqual(said.slice(0, 2), ['X=True/Y', 'Accepted=True/Accepted'])
})

test('status shows what has one, as kubectl would: YAML documents or a List, of one kind or of all', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: 'very secret' } }
  const files = filesOf([...GOOD, secret])
  const yaml = await runStatus(files)
  assert.doesNotMatch(yaml.stdout, /very secret|kind: (?:Service|Secret)|\nspec:/)
  assert.match(
    yaml.stdout,
    /^apiVersion: gateway\.networking\.k8s\.io\/v1\nkind: Gateway\nmetadata:\n {2}name: gw\n {2}namespace: infra\nstatus:\n/,
  )
  assert.match(yaml.stdout, /lastTransitionTime: "\d{4}-/)
  const json = await runStatus(files, ['-o', 'json', '--kind', 'httproute'])
  assert.equal(JSON.parse(json.stdout).kind, 'List')
  assert.deepEqual(
    json.objects.map(({ kind }) => kind),
    ['HTTPRoute'],
  )
  const none = await runStatus(files, ['--kind', 'TLSRoute'])
  assert.equal(none.code, 1)
  assert.match(none.stderr, /no object of kind "TLSRoute"; there are Gateway, HTTPRoute/)
})

test('Windows line ends, a kind: List, and objects of a cluster that say nothing to a proxy are read', async () => {
  const list = { apiVersion: 'v1', kind: 'List', items: GOOD }
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1 } }
  const job = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c' }, spec: { schedule: '@daily' } }
  const files = Object.entries(filesOf([list, deployment, job])).map(([name, text]) => [
    name,
    text.replaceAll('\n', '\r\n'),
  ])
  const { code, objects, stderr } = await runStatus(Object.fromEntries(files))
  assert.equal(code, 0, stderr)
  assert.equal(objects.length, 2)
})

test('case 42: one broken document of ten is named with its line, and the other nine serve', async () => {
  const echo = await startEcho('app')
  const routes = Array.from({ length: 6 }, (_, index) =>
    route(`web-${index}`, { rules: [pathRule(`/${index}`, 'app')] }),
  )
  const all = [gateway('gw'), ...service('app', [echo.port]), ...routes]
  const files = { ...filesOf(all), 'broken.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: broken\n' }
  const { code, stderr } = await runStatus(files)
  assert.equal(code, 1)
  assert.match(stderr, /broken\.yaml:\d+:\d+: /)
  const program = await startProgram([...all, route('wrong', { rules: [{ nonsense: 1 }] })])
  assert.match(program.proxy.output(), /009\.yaml:\d+:\d+: spec\.rules\[0\]\.nonsense: unknown field "nonsense"/)
  for (let index = 0; index < 6; index++) assert.equal((await program.ask({ path: `/${index}` })).status, 200)
  await program.stop()
  await echo.stop()
})

test('500 HTTPRoutes with a Service each are read, and the last of them serves', async (context) => {
  const echo = await startEcho('app')
  const many = Array.from({ length: 500 }, (_, index) => [
    route(`web-${index}`, { hostnames: [`h${index}.example.com`], rules: [pathRule('/', `app-${index}`)] }),
    ...service(`app-${index}`, [echo.port]),
  ]).flat()
  const started = performance.now()
  const program = await startProgram([gateway('gw'), ...many])
  context.diagnostic(`serves after ${Math.round(performance.now() - started)} ms`)
  for (const host of ['h0.example.com', 'h499.example.com']) assert.equal((await program.ask({ host })).pod, 'app')
  assert.equal((await program.ask({ host: 'h500.example.com' })).status, 404)
  await program.stop()
  await echo.stop()
})
