import 'reflect-metadata'
import assert from 'node:assert/strict'
import { webcrypto, X509Certificate as NodeCertificate } from 'node:crypto'
import { before, describe, test } from 'node:test'
import * as x509 from '@peculiar/x509'
import { certificateOf, readCertificate } from '../../../src/format/certificate-facts.ts'
import { compile } from '../../../src/format/compile.ts'
import type { StreamFacts } from '../../../src/format/stream-facts.ts'
import type { TlsInfo } from '../../../src/transport/byte-stream.ts'
import { address, exchangeFacts, template } from '../../support/exchange-facts.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function certificate(subject: string, names: x509.JsonGeneralNames): Promise<Buffer> {
  x509.cryptoProvider.set(webcrypto)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '0A1B2C',
    name: subject,
    notBefore: new Date('2026-01-02T03:04:05Z'),
    notAfter: new Date('2027-01-02T03:04:05Z'),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  })
  return Buffer.from(made.rawData)
}

const tlsInfo = (changes: Partial<TlsInfo>): TlsInfo => ({
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  serverName: 'echo.example',
  alpn: 'h2',
  sessionId: '',
  sessionReused: false,
  peerVerified: true,
  ...changes,
})

function over(tls: TlsInfo): StreamFacts {
  const end = { local: address('127.0.0.1', 443), remote: address('10.1.2.3', 51234), tls }
  return exchangeFacts({ downstream: end, upstream: end })
}

describe('with a client certificate', () => {
  let der: Buffer
  let facts: StreamFacts
  const print = (source: string): string | undefined => compile(template(source))(facts)

  before(async () => {
    der = await certificate('C=CH, O=Sluice\\, Inc, CN=client one', [
      { type: 'dns', value: 'a.example' },
      { type: 'dns', value: 'b.example' },
      { type: 'url', value: 'spiffe://mesh/ns/default' },
      { type: 'ip', value: '10.0.0.9' },
      { type: 'email', value: 'ops@example.org' },
    ])
    facts = over(tlsInfo({ peerCertificate: der }))
  })

  test('session facts', () => {
    assert.equal(print('%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%'), 'TLSv1.3 TLS_AES_128_GCM_SHA256')
    assert.equal(print('%REQUESTED_SERVER_NAME%'), 'echo.example')
    assert.equal(print('%DOWNSTREAM_TLS_SESSION_ID%'), undefined)
    assert.equal(print('%UPSTREAM_TLS_VERSION%'), 'TLSv1.3')
  })

  test('the subject in RFC 2253 order, special characters escaped', () => {
    assert.equal(print('%DOWNSTREAM_PEER_SUBJECT%'), 'CN=client one,O=Sluice\\, Inc,C=CH')
    assert.equal(print('%DOWNSTREAM_PEER_ISSUER%'), 'CN=client one,O=Sluice\\, Inc,C=CH')
    assert.equal(print('%UPSTREAM_PEER_SUBJECT%'), 'CN=client one,O=Sluice\\, Inc,C=CH')
  })

  test('subject alternative names by kind', () => {
    assert.equal(print('%DOWNSTREAM_PEER_DNS_SAN%'), 'a.example,b.example')
    assert.equal(print('%DOWNSTREAM_PEER_URI_SAN%'), 'spiffe://mesh/ns/default')
    assert.equal(print('%DOWNSTREAM_PEER_IP_SAN%'), '10.0.0.9')
    assert.equal(print('%DOWNSTREAM_PEER_EMAIL_SAN%'), 'ops@example.org')
    assert.equal(print('%DOWNSTREAM_PEER_OTHERNAME_SAN%'), undefined)
  })

  test('serial, fingerprints, validity and the certificate itself', () => {
    const node = new NodeCertificate(der)
    assert.equal(print('%DOWNSTREAM_PEER_SERIAL%'), '0a1b2c')
    assert.equal(print('%DOWNSTREAM_PEER_FINGERPRINT_256%'), node.fingerprint256.replaceAll(':', '').toLowerCase())
    assert.equal(print('%DOWNSTREAM_PEER_FINGERPRINT_1%')?.length, 40)
    assert.equal(print('%DOWNSTREAM_PEER_CERT_V_START%'), '2026-01-02T03:04:05.000Z')
    assert.equal(print('%DOWNSTREAM_PEER_CERT_V_END(%Y %b)%'), '2027 Jan')
    assert.equal(decodeURIComponent(print('%DOWNSTREAM_PEER_CERT%') ?? ''), node.toString())
  })

  test('is parsed once per session', () => {
    const tls = tlsInfo({ peerCertificate: der })
    assert.equal(certificateOf(tls, 'peer'), certificateOf(tls, 'peer'))
  })
})

test('a name that looks like another in its own text does not become one', async () => {
  const der = await certificate('CN=x', [{ type: 'url', value: 'https://e.example/, DNS:admin.example' }])
  const names = readCertificate(der)?.subjectAltNames
  assert.deepEqual(names, [{ kind: 'uri', value: 'https://e.example/, DNS:admin.example' }])
})

test('no certificate, an unreadable one and plaintext are unset', () => {
  const subject = compile(template('%DOWNSTREAM_PEER_SUBJECT%'))
  assert.equal(subject(over(tlsInfo({}))), undefined)
  assert.equal(subject(over(tlsInfo({ peerCertificate: Buffer.from('rubbish') }))), undefined)
  assert.equal(subject(exchangeFacts()), undefined)
})
