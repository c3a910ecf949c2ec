// What operators print about a certificate, in Envoy's forms. Parsed when first asked for and kept with the TLS session,
// so a connection with a thousand log lines parses once and one with none never does.

import { X509Certificate } from 'node:crypto'
import type { TlsInfo } from '../transport/byte-stream.ts'

export type SanKind = 'dns' | 'uri' | 'email' | 'ip' | 'other'

/** The printable facts of one certificate. */
export interface CertificateFacts {
  /** RFC 2253, most specific part first: `CN=a,O=b,C=c`. */
  readonly subject: string
  readonly issuer: string
  /** Lower-case hexadecimal. */
  readonly serial: string
  /** Lower-case hexadecimal without colons. */
  readonly sha256: string
  readonly sha1: string
  readonly validFrom: Date
  readonly validTo: Date
  /** PEM, percent-encoded. */
  readonly encodedPem: string
  readonly subjectAltNames: readonly { readonly kind: SanKind; readonly value: string }[]
}

export type CertificateSide = 'peer' | 'local'

const parsed: Readonly<Record<CertificateSide, WeakMap<TlsInfo, CertificateFacts | null>>> = {
  peer: new WeakMap(),
  local: new WeakMap(),
}

/** The certificate that one side of a session used; undefined when there is none or it cannot be read. */
export function certificateOf(tls: TlsInfo, side: CertificateSide): CertificateFacts | undefined {
  const cache = parsed[side]
  const hit = cache.get(tls)
  if (hit !== undefined) return hit ?? undefined
  const der = side === 'peer' ? tls.peerCertificate : tls.localCertificate
  const facts = der === undefined ? undefined : readCertificate(der)
  cache.set(tls, facts ?? null)
  return facts
}

/** The facts of a DER or PEM certificate; undefined when it cannot be read. */
export function readCertificate(certificate: Buffer | string): CertificateFacts | undefined {
  try {
    return factsOf(new X509Certificate(certificate))
  } catch {
    // A peer's certificate that OpenSSL took and Node cannot print is no reason to fail a log line.
    return undefined
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    subject: reversedName(certificate.subject),
    issuer: reversedName(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    sha256: hex(certificate.fingerprint256),
    sha1: hex(certificate.fingerprint),
    validFrom: certificate.validFromDate,
    validTo: certificate.validToDate,
    encodedPem: encodeURIComponent(certificate.toString()),
    subjectAltNames: subjectAltNames(certificate.subjectAltName),
  }
}

/** Node prints one attribute a line, already escaped (RFC 2253 §2.4), the country first; RFC 2253 §2.1 wants it last. */
const reversedName = (name: string | undefined): string =>
  (name ?? '')
    .split('\n')
    .filter((part) => part !== '')
    .reverse()
    .join(',')

const hex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()

const KINDS: Readonly<Record<string, SanKind>> = {
  DNS: 'dns',
  URI: 'uri',
  email: 'email',
  'IP Address': 'ip',
}

/** Node prints `DNS:a, IP Address:1.2.3.4` and quotes a value as JSON when it has a comma, quote or control character. */
function subjectAltNames(text: string | undefined): { readonly kind: SanKind; readonly value: string }[] {
  const names: { readonly kind: SanKind; readonly value: string }[] = []
  for (const found of (text ?? '').matchAll(/([A-Za-z ]+?):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    const [, kind = '', value = ''] = found
    names.push({ kind: KINDS[kind] ?? 'other', value: unquoted(value) })
  }
  return names
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    const text: unknown = JSON.parse(value)
    return typeof text === 'string' ? text : value
  } catch {
    return value
  }
}
