// TLS contexts. Certificates and keys stand in the text itself: the model has no files any more.

import type { DownstreamTls, SanType, TlsCertificate, TlsCommon, TlsValidation, UpstreamTls } from '../model/tls.ts'
import { dataSource, duration, fields, type Fields, listOf, unless, unlessEmpty } from './json.ts'
import { stringMatcher } from './string-match.ts'

const TYPE = 'envoy.extensions.transport_sockets.tls.v3.'

export const DOWNSTREAM_TLS = `${TYPE}DownstreamTlsContext`
export const UPSTREAM_TLS = `${TYPE}UpstreamTlsContext`

/** DownstreamTlsContext. */
export const downstreamTls = (tls: DownstreamTls): Fields =>
  fields({
    common_tls_context: common(tls, 'TLSv1.3'),
    require_client_certificate: unless(tls.requireClientCertificate, false),
    session_ticket_keys:
      tls.sessionTicketKeys.length === 0 ? undefined : { keys: tls.sessionTicketKeys.map(dataSource) },
    disable_stateless_session_resumption: unless(!tls.statelessResumption, false),
    disable_stateful_session_resumption: unless(!tls.statefulResumption, false),
    session_timeout: tls.sessionTimeout === undefined ? undefined : duration(tls.sessionTimeout * 1000),
  })

/** UpstreamTlsContext; what depends on the request stands in the cluster's HTTP options. */
export const upstreamTls = (tls: UpstreamTls): Fields =>
  fields({
    common_tls_context: common(tls, 'TLSv1.2'),
    sni: unless(tls.sni, ''),
    auto_host_sni: unless(tls.autoHostSni, false),
    auto_sni_san_validation: unless(tls.autoSanValidation && !tls.autoSni, false),
    max_session_keys: unless(tls.maxSessionKeys, 1),
  })

function common(tls: TlsCommon, newest: TlsCommon['maxVersion']): Fields {
  const params = fields({
    tls_minimum_protocol_version: unless(version(tls.minVersion), 'TLSv1_2'),
    tls_maximum_protocol_version: tls.maxVersion === newest ? undefined : version(tls.maxVersion),
    cipher_suites: tls.ciphers?.split(':'),
    ecdh_curves: tls.curves?.split(':'),
    signature_algorithms: tls.signatureAlgorithms?.split(':'),
  })
  return fields({
    tls_params: unlessEmpty(params),
    tls_certificates: listOf(tls.certificates, certificate),
    validation_context: tls.validation && validation(tls.validation),
    alpn_protocols: listOf(tls.alpn, (name) => name),
    key_log: tls.keyLogPath === undefined ? undefined : { path: tls.keyLogPath },
  })
}

const version = (name: TlsCommon['minVersion']): string => (name === 'TLSv1' ? 'TLSv1_0' : name.replace('.', '_'))

const certificate = ({ certificateChain, privateKey, password }: TlsCertificate): Fields =>
  fields({
    certificate_chain: dataSource(certificateChain),
    private_key: dataSource(privateKey),
    password: password === undefined ? undefined : dataSource(password),
  })

const SAN_TYPES: Readonly<Record<Exclude<SanType, 'any'>, string>> = {
  dns: 'DNS',
  uri: 'URI',
  email: 'EMAIL',
  ip: 'IP_ADDRESS',
}

function validation(context: TlsValidation): Fields {
  const typed = context.subjectAltNames.filter(({ type }) => type !== 'any')
  const untyped = context.subjectAltNames.filter(({ type }) => type === 'any')
  return fields({
    trusted_ca: context.trustedCa && dataSource(context.trustedCa),
    system_root_certs: context.systemRoots ? {} : undefined,
    crl: context.crl && dataSource(context.crl),
    match_typed_subject_alt_names: listOf(typed, ({ type, match }) => ({
      san_type: type === 'any' ? 'DNS' : SAN_TYPES[type],
      matcher: stringMatcher(match),
    })),
    match_subject_alt_names: listOf(untyped, ({ match }) => stringMatcher(match)),
    verify_certificate_spki: listOf(context.spkiPins, (pin) => pin),
    verify_certificate_hash: listOf(context.certificateHashes, (hash) => hash),
    allow_expired_certificate: unless(context.allowExpired, false),
    trust_chain_verification: context.acceptUntrusted ? 'ACCEPT_UNTRUSTED' : undefined,
    max_verify_depth: context.maxVerifyDepth,
  })
}
