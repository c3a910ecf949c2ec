// Which Services the routes of a Gateway name, as `namespace/name`.

import { z } from 'zod'
import type { GatewayState } from '../working.ts'

const reference = z.looseObject({
  kind: z.string(),
  group: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
})

/** What routes of every kind have in common. */
const route = z.looseObject({
  spec: z.looseObject({
    rules: z.array(
      z.looseObject({
        backendRefs: z.array(reference).default([]),
        filters: z
          .array(z.looseObject({ requestMirror: z.looseObject({ backendRef: reference }).optional() }))
          .default([]),
      }),
    ),
  }),
})

const known = new WeakMap<GatewayState, ReadonlySet<string>>()

/** Whether they exist or not. Asked once routes have attached. */
export function servicesOf(gateway: GatewayState): ReadonlySet<string> {
  const found = known.get(gateway)
  if (found !== undefined) return found
  const services = new Set<string>()
  const routes = new Set(gateway.listeners.flatMap(({ attached }) => attached.map((each) => each.route)))
  for (const { namespace, value } of routes) {
    const parsed = route.safeParse(value)
    for (const { backendRefs, filters } of parsed.data?.spec.rules ?? []) {
      const mirrors = filters.flatMap(({ requestMirror }) =>
        requestMirror === undefined ? [] : [requestMirror.backendRef],
      )
      for (const each of [...backendRefs, ...mirrors])
        if (each.kind === 'Service' && each.group === '') services.add(`${each.namespace ?? namespace}/${each.name}`)
    }
  }
  known.set(gateway, services)
  return services
}
