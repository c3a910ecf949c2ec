// How locally made answers look. Envoy: LocalReplyConfig.

import type { LocalReplyMapper } from '../model/http-connection-manager.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData } from './lower-data-source.ts'
import { lowerReplyFormat } from './lower-format.ts'
import { lowerAdditions } from './lower-header-mutation.ts'
import { lowerLogFilter } from './lower-log-filter.ts'
import type { ResponseMapper } from './messages.ts'

export function lowerMapper(loading: Loading, message: ResponseMapper, spot: Spot): LocalReplyMapper {
  return {
    filter:
      message.filter === undefined
        ? { kind: 'and', filters: [] }
        : lowerLogFilter(loading, message.filter, spot.field('filter')),
    status: message.statusCode,
    body: loadData(loading, message.body, spot.field('body'))?.bytes.toString('utf8'),
    format: lowerReplyFormat(loading, message.bodyFormatOverride, spot.field('body_format_override')),
    headers: lowerAdditions(loading, message.headersToAdd, spot.field('headers_to_add')),
  }
}
