// All objects of a configuration, found by kind and name. What a schema refused is kept apart: no reference leads there.

import { isOf, type Kind } from './kinds/kind.ts'
import type { RefusedObject } from './refused.ts'
import { olderFirst, resourceId, type Resource, type ResourceKey } from './resource.ts'

/** Where objects of a namespaced kind live that name none. */
export const DEFAULT_NAMESPACE = 'default'

export class ResourceStore {
  readonly #byId = new Map<string, Resource>()
  readonly #refused: RefusedObject[] = []

  /** false when an object of that name is there already; the first one stays. */
  add(resource: Resource): boolean {
    const id = resourceId(resource)
    if (this.#byId.has(id)) return false
    this.#byId.set(id, resource)
    return true
  }

  /** `namespace` is ignored for kinds without. */
  get<T>(kind: Kind<T>, namespace: string, name: string): Resource<T> | undefined {
    const found = this.#byId.get(
      resourceId({ group: kind.group, kind: kind.kind, namespace: kind.namespaced ? namespace : '', name }),
    )
    return found !== undefined && isOf(kind, found) ? found : undefined
  }

  /** By whatever a reference says. */
  find(key: ResourceKey): Resource | undefined {
    return this.#byId.get(resourceId(key))
  }

  /** Keeps what its schema refused, for its status. */
  refuse(refused: RefusedObject): void {
    this.#refused.push(refused)
  }

  get refused(): readonly RefusedObject[] {
    return this.#refused
  }

  /** All of a kind, older first. */
  all<T>(kind: Kind<T>): readonly Resource<T>[] {
    return [...this.#byId.values()].filter((resource): resource is Resource<T> => isOf(kind, resource)).sort(olderFirst)
  }

  /** Everything, in the order of the text. */
  everything(): readonly Resource[] {
    return [...this.#byId.values()].sort((a, b) => a.order - b.order)
  }
}
