// Which namespaces a listener takes routes from. Gateway API: RouteNamespaces; Kubernetes: LabelSelector.

import { NAMESPACE } from '../kinds/core.ts'
import type { LabelSelector } from '../kinds/field.ts'
import type { ListenerSpec } from '../kinds/gateway.ts'
import type { ResourceStore } from '../store.ts'

/** Whether a route of `namespace` may attach to a listener of a Gateway in `own`. */
export function namespaceAllowed(
  store: ResourceStore,
  allowed: ListenerSpec['allowedRoutes']['namespaces'],
  own: string,
  namespace: string,
): boolean {
  switch (allowed.from) {
    case 'All':
      return true
    case 'Same':
      return own === namespace
    case 'Selector':
      return allowed.selector !== undefined && selects(allowed.selector, namespaceLabels(store, namespace))
  }
}

/** A namespace that no manifest describes has only the label that every namespace has. */
const namespaceLabels = (store: ResourceStore, namespace: string): Readonly<Record<string, string>> => ({
  ...store.get(NAMESPACE, '', namespace)?.labels,
  'kubernetes.io/metadata.name': namespace,
})

/** Whether labels fit a selector; an empty one takes everything. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return exact && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
}

function holds(
  { key, operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
