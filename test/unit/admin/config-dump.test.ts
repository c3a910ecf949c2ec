import 'reflect-metadata'
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { test } from 'node:test'
import * as x509 from '@peculiar/x509'
import type { AdminResponse } from '../../../src/admin/endpoint.ts'
import { CERTS } from '../../../src/admin/endpoints/certs.ts'
import { CONFIG_DUMP } from '../../../src/admin/endpoints/config-dump.ts'
import { redact, REDACTED } from '../../../src/admin/redact.ts'
import type { Cluster } from '../../../src/config/model/cluster.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import type { UpstreamTls } from '../../../src/config/model/tls.ts'
import { adminStage } from '../../support/admin-context.ts'
import { START_WALL_MS } from '../../support/exchange-facts.ts'

const DUMP = {
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 9901 } } },
  static_resources: {
    clusters: [{ name: 'app', connect_timeout: '1s' }, { name: 'other' }],
    listeners: [
      {
        name: 'ingress',
        filter_chains: [
          { filters: [{ name: 'hcm', typed_config: { route_config: { name: 'local', virtual_hosts: [] } } }] },
        ],
      },
    ],
    secrets: [
      {
        name: 'cert',
        tls_certificate: { private_key: { inline_string: 'KEY' }, certificate_chain: { inline_string: 'CHAIN' } },
      },
    ],
  },
}

function ask(query: string, dump: unknown = DUMP): AdminResponse {
  const stage = adminStage()
  stage.config = { ...stage.config, dump }
  return CONFIG_DUMP.handle({ method: 'GET', path: '/config_dump', query: new URLSearchParams(query) }, stage.context)
}

const parsed = (query: string, dump?: unknown): unknown => JSON.parse(ask(query, dump).body)

test('the parts that tools ask for', () => {
  assert.partialDeepStrictEqual(parsed(''), {
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump',
        bootstrap: { admin: {} },
        last_updated: '2026-11-21T03:27:01.045Z',
      },
      {
        static_clusters: [
          { cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'app' } },
          {},
        ],
      },
      { static_listeners: [{ listener: { name: 'ingress' } }] },
      { static_route_configs: [{ route_config: { name: 'local' } }] },
      { static_secrets: [{ name: 'cert' }] },
    ],
  })
})

test('keys are not shown, wherever they stand', () => {
  const { body } = ask('')
  assert.doesNotMatch(body, /"KEY"/)
  assert.match(body, /"CHAIN"/)
  const tree = {
    tlsCertificate: { privateKey: { inlineBytes: 'S3' }, password: { inline_string: 'S4' } },
    session_ticket_keys: { keys: [{ inline_bytes: 'S5' }, { filename: '/k' }] },
    generic_secret: { secret: { inline_string: 'S6' } },
    keys: ['S7'],
  }
  const text = JSON.stringify(redact(tree))
  assert.doesNotMatch(text, /S\d/)
  assert.match(text, /"filename":"\/k"/)
  assert.equal(text.split(REDACTED).length - 1, 5)
})

test('one resource, a mask, a name', () => {
  assert.deepEqual(parsed('resource=static_clusters&mask=cluster.name'), {
    configs: [
      { cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'app' } },
      { cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'other' } },
    ],
  })
  assert.partialDeepStrictEqual(parsed('resource=static_clusters&name_regex=ap.'), {
    configs: [{ cluster: { name: 'app' } }],
  })
  assert.deepEqual(parsed('resource=static_clusters&name_regex=ap'), { configs: [] }, 'the whole name must match')
  assert.partialDeepStrictEqual(parsed('resource=bootstrap'), { configs: [{ admin: {} }] })
  assert.equal(ask('resource=dynamic_bananas').status, 404)
  assert.equal(ask('name_regex=(').status, 400)
})

test('lowerCamelCase configurations and none at all', () => {
  assert.partialDeepStrictEqual(
    parsed('resource=static_clusters', { staticResources: { clusters: [{ name: 'c' }] } }),
    {
      configs: [{ cluster: { name: 'c' } }],
    },
  )
  assert.partialDeepStrictEqual(parsed('', null), { configs: [{ bootstrap: {} }] })
})

test('/certs tells certificates with the days that are left', async () => {
  x509.cryptoProvider.set(webcrypto)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '0102',
    name: 'CN=app',
    notBefore: new Date(START_WALL_MS - 1000),
    notAfter: new Date(START_WALL_MS + 10.5 * 86_400_000),
    signingAlgorithm: algorithm,
    keys: await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'app.example' }])],
  })
  const pem = Buffer.from(made.toString('pem'))
  const tls = {
    certificates: [
      { certificateChain: pem, privateKey: Buffer.from('KEY'), password: 'PW', origin: '/etc/app.pem', place: NOWHERE },
      {
        certificateChain: Buffer.from('rubbish'),
        privateKey: Buffer.alloc(0),
        password: undefined,
        origin: 'inline',
        place: NOWHERE,
      },
    ],
    validation: undefined,
  } satisfies Partial<UpstreamTls>
  const stage = adminStage()
  // Only the TLS part of a cluster is looked at.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const clusters = new Map([['app', { tls } as unknown as Cluster]])
  stage.config = { ...stage.config, clusters }
  const { body } = CERTS.handle({ method: 'GET', path: '/certs', query: new URLSearchParams() }, stage.context)
  assert.partialDeepStrictEqual(JSON.parse(body), {
    certificates: [
      {
        ca_cert: [],
        cert_chain: [
          {
            path: '/etc/app.pem',
            serial_number: '0102',
            subject_alt_names: [{ dns: 'app.example' }],
            days_until_expiration: '10',
          },
        ],
      },
    ],
  })
  assert.doesNotMatch(body, /KEY|PW/)
})
