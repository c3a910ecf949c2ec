// A match of a GRPCRoute rule: service and method are the path (gRPC over HTTP/2, "Path"). Gateway API: GRPCRouteMatch.

import type { PathMatch } from '../../model/route.ts'
import { firstOfEachName, header, regexOf, valueTest, type RankedMatch } from '../http-route/match.ts'
import type { GrpcMatch, GrpcMethodMatch } from '../kinds/grpc-route.ts'

export function lowerGrpcMatch(source: GrpcMatch): RankedMatch {
  const { method } = source
  const headers = firstOfEachName(source.headers, (name) => name.toLowerCase())
  return {
    match: {
      path: lowerMethod(method),
      headers: headers.map((each) => header(each.name.toLowerCase(), valueTest(each))),
      query: [],
      grpcOnly: true,
      fraction: undefined,
      tls: undefined,
    },
    rank: [method?.service?.length ?? 0, method?.method?.length ?? 0, headers.length],
  }
}

function lowerMethod(method: GrpcMethodMatch | undefined): PathMatch {
  if (method === undefined) return { kind: 'prefix', value: '/', caseSensitive: true }
  const { type, service, method: name } = method
  if (type === 'Exact' && service !== undefined) {
    if (name === undefined) return { kind: 'prefix', value: `/${service}/`, caseSensitive: true }
    return { kind: 'exact', value: `/${service}/${name}`, caseSensitive: true }
  }
  const part = (text: string | undefined): string =>
    text === undefined ? '[^/]+' : type === 'Exact' ? text.replaceAll('.', '\\.') : `(?:${text})`
  return { kind: 'regex', regex: regexOf(`/${part(service)}/${part(name)}`) }
}
