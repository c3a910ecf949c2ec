// TLS of a listener that terminates it: certificates, client certificates.

import { DEFAULT_DOWNSTREAM_TLS, type DownstreamTls, type TlsCertificate } from '../../model/tls.ts'
import {
  DEFAULT_PREDEFINED,
  frontendTlsPolicyFor,
  type PredefinedTls,
  predefinedTls,
} from '../policy/frontend-tls-policy.ts'
import type { ListenerState, Working } from '../working.ts'
import { type ClientValidation, gatewayValidation, policyValidation, shut } from './client-validation.ts'
import { certificateFrom } from './server-certificate.ts'

/**
 * For HTTPS listeners and TLS listeners of mode Terminate, once each, before routes attach. Writes the listener's ResolvedRefs,
 * and Accepted where client certificates cannot be checked. undefined = it cannot serve.
 */
export function listenerTls(working: Working, listener: ListenerState): DownstreamTls | undefined {
  const { spec, spot } = listener
  const certificates = certificatesOf(working, listener)
  const policy = frontendTlsPolicyFor(working, listener)
  const clients = clientsOf(working, listener)
  for (const option of Object.keys(spec.tls?.options ?? {}))
    working.warning(
      spot.field('tls').field('options').key(option),
      `the TLS option "${option}" is not known here and ignored`,
    )
  if (certificates.length === 0 || clients.kind === 'shut') return undefined
  const name = policy.kind === 'policy' ? policy.policy.value.spec.default?.policyType.name : undefined
  return tlsOf(listener, certificates, clients, predefinedOf(listener, name))
}

/** The Gateway's own word and the policy's; where both speak, the policy's holds. */
function clientsOf(working: Working, listener: ListenerState): ClientValidation {
  const policy = frontendTlsPolicyFor(working, listener)
  if (policy.kind === 'shut') return shut(listener, policy.message)
  const own = policy.kind === 'policy' ? policyValidation(working, listener, policy.policy) : undefined
  if (own !== undefined && own.kind !== 'none') return own
  // The Gateway API says "for HTTPS": what speaks something else in TLS is its backends' matter.
  return listener.spec.protocol === 'HTTPS' ? gatewayValidation(working, listener) : { kind: 'none' }
}

function certificatesOf(working: Working, { gateway, spec, spot, conditions }: ListenerState): TlsCertificate[] {
  const references = spec.tls?.certificateRefs ?? []
  const certificates: TlsCertificate[] = []
  const refuse = (reason: string, message: string): void =>
    conditions.set({ type: 'ResolvedRefs', status: 'False', reason, message })
  if (references.length === 0) refuse('InvalidCertificateRef', 'the listener names no certificate')
  for (const [index, reference] of references.entries()) {
    const at = spot.field('tls').field('certificateRefs').at(index)
    const found = certificateFrom(working, gateway.resource, reference, at)
    if (found.kind === 'resolved') {
      certificates.push(found.value)
      continue
    }
    refuse(found.reason, found.message)
    working.error(at, found.message)
  }
  return certificates
}

/** AGC has lists of its own; elsewhere the runtime's hold, unless a policy names one. */
function predefinedOf({ gateway }: ListenerState, name: string | undefined): PredefinedTls | undefined {
  if (name !== undefined) return predefinedTls(name)
  return gateway.flavour === 'agc' ? predefinedTls(DEFAULT_PREDEFINED) : undefined
}

const tlsOf = (
  { spec, spot }: ListenerState,
  certificates: readonly TlsCertificate[],
  clients: Exclude<ClientValidation, { readonly kind: 'shut' }>,
  lists: PredefinedTls | undefined,
): DownstreamTls => ({
  ...DEFAULT_DOWNSTREAM_TLS,
  ciphers: lists?.ciphers,
  curves: lists?.curves,
  certificates,
  validation: clients.kind === 'validate' ? clients.validation : undefined,
  alpn: spec.protocol === 'HTTPS' ? ['h2', 'http/1.1'] : [],
  requireClientCertificate: clients.kind === 'validate' && clients.required,
  place: spot.field('tls').place,
})
