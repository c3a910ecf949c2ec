// Statistics of the proxy_protocol listener filter, under Envoy's names.

import type { Counter, StatRegistry } from '../../observe/stats/registry.ts'

export interface ProxyProtocolStats {
  readonly notFoundAllowed: Counter
  readonly notFoundDisallowed: Counter
  /** The one counter of Envoy before 1.31, still counted. */
  readonly legacyError: Counter
  readonly v1: VersionStats
  readonly v2: VersionStats
}

interface VersionStats {
  readonly found: Counter
  readonly disallowed: Counter
  readonly error: Counter
}

/** `proxy_proto.[<prefix>.]*`. */
export function proxyProtocolStats(registry: StatRegistry, prefix: string): ProxyProtocolStats {
  const name = prefix === '' ? 'proxy_proto.' : `proxy_proto.${prefix}.`
  const tags = prefix === '' ? [] : [{ name: 'envoy_proxy_protocol_prefix', value: prefix }]
  const scope = registry.scope(name, 'proxy_proto.', tags)
  const version = (number: '1' | '2'): VersionStats => {
    const tag = { name: 'envoy_proxy_protocol_version', value: number }
    const below = scope.scope(`versions.v${number}.`, 'versions.', tag)
    return { found: below.counter('found'), disallowed: below.counter('disallowed'), error: below.counter('error') }
  }
  return {
    notFoundAllowed: scope.counter('not_found_allowed'),
    notFoundDisallowed: scope.counter('not_found_disallowed'),
    legacyError: registry.counter('downstream_cx_proxy_proto_error'),
    v1: version('1'),
    v2: version('2'),
  }
}
