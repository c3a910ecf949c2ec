// Which exchanges get a line. Envoy: config.accesslog.v3.AccessLogFilter.

import type { Comparison, LogFilter } from '../model/access-log.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { fraction } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerHeaderMatch } from './lower-string-match.ts'
import { AccessLogType, ComparisonFilter_Op, type AccessLogFilter, type ComparisonFilter } from './messages.ts'

/** Stands for a filter that is refused elsewhere. */
const NOTHING: LogFilter = { kind: 'or', filters: [] }

export function lowerLogFilter(loading: Loading, message: AccessLogFilter, spot: Spot): LogFilter {
  const filter = message.filterSpecifier
  switch (filter.case) {
    case 'statusCodeFilter':
      return { kind: 'status', comparison: comparison(filter.value.comparison) }
    case 'durationFilter':
      return { kind: 'duration', comparison: comparison(filter.value.comparison) }
    case 'notHealthCheckFilter':
      return { kind: 'not-health-check' }
    case 'traceableFilter':
      return { kind: 'traceable' }
    case 'runtimeFilter': {
      const percent = filter.value.percentSampled
      return { kind: 'runtime', percent: percent === undefined ? 0 : fraction(percent) * 100 }
    }
    case 'andFilter':
      return { kind: 'and', filters: filters(loading, filter.value.filters, spot.field('and_filter')) }
    case 'orFilter':
      return { kind: 'or', filters: filters(loading, filter.value.filters, spot.field('or_filter')) }
    case 'headerFilter': {
      const header = filter.value.header
      if (header === undefined) return NOTHING
      return { kind: 'header', header: lowerHeaderMatch(loading, header, spot.field('header_filter').field('header')) }
    }
    case 'responseFlagFilter':
      return { kind: 'flags', flags: filter.value.flags }
    case 'grpcStatusFilter':
      return { kind: 'grpc-status', statuses: filter.value.statuses, exclude: filter.value.exclude }
    case 'logTypeFilter':
      return {
        kind: 'type',
        types: filter.value.types.map((type) => AccessLogType[type]),
        exclude: filter.value.exclude,
      }
    default:
      return NOTHING
  }
}

const filters = (loading: Loading, list: readonly AccessLogFilter[], spot: Spot): readonly LogFilter[] =>
  each(list, spot.field('filters'), (item, at) => lowerLogFilter(loading, item, at))

const OPERATIONS: { readonly [op in ComparisonFilter_Op]: Comparison['op'] } = {
  [ComparisonFilter_Op.EQ]: 'EQ',
  [ComparisonFilter_Op.GE]: 'GE',
  [ComparisonFilter_Op.LE]: 'LE',
  [ComparisonFilter_Op.NE]: 'NE',
}

const comparison = (message: ComparisonFilter | undefined): Comparison => ({
  op: OPERATIONS[message?.op ?? ComparisonFilter_Op.EQ],
  value: message?.value?.defaultValue ?? 0,
})
