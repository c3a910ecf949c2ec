// Certificates, keys and secrets as the configuration brings them: what loads, and what is refused with which words.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { test } from 'node:test'
import { loadEnvoy, type LoadedEnvoy } from '../../../../src/config/envoy/index.ts'
import { authority } from '../../../support/certificates.ts'

const ca = await authority()
const [server, other] = [await ca.issue({ name: 'server', dns: ['a.example.com'] }), await ca.issue({ name: 'other' })]

/** A bootstrap with one TLS listener; the arguments are JSON, which is YAML too. */
async function load(
  common: object,
  more: { readonly context?: object; readonly secrets?: readonly object[]; readonly now?: number } = {},
): Promise<LoadedEnvoy> {
  const chain = {
    filters: [],
    transport_socket: {
      name: 'tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
        common_tls_context: common,
        ...more.context,
      },
    },
  }
  const listener = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
    filter_chains: [chain],
  }
  const text = JSON.stringify({ static_resources: { listeners: [listener], secrets: more.secrets ?? [] } })
  return loadEnvoy([{ kind: 'text', name: 'f.json', text, format: 'json' }], {
    environment: { KEY: server.key },
    ...(more.now === undefined ? {} : { now: more.now }),
  })
}

const pair = { certificate_chain: { inline_string: server.certificate }, private_key: { inline_string: server.key } }
const messages = ({ diagnostics }: LoadedEnvoy): string =>
  diagnostics.map((d) => `${d.place.path}: ${d.message}`).join('\n')

test('files, inline text, inline bytes and the environment give the same certificate', async () => {
  const sources = [
    { certificate_chain: { filename: server.certificateFile }, private_key: { filename: server.keyFile } },
    pair,
    {
      certificate_chain: { inline_bytes: Buffer.from(server.certificate).toString('base64') },
      private_key: { environment_variable: 'KEY' },
    },
  ]
  const origins: string[] = []
  for (const source of sources) {
    const loaded = await load({ tls_certificates: [source] })
    assert.equal(messages(loaded), '')
    const [certificate] = loaded.config?.listeners[0]?.chains[0]?.tls?.certificates ?? []
    assert.ok(certificate !== undefined)
    assert.equal(certificate.certificateChain.toString(), server.certificate)
    assert.equal(createPrivateKey(certificate.privateKey).type, 'private')
    origins.push(certificate.origin)
  }
  assert.deepEqual(origins, [server.certificateFile, 'inline', 'inline'])
})

test('a key of another certificate is refused at the key', async () => {
  const loaded = await load({ tls_certificates: [{ ...pair, private_key: { inline_string: other.key } }] })
  assert.match(
    messages(loaded),
    /tls_certificates\[0\]\.private_key\.inline_string: the private key does not belong to the certificate/,
  )
  assert.equal(loaded.config, undefined)
})

test('an encrypted key needs its password', async () => {
  const encrypted = createPrivateKey(server.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'hush',
  })
  const source = { ...pair, private_key: { inline_string: encrypted } }
  const without = await load({ tls_certificates: [source] })
  assert.match(messages(without), /Failed to load private key from <inline>/)
  assert.equal(without.diagnostics[0]?.hint, 'the key is encrypted; set password')
  const wrong = await load({ tls_certificates: [{ ...source, password: { inline_string: 'wrong' } }] })
  assert.equal(wrong.config, undefined)
  assert.doesNotMatch(JSON.stringify(wrong.diagnostics), /wrong"|hush/)
  const right = await load({ tls_certificates: [{ ...source, password: { inline_string: 'hush' } }] })
  assert.equal(right.config?.listeners[0]?.chains[0]?.tls?.certificates[0]?.password, 'hush')
})

test('an expired certificate is a warning and not an error', async () => {
  const loaded = await load({ tls_certificates: [pair] }, { now: Date.now() + 90 * 86_400_000 })
  assert.match(messages(loaded), /the certificate "CN=server" expired on/)
  assert.notEqual(loaded.config, undefined)
})

test('a client must show a certificate of the trusted authority with one of the names', async () => {
  const loaded = await load(
    {
      tls_certificates: [pair],
      validation_context: {
        trusted_ca: { filename: ca.certificateFile },
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: 'spiffe://' } }],
        verify_certificate_spki: [server.spki],
        trust_chain_verification: 'ACCEPT_UNTRUSTED',
      },
    },
    { context: { require_client_certificate: true } },
  )
  assert.equal(messages(loaded), '')
  const tls = loaded.config?.listeners[0]?.chains[0]?.tls
  assert.equal(tls?.requireClientCertificate, true)
  assert.equal(tls?.validation?.trustedCa?.toString(), ca.certificate)
  assert.deepEqual(tls?.validation?.subjectAltNames, [
    { type: 'uri', match: { kind: 'prefix', value: 'spiffe://', ignoreCase: false } },
  ])
  assert.equal(tls?.validation?.acceptUntrusted, true)
  assert.deepEqual([tls?.minVersion, tls?.maxVersion], ['TLSv1.2', 'TLSv1.3'])
})

test('secrets are found by name, and a default validation context is completed by one', async () => {
  const loaded = await load(
    {
      tls_certificate_sds_secret_configs: [{ name: 'server' }],
      combined_validation_context: {
        default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'a' } }] },
        validation_context_sds_secret_config: { name: 'roots' },
      },
    },
    {
      secrets: [
        { name: 'server', tls_certificate: pair },
        { name: 'roots', validation_context: { trusted_ca: { inline_string: ca.certificate } } },
      ],
    },
  )
  assert.equal(messages(loaded), '')
  const tls = loaded.config?.listeners[0]?.chains[0]?.tls
  assert.equal(tls?.certificates.length, 1)
  assert.equal(tls?.validation?.trustedCa?.toString(), ca.certificate)
  assert.equal(tls?.validation?.subjectAltNames.length, 1)
})

test('a secret of another kind is refused', async () => {
  const loaded = await load(
    { tls_certificate_sds_secret_configs: [{ name: 'roots' }] },
    { secrets: [{ name: 'roots', validation_context: { trusted_ca: { inline_string: ca.certificate } } }] },
  )
  assert.match(messages(loaded), /the secret "roots" is not a tls_certificate/)
})

test('a trusted authority that is no certificate is refused', async () => {
  const loaded = await load({ tls_certificates: [pair], validation_context: { trusted_ca: { inline_string: 'none' } } })
  assert.match(messages(loaded), /Failed to load trusted CA certificates from <inline>/)
})

test('the dump and the findings never hold a key', async () => {
  const loaded = await load(
    { tls_certificates: [pair, { ...pair, private_key: { inline_string: other.key } }] },
    { secrets: [{ name: 'server', tls_certificate: pair }] },
  )
  const good = await load({ tls_certificates: [pair] }, { secrets: [{ name: 'server', tls_certificate: pair }] })
  const key = server.key.split('\n')[1] ?? 'none'
  assert.ok(key.length > 20)
  assert.doesNotMatch(JSON.stringify(loaded.diagnostics), /PRIVATE KEY-/)
  const dump = JSON.stringify(good.config?.dump)
  assert.ok(!dump.includes(key))
  assert.ok(dump.includes('[redacted]'))
  assert.ok(dump.includes('BEGIN CERTIFICATE'))
})
