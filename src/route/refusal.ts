// What a request gets that no route takes, where the table asks for the nearest miss: of all that kept a route from it,
// 403 for the client's address comes before 400 for headers or query, 405 for the method, and 404. Easegress: HTTPServer.

import type { CompiledRoute } from './compiled-table.ts'
import type { PathInput } from './path-matcher.ts'
import type { ConditionInput } from './route-conditions.ts'

/** Status of a miss. */
export type Refusal = 403 | 400 | 405 | 404

/** Worst first. */
const ORDER: readonly Refusal[] = [403, 400, 405]

/** The status for a request that none of `routes` takes. */
export function nearestRefusal(routes: readonly CompiledRoute[], path: PathInput, input: ConditionInput): Refusal {
  const seen = new Set(routes.map((route) => refusalOf(route, path, input)))
  return ORDER.find((status) => seen.has(status)) ?? 404
}

/** What the first failing condition of a route says, in the order in which a route is asked: before its path, path, rest. */
function refusalOf(route: CompiledRoute, path: PathInput, input: ConditionInput): Refusal {
  const failed = route.conditions.find((condition) => condition.beforePath && !condition.test(input))
  if (failed !== undefined) return failed.refusal
  if (!route.path.test(path)) return 404
  return route.conditions.find((condition) => !condition.test(input))?.refusal ?? 404
}
