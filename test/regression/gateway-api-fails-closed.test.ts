// Manifests whose fault opened what they were to protect: a listener that could not check its clients gave its hostname up to
// a wider listener that asks nobody; a TLS policy that could not be read was as good as none, so backends were spoken to in
// the clear and clients came in without a certificate.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { tlsSecret } from '../support/gateway-tls-backend.ts'
import { type Backends, gateway, type Piece, route, startBackends, startWorld, to } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

let backends: Backends
let servers: Authority
let leaf: Leaf

before(async () => {
  backends = await startBackends(['v1'])
  servers = await authority('servers')
  leaf = await servers.issue({ name: 'wild', dns: ['*.example.org'] })
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

const https = (more: Piece): Piece => ({
  port: 443,
  protocol: 'HTTPS',
  tls: { certificateRefs: [{ name: 'wild' }] },
  ...more,
})

const everywhere = route('web', { hostnames: ['secure.example.org'], rules: [{ backendRefs: [to('v1')] }] })

/** Status of a request to secure.example.org; 0 when the connection came to nothing. */
async function secureStatus(manifests: readonly Piece[], sni: string, http2 = false): Promise<number> {
  const world = await startWorld([...manifests, tlsSecret('wild', leaf), everywhere, ...backends.manifests])
  try {
    return await world.ask({ host: 'secure.example.org', tls: { sni, ca: servers.certificate }, http2 }).then(
      ({ status }) => status,
      () => 0,
    )
  } finally {
    await world.stop()
  }
}

const albPolicy = (kind: string, targetRef: Piece, more: Piece, version = 'v1'): Piece => ({
  apiVersion: `alb.networking.azure.io/${version}`,
  kind,
  metadata: { name: 'policy', namespace: 'infra' },
  spec: { targetRef, ...more },
})

const gatewayRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' }
const serviceRef = { group: '', kind: 'Service', name: 'v1' }

test('a listener that cannot check its clients keeps its hostname from wider listeners', async () => {
  const listeners = [
    https({ name: 'secure', hostname: 'secure.example.org' }),
    https({ name: 'wild', hostname: '*.example.org' }),
  ]
  const verify = { caCertificateRef: { name: 'nothing', group: '', kind: 'Secret' } }
  const policy = albPolicy(
    'FrontendTLSPolicy',
    { ...gatewayRef, sectionNames: ['secure'] },
    { default: { policyType: { name: '2023-06', type: 'predefined' }, verify } },
  )
  const manifests = [gateway('gw', listeners), policy]
  for (const http2 of [false, true]) {
    assert.equal(await secureStatus(manifests, 'secure.example.org', http2), 421)
    assert.equal(await secureStatus(manifests, 'other.example.org', http2), 421)
  }
})

test('a FrontendTLSPolicy that cannot be read lets nobody in', async () => {
  const listeners = [{ name: 'plain' }, https({ name: 'secure', hostname: 'secure.example.org' })]
  const verify = { caCertificateRef: { name: 'ca', group: '', kind: 'Secret' } }
  const typo = { default: { verify, verifyDepth: 1 } }
  for (const policy of [
    albPolicy('FrontendTLSPolicy', gatewayRef, typo),
    albPolicy('FrontendTLSPolicy', gatewayRef, { default: { verify } }, 'v2'),
    albPolicy('FrontendTLSPolicy', { ...gatewayRef, nmae: 'gw' }, { default: { verify } }),
  ])
    assert.equal(
      await secureStatus([gateway('gw', listeners), policy], 'secure.example.org'),
      0,
      JSON.stringify(policy),
    )
})

test('a BackendTLSPolicy that cannot be read forbids plaintext', async () => {
  const standard = (spec: Piece, version = 'v1'): Piece => ({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind: 'BackendTLSPolicy',
    metadata: { name: 'policy', namespace: 'infra' },
    spec: { targetRefs: [serviceRef], ...spec },
  })
  const validation = { hostname: 'v1.test', wellKnownCACertificates: 'System' }
  for (const policy of [
    standard({ validation: { ...validation, hostname: 'not a name' } }),
    standard({ validation: { ...validation, verify: false } }),
    standard({}),
    standard({ validation }, 'v1alpha2'),
    albPolicy('BackendTLSPolicy', serviceRef, { default: { sni: 7 } }),
  ]) {
    const world = await startWorld([gateway('gw'), policy, everywhere, ...backends.manifests])
    try {
      assert.equal((await world.ask({ host: 'secure.example.org' })).status, 500, JSON.stringify(policy))
    } finally {
      await world.stop()
    }
  }
})
