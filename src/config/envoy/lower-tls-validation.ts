// What the peer's certificate must satisfy. Envoy: CertificateValidationContext.

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { SanType, TlsValidation } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData } from './lower-data-source.ts'
import { each } from './lower-each.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import { parseChain } from './lower-tls-certificate.ts'
import {
  CertificateValidationContext_TrustChainVerification as Trust,
  CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType as San,
  type CertificateValidationContext as Message,
  type SubjectAltNameMatcher,
} from './messages.ts'

/** `spot` is where the message, or the reference to it, stands. */
export function lowerValidation(loading: Loading, message: Message, spot: Spot): TlsValidation {
  const ca = loadData(loading, message.trustedCa, spot.field('trusted_ca'))
  if (ca !== undefined) parseChain(loading, ca, 'trusted CA certificates')
  const crl = loadData(loading, message.crl, spot.field('crl'))
  const names = lowerNames(loading, message, spot)
  const systemRoots = message.systemRootCerts !== undefined
  if (names.length > 0 && message.trustedCa === undefined && !systemRoots) {
    loading.error(
      spot.field('match_typed_subject_alt_names'),
      'SAN-based verification of peer certificates without trusted CA is insecure and not allowed',
      'add trusted_ca, or system_root_certs: {} for public certificates',
    )
  }
  if (crl !== undefined && ca === undefined)
    loading.error(crl.spot, `Failed to load CRL from ${crl.origin} without trusted CA`)
  if (crl !== undefined && !crl.bytes.includes('-----BEGIN X509 CRL-----'))
    loading.error(crl.spot, `Failed to load CRL from ${crl.origin}`)
  return {
    trustedCa: ca?.bytes,
    systemRoots,
    crl: crl?.bytes,
    subjectAltNames: names,
    spkiPins: each(message.verifyCertificateSpki, spot.field('verify_certificate_spki'), (pin, at) =>
      checkedPin(loading, pin, at),
    ),
    certificateHashes: each(message.verifyCertificateHash, spot.field('verify_certificate_hash'), (hash, at) =>
      checkedHash(loading, hash, at),
    ),
    allowExpired: message.allowExpiredCertificate,
    acceptUntrusted: message.trustChainVerification === Trust.ACCEPT_UNTRUSTED,
    maxVerifyDepth: message.maxVerifyDepth,
    place: spot.place,
  }
}

const SAN_TYPES: { readonly [type in San]: SanType } = {
  [San.SAN_TYPE_UNSPECIFIED]: 'any',
  [San.EMAIL]: 'email',
  [San.DNS]: 'dns',
  [San.URI]: 'uri',
  [San.IP_ADDRESS]: 'ip',
  // Refused by the table of supported fields.
  [San.OTHER_NAME]: 'any',
}

/** The deprecated untyped list applies to every type of name. */
function lowerNames(loading: Loading, message: Message, spot: Spot): TlsValidation['subjectAltNames'] {
  const typed = each(message.matchTypedSubjectAltNames, spot.field('match_typed_subject_alt_names'), (name, at) =>
    lowerName(loading, name, at),
  )
  const untyped = each(message.matchSubjectAltNames, spot.field('match_subject_alt_names'), (matcher, at) => ({
    type: 'any' as const,
    match: lowerStringMatch(loading, matcher, at),
  }))
  return [...typed.filter((name) => name !== undefined), ...untyped]
}

function lowerName(
  loading: Loading,
  name: SubjectAltNameMatcher,
  spot: Spot,
): TlsValidation['subjectAltNames'][number] | undefined {
  if (name.matcher === undefined) return undefined
  return { type: SAN_TYPES[name.sanType], match: lowerStringMatch(loading, name.matcher, spot.field('matcher')) }
}

function checkedPin(loading: Loading, pin: string, spot: Spot): string {
  if (Buffer.from(pin, 'base64').length !== 32) loading.error(spot, `Invalid base64-encoded SHA-256 ${pin}`)
  return pin
}

function checkedHash(loading: Loading, hash: string, spot: Spot): string {
  const hex = hash.replaceAll(':', '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(hex)) loading.error(spot, `Invalid hex-encoded SHA-256 ${hash}`)
  return hex
}

/** `over` merged over `base` as Protocol Buffers merge: what is set replaces, lists append. */
export function mergeValidation(base: Message, over: Message): Message {
  const schema = CertificateValidationContextSchema
  return fromBinary(schema, Buffer.concat([toBinary(schema, base), toBinary(schema, over)]))
}
