// Operators about the TLS sessions of both hops and their certificates. A plaintext hop leaves them unset.

import type { TlsInfo } from '../transport/byte-stream.ts'
import { type CertificateFacts, certificateOf, type CertificateSide, type SanKind } from './certificate-facts.ts'
import { known, type Operator, type OperatorFamily, plain } from './operator.ts'
import type { StreamFacts } from './stream-facts.ts'
import { date } from './time-operators.ts'

type Hop = (facts: StreamFacts) => TlsInfo | undefined
type Certificate = (facts: StreamFacts) => CertificateFacts | undefined

const downstream: Hop = (facts) => facts.downstream.tls
const upstream: Hop = (facts) => facts.upstream?.tls

export const TLS_OPERATORS: OperatorFamily = {
  REQUESTED_SERVER_NAME: plain((facts) => known(downstream(facts)?.serverName) ?? known(facts.requestedServerName)),
  UPSTREAM_SERVER_NAME: plain((facts) => known(upstream(facts)?.serverName)),
  ...session('DOWNSTREAM', downstream),
  ...session('UPSTREAM', upstream),
  ...certificate('DOWNSTREAM_PEER', from(downstream, 'peer')),
  ...certificate('DOWNSTREAM_LOCAL', from(downstream, 'local')),
  ...certificate('UPSTREAM_PEER', from(upstream, 'peer')),
  ...certificate('UPSTREAM_LOCAL', from(upstream, 'local')),
}

function session(hop: string, read: Hop): OperatorFamily {
  return {
    [`${hop}_TLS_VERSION`]: plain((facts) => known(read(facts)?.version)),
    [`${hop}_TLS_CIPHER`]: plain((facts) => known(read(facts)?.cipher)),
    [`${hop}_TLS_SESSION_ID`]: plain((facts) => known(read(facts)?.sessionId)),
  }
}

function certificate(name: string, read: Certificate): OperatorFamily {
  const text = (pick: (facts: CertificateFacts) => string): Operator =>
    plain((facts) => {
      const found = read(facts)
      return found === undefined ? undefined : known(pick(found))
    })
  return {
    [`${name}_SUBJECT`]: text((facts) => facts.subject),
    [`${name}_ISSUER`]: text((facts) => facts.issuer),
    [`${name}_SERIAL`]: text((facts) => facts.serial),
    [`${name}_FINGERPRINT_256`]: text((facts) => facts.sha256),
    [`${name}_FINGERPRINT_1`]: text((facts) => facts.sha1),
    [`${name}_CERT`]: text((facts) => facts.encodedPem),
    [`${name}_CERT_V_START`]: date('utc', (facts) => read(facts)?.validFrom.getTime()),
    [`${name}_CERT_V_END`]: date('utc', (facts) => read(facts)?.validTo.getTime()),
    [`${name}_DNS_SAN`]: text((facts) => names(facts, 'dns')),
    [`${name}_URI_SAN`]: text((facts) => names(facts, 'uri')),
    [`${name}_IP_SAN`]: text((facts) => names(facts, 'ip')),
    [`${name}_EMAIL_SAN`]: text((facts) => names(facts, 'email')),
    [`${name}_OTHERNAME_SAN`]: text((facts) => names(facts, 'other')),
  }
}

function from(read: Hop, side: CertificateSide): Certificate {
  return (facts) => {
    const tls = read(facts)
    return tls === undefined ? undefined : certificateOf(tls, side)
  }
}

const names = (facts: CertificateFacts, kind: SanKind): string =>
  facts.subjectAltNames
    .filter((name) => name.kind === kind)
    .map((name) => name.value)
    .join(',')
