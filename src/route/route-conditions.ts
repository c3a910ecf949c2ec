// Everything of a route match beside the path: host, method, headers, query, gRPC, a fraction of requests, the client's
// certificate and address. All must hold. Envoy: config.route.v3.RouteMatch; Easegress: rules and paths of an HTTPServer.

import type { RouteMatch } from '../config/model/route.ts'
import type { TlsInfo } from '../transport/byte-stream.ts'
import { compileHeaderMatch, type MatchedHead } from './header-test.ts'
import { compileHosts } from './host-test.ts'
import { compileQueryMatch } from './query-test.ts'
import type { Refusal } from './refusal.ts'
import { compileSources } from './source-filter.ts'

/** What conditions look at. */
export interface ConditionInput {
  readonly head: MatchedHead
  /** Of the client's connection; undefined in clear text. */
  readonly tls: TlsInfo | undefined
  /** In [0, 1), one value per request, so that the fractions of several routes nest as they do in Envoy. */
  readonly random: number
  /** The client's address, as the connection manager trusts it; undefined when it has none. */
  readonly clientIp?: string
}

/** One condition with its name for explanations. */
export interface Condition {
  /** As in `header x-user`. */
  readonly name: string
  /** What a request gets that it keeps away, where the table asks for the nearest miss. */
  readonly refusal: Refusal
  /** Asked before the path, where that makes a difference to what a request gets. */
  readonly beforePath: boolean
  test(input: ConditionInput): boolean
}

/** The conditions of a match, in the order in which the first that fails decides on the refusal. */
export function compileConditions(match: RouteMatch): readonly Condition[] {
  const { fraction, tls } = match
  const sources = compileSources(match.sources)
  const conditions: Condition[] = [...hostCondition(match)]
  if (sources.beforePath !== undefined) conditions.push(sourceCondition(sources.beforePath, true))
  conditions.push(...methodCondition(match))
  if (match.grpcOnly) conditions.push(condition('a gRPC content-type', 404, ({ head }) => isGrpc(head)))
  conditions.push(...headerConditions(match), ...queryConditions(match))
  if (fraction !== undefined) {
    const name = `runtime_fraction (${fraction * 100} % of requests)`
    conditions.push(condition(name, 404, ({ random }) => random < fraction))
  }
  if (tls !== undefined) conditions.push(condition('tls_context', 404, (input) => certificateFits(tls, input.tls)))
  if (sources.afterPath !== undefined) conditions.push(sourceCondition(sources.afterPath, false))
  return conditions
}

const condition = (name: string, refusal: Refusal, test: Condition['test'], beforePath = false): Condition => ({
  name,
  refusal,
  beforePath,
  test,
})

function hostCondition({ hosts = [] }: RouteMatch): Condition[] {
  if (hosts.length === 0) return []
  const test = compileHosts(hosts)
  return [condition('another host', 404, ({ head }) => test(head.authority), true)]
}

const sourceCondition = (test: (clientIp: string) => boolean, beforePath: boolean): Condition =>
  condition("the client's address to be let in", 403, ({ clientIp = '' }) => test(clientIp), beforePath)

function methodCondition({ methods = [] }: RouteMatch): Condition[] {
  if (methods.length === 0) return []
  const taken = new Set(methods)
  return [condition(`method ${methods.join(', ')}`, 405, ({ head }) => taken.has(head.method))]
}

function headerConditions(match: RouteMatch): Condition[] {
  const each = match.headers.map((header) => {
    const test = compileHeaderMatch(header)
    return condition(`header ${header.name}`, 400, ({ head }) => test(head))
  })
  return match.anyHeader === true ? oneOf(each) : each
}

function queryConditions(match: RouteMatch): Condition[] {
  const each = match.query.map((query) => {
    const test = compileQueryMatch(query)
    return condition(`query parameter ${query.name}`, 400, ({ head }) => test(head.path))
  })
  return match.anyQuery === true ? oneOf(each) : each
}

function oneOf(conditions: Condition[]): Condition[] {
  if (conditions.length < 2) return conditions
  const name = conditions.map((one) => one.name).join(' or ')
  return [condition(name, 400, (input) => conditions.some((one) => one.test(input)))]
}

const GRPC = 'application/grpc'

/** Exactly `application/grpc` or `application/grpc+…`: grpc-web is not gRPC. */
function isGrpc(head: MatchedHead): boolean {
  const type = head.headers.get('content-type')
  return type !== undefined && type.startsWith(GRPC) && (type.length === GRPC.length || type[GRPC.length] === '+')
}

function certificateFits(wanted: NonNullable<RouteMatch['tls']>, tls: TlsInfo | undefined): boolean {
  const presented = tls?.peerCertificate !== undefined
  const validated = presented && tls.peerVerified
  if (wanted.presented !== undefined && wanted.presented !== presented) return false
  return wanted.validated === undefined || wanted.validated === validated
}
