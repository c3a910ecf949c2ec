// TLS towards a Service's port, as the policies say that target it.

import { DEFAULT_UPSTREAM_TLS, type TlsCertificate, type TlsValidation, type UpstreamTls } from '../../model/tls.ts'
import type { Place } from '../../model/place.ts'
import type { BackendPort } from '../backends/backend-port.ts'
import type { AlbBackendTlsPolicyValue } from '../kinds/alb-backend-tls-policy.ts'
import { BACKEND_TLS_POLICY, type BackendTlsPolicyValue } from '../kinds/backend-tls-policy.ts'
import { albBackendTlsFault, albBackendTlsPolicyFor } from '../policy/alb-backend-tls-policy.ts'
import { backendTlsPolicyFor, validationFor } from '../policy/backend-tls-policy.ts'
import { refusedTargets } from '../refused.ts'
import { type Resource, resourceName } from '../resource.ts'
import type { Working } from '../working.ts'
import { gatewayClientCertificate } from './backend-client-certificate.ts'
import { authorityFrom } from './certificate-authorities.ts'
import { exactly, validationOf } from './client-validation.ts'
import type { Refused } from './resolved.ts'
import { certificateFrom } from './server-certificate.ts'

export type BackendTls =
  | { readonly kind: 'plain' }
  | { readonly kind: 'tls'; readonly tls: UpstreamTls }
  /** A policy wants TLS that cannot be had: requests get 500, never plaintext. */
  | { readonly kind: 'refused'; readonly message: string }

/** Called once per cluster. `alpn` is left to the caller. Where both kinds of policy speak, that of the Gateway's class holds. */
export function backendTls(working: Working, backend: BackendPort): BackendTls {
  const { service, port, gateway } = backend
  const unreadable = unreadablePolicy(working, backend)
  if (unreadable !== undefined) return unreadable
  const standard = backendTlsPolicyFor(working, service, port.name)
  const alb = albBackendTlsPolicyFor(working, backend)
  if (alb !== undefined && (gateway.flavour === 'agc' || standard === undefined)) return albTls(working, backend, alb)
  return standard === undefined ? { kind: 'plain' } : standardTls(working, backend, standard)
}

function standardTls(working: Working, { gateway }: BackendPort, policy: Resource<BackendTlsPolicyValue>): BackendTls {
  const { hostname } = policy.value.spec.validation
  const validation = validationFor(working, policy)
  if (typeof validation === 'string')
    return { kind: 'refused', message: `BackendTLSPolicy ${policy.name}: ${validation}` }
  const own = gatewayClientCertificate(working, gateway)
  if (own.kind === 'refused') return withoutCertificate(own)
  return { kind: 'tls', tls: tlsOf(hostname, validation, own.value, validation.place) }
}

/** Nobody knows what a policy wanted that its schema refused; that it wanted TLS is certain. */
function unreadablePolicy(working: Working, { service }: BackendPort): BackendTls | undefined {
  const found = working.store.refused.find(
    (refused) =>
      refused.resource.kind === BACKEND_TLS_POLICY.kind && refusedTargets(refused).includes(resourceName(service)),
  )
  if (found === undefined) return undefined
  return { kind: 'refused', message: `BackendTLSPolicy ${found.resource.name}: ${found.findings.join('; ')}` }
}

/** A backend that asks for no certificate would serve a client that was meant to show one. */
const withoutCertificate = ({ message }: Refused): BackendTls => ({
  kind: 'refused',
  message: `the client certificate for backends is not to be had: ${message}`,
})

function albTls(working: Working, { gateway }: BackendPort, policy: Resource<AlbBackendTlsPolicyValue>): BackendTls {
  const fault = albBackendTlsFault(working, policy)
  if (fault !== undefined) return { kind: 'refused', message: `BackendTLSPolicy ${policy.name}: ${fault.message}` }
  const { sni = '', verify, clientCertificateRef } = policy.value.spec.default ?? {}
  const at = policy.spot.field('spec').field('default')
  const own =
    clientCertificateRef === undefined
      ? gatewayClientCertificate(working, gateway)
      : certificateFrom(working, policy, clientCertificateRef, at.field('clientCertificateRef'))
  if (own.kind === 'refused') return withoutCertificate(own)
  const certificate = own.value
  if (verify === undefined) {
    working.warning(
      at,
      'the certificate of the backend is not verified: the connection is encrypted, but to whoever answers',
      'add verify.caCertificateRef',
    )
    return { kind: 'tls', tls: tlsOf(sni, undefined, certificate, at.place) }
  }
  const rules = { kinds: ['Secret', 'ConfigMap'], wrongKind: 'InvalidKind' } as const
  const authority = authorityFrom(working, policy, verify.caCertificateRef, rules)
  if (authority.kind === 'refused') return { kind: 'refused', message: authority.message }
  // With neither name the CA alone vouches, as in the vendor's; with an SNI it is the name.
  const name = verify.subjectAltName ?? sni
  const names = name === '' ? [] : [{ type: 'any' as const, match: exactly(name) }]
  const validation = validationOf([authority.value], names, false, at.field('verify').place)
  return { kind: 'tls', tls: tlsOf(sni, validation, certificate, at.place) }
}

const tlsOf = (
  sni: string,
  validation: TlsValidation | undefined,
  certificate: TlsCertificate | undefined,
  place: Place,
): UpstreamTls => ({
  ...DEFAULT_UPSTREAM_TLS,
  certificates: certificate === undefined ? [] : [certificate],
  // The names are among those that it wants.
  validation,
  sni,
  place,
})
