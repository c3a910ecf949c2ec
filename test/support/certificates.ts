// Certificates for tests, made once per run of a file: an authority and leaves that it signed, as PEM text and as files
// in a temporary folder that goes with the process.

import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** What a leaf is for. Loopback and localhost are always among its names. */
export interface LeafRequest {
  readonly name: string
  readonly dns?: readonly string[]
  readonly uris?: readonly string[]
}

export interface Leaf {
  readonly certificate: string
  readonly key: string
  readonly certificateFile: string
  readonly keyFile: string
  /** `sha256/…` without the prefix: base64 of the SHA-256 of the public key. */
  readonly spki: string
}

export interface Authority {
  readonly certificate: string
  readonly certificateFile: string
  /** A leaf signed by this authority. */
  issue(request: LeafRequest): Promise<Leaf>
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-certificates-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let serial = 0

/** A new authority, trusted by nobody yet. */
export async function authority(name = 'Sluice tests'): Promise<Authority> {
  x509.cryptoProvider.set(webcrypto)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${name}`,
    ...validity(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const certificate = own.toString('pem')
  return {
    certificate,
    certificateFile: file('ca.pem', certificate),
    issue: (request) => issue(own, keys.privateKey, request),
  }
}

async function issue(
  issuer: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  request: LeafRequest,
): Promise<Leaf> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const names: x509.JsonGeneralNames = [
    ...['localhost', ...(request.dns ?? [])].map((value) => ({ type: 'dns' as const, value })),
    ...(request.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    { type: 'ip', value: '127.0.0.1' },
  ]
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject: `CN=${request.name}`,
    issuer: issuer.subject,
    ...validity(),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  const certificate = made.toString('pem')
  const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: exported, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
  const spki = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' })
  return {
    certificate,
    key,
    certificateFile: file(`${request.name}.pem`, certificate),
    keyFile: file(`${request.name}.key`, key),
    spki: Buffer.from(await webcrypto.subtle.digest('SHA-256', Uint8Array.from(spki))).toString('base64'),
  }
}

const validity = (): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + 30 * DAY_MS),
})

const nextSerial = (): string => `10${(++serial).toString(16).padStart(4, '0')}`

function file(name: string, text: string): string {
  const path = join(folder, `${serial}-${name.replaceAll(/[^a-z0-9.]/gi, '_')}`)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
