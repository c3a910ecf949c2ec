// X-Forwarded-Client-Cert: what the next hop may know of the client's certificate (Envoy: forward_client_cert_details).

import { X509Certificate, createHash } from 'node:crypto'
import type { HeaderList } from '../codec/header-list.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { TlsInfo } from '../transport/byte-stream.ts'

const NAME = 'x-forwarded-client-cert'

/** Sanitises, appends or sets the header as configured. Only a verified certificate is ever forwarded. */
export function clientCertificateHeader(
  headers: HeaderList,
  config: HttpConnectionManager,
  tls: TlsInfo | undefined,
): void {
  const mode = config.forwardClientCert
  if (mode === 'always-forward-only') return
  const certificate = tls?.peerVerified === true ? tls.peerCertificate : undefined
  if (certificate === undefined || mode === 'sanitize') {
    headers.remove(NAME)
    return
  }
  if (mode === 'forward-only') return
  const own = element(certificate, config)
  const known = mode === 'append-forward' ? headers.getAll(NAME) : undefined
  headers.set(NAME, known === undefined || known === '' ? own : `${known},${own}`)
}

const cache = new WeakMap<Buffer, string>()

function element(der: Buffer, config: HttpConnectionManager): string {
  const known = cache.get(der)
  if (known !== undefined) return known
  const certificate = new X509Certificate(der)
  const { subject, cert, dns, uri } = config.clientCertDetails
  const parts = [`Hash=${createHash('sha256').update(der).digest('hex')}`]
  if (cert) parts.push(`Cert="${encodeURIComponent(certificate.toString())}"`)
  if (subject) parts.push(`Subject="${quoted(certificate.subject.split('\n').toReversed().join(','))}"`)
  for (const name of (certificate.subjectAltName ?? '').split(', ')) {
    if (uri && name.startsWith('URI:')) parts.push(`URI=${name.slice(4)}`)
    if (dns && name.startsWith('DNS:')) parts.push(`DNS=${name.slice(4)}`)
  }
  const text = parts.join(';')
  cache.set(der, text)
  return text
}

const quoted = (text: string): string => text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')
