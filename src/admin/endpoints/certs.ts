// `/certs`: certificates in use and the days until they expire. Envoy: admin.v3.Certificates.

import type { TlsCertificate, TlsCommon } from '../../config/model/tls.ts'
import type { ProxyConfig } from '../../config/model/proxy.ts'
import { type CertificateFacts, readCertificate, type SanKind } from '../../format/certificate-facts.ts'
import { type Endpoint, json } from '../endpoint.ts'

export const CERTS: Endpoint = {
  path: '/certs',
  summary: 'certificates in use and the days they have left',
  mutates: false,
  parameters: [],
  handle(_, context) {
    const wallMs = context.clock.wallNow()
    const certificates = tlsContexts(context.config()).map(({ validation, certificates: own }) => ({
      ca_cert:
        validation?.trustedCa === undefined
          ? []
          : details(validation.trustedCa, placeOf(validation.place.file), wallMs),
      cert_chain: own.flatMap((certificate) => details(certificate.certificateChain, originOf(certificate), wallMs)),
    }))
    return json({ certificates })
  },
}

function tlsContexts(config: ProxyConfig): TlsCommon[] {
  const chains = config.listeners.flatMap(({ chains: some, defaultChain }) =>
    defaultChain === undefined ? some : [...some, defaultChain],
  )
  const downstream = chains.map(({ tls }) => tls)
  const upstream = [...config.clusters.values()].map(({ tls }) => tls)
  return [...downstream, ...upstream].filter((tls) => tls !== undefined)
}

const originOf = ({ origin }: TlsCertificate): string => (origin === 'inline' ? '<inline>' : origin)
const placeOf = (file: string): string => `<from ${file}>`

/** The first certificate of a PEM chain, which is the one that serves; an unreadable one is left out. */
function details(pem: Buffer, path: string, wallMs: number): unknown[] {
  const facts = readCertificate(pem)
  return facts === undefined ? [] : [detail(facts, path, wallMs)]
}

const SAN_FIELDS: Readonly<Record<SanKind, string>> = {
  dns: 'dns',
  uri: 'uri',
  ip: 'ip_address',
  email: 'email',
  other: 'other_name',
}

function detail(facts: CertificateFacts, path: string, wallMs: number): unknown {
  const days = Math.max(0, Math.floor((facts.validTo.getTime() - wallMs) / 86_400_000))
  return {
    path,
    serial_number: facts.serial,
    subject: facts.subject,
    subject_alt_names: facts.subjectAltNames.map(({ kind, value }) => ({ [SAN_FIELDS[kind]]: value })),
    days_until_expiration: String(days),
    valid_from: facts.validFrom.toISOString(),
    expiration_time: facts.validTo.toISOString(),
  }
}
