// TLS contexts of either side, with references to secrets resolved. Envoy: extensions.transport_sockets.tls.v3.

import { createSecureContext } from 'node:tls'
import type { DownstreamTls, TlsCertificate, TlsCommon, TlsValidation, TlsVersion, UpstreamTls } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData } from './lower-data-source.ts'
import { milliseconds } from './lower-duration.ts'
import { findSecret } from './lower-secrets.ts'
import { lowerCertificate } from './lower-tls-certificate.ts'
import { lowerValidation, mergeValidation } from './lower-tls-validation.ts'
import {
  TlsParameters_TlsProtocol as Protocol,
  type CommonTlsContext,
  type DownstreamTlsContext,
  type TlsSessionTicketKeys,
  type UpstreamHttpProtocolOptions,
  type UpstreamTlsContext,
} from './messages.ts'

/** A filter chain's TLS. */
export function lowerDownstreamTls(loading: Loading, message: DownstreamTlsContext, spot: Spot): DownstreamTls {
  const common = lowerCommon(loading, message.commonTlsContext, spot.field('common_tls_context'), 'TLSv1.3')
  const declared = message.commonTlsContext
  if ((declared?.tlsCertificates.length ?? 0) + (declared?.tlsCertificateSdsSecretConfigs.length ?? 0) === 0) {
    loading.error(
      spot.field('common_tls_context'),
      'No TLS certificates found for server context',
      'add tls_certificates with certificate_chain and private_key',
    )
  }
  const tickets = message.sessionTicketKeysType
  const requireClientCertificate = message.requireClientCertificate ?? false
  return {
    ...common,
    requireClientCertificate,
    sessionTicketKeys: sessionTicketKeys(loading, message, spot),
    statelessResumption: !(tickets.case === 'disableStatelessSessionResumption' && tickets.value),
    statefulResumption: !message.disableStatefulSessionResumption,
    sessionTimeout: message.sessionTimeout === undefined ? undefined : milliseconds(message.sessionTimeout) / 1000,
  }
}

/** A cluster's TLS; `http` carries what its HTTP options say about SNI. */
export function lowerUpstreamTls(
  loading: Loading,
  message: UpstreamTlsContext,
  spot: Spot,
  http: UpstreamHttpProtocolOptions | undefined,
): UpstreamTls {
  // Envoy's clients stop at TLS 1.2 unless told otherwise.
  const common = lowerCommon(loading, message.commonTlsContext, spot.field('common_tls_context'), 'TLSv1.2')
  if (common.certificates.length > 1) {
    loading.error(
      spot.field('common_tls_context').field('tls_certificates'),
      'Multiple TLS certificates are not supported for client contexts',
    )
  }
  if ((message.commonTlsContext?.validationContextType.case ?? 'none') === 'none') {
    loading.warning(
      spot,
      'the certificate of the upstream is not verified',
      'add common_tls_context.validation_context with trusted_ca or system_root_certs: {}',
    )
  }
  return {
    ...common,
    sni: message.sni,
    autoHostSni: message.autoHostSni,
    autoSni: http?.autoSni ?? false,
    autoSniHeader: (http?.overrideAutoSniHeader ?? '').toLowerCase(),
    autoSanValidation: (http?.autoSanValidation ?? false) || message.autoSniSanValidation,
    maxSessionKeys: message.maxSessionKeys ?? 1,
  }
}

const VERSIONS: { readonly [version in Protocol]: TlsVersion | undefined } = {
  [Protocol.TLS_AUTO]: undefined,
  [Protocol.TLSv1_0]: 'TLSv1',
  [Protocol.TLSv1_1]: 'TLSv1.1',
  [Protocol.TLSv1_2]: 'TLSv1.2',
  [Protocol.TLSv1_3]: 'TLSv1.3',
}

const ORDER: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

function lowerCommon(
  loading: Loading,
  message: CommonTlsContext | undefined,
  spot: Spot,
  newest: TlsVersion,
): TlsCommon {
  const params = message?.tlsParams
  const at = spot.field('tls_params')
  const minVersion = VERSIONS[params?.tlsMinimumProtocolVersion ?? Protocol.TLS_AUTO] ?? 'TLSv1.2'
  const maxVersion = VERSIONS[params?.tlsMaximumProtocolVersion ?? Protocol.TLS_AUTO] ?? newer(minVersion, newest)
  if (ORDER.indexOf(minVersion) > ORDER.indexOf(maxVersion)) {
    loading.error(at.field('tls_maximum_protocol_version'), `is older than the minimum, ${minVersion}`)
  }
  return {
    minVersion,
    maxVersion,
    ciphers: checked(
      loading,
      at.field('cipher_suites'),
      cipherList(params?.cipherSuites ?? []),
      'cipher suites',
      (ciphers) => ({ ciphers }),
    ),
    curves: checked(loading, at.field('ecdh_curves'), joined(params?.ecdhCurves ?? []), 'ECDH curves', (ecdhCurve) => ({
      ecdhCurve,
    })),
    signatureAlgorithms: checked(
      loading,
      at.field('signature_algorithms'),
      joined(params?.signatureAlgorithms ?? []),
      'signature algorithms',
      (sigalgs) => ({ sigalgs }),
    ),
    certificates: lowerCertificates(loading, message, spot),
    validation: lowerValidationType(loading, message, spot),
    alpn: message?.alpnProtocols ?? [],
    keyLogPath: message?.keyLog?.path || undefined,
    place: spot.place,
  }
}

const newer = (a: TlsVersion, b: TlsVersion): TlsVersion => (ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b)

const joined = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : list.join(':'))

/** BoringSSL's groups of equal preference, `[A|B]`, become a plain order. */
const cipherList = (list: readonly string[]): string | undefined =>
  joined(list.flatMap((suite) => suite.replace(/^\[|\]$/g, '').split('|')))

/** Tries the list, so that a misspelt name is a load error and not a failed handshake. */
function checked(
  loading: Loading,
  spot: Spot,
  list: string | undefined,
  what: string,
  options: (list: string) => Parameters<typeof createSecureContext>[0],
): string | undefined {
  if (list === undefined) return undefined
  try {
    createSecureContext(options(list))
  } catch {
    loading.error(spot, `Failed to initialize ${what} ${list}`)
  }
  return list
}

function lowerCertificates(
  loading: Loading,
  message: CommonTlsContext | undefined,
  spot: Spot,
): readonly TlsCertificate[] {
  const certificates: (TlsCertificate | undefined)[] = []
  for (const [index, certificate] of (message?.tlsCertificates ?? []).entries()) {
    certificates.push(lowerCertificate(loading, certificate, spot.field('tls_certificates').at(index)))
  }
  for (const [index, reference] of (message?.tlsCertificateSdsSecretConfigs ?? []).entries()) {
    const at = spot.field('tls_certificate_sds_secret_configs').at(index)
    const found = findSecret(loading, reference, at, 'tlsCertificate')
    if (found !== undefined)
      certificates.push(lowerCertificate(loading, found.value, found.spot.field('tls_certificate')))
  }
  return certificates.filter((certificate) => certificate !== undefined)
}

function lowerValidationType(
  loading: Loading,
  message: CommonTlsContext | undefined,
  spot: Spot,
): TlsValidation | undefined {
  const type = message?.validationContextType
  switch (type?.case) {
    case 'validationContext':
      return lowerValidation(loading, type.value, spot.field('validation_context'))
    case 'validationContextSdsSecretConfig': {
      const found = findSecret(
        loading,
        type.value,
        spot.field('validation_context_sds_secret_config'),
        'validationContext',
      )
      return found === undefined
        ? undefined
        : lowerValidation(loading, found.value, found.spot.field('validation_context'))
    }
    case 'combinedValidationContext': {
      const at = spot.field('combined_validation_context')
      const { defaultValidationContext: base, validationContextSdsSecretConfig: reference } = type.value
      const found =
        reference &&
        findSecret(loading, reference, at.field('validation_context_sds_secret_config'), 'validationContext')
      if (base === undefined || found === undefined) return undefined
      return lowerValidation(loading, mergeValidation(base, found.value), at.field('default_validation_context'))
    }
    default:
      return undefined
  }
}

/** Bytes of one session ticket key: name 16, HMAC key 32, AES key 32. */
const TICKET_KEY_BYTES = 80

function sessionTicketKeys(loading: Loading, message: DownstreamTlsContext, spot: Spot): readonly Buffer[] {
  const type = message.sessionTicketKeysType
  if (type.case === 'sessionTicketKeys') return loadTicketKeys(loading, type.value, spot.field('session_ticket_keys'))
  if (type.case !== 'sessionTicketKeysSdsSecretConfig') return []
  const found = findSecret(
    loading,
    type.value,
    spot.field('session_ticket_keys_sds_secret_config'),
    'sessionTicketKeys',
  )
  return found === undefined ? [] : loadTicketKeys(loading, found.value, found.spot.field('session_ticket_keys'))
}

function loadTicketKeys(loading: Loading, message: TlsSessionTicketKeys, spot: Spot): readonly Buffer[] {
  const keys: Buffer[] = []
  for (const [index, source] of message.keys.entries()) {
    const data = loadData(loading, source, spot.field('keys').at(index))
    if (data === undefined) continue
    if (data.bytes.length !== TICKET_KEY_BYTES) {
      loading.error(
        data.spot,
        `Incorrect TLS session ticket key length. Length ${data.bytes.length}, expected length ${TICKET_KEY_BYTES}.`,
      )
    }
    keys.push(data.bytes)
  }
  return keys
}
