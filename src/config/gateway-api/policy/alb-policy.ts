// What all policies of alb.networking.azure.io share: whether they may say anything about their target, the conditions
// that tell so, and which of several for one target counts.

import type { Spot } from '../../source/tree.ts'
import type { AlbTargetRef } from '../kinds/alb-target.ts'
import { isDnsName } from '../kinds/field.ts'
import { isOf, type Kind } from '../kinds/kind.ts'
import { granted } from '../references.ts'
import { resourceId, resourceName, type Resource } from '../resource.ts'
import type { Working } from '../working.ts'

/** Why a policy has no effect. `reference`: it is the target that is wrong, which ResolvedRefs tells, too. */
export interface Fault {
  readonly reason: string
  readonly message: string
  readonly reference: boolean
  readonly spot: Spot
}

export type Judge<T> = (working: Working, policy: Resource<T>) => Fault | undefined

/** What a policy may target. */
export interface TargetRule {
  readonly group: string
  readonly kind: string
  /** Reason when there is no such object. */
  readonly missing: string
}

/** Whether the policy may target what it names; the reasons are AGC's. */
export function targetFault(
  working: Working,
  policy: Resource,
  target: AlbTargetRef,
  rule: TargetRule,
  spot: Spot,
): Fault | undefined {
  const fault = (field: string, reason: string, message: string): Fault => ({
    reason,
    message,
    reference: true,
    spot: spot.field(field),
  })
  if (target.group !== rule.group)
    return fault('group', 'InvalidGroup', `targets must be of group "${rule.group}", not "${target.group}"`)
  if (target.kind !== rule.kind)
    return fault('kind', 'InvalidKind', `targets must be of kind ${rule.kind}, not ${target.kind}`)
  if (!isDnsName(target.name)) return fault('name', 'InvalidName', `"${target.name}" is no name of an object`)
  const key = { group: rule.group, kind: rule.kind, namespace: target.namespace ?? policy.namespace, name: target.name }
  if (!granted(working.store, policy, key))
    return fault(
      'namespace',
      'RefNotPermitted',
      `${rule.kind} ${resourceName(key)} is in another namespace and no ReferenceGrant there permits it`,
    )
  if (working.store.find(key) === undefined)
    return fault('name', rule.missing, `there is no ${rule.kind} ${resourceName(key)}`)
  return undefined
}

/** `override` stands in the schemas, but nobody supports it. */
export const overrideFault = (policy: Resource, reason: string): Fault => ({
  reason,
  message: 'override is not supported; what is said there goes into default',
  reference: false,
  spot: policy.spot.field('spec').field('override'),
})

/** Policies of a kind, older first; the store does not change once policies are asked. */
export function policiesOf<T>(working: Working, kind: Kind<T>): readonly Resource<T>[] {
  const id = `${kind.group}/${kind.kind}`
  const byKind = known.get(working) ?? new Map<string, readonly Resource[]>()
  known.set(working, byKind)
  const found = byKind.get(id)
  if (found !== undefined) return found.filter((policy): policy is Resource<T> => isOf(kind, policy))
  const listed = working.store.all(kind)
  byKind.set(id, listed)
  return listed
}

const known = new WeakMap<Working, Map<string, readonly Resource[]>>()

/** Whether the policy's target is that object; one from another namespace counts only for traffic of its own. */
export function targets(policy: Resource, target: AlbTargetRef, object: Resource, trafficFrom: string): boolean {
  if (target.name !== object.name || target.kind !== object.kind || target.group !== object.group) return false
  const namespace = target.namespace ?? policy.namespace
  if (namespace !== object.namespace) return false
  return namespace === policy.namespace || policy.namespace === trafficFrom
}

/** What claims a target for a policy; another policy that claims the same and is younger has lost. */
export type Claims<T> = (policy: Resource<T>) => readonly string[]

/**
 * Judges every policy of a kind and writes its conditions. One that an older policy was faster than is told so: the first
 * counts, and there is no merging.
 */
export function judgeKind<T>(working: Working, kind: Kind<T>, judge: Judge<T>, claims: Claims<T>): void {
  const holders = new Map<string, Resource>()
  for (const policy of policiesOf(working, kind)) {
    const fault = judge(working, policy) ?? conflict(policy, claims(policy), holders)
    writeConditions(working, policy, fault)
  }
}

function conflict(policy: Resource, claims: readonly string[], holders: Map<string, Resource>): Fault | undefined {
  const taken = claims.find((claim) => holders.has(claim))
  const winner = taken === undefined ? undefined : holders.get(taken)
  for (const claim of claims) if (!holders.has(claim)) holders.set(claim, policy)
  if (winner === undefined) return undefined
  return {
    reason: 'Conflicted',
    message: `the older ${policy.kind} ${resourceName(winner)} has the same target`,
    reference: false,
    spot: policy.spot.field('spec'),
  }
}

function writeConditions(working: Working, policy: Resource, fault: Fault | undefined): void {
  const conditions = working.status.of(policy)
  const valid = `Valid ${policy.kind}`
  if (fault === undefined) {
    conditions.set({ type: 'Accepted', status: 'True', reason: 'Accepted', message: valid })
    conditions.set({ type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: valid })
    return
  }
  const { reason, message, reference, spot } = fault
  conditions.set({ type: 'Accepted', status: 'False', reason, message })
  conditions.set(
    reference
      ? { type: 'ResolvedRefs', status: 'False', reason, message }
      : { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'the target is there' },
  )
  working.error(spot, `${policy.kind} ${resourceName(policy)} has no effect: ${message}`)
}

/** Claims of a target with sections: the whole object, or each section by itself. */
export const sectionClaims = (policy: Resource, target: AlbTargetRef): readonly string[] => {
  const namespace = target.namespace ?? policy.namespace
  const object = resourceId({ group: target.group, kind: target.kind, namespace, name: target.name })
  // What comes from another namespace holds for other traffic, so it is no rival.
  const from = namespace === policy.namespace ? '' : `@${policy.namespace}`
  return target.sectionNames.length === 0
    ? [`${object}${from}`]
    : target.sectionNames.map((section) => `${object}${from}#${section}`)
}

/** The policy that counts for a section of an object: one that names the section before one for all, older before younger. */
export function policyFor<T>(
  working: Working,
  kind: Kind<T>,
  targetOf: (policy: Resource<T>) => AlbTargetRef,
  object: Resource,
  section: string | undefined,
  trafficFrom: string,
): Resource<T> | undefined {
  const mine = policiesOf(working, kind).filter((policy) => targets(policy, targetOf(policy), object, trafficFrom))
  return (
    mine.find((policy) => section !== undefined && targetOf(policy).sectionNames.includes(section)) ??
    mine.find((policy) => targetOf(policy).sectionNames.length === 0)
  )
}
