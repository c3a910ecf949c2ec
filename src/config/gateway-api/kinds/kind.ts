// How a kind of object is known: its names, its schema, and the shape of its status. A kind is added by listing it in
// kinds/registry.ts.

import type { ZodType } from 'zod'
import type { Resource } from '../resource.ts'

/**
 * `conditions`: status.conditions. `parents`: one entry per parentRef (routes). `ancestors`: one per Gateway (policies of
 * the Gateway API). `gateway`: with listeners. `none`: no status of ours.
 */
export type StatusShape = 'none' | 'conditions' | 'parents' | 'ancestors' | 'gateway'

export interface Kind<T = unknown> {
  /** '' for core kinds. */
  readonly group: string
  readonly kind: string
  /** Versions whose fields the schema knows. */
  readonly versions: readonly string[]
  readonly namespaced: boolean
  /** Of everything beside apiVersion, kind, metadata and status; fills in defaults. Strict: an unknown field is refused. */
  readonly schema: ZodType<T>
  readonly status: StatusShape
}

/** Makes the definition of a kind; `T` follows from the schema. */
export const defineKind = <T>(kind: Kind<T>): Kind<T> => kind

/** Whether a resource is of a kind; its value was made by that kind's schema. */
export function isOf<T>(kind: Kind<T>, resource: Resource): resource is Resource<T> {
  return resource.kind === kind.kind && resource.group === kind.group
}
