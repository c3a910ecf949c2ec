// Decides whether an exchange gets a log line (access_log.filter) or whether a local reply is rewritten
// (local_reply_config.mappers). Envoy: config.accesslog.v3.AccessLogFilter.

import type { Comparison, LogFilter } from '../../config/model/access-log.ts'
import { grpcStatus, grpcStatusOfHttp } from '../../format/grpc-status.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import { durationMs } from '../../format/time-operators.ts'
import { compileHeaderMatch } from '../../route/header-test.ts'

export type FactsPredicate = (facts: StreamFacts) => boolean

/** Compiles a filter; none lets everything pass. */
export function logFilter(filter: LogFilter | undefined, random: () => number = Math.random): FactsPredicate {
  if (filter === undefined) return () => true
  switch (filter.kind) {
    case 'status':
      return (facts) => compare(filter.comparison, facts.responseCode)
    case 'duration':
      return (facts) => compare(filter.comparison, durationMs(facts))
    case 'not-health-check':
      return (facts) => facts.healthCheck !== true
    case 'traceable':
      // Tracing is not built, so nothing is traced.
      return () => false
    case 'runtime':
      return (facts) => sample(facts, random) < filter.percent
    case 'and':
      return every(filter.filters.map((part) => logFilter(part, random)))
    case 'or':
      return some(filter.filters.map((part) => logFilter(part, random)))
    case 'header': {
      const matches = compileHeaderMatch(filter.header)
      return (facts) => facts.request !== undefined && matches(facts.request)
    }
    case 'flags': {
      const wanted = new Set(filter.flags)
      return (facts) => (wanted.size === 0 ? facts.flags.length > 0 : facts.flags.some((flag) => wanted.has(flag)))
    }
    case 'type': {
      const types = new Set(filter.types)
      return (facts) => types.has(facts.logType) !== filter.exclude
    }
    case 'grpc-status': {
      const statuses = new Set(filter.statuses)
      return (facts) => statuses.has(grpcStatus(facts) ?? grpcStatusOfHttp(facts.responseCode)) !== filter.exclude
    }
  }
}

function compare({ op, value }: Comparison, actual: number): boolean {
  switch (op) {
    case 'EQ':
      return actual === value
    case 'NE':
      return actual !== value
    case 'GE':
      return actual >= value
    case 'LE':
      return actual <= value
  }
}

const every =
  (parts: readonly FactsPredicate[]): FactsPredicate =>
  (facts) =>
    parts.every((part) => part(facts))

const some =
  (parts: readonly FactsPredicate[]): FactsPredicate =>
  (facts) =>
    parts.some((part) => part(facts))

/**
 * A number in 0..100 that a request keeps on all its hops: taken from the first eight digits of its x-request-id, as
 * Envoy does, so that front and sidecar log the same requests. Without an id it is random.
 */
function sample(facts: StreamFacts, random: () => number): number {
  const id = facts.request?.headers.get('x-request-id') ?? ''
  const digits = /^[0-9a-fA-F]{8}/.exec(id)?.[0]
  return digits === undefined ? random() * 100 : (parseInt(digits, 16) % 10_000) / 100
}
