// BackendTLSPolicies of the Gateway API, judged: CAs, names, and which of several for one Service counts.

import type { TlsValidation } from '../../model/tls.ts'
import { BACKEND_TLS_POLICY, type BackendTlsPolicyValue } from '../kinds/backend-tls-policy.ts'
import { resourceName, type Resource } from '../resource.ts'
import { authorityFrom } from '../tls/certificate-authorities.ts'
import { exactly, validationOf } from '../tls/client-validation.ts'
import { ancestorPart, type GatewayState, type Working } from '../working.ts'
import { policiesOf } from './alb-policy.ts'
import { servicesOf } from './used-services.ts'

type Policy = Resource<BackendTlsPolicyValue>

/** The policy for a Service's port: one that names the port before one for all of them, older before younger. */
export function backendTlsPolicyFor(
  working: Working,
  service: Resource,
  portName: string | undefined,
): Policy | undefined {
  const policies = policiesOf(working, BACKEND_TLS_POLICY)
  const names = (section: string | undefined): Policy | undefined =>
    policies.find(
      (policy) =>
        policy.namespace === service.namespace &&
        policy.value.spec.targetRefs.some(
          ({ group, kind, name, sectionName }) =>
            group === '' && kind === 'Service' && name === service.name && sectionName === section,
        ),
    )
  return (portName === undefined ? undefined : names(portName)) ?? names(undefined)
}

/** CAs and names that the backend's certificate must satisfy; a sentence when there is nothing to trust. */
export function validationFor(working: Working, policy: Policy): TlsValidation | string {
  const { wellKnownCACertificates: wellKnown } = policy.value.spec.validation
  const place = policy.spot.field('spec').field('validation').place
  const names = namesOf(policy)
  if (wellKnown !== undefined) {
    if (wellKnown !== 'System') return `there are no well-known CA certificates "${wellKnown}"; there is System`
    return { ...validationOf([], names, false, place), systemRoots: true }
  }
  const { authorities, problems } = authoritiesOf(working, policy)
  if (authorities.length === 0) return problems[0]?.message ?? 'no CA certificate is named'
  return validationOf(authorities, names, false, place)
}

/** The hostname is the certificate's, unless other names are given: then it only serves as SNI. */
function namesOf({ value }: Policy): TlsValidation['subjectAltNames'] {
  const { hostname: own, subjectAltNames } = value.spec.validation
  if (subjectAltNames.length === 0) return [{ type: 'dns', match: exactly(own) }]
  return subjectAltNames.map(({ type, hostname = '', uri = '' }) =>
    type === 'URI'
      ? { type: 'uri', match: { kind: 'exact', value: uri, ignoreCase: false } }
      : { type: 'dns', match: hostMatch(hostname) },
  )
}

/** `*.example.com` wants a name below it. */
const hostMatch = (hostname: string): TlsValidation['subjectAltNames'][number]['match'] =>
  hostname.startsWith('*.') ? { kind: 'suffix', value: hostname.slice(1), ignoreCase: true } : exactly(hostname)

interface Authorities {
  readonly authorities: readonly Buffer[]
  readonly problems: readonly { readonly index: number; readonly reason: string; readonly message: string }[]
}

function authoritiesOf(working: Working, policy: Policy): Authorities {
  const authorities: Buffer[] = []
  const problems: { index: number; reason: string; message: string }[] = []
  for (const [index, reference] of policy.value.spec.validation.caCertificateRefs.entries()) {
    const found = authorityFrom(working, policy, reference, { kinds: ['ConfigMap'], wrongKind: 'InvalidKind' })
    if (found.kind === 'resolved') authorities.push(found.value)
    else problems.push({ index, reason: found.reason, message: found.message })
  }
  return { authorities, problems }
}

/** Conditions of all of them, for every Gateway through which a route reaches their target. */
export function judgeBackendTlsPolicies(working: Working, gateways: readonly GatewayState[]): void {
  const holders = new Map<string, Policy>()
  for (const policy of policiesOf(working, BACKEND_TLS_POLICY)) {
    const winner = winnerOver(policy, holders)
    const ancestors = gateways.filter((gateway) => reaches(gateway, policy))
    for (const { resource } of ancestors) writeConditions(working, policy, ancestorPart(resource), winner)
    report(working, policy, winner)
  }
}

/** The older policy that has one of the targets already. */
function winnerOver(policy: Policy, holders: Map<string, Policy>): Policy | undefined {
  const keys = policy.value.spec.targetRefs.map(
    ({ group, kind, name, sectionName = '' }) => `${group}/${kind}/${policy.namespace}/${name}#${sectionName}`,
  )
  const taken = keys.find((key) => holders.has(key))
  for (const key of keys) if (!holders.has(key)) holders.set(key, policy)
  return taken === undefined ? undefined : holders.get(taken)
}

const reaches = (gateway: GatewayState, { namespace, value }: Policy): boolean => {
  const services = servicesOf(gateway)
  return value.spec.targetRefs.some(({ name }) => services.has(`${namespace}/${name}`))
}

function writeConditions(working: Working, policy: Policy, part: string, winner: Policy | undefined): void {
  const conditions = working.status.part(policy, part)
  const { problems } = authoritiesOf(working, policy)
  const [problem] = problems
  conditions.set(
    problem === undefined
      ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'all references are resolved' }
      : { type: 'ResolvedRefs', status: 'False', reason: problem.reason, message: problem.message },
  )
  conditions.set({ type: 'Accepted', ...acceptance(working, policy, winner) })
}

function acceptance(
  working: Working,
  policy: Policy,
  winner: Policy | undefined,
): { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string } {
  if (winner !== undefined)
    return {
      status: 'False',
      reason: 'Conflicted',
      message: `the older BackendTLSPolicy ${resourceName(winner)} has the same target`,
    }
  const target = targetProblem(working, policy)
  if (target !== undefined) return { status: 'False', ...target }
  const validation = validationFor(working, policy)
  if (typeof validation !== 'string') return { status: 'True', reason: 'Accepted', message: 'the policy is in force' }
  const wellKnown = policy.value.spec.validation.wellKnownCACertificates !== undefined
  return { status: 'False', reason: wellKnown ? 'Invalid' : 'NoValidCACertificate', message: validation }
}

function targetProblem(
  working: Working,
  { namespace, value }: Policy,
): { readonly reason: string; readonly message: string } | undefined {
  for (const { group, kind, name } of value.spec.targetRefs) {
    if (group !== '' || kind !== 'Service')
      return { reason: 'Invalid', message: `targets must be Services, not ${group || 'core'}/${kind}` }
    if (working.store.find({ group, kind, namespace, name }) === undefined)
      return { reason: 'TargetNotFound', message: `there is no Service ${namespace}/${name}` }
  }
  return undefined
}

function report(working: Working, policy: Policy, winner: Policy | undefined): void {
  const spec = policy.spot.field('spec')
  for (const { index, message } of authoritiesOf(working, policy).problems)
    working.error(spec.field('validation').field('caCertificateRefs').at(index), message)
  const { status, message } = acceptance(working, policy, winner)
  if (status === 'False') working.error(spec, `BackendTLSPolicy ${resourceName(policy)} is not in force: ${message}`)
  for (const option of Object.keys(policy.value.spec.options ?? {}))
    working.warning(spec.field('options').key(option), `the option "${option}" is not known here and ignored`)
}
