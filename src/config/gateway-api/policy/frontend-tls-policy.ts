// FrontendTLSPolicies of AGC, judged: versions and ciphers by the name of a predefined policy, and client certificates.

import { FRONTEND_TLS_POLICY, type FrontendTlsPolicyValue } from '../kinds/frontend-tls-policy.ts'
import { GATEWAY } from '../kinds/gateway.ts'
import { refusedTargets } from '../refused.ts'
import { type Resource, resourceName } from '../resource.ts'
import { authorityFrom } from '../tls/certificate-authorities.ts'
import type { ListenerState, Working } from '../working.ts'
import { type Fault, judgeKind, overrideFault, policyFor, sectionClaims, targetFault } from './alb-policy.ts'

const INVALID = 'InvalidFrontendTLSPolicy'
const RULE = { group: 'gateway.networking.k8s.io', kind: 'Gateway', missing: 'InvalidGateway' }

const MODERN_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
]
const CBC_CIPHERS = [
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES256-SHA384',
  'ECDHE-RSA-AES128-SHA256',
]

/** What a predefined policy allows, besides TLS 1.2 and 1.3: OpenSSL lists. */
export interface PredefinedTls {
  readonly ciphers: string
  readonly curves: string
}

const predefined = (ciphers: readonly string[]): PredefinedTls => ({
  ciphers: ciphers.join(':'),
  curves: 'P-384:P-256',
})

const PREDEFINED: ReadonlyMap<string, PredefinedTls> = new Map([
  ['2023-06', predefined([...MODERN_CIPHERS, ...CBC_CIPHERS])],
  ['2023-06-S', predefined(MODERN_CIPHERS)],
])

/** What AGC does without a policy. */
export const DEFAULT_PREDEFINED = '2023-06'

/** The lists of a predefined policy. */
export const predefinedTls = (name: string): PredefinedTls | undefined => PREDEFINED.get(name)

/** Conditions of all of them. */
export const judgeFrontendTlsPolicies = (working: Working): void =>
  judgeKind(working, FRONTEND_TLS_POLICY, frontendTlsFault, (policy) =>
    sectionClaims(policy, policy.value.spec.targetRef),
  )

/** The policy of a listener. A refused one that asks for client certificates keeps the listener shut rather than open. */
export type FrontendPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'policy'; readonly policy: Resource<FrontendTlsPolicyValue> }
  | { readonly kind: 'shut'; readonly message: string }

export function frontendTlsPolicyFor(working: Working, { gateway, spec }: ListenerState): FrontendPolicy {
  const { resource } = gateway
  const unreadable = working.store.refused.find(
    (refused) => refused.kind === FRONTEND_TLS_POLICY && refusedTargets(refused).includes(resourceName(resource)),
  )
  if (unreadable !== undefined)
    return { kind: 'shut', message: `FrontendTLSPolicy ${unreadable.resource.name}: ${unreadable.findings.join('; ')}` }
  const policy = policyFor(
    working,
    FRONTEND_TLS_POLICY,
    (each) => each.value.spec.targetRef,
    resource,
    spec.name,
    resource.namespace,
  )
  if (policy === undefined) return { kind: 'none' }
  const fault = frontendTlsFault(working, policy)
  if (fault === undefined) return { kind: 'policy', policy }
  const { default: config, override } = policy.value.spec
  const wantsClients = config?.verify !== undefined || override?.['verify'] !== undefined
  return wantsClients
    ? { kind: 'shut', message: `FrontendTLSPolicy ${policy.name} asks for client certificates but ${fault.message}` }
    : { kind: 'none' }
}

function frontendTlsFault(working: Working, policy: Resource<FrontendTlsPolicyValue>): Fault | undefined {
  const { targetRef: target, default: config, override } = policy.value.spec
  const spec = policy.spot.field('spec')
  if (override !== undefined) return overrideFault(policy, INVALID)
  const wrong = targetFault(working, policy, target, RULE, spec.field('targetRef')) ?? sectionFault(working, policy)
  if (wrong !== undefined || config === undefined) return wrong
  const fault = (field: string, message: string, reason = INVALID, reference = false): Fault => ({
    reason,
    message,
    reference,
    spot: spec.field('default').field(field),
  })
  const { type, name } = config.policyType
  if (type !== 'predefined')
    return fault('policyType', `type "${type}" is unknown; there is "predefined"`, 'InvalidFrontendTLSPolicyType')
  if (!PREDEFINED.has(name))
    return fault(
      'policyType',
      `there is no predefined policy "${name}"; there are ${[...PREDEFINED.keys()].join(' and ')}`,
      'InvalidFrontendTLSPolicyName',
    )
  if (config.verify === undefined) return undefined
  const rules = { kinds: ['Secret', 'ConfigMap'], wrongKind: 'InvalidKind' } as const
  const authority = authorityFrom(working, policy, config.verify.caCertificateRef, rules)
  return authority.kind === 'resolved'
    ? undefined
    : fault(
        'verify',
        authority.message,
        authority.reason === 'InvalidCACertificateRef' ? 'InvalidCertificateRef' : authority.reason,
        true,
      )
}

function sectionFault(working: Working, policy: Resource<FrontendTlsPolicyValue>): Fault | undefined {
  const { targetRef: target } = policy.value.spec
  const gateway = working.store.get(GATEWAY, target.namespace ?? policy.namespace, target.name)
  const names = gateway?.value.spec.listeners.map((listener) => listener.name) ?? []
  const unknown = target.sectionNames.findIndex((name) => !names.includes(name))
  if (unknown < 0) return undefined
  return {
    reason: 'InvalidName',
    message: `Gateway ${target.name} has no listener named "${target.sectionNames[unknown] ?? ''}"`,
    reference: true,
    spot: policy.spot.field('spec').field('targetRef').field('sectionNames').at(unknown),
  }
}
