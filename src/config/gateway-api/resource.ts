// A Kubernetes object as read from a file. Nothing else knows about files from here on.

import type { Spot } from '../source/tree.ts'

/** What a reference names. `group` is '' for core kinds. */
export interface ResourceKey {
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** `T` is the kind's spec and data after its schema, defaults filled in. */
export interface Resource<T = unknown> extends ResourceKey {
  readonly apiVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Wall clock, ms. From the metadata; without it the order in which the objects were first seen. */
  readonly createdMs: number
  /** Order of first sight; breaks ties that names do not. */
  readonly order: number
  readonly generation: number
  readonly value: T
  /** The object's root in its text. */
  readonly spot: Spot
  /** As read, for `status` and dumps. */
  readonly raw: unknown
}

/** `namespace/name`, or the name alone for kinds without namespace. */
export const resourceName = ({ namespace, name }: ResourceKey): string =>
  namespace === '' ? name : `${namespace}/${name}`

/** Unique among the objects of a configuration. */
export const resourceId = (key: ResourceKey): string => `${key.group}/${key.kind}/${key.namespace}/${key.name}`

/** Conflicts are won by the older one, then by name (Gateway API's rule). */
export const olderFirst = (a: Resource, b: Resource): number =>
  a.createdMs - b.createdMs || (resourceName(a) < resourceName(b) ? -1 : resourceName(a) > resourceName(b) ? 1 : 0)
