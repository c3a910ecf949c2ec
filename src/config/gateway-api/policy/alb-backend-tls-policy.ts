// BackendTLSPolicies of AGC, judged.

import { ALB_BACKEND_TLS_POLICY, type AlbBackendTlsPolicyValue } from '../kinds/alb-backend-tls-policy.ts'
import { SERVICE } from '../kinds/core.ts'
import type { Resource } from '../resource.ts'
import { authorityFrom } from '../tls/certificate-authorities.ts'
import type { BackendPort } from '../backends/backend-port.ts'
import { certificateFrom } from '../tls/server-certificate.ts'
import type { Working } from '../working.ts'
import { type Fault, judgeKind, overrideFault, policiesOf, targetFault, targets } from './alb-policy.ts'

const INVALID = 'InvalidBackendTLSPolicy'
const RULE = { group: '', kind: 'Service', missing: 'ServiceNotFound' }

type Policy = Resource<AlbBackendTlsPolicyValue>

/** Conditions of all of them. */
export const judgeAlbBackendTlsPolicies = (working: Working): void =>
  judgeKind(working, ALB_BACKEND_TLS_POLICY, albBackendTlsFault, (policy) => {
    const { targetRef, default: config } = policy.value.spec
    const service = `${targetRef.namespace ?? policy.namespace}/${targetRef.name}`
    const ports = [
      ...(config?.ports ?? []).map(({ port }) => `:${port ?? ''}`),
      ...targetRef.sectionNames.map((name) => `#${name}`),
    ]
    return ports.length === 0 ? [service] : ports.map((port) => `${service}${port}`)
  })

/** The policy for a port, in force or not: one that cannot work still forbids plaintext. */
export function albBackendTlsPolicyFor(working: Working, backend: BackendPort): Policy | undefined {
  const { service, port, gateway } = backend
  const mine = policiesOf(working, ALB_BACKEND_TLS_POLICY).filter((policy) =>
    targets(policy, policy.value.spec.targetRef, service, gateway.resource.namespace),
  )
  const named = (policy: Policy): readonly boolean[] => {
    const { targetRef, default: config } = policy.value.spec
    return [
      ...(config?.ports ?? []).map((each) => each.port === port.port),
      ...targetRef.sectionNames.map((name) => name === port.name),
    ]
  }
  return mine.find((policy) => named(policy).includes(true)) ?? mine.find((policy) => named(policy).length === 0)
}

/** Why it cannot work. */
export function albBackendTlsFault(working: Working, policy: Policy): Fault | undefined {
  const { targetRef: target, default: config, override } = policy.value.spec
  const spec = policy.spot.field('spec')
  if (override !== undefined) return overrideFault(policy, INVALID)
  const wrong = targetFault(working, policy, target, RULE, spec.field('targetRef')) ?? portFault(working, policy)
  if (wrong !== undefined || config === undefined) return wrong
  const { verify, clientCertificateRef } = config
  const fault = (field: string, reason: string, message: string): Fault => ({
    reason,
    message,
    reference: true,
    spot: spec.field('default').field(field),
  })
  if (verify !== undefined) {
    const rules = { kinds: ['Secret', 'ConfigMap'], wrongKind: 'InvalidKind' } as const
    const authority = authorityFrom(working, policy, verify.caCertificateRef, rules)
    if (authority.kind === 'refused')
      return fault(
        'verify',
        authority.reason === 'InvalidCACertificateRef' ? 'InvalidCertificateRef' : authority.reason,
        authority.message,
      )
  }
  if (clientCertificateRef === undefined) return undefined
  const at = spec.field('default').field('clientCertificateRef')
  const certificate = certificateFrom(working, policy, clientCertificateRef, at)
  return certificate.kind === 'resolved'
    ? undefined
    : fault('clientCertificateRef', certificate.reason, certificate.message)
}

function portFault(working: Working, policy: Policy): Fault | undefined {
  const { targetRef: target, default: config } = policy.value.spec
  const service = working.store.get(SERVICE, target.namespace ?? policy.namespace, target.name)
  const known = service?.value.spec.ports ?? []
  const spec = policy.spot.field('spec')
  const port = (config?.ports ?? []).findIndex((each) => !known.some((one) => one.port === each.port))
  const section = target.sectionNames.findIndex((name) => !known.some((one) => one.name === name))
  if (port < 0 && section < 0) return undefined
  return {
    reason: INVALID,
    message: `Service ${target.name} has no port ${port < 0 ? `named "${target.sectionNames[section] ?? ''}"` : String(config?.ports[port]?.port ?? '')}`,
    reference: true,
    spot:
      port < 0
        ? spec.field('targetRef').field('sectionNames').at(section)
        : spec.field('default').field('ports').at(port),
  }
}
