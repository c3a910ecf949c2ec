// TLS of listeners: certificates from Secrets, client certificates by the Gateway and by AGC's FrontendTLSPolicy. Tests with
// the name of a conformance test of the Gateway API mirror it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { caConfigMap, caSecret, grant, tlsSecret } from '../support/gateway-tls-backend.ts'
import {
  type Ask,
  type Backends,
  conditionOf,
  duringWorld,
  gateway,
  load,
  type Piece,
  route,
  startBackends,
  statusOf,
  type Story,
  to,
  type World,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { within } from '../support/waiting.ts'

let backends: Backends
let servers: Authority
let clients: Authority
let strangers: Authority
let example: Leaf
let second: Leaf
let client: Leaf
let stranger: Leaf

before(async () => {
  backends = await startBackends(['v1', 'v2'])
  servers = await authority('servers')
  clients = await authority('clients')
  strangers = await authority('strangers')
  example = await servers.issue({ name: 'example', dns: ['example.org', '*.wildcard.org'] })
  second = await servers.issue({ name: 'second', dns: ['second-example.org'] })
  client = await clients.issue({ name: 'client', uris: ['spiffe://test/client'] })
  stranger = await strangers.issue({ name: 'stranger' })
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

const during = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends.manifests], story)

const https = (more: Piece = {}): Piece => ({
  port: 443,
  protocol: 'HTTPS',
  tls: { certificateRefs: [{ name: 'example' }] },
  ...more,
})

const simple = route('simple', { rules: [{ backendRefs: [to('v1')] }] })

const ask = (world: World, more: Ask & { readonly as?: Leaf } = {}): Promise<number> => {
  const { as, ...rest } = more
  const key = as === undefined ? {} : { cert: as.certificate, key: as.key }
  const tls = { sni: 'example.org', ca: servers.certificate, ...key }
  // A client learns of its refusal after its own handshake, so any end without an answer counts.
  return world.ask({ host: 'example.org', tls, ...rest }).then(
    ({ status }) => status,
    () => 0,
  )
}

test('HTTPRouteHTTPSListener', () => {
  const listeners = [
    https(),
    https({ name: 'second', hostname: 'second-example.org', tls: { certificateRefs: [{ name: 'second' }] } }),
  ]
  return during(
    [
      gateway('gw', listeners),
      tlsSecret('example', example),
      tlsSecret('second', second),
      route('one', { hostnames: ['example.org'], rules: [{ backendRefs: [to('v1')] }] }),
      route('two', { hostnames: ['second-example.org'], rules: [{ backendRefs: [to('v2')] }] }),
    ],
    async (world) => {
      const at = async (host: string): Promise<string> => {
        const { status, pod } = await world.ask({ host, tls: { sni: host, ca: servers.certificate } })
        return status === 200 ? pod : String(status)
      }
      assert.equal(await at('example.org'), 'v1')
      assert.equal(await at('second-example.org'), 'v2')
    },
  )
})

test('one listener serves several certificates by server name', () =>
  during(
    [
      gateway('gw', [https({ tls: { certificateRefs: [{ name: 'example' }, { name: 'second' }] } })]),
      tlsSecret('example', example),
      tlsSecret('second', second),
      simple,
    ],
    async (world) => {
      assert.equal(await peerName(world.port(443), 'second-example.org'), 'second')
      assert.equal(await peerName(world.port(443), 'example.org'), 'example')
      assert.equal(await peerName(world.port(443), 'a.wildcard.org'), 'example')
    },
  ))

/** Common name of the certificate that a server shows. */
function peerName(port: number, servername: string): Promise<string> {
  return within(
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: servers.certificate }, () => {
        const name = socket.getPeerCertificate().subject.CN
        socket.destroy()
        resolve(String(name))
      })
      socket.on('error', reject)
    }),
    `the certificate for ${servername}`,
    10_000,
  )
}

const condition = async (manifests: readonly Piece[], type: string): Promise<string> =>
  conditionOf(await load([...manifests, ...backends.manifests]), 'Gateway', 'gw', type, 'listeners[0]')

test('GatewayInvalidTLSConfiguration', async () => {
  const broken = { ...tlsSecret('example', { certificate: 'Hello world', key: 'Hello world' }) }
  const rows: readonly (readonly [string, Piece, readonly Piece[]])[] = [
    ['missing', { name: 'nothing' }, []],
    ['wrong group', { name: 'example', group: 'wrong.company.io' }, [tlsSecret('example', example)]],
    ['wrong kind', { name: 'example', kind: 'ConfigMap' }, [tlsSecret('example', example)]],
    ['malformed', { name: 'example' }, [broken]],
    [
      'key of another',
      { name: 'example' },
      [tlsSecret('example', { certificate: example.certificate, key: second.key })],
    ],
    ['no base64', { name: 'example' }, [{ ...broken, data: { 'tls.crt': '%%%', 'tls.key': '%%%' } }]],
  ]
  for (const [what, reference, secrets] of rows) {
    const manifests = [gateway('gw', [https({ tls: { certificateRefs: [reference] } })]), ...secrets, simple]
    assert.equal(await condition(manifests, 'ResolvedRefs'), 'False InvalidCertificateRef', what)
    assert.match(await condition(manifests, 'Programmed'), /^False/, what)
  }
})

const acrossNamespaces = gateway('gw', [https({ tls: { certificateRefs: [{ name: 'example', namespace: 'certs' }] } })])
const certs = (): Piece => tlsSecret('example', example, 'certs')
const byGateways = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'infra' }

test('GatewaySecretMissingReferenceGrant', async () => {
  assert.equal(await condition([acrossNamespaces, certs(), simple], 'ResolvedRefs'), 'False RefNotPermitted')
})

test('GatewaySecretInvalidReferenceGrant', async () => {
  const other = grant('certs', byGateways, { group: '', kind: 'Secret', name: 'other' })
  assert.equal(await condition([acrossNamespaces, certs(), other, simple], 'ResolvedRefs'), 'False RefNotPermitted')
})

test('GatewaySecretReferenceGrantAllInNamespace and GatewaySecretReferenceGrantSpecific', async () => {
  for (const name of [undefined, 'example']) {
    const given = grant('certs', byGateways, { group: '', kind: 'Secret', ...(name === undefined ? {} : { name }) })
    const manifests = [acrossNamespaces, certs(), given, simple]
    assert.equal(await condition(manifests, 'Programmed'), 'True Programmed')
    await during(manifests, async (world) => assert.equal(await ask(world), 200))
  }
})

const frontend = (validation: Piece, perPort: readonly Piece[] = []): Piece => ({
  tls: { frontend: { default: { validation }, perPort } },
})

test('GatewayFrontendClientCertificateValidation', () =>
  during(
    [
      gateway(
        'gw',
        [https(), https({ name: 'other', port: 8443 })],
        frontend({ caCertificateRefs: [{ name: 'clients' }] }, [
          { port: 8443, tls: { validation: { caCertificateRefs: [{ name: 'strangers' }] } } },
        ]),
      ),
      tlsSecret('example', example),
      caConfigMap('clients', clients),
      caConfigMap('strangers', strangers),
      simple,
    ],
    async (world) => {
      assert.equal(await ask(world, { as: client }), 200)
      assert.equal(await ask(world, { as: stranger }), 0)
      assert.equal(await ask(world), 0)
      assert.equal(await ask(world, { port: 8443, as: stranger }), 200)
      assert.equal(await ask(world, { port: 8443, as: client }), 0)
    },
  ))

test('GatewayFrontendClientCertificateValidationInsecureFallback', () => {
  const mode = 'AllowInsecureFallback'
  return during(
    [
      gateway('gw', [https()], frontend({ caCertificateRefs: [{ name: 'clients' }], mode })),
      tlsSecret('example', example),
      caConfigMap('clients', clients),
      simple,
    ],
    async (world) => {
      assert.equal(await ask(world, { as: client }), 200)
      assert.equal(await ask(world, { as: stranger }), 200)
      assert.equal(await ask(world), 200)
      assert.equal(
        conditionOf(world.loaded, 'Gateway', 'gw', 'InsecureFrontendValidationMode', ''),
        'True ConfigurationChanged',
      )
    },
  )
})

test('GatewayFrontendInvalidDefaultClientCertificateValidation', () =>
  during(
    [
      gateway('gw', [{ name: 'plain' }, https()], frontend({ caCertificateRefs: [{ name: 'nothing' }] })),
      tlsSecret('example', example),
      simple,
    ],
    async (world) => {
      const at = (type: string, index: number): string =>
        conditionOf(world.loaded, 'Gateway', 'gw', type, `listeners[${index}]`)
      assert.equal(at('ResolvedRefs', 1), 'False InvalidCACertificateRef')
      assert.equal(at('Accepted', 1), 'False NoValidCACertificate')
      assert.match(at('Programmed', 1), /^False/)
      assert.equal(at('Programmed', 0), 'True Programmed')
      const { status } = await world.ask({ host: 'example.org' })
      assert.equal(status, 200)
    },
  ))

test('GatewayInvalidFrontendClientCertificateValidation', async () => {
  const rows: readonly (readonly [Piece, string])[] = [
    [{ name: 'nothing' }, 'InvalidCACertificateRef'],
    [{ name: 'example', kind: 'Secret' }, 'InvalidCACertificateKind'],
    [{ name: 'clients', namespace: 'elsewhere' }, 'RefNotPermitted'],
  ]
  for (const [reference, reason] of rows) {
    const manifests = [
      gateway('gw', [https()], frontend({ caCertificateRefs: [reference] })),
      tlsSecret('example', example),
      caConfigMap('clients', clients, 'elsewhere'),
      simple,
    ]
    assert.equal(await condition(manifests, 'ResolvedRefs'), `False ${reason}`)
    assert.equal(await condition(manifests, 'Accepted'), 'False NoValidCACertificate')
  }
})

const frontendPolicy = (config: Piece, target: Piece = {}): Piece => ({
  apiVersion: 'alb.networking.azure.io/v1',
  kind: 'FrontendTLSPolicy',
  metadata: { name: 'frontend', namespace: 'infra' },
  spec: { targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw', ...target }, default: config },
})

test('a FrontendTLSPolicy asks the clients of its listeners for certificates with a name', () => {
  const verify = { caCertificateRef: { name: 'clients' }, subjectAltNames: ['spiffe://test/client'] }
  return during(
    [
      gateway('gw', [https({ name: 'mutual' }), https({ name: 'open', port: 8443 })]),
      tlsSecret('example', example),
      caSecret('clients', clients),
      frontendPolicy({ verify }, { sectionNames: ['mutual'] }),
      simple,
    ],
    async (world) => {
      const nameless = await clients.issue({ name: 'nameless' })
      assert.equal(await ask(world, { as: client }), 200)
      assert.equal(await ask(world, { as: nameless }), 0)
      assert.equal(await ask(world, { as: stranger }), 0)
      assert.equal(await ask(world), 0)
      assert.equal(await ask(world, { port: 8443 }), 200)
      assert.equal(conditionOf(world.loaded, 'FrontendTLSPolicy', 'frontend', 'Accepted', ''), 'True Accepted')
    },
  )
})

test('a FrontendTLSPolicy that cannot verify keeps its listener shut rather than open', async () => {
  const policies: readonly (readonly [Piece, string])[] = [
    [frontendPolicy({ verify: { caCertificateRef: { name: 'nothing' } } }), 'InvalidCertificateRef'],
    [
      { ...frontendPolicy({}), spec: { ...specOf(frontendPolicy({})), override: { verify: {} } } },
      'InvalidFrontendTLSPolicy',
    ],
  ]
  for (const [policy, reason] of policies) {
    const manifests = [gateway('gw', [https()]), tlsSecret('example', example), policy, simple]
    assert.equal(await condition(manifests, 'Accepted'), 'False NoValidCACertificate')
    const loaded = await load(manifests)
    assert.equal(conditionOf(loaded, 'FrontendTLSPolicy', 'frontend', 'Accepted', ''), `False ${reason}`)
  }
})

const specOf = (object: Piece): object => {
  const { spec } = object
  return typeof spec === 'object' && spec !== null ? spec : {}
}

test('predefined policies: TLS 1.2 and up, and the S policy without CBC ciphers', async () => {
  const cbc = 'ECDHE-ECDSA-AES128-SHA256'
  for (const [name, expected] of [
    ['2023-06', cbc],
    ['2023-06-S', undefined],
  ] as const) {
    const policy = frontendPolicy({ policyType: { name, type: 'predefined' } })
    await during([gateway('gw', [https()]), tlsSecret('example', example), policy, simple], async (world) => {
      assert.equal(await cipherOf(world.port(443), { ciphers: cbc, maxVersion: 'TLSv1.2' }), expected)
      assert.equal(
        await cipherOf(world.port(443), { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }),
        undefined,
      )
    })
  }
  const unknown = frontendPolicy({ policyType: { name: '2019-01', type: 'predefined' } })
  const loaded = await load([gateway('gw', [https()]), tlsSecret('example', example), unknown, simple])
  assert.equal(
    conditionOf(loaded, 'FrontendTLSPolicy', 'frontend', 'Accepted', ''),
    'False InvalidFrontendTLSPolicyName',
  )
})

/** The cipher that was agreed; undefined when there was none. */
function cipherOf(
  port: number,
  options: { ciphers: string; minVersion?: 'TLSv1.1'; maxVersion: 'TLSv1.1' | 'TLSv1.2' },
): Promise<string | undefined> {
  return within(
    new Promise((resolve) => {
      const socket = connect(
        { port, host: '127.0.0.1', servername: 'example.org', ca: servers.certificate, ...options },
        () => {
          const { name } = socket.getCipher()
          socket.destroy()
          resolve(name)
        },
      )
      socket.on('error', () => resolve(undefined))
    }),
    'the handshake',
    10_000,
  )
}

test('private keys are in no status and no dump', async () => {
  const loaded = await load([gateway('gw', [https()]), tlsSecret('example', example), simple, ...backends.manifests])
  const key = Buffer.from(example.key).toString('base64')
  assert.ok(loaded.config !== undefined)
  for (const shown of [loaded.objects, loaded.config.dump]) assert.ok(!JSON.stringify(shown).includes(key))
  assert.equal(statusOf(loaded, 'Gateway', 'gw', 'listeners[0].name'), 'listener-1')
})
