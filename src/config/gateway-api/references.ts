// Whether an object may name one of another namespace. Gateway API: ReferenceGrant; it lives in the target's namespace and
// several add up.

import { REFERENCE_GRANT } from './kinds/reference-grant.ts'
import type { ResourceKey } from './resource.ts'
import type { ResourceStore } from './store.ts'

/** The object that names another. */
export type Referrer = Pick<ResourceKey, 'group' | 'kind' | 'namespace'>

/** True within one namespace, or with a grant there. */
export function granted(store: ResourceStore, from: Referrer, to: ResourceKey): boolean {
  if (from.namespace === to.namespace) return true
  return store
    .all(REFERENCE_GRANT)
    .some(
      ({ namespace, value: { spec } }) =>
        namespace === to.namespace &&
        spec.from.some(
          (entry) => entry.group === from.group && entry.kind === from.kind && entry.namespace === from.namespace,
        ) &&
        spec.to.some(
          (entry) =>
            entry.group === to.group && entry.kind === to.kind && (entry.name === undefined || entry.name === to.name),
        ),
    )
}
