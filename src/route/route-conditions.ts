// Everything of a route match beside the path: headers, query, gRPC, a fraction of requests, the client certificate.
// All must hold. Envoy: config.route.v3.RouteMatch.

import type { RouteMatch } from '../config/model/route.ts'
import type { TlsInfo } from '../transport/byte-stream.ts'
import { compileHeaderMatch, type MatchedHead } from './header-test.ts'
import { compileQueryMatch } from './query-test.ts'

/** What conditions look at. */
export interface ConditionInput {
  readonly head: MatchedHead
  /** Of the client's connection; undefined in clear text. */
  readonly tls: TlsInfo | undefined
  /** In [0, 1), one value per request, so that the fractions of several routes nest as they do in Envoy. */
  readonly random: number
}

/** One condition with its name for explanations. */
export interface Condition {
  /** As in `header x-user`. */
  readonly name: string
  test(input: ConditionInput): boolean
}

/** The conditions of a match, cheapest first. */
export function compileConditions(match: RouteMatch): readonly Condition[] {
  const { fraction, tls } = match
  const conditions: Condition[] = []
  if (match.grpcOnly) conditions.push({ name: 'a gRPC content-type', test: ({ head }) => isGrpc(head) })
  for (const header of match.headers) {
    const test = compileHeaderMatch(header)
    conditions.push({ name: `header ${header.name}`, test: ({ head }) => test(head) })
  }
  for (const query of match.query) {
    const test = compileQueryMatch(query)
    conditions.push({ name: `query parameter ${query.name}`, test: ({ head }) => test(head.path) })
  }
  if (fraction !== undefined) {
    conditions.push({
      name: `runtime_fraction (${fraction * 100} % of requests)`,
      test: ({ random }) => random < fraction,
    })
  }
  if (tls !== undefined) conditions.push({ name: 'tls_context', test: (input) => certificateFits(tls, input.tls) })
  return conditions
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
