// Says why no route of the chosen virtual host took a request, and which came near. Runs only for requests that get a 404.

import type { RequestHead } from '../codec/http-stream.ts'
import type { PathMatch } from '../config/model/route.ts'
import type { CompiledRoute, CompiledVirtualHost } from './compiled-table.ts'
import { bounded, describeRoute, listed, quoted } from './explanation-text.ts'
import { describePathMatch, literalMatch, type PathInput } from './path-matcher.ts'
import type { ConditionInput } from './route-conditions.ts'

/** The request that found no route. */
type Request = ConditionInput & { readonly head: Pick<RequestHead, 'tunnel'> }

/** One or two sentences for the operator. */
export function explainMissingRoute(host: CompiledVirtualHost, path: PathInput, input: Request): string {
  const name = quoted(host.virtualHost.name)
  if (host.routes.length === 0) return bounded(`virtual host ${name} has no routes`)
  const hint =
    conditionFailed(host, path, input) ?? (path.path === '' ? noConnectRoute(name) : pathMissed(host, path, input))
  return bounded(`virtual host ${name} matched ${quoted(input.head.authority)}, but none of its routes did: ${hint}`)
}

/** Routes whose path fits and whose conditions do not. */
function conditionFailed(host: CompiledVirtualHost, path: PathInput, input: Request): string | undefined {
  const near = host.routes.filter((route) => route.path.test(path))
  if (near.length === 0) return undefined
  return listed(near, (route) => `${describeRoute(route.selected.route)} needs ${failed(route, input)}`)
}

function failed(route: CompiledRoute, input: Request): string {
  return route.conditions
    .filter((condition) => !condition.test(input))
    .map((condition) => condition.name)
    .join(' and ')
}

const noConnectRoute = (name: string): string =>
  `the request has no path, as a CONNECT, and there is no connect_matcher route in virtual host ${name}`

function pathMissed(host: CompiledVirtualHost, path: PathInput, input: Request): string {
  const given = trimSlash(path.path.toLowerCase())
  const similar = host.routes.find((route) => isSimilar(route.path.match, given))
  if (similar !== undefined) {
    const what = difference(similar, path.path)
    return `path ${quoted(path.path)} is near ${describeRoute(similar.selected.route)}: ${what}`
  }
  const { tunnel } = input.head
  if (tunnel?.kind === 'upgrade' && host.routes.every((route) => route.path.match.kind === 'connect')) {
    return `connect_matcher takes CONNECT only, and this is an upgrade to ${quoted(tunnel.type)}, which needs a path or prefix`
  }
  return `path ${quoted(path.path)} is none of ${listed(host.routes, (route) => describePathMatch(route.path.match))}`
}

function literalOf(match: PathMatch): string | undefined {
  return literalMatch(match)?.value
}

/** Equal or prefixed but for letter case or a slash at the end; `given` is in lower case, without that slash. */
function isSimilar(match: PathMatch, given: string): boolean {
  const literal = literalOf(match)
  if (literal === undefined) return false
  const wanted = trimSlash(literal.toLowerCase())
  return match.kind === 'exact' ? given === wanted : given === wanted || given.startsWith(`${wanted}/`)
}

const trimSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)

function difference(route: CompiledRoute, path: string): string {
  const literal = trimSlash(literalOf(route.path.match) ?? '')
  return path.startsWith(literal) ? 'the slash at the end counts' : 'letter case counts (see case_sensitive)'
}
