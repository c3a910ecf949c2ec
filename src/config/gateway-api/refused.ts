// Objects that their kind's schema refused. They take no part in the configuration, but they have a status, and a policy that
// was to protect something still forbids that it goes unprotected.

import type { Condition } from './condition.ts'
import type { Kind } from './kinds/kind.ts'
import { ALB_GROUP } from './kinds/alb-target.ts'
import { isRecord } from './plain-data.ts'
import type { Resource } from './resource.ts'

export interface RefusedObject {
  /** `value` is undefined: nothing of it is known to be right. */
  readonly resource: Resource<undefined>
  readonly kind: Kind
  /** Field and fault of each finding. */
  readonly findings: readonly string[]
  /** What the schema itself names as the reason; '' = nothing. */
  readonly reason: string
}

/** Findings that a condition's message tells. */
const TOLD = 3

/** The conditions of the object, of each of its parents, or of each of its ancestors. */
export function refusedConditions(refused: RefusedObject): readonly Condition[] {
  const { findings, kind } = refused
  const more = findings.length > TOLD ? `; and ${findings.length - TOLD} more` : ''
  const message = `the manifest is refused: ${findings.slice(0, TOLD).join('; ')}${more}`
  const accepted: Condition = { type: 'Accepted', status: 'False', reason: reasonOf(refused), message }
  if (kind.status !== 'gateway') return [accepted]
  return [accepted, { type: 'Programmed', status: 'False', reason: 'Invalid', message }]
}

function reasonOf({ kind, resource, reason }: RefusedObject): string {
  if (reason !== '') return reason
  if (kind.group === ALB_GROUP) return namesTarget(resource.raw) ? `Invalid${kind.kind}` : 'NoTargetReference'
  switch (kind.status) {
    case 'parents':
      return 'UnsupportedValue'
    case 'conditions':
      return 'Unsupported'
    case 'gateway':
    case 'ancestors':
    case 'none':
      return 'Invalid'
  }
}

const specOf = (raw: unknown): Readonly<Record<string, unknown>> => {
  const spec = isRecord(raw) ? raw['spec'] : undefined
  return isRecord(spec) ? spec : {}
}

function namesTarget(raw: unknown): boolean {
  const { targetRef, targetRefs } = specOf(raw)
  return isRecord(targetRef) || (Array.isArray(targetRefs) && targetRefs.length > 0)
}

/** parentRefs as written, as far as they are references at all. */
export function refusedParents({ resource }: RefusedObject): readonly Readonly<Record<string, unknown>>[] {
  const { parentRefs } = specOf(resource.raw)
  return Array.isArray(parentRefs) ? parentRefs.filter(isRecord) : []
}

/** Names of what a refused policy may have been meant for, as `namespace/name`. */
export function refusedTargets({ resource }: RefusedObject): readonly string[] {
  const { targetRef, targetRefs } = specOf(resource.raw)
  const listed: readonly unknown[] = Array.isArray(targetRefs) ? targetRefs : []
  return [targetRef, ...listed].filter(isRecord).map((target) => {
    const { namespace, name } = isRecord(target['targetRef']) ? target['targetRef'] : target
    return `${typeof namespace === 'string' ? namespace : resource.namespace}/${String(name)}`
  })
}
