// The plain data of a manifest. In Kubernetes a field that is null is a field that is not there.

import type { SourceNode } from '../source/tree.ts'

/** Like JSON, without nulls in mappings. */
export function plainData(node: SourceNode | undefined): unknown {
  switch (node?.kind) {
    case undefined:
      return undefined
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(plainData)
    case 'map':
      return Object.fromEntries(
        [...node.entries]
          .filter(([, { value }]) => !(value.kind === 'scalar' && value.value === null))
          .map(([key, { value }]) => [key, plainData(value)]),
      )
  }
}

/** Whether a value is a mapping. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
