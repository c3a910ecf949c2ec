// The certificate that a Gateway shows to its TLS backends. Gateway API: spec.tls.backend.clientCertificateRef.

import type { TlsCertificate } from '../../model/tls.ts'
import type { GatewayState, Working } from '../working.ts'
import { resolved, type Resolved } from './resolved.ts'
import { certificateFrom } from './server-certificate.ts'

/** undefined when the Gateway names none. */
export function gatewayClientCertificate(
  working: Working,
  gateway: GatewayState,
): Resolved<TlsCertificate | undefined> {
  const reference = gateway.resource.value.spec.tls?.backend?.clientCertificateRef
  if (reference === undefined) return resolved(undefined)
  return certificateFrom(working, gateway.resource, reference, spotOf(gateway))
}

/** Writes the Gateway's ResolvedRefs; the Gateway stays accepted whatever it is. */
export function judgeBackendClientCertificate(working: Working, gateway: GatewayState): void {
  if (gateway.resource.value.spec.tls?.backend?.clientCertificateRef === undefined) return
  const found = gatewayClientCertificate(working, gateway)
  if (found.kind === 'resolved') {
    gateway.conditions.default({
      type: 'ResolvedRefs',
      status: 'True',
      reason: 'ResolvedRefs',
      message: 'the client certificate for backends is there',
    })
    return
  }
  const reason = found.reason === 'RefNotPermitted' ? found.reason : 'InvalidClientCertificateRef'
  gateway.conditions.set({ type: 'ResolvedRefs', status: 'False', reason, message: found.message })
  working.error(spotOf(gateway), found.message)
}

const spotOf = (gateway: GatewayState): GatewayState['resource']['spot'] =>
  gateway.resource.spot.field('spec').field('tls').field('backend').field('clientCertificateRef')
