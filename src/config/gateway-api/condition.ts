// Status conditions, and the book they are written in while a configuration is worked out. `sluice status` prints it.

import type { Resource } from './resource.ts'
import { resourceId } from './resource.ts'

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  /** CamelCase, from the API's list. */
  readonly reason: string
  /** For people: what is wrong and what to do. */
  readonly message: string
}

/**
 * Conditions of one subject: a resource, one of its listeners, one of its parents or ancestors. The first word on a type
 * stays, except that a `False` (or, for conditions that report trouble, a `True`) is kept over the all-well that came before it.
 */
export class Conditions {
  readonly #byType = new Map<string, Condition>()

  /** Overwrites. */
  set(condition: Condition): void {
    this.#byType.set(condition.type, condition)
  }

  /** Only when nothing was said of that type. */
  default(condition: Condition): void {
    if (!this.#byType.has(condition.type)) this.#byType.set(condition.type, condition)
  }

  get(type: string): Condition | undefined {
    return this.#byType.get(type)
  }

  isTrue(type: string): boolean {
    return this.#byType.get(type)?.status === 'True'
  }

  list(): readonly Condition[] {
    return [...this.#byType.values()]
  }
}

/** What is known of every resource's status: plain data that grows while the configuration is worked out. */
export class StatusBook {
  readonly #own = new Map<string, Conditions>()
  readonly #parts = new Map<string, Map<string, Conditions>>()

  /** Conditions of the resource itself. */
  of(resource: Resource): Conditions {
    return get(this.#own, resourceId(resource), () => new Conditions())
  }

  /** Conditions of a part: a listener's name, a parent's or an ancestor's key. */
  part(resource: Resource, part: string): Conditions {
    const parts = get(this.#parts, resourceId(resource), () => new Map<string, Conditions>())
    return get(parts, part, () => new Conditions())
  }

  /** Parts in the order they were first named. */
  parts(resource: Resource): ReadonlyMap<string, Conditions> {
    return this.#parts.get(resourceId(resource)) ?? new Map<string, Conditions>()
  }
}

function get<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
